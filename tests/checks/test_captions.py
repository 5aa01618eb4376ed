"""A formula as text in a cell beside cells that compute the quantity: a caption's slip is no fault of the cells."""

import openpyxl
import pytest

from grader.checks.backprop import final_gradients
from grader.core.evidence.formulas import FormulaEvidence
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Outcome, Verdict
from grader.core.rubric import Profile
from grader.execute.replay.book.replay_book import replay_book
from grader.extract.formulas.assemble import read_document
from grader.extract.formulas.document.workbook_texts import workbook_lines
from grader.extract.workbook.child import read
from tests.execute.replay.sheets import AT, HEADER, workbook
from tests.generate.derivation import gradients

RIGHT = gradients(Profile().network)
NO_BRACKETS = [line.replace("(a_o1 - t1)", "a_o1 - t1").replace("(a_o2 - t2)", "a_o2 - t2") for line in RIGHT]


def judged(captions: list[str], *, wrong_column: str = "") -> Outcome:
    def edit(book: openpyxl.Workbook) -> None:
        sheet = book.active
        assert sheet is not None
        for k, caption in enumerate(captions):
            sheet.cell(30 + k, 1, caption)
        for row in range(HEADER + 1, HEADER + 13) if wrong_column else ():
            cell = sheet[f"{AT[wrong_column]}{row}"]
            cell.value = f"{cell.value}*2"

    book = read(workbook(edit=edit), "book.xlsx")
    replay = ReplayFacts(books=(replay_book(book, Profile()),))
    cells = read_document(workbook_lines(book), "book.xlsx", main=False)
    evidence = FormulaEvidence(documents=(), unread=(), workbooks=(cells,))
    return final_gradients.check(evidence, final_gradients.Policy(), replay=replay)


def test_captions_without_brackets_beside_right_cells_are_for_a_person() -> None:
    """Eight captions of a real sheet lack a bracket each; its columns are right, and it was failed for all."""
    outcome = judged(NO_BRACKETS)
    assert outcome.verdict is Verdict.UNKNOWN
    assert "compute it right" in outcome.findings[0].found


def test_right_captions_pass() -> None:
    assert judged(RIGHT).verdict is Verdict.PASS


@pytest.mark.parametrize("weight", [1, 5])
def test_a_caption_as_wrong_as_its_cells_is_wrong(weight: int) -> None:
    captions = [f"{line} * 2" if line.startswith(f"∂E/∂w{weight} ") else line for line in RIGHT]
    outcome = judged(captions, wrong_column=f"∂E/∂w{weight}")
    assert outcome.verdict is Verdict.PARTIAL
    assert outcome.credit == 7 / 8
