"""What the summaries of the workbook checks may not claim."""

import openpyxl

from grader.checks.workbook.gradient_columns import Policy, check
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Verdict
from tests.execute.replay.sheets import AT, START, replayed, workbook


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
