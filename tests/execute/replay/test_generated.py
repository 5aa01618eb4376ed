"""Every defect that the generator can make is detected, and its cells are named; right books are left
alone.
"""

from __future__ import annotations

import random

import pytest

from grader.core.facts.replay import BookVerdict, Severity
from tests.execute.replay.generated import RIGHT_TODAY, named, truth_cells
from tests.execute.replay.sheets import replayed
from tests.generate.formulas import Defect
from tests.generate.workbook import make, random_spec

pytestmark = pytest.mark.slow

SILENT = {Defect.NONE, Defect.WRONG_CLASS_VALUES}
"""Nothing is wrong with the cells themselves."""


@pytest.mark.parametrize("defect", sorted(Defect))
def test_a_defect_is_detected_and_its_cells_are_named(defect: Defect) -> None:
    spec = random_spec(random.Random(f"{defect}-2"), defect=defect, rows=24)
    data, truth = make(spec)
    book = replayed(data)
    if truth.mathematics_right or (defect in RIGHT_TODAY and not spec.inherited):
        assert book.verdict is BookVerdict.CORRECT
        assert [f for f in book.faults if f.severity is Severity.FAIL] == []
    else:
        assert book.verdict is BookVerdict.WRONG
    if defect in SILENT and not spec.inherited:
        assert book.faults == ()
    else:
        assert book.faults
        if defect is not Defect.LYING_TITLE:
            assert named(book) == truth_cells(truth)


@pytest.mark.parametrize("seed", range(12))
def test_right_books_in_any_layout_are_correct(seed: int) -> None:
    data, truth = make(random_spec(random.Random(seed), defect=Defect.NONE, rows=16))
    book = replayed(data)
    assert book.faults == ()
    assert book.verdict is BookVerdict.CORRECT
    assert [(t.sheet, t.header_row, t.iterations, t.eta) for t in book.tables] == [
        (p.sheet, p.header_row, p.iterations, p.eta) for p in truth.tables
    ]
