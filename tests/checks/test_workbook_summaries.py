"""What the summaries of the workbook checks may not claim."""

import numpy as np
import openpyxl

from grader.checks.workbook import forward_and_updates
from grader.checks.workbook.gradient_columns import Policy, check
from grader.core.facts.replay import BookVerdict, ReplayFacts
from grader.core.outcome import Verdict
from grader.execute.replay.reference_network import train
from tests.execute.replay.sheets import AT, NAMES, START, formula, replayed, workbook


def test_headers_over_starting_values_alone_have_no_right_gradients() -> None:
    def starting_values_only(book: openpyxl.Workbook) -> None:
        for row in book.worksheets[0].iter_rows(min_row=5):
            for cell in row:
                if cell.row > 5 or cell.column_letter not in {AT[name] for name in START}:
                    cell.value = None

    book = replayed(workbook(edit=starting_values_only))
    outcome = check(ReplayFacts(books=(book,)), Policy())
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.summary.startswith("0 of 8 gradient columns")


def test_a_side_calculation_beside_a_whole_table_neither_fails_nor_hides_it() -> None:
    def runs_side_by_side(book: openpyxl.Workbook) -> None:
        sheet = book.create_sheet("Compare")
        forward = [name for name in NAMES if not name.startswith("∂")]
        for k, header in enumerate((*forward[:-1], "E_tot_0.1", *forward[:-1], "E_tot_0.5", *forward[3:]), 1):
            sheet.cell(1, k, header)
            if k <= len(forward):
                text = START.get(forward[k - 1], formula(forward[k - 1], 2))
                sheet.cell(2, k, text)
            else:
                sheet.cell(2, k, 0.25)

    book = replayed(workbook(edit=runs_side_by_side))
    assert [t.sheet for t in book.tables] == ["Sheet1", "Compare", "Compare", "Compare"]
    facts = ReplayFacts(books=(book,))
    outcome = check(facts, Policy())
    assert (outcome.verdict, outcome.summary) == (
        Verdict.PASS,
        "8 of 8 gradient columns of book.xlsx are the derivatives",
    )
    assert forward_and_updates.check(facts).verdict is Verdict.PASS


def test_typed_rows_of_another_rate_under_a_table_are_wrong_updates() -> None:
    """Rows of η = 2 pasted under a table of η = 0.5: each agrees with itself, and none follows from the row
    above.
    """

    def pasted_rows(book: openpyxl.Workbook) -> None:
        start = {name: np.array([value]) for name, value in START.items()}
        states = train(start, np.array([2.0]), 15)
        for row, state in enumerate(states[12:], 17):
            for name in NAMES:
                key = name.replace("∂E/∂", "d")
                book.worksheets[0][f"{AT[name]}{row}"] = float(state[key][0])

    book = replayed(workbook(edit=pasted_rows))
    assert book.verdict is BookVerdict.WRONG
    outcome = forward_and_updates.check(ReplayFacts(books=(book,)))
    assert outcome.verdict is Verdict.PARTIAL
    assert outcome.summary == "11 of 19 columns of the forward pass and the updates of book.xlsx are right"


def test_right_columns_over_an_input_that_changes_say_what_is_wrong() -> None:
    def another_input(book: openpyxl.Workbook) -> None:
        for row in range(8, 12):
            book.worksheets[0][f"{AT['i1']}{row}"] = 0.06

    outcome = forward_and_updates.check(ReplayFacts(books=(replayed(workbook(edit=another_input)),)))
    assert outcome.verdict is Verdict.PARTIAL
    assert "are right; i1 changes to 0.06" in outcome.summary
