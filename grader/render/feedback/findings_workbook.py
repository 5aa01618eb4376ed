"""The findings on a workbook as a workbook of their own, where no copy of the student's can hold them.

Nothing of the student's file is read for it: sheets and cells are named by the findings.
"""

from collections.abc import Iterable

from grader.render import strings
from grader.render.feedback.told import Told
from grader.render.marks_workbook import book_of


def findings_only(told: Iterable[Told]) -> bytes:
    """Return a workbook with one sheet, a finding a row. Every text in it is a text, however it begins."""
    rows = (
        (one.place.sheet or "", one.place.ref or "", one.code, one.word, one.sentence, one.details())
        for one in told
    )
    return book_of((strings.FEEDBACK_SHEET, strings.FEEDBACK_COLUMNS, rows))
