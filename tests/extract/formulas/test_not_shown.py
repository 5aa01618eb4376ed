"""Formulas that no page shows, or that their author struck out, were read like all others.

A derivation in an HTML comment passed, and a right gradient that was struck through hid the wrong one beside it.
"""

import pytest

from grader.core.evidence.formulas import FormulaVerdict
from grader.extract.documents.markdown import markdown_lines
from grader.extract.formulas.assemble import read_document

RIGHT = "∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"
WRONG = "∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h2"


def verdicts(text: str) -> list[FormulaVerdict]:
    found = read_document(markdown_lines(text, "README.md"), "README.md").lines
    return [line.verdict for line in found if line.states == "∂E/∂w5"]


HIDDEN = {
    "a comment of several lines": f"<!--\n## Part 1\n\n{RIGHT}\n-->",
    "a paragraph without display": f'<div style="display:none">\n\n{RIGHT}\n\n</div>',
    "a hidden element": f"<div hidden>\n\n{RIGHT}\n\n</div>",
    "white on white": f'<span style="color: #ffffff">\n{RIGHT}\n</span>',
    "struck through": f"~~{RIGHT}~~",
    "struck through by a tag": f"<del>\n\n{RIGHT}\n\n</del>",
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_what_no_reader_sees_is_for_a_person(kind: str) -> None:
    assert FormulaVerdict.RIGHT not in verdicts(HIDDEN[kind])
    assert verdicts(HIDDEN[kind]) in ([FormulaVerdict.UNSURE], [])
    assert FormulaVerdict.WRONG not in verdicts(HIDDEN[kind].replace(RIGHT, WRONG))


@pytest.mark.parametrize("struck", [f"~~{RIGHT}~~\n\n{WRONG}", f"<s>{RIGHT}</s>\n\n{WRONG}"])
def test_a_right_line_that_is_struck_out_covers_no_wrong_one(struck: str) -> None:
    assert FormulaVerdict.RIGHT not in verdicts(struck)
    assert FormulaVerdict.WRONG in verdicts(struck)


SHOWN = {
    "a correction": f"~~{WRONG}~~\n\n{RIGHT}",
    "a comment above": f"<!-- Part 1\n{WRONG}\n-->\n\n{RIGHT}",
    "a comment that is never closed": f"<!-- Part 1\n\n{RIGHT}",
    "an element that is never closed": f'<div style="display:none">\n\n{RIGHT}',
    "what can be unfolded": f"<details><summary>w5</summary>\n\n{RIGHT}\n\n</details>",
    "a style that shows": f'<div style="color:blue; background-color:white; opacity:0.9">\n\n{RIGHT}\n\n</div>',
    "two signs that mean about": f"0.35 ~~ 0.36\n\n{RIGHT}\n\n0.5 ~~ 0.6",
    "code that shows a comment": f"```\n<!--\n{RIGHT}\n-->\n```",
    "between two comments": f"<!-- a -->\n\n{RIGHT}\n\n<!-- b -->",
    "between two struck words": f"~~old~~\n\n{RIGHT}\n\n~~older~~",
}


@pytest.mark.parametrize("kind", SHOWN)
def test_what_is_shown_counts(kind: str) -> None:
    found = verdicts(SHOWN[kind])
    assert FormulaVerdict.RIGHT in found
    assert FormulaVerdict.WRONG not in found


@pytest.mark.parametrize("part", ["<del>", "<!--", "~~a ", "<div hidden>", "<s>x</s>"])
def test_a_document_full_of_openings_ends(part: str) -> None:
    text = "\n".join([part * 500] * 200)
    assert verdicts(f"{RIGHT}\n\n{text}") == [FormulaVerdict.RIGHT]
