"""Labels of the cells beside a table that hold its inputs and targets."""

import re

from grader.backprop.sheet_names import names

_INPUT = re.compile(r"[\W_]*(?:(i|input|x)|(t|target|y)|b(?:ias)?)[\W_]*(\d)[\W_]*")


def labelled_input(text: str) -> str:
    """The input or target that a label beside the table names (`i1`, `t 2 =`); empty for none."""
    match = _INPUT.fullmatch(text.strip().lower())
    if match is None:
        return ""
    name = ("i" if match[1] else "t" if match[2] else "b") + match[3]
    return name if name in names().inputs else ""
