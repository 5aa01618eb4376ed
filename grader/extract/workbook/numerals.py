"""Numbers that stand in a cell as text: `'0,15`, `0.15 `, `−0.3`, `5%`."""

import re

_WRITTEN = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?%?")


def written_number(text: str) -> float | None:
    """The number that a text spells, with a decimal point or a decimal comma; None where it spells none."""
    if len(text) > 60:
        return None
    bare = text.replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", " ").strip().lstrip("'")
    if not _WRITTEN.fullmatch(bare):
        return None
    number = float(bare.rstrip("%").replace(",", "."))
    return number / 100.0 if bare.endswith("%") else number
