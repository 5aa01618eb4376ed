"""Entries of lists in programs: which list counts from zero is told by the program, list by list."""

import pytest

from grader.core.evidence.documents import Block, SourceLine
from grader.core.place import Place
from grader.extract.formulas.document.program_lines import as_assignments

GRADIENT = "dw[1] = ((a_o1 - t1) * w[5] + (a_o2 - t2) * w[7]) * a_h1 * (1 - a_h1) * i1"


def read(*lines: str) -> list[str]:
    fenced = [
        SourceLine(Place(artefact="README.md", line=n), text, Block.FENCE) for n, text in enumerate(lines, 1)
    ]
    return [line.text for line in as_assignments(fenced)]


@pytest.mark.parametrize("other", ["losses[0] = E", "x[0] = 0.05", "history[0] = loss"])
def test_a_list_of_something_else_that_counts_from_zero_moves_no_weight(other: str) -> None:
    """A right gradient was read with the weights w6 and w8 in the place of w5 and w7."""
    assert not any("w[6]" in line or "w[8]" in line for line in read(other, GRADIENT))


def test_weights_count_as_their_gradients_do() -> None:
    found = read("dw[0] = (a_o1 - t1) * w[4] * a_h1 * (1 - a_h1) * i1")
    assert any("w[5]" in line and "dw[1]" in line for line in found)
