"""The exit status of a graded submission or class."""

from collections.abc import Iterable, Sequence

import msgspec

from grader.core.outcome import Verdict
from grader.core.report import Report
from grader.core.spool import only

DONE, NOT_PASSED, USAGE, OUR_FAULT, NEEDS_A_PERSON, INTERRUPTED = 0, 1, 2, 3, 4, 130


class _Ruled(msgspec.Struct):
    verdict: Verdict


class Verdicts(msgspec.Struct):
    """The verdicts of a report."""

    outcomes: tuple[_Ruled, ...]


def status(report: Report | Verdicts) -> int:
    """3 if any outcome is our fault, else 4 if a person must look, else 1 if anything is not passed, else 0.

    A skip for want of data or hardware does not count.
    """
    verdicts = {m.verdict for m in report.outcomes}
    if Verdict.ERROR in verdicts:
        return OUR_FAULT
    if Verdict.UNKNOWN in verdicts:
        return NEEDS_A_PERSON
    if Verdict.FAIL in verdicts or Verdict.PARTIAL in verdicts:
        return NOT_PASSED
    return DONE


def worst_status(reports: Sequence[Report], refused: Iterable[str] = ()) -> int:
    """The worst of a class, by the same order as `status`; `refused` are the reasons why some could not be
    read at all.
    """
    from grader.pipeline.judging.reports import OUR_FAILURE

    found = {status(r) for r in only(reports, Verdicts)}
    found |= {OUR_FAULT if reason.startswith(OUR_FAILURE) else NEEDS_A_PERSON for reason in refused}
    return next((s for s in (OUR_FAULT, NEEDS_A_PERSON, NOT_PASSED) if s in found), DONE)
