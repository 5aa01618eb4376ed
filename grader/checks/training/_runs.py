"""Which of the logs a training check rules on: those of the submitted notebook, and no other's in their
place.

One network, one log and one recipe are judged together. Where the submitted notebook saved no log and another
one did, the check cannot tell whose training is meant, and a person chooses.
"""

from collections.abc import Iterable
from typing import NamedTuple

from grader.core.evidence.logs import LogEvidence, Origin, Run
from grader.core.outcome import Finding, Outcome, Verdict, unknown


class Runs(NamedTuple):
    """The runs that are judged, and the saved runs of other notebooks."""

    judged: tuple[Run, ...]
    elsewhere: tuple[Run, ...]

    @property
    def of_another(self) -> str:
        """The notebook whose log is there while the submitted one has none; empty where it has."""
        return self.elsewhere[0].artefact if self.elsewhere and not self.judged else ""


def submitted(logs: LogEvidence) -> Runs:
    """Return the runs that the submitted notebook saved; those that a README quotes where no notebook saved
    any.
    """
    saved = logs.of(Origin.NOTEBOOK)
    main = tuple(run for run in saved if run.main)
    elsewhere = tuple(run for run in saved if not run.main)
    return Runs(main if saved else logs.of(Origin.README), elsewhere)


def unless_another(failure: Outcome, elsewhere: Iterable[Run]) -> Outcome:
    """Ask a person in place of a fail where a run of another notebook has what the submitted one lacks."""
    runs = list(elsewhere)
    if failure.verdict is not Verdict.FAIL or not runs:
        return failure
    text = f"{failure.summary}; {runs[0].artefact} has it: which notebook is the submission?"
    return unknown(text, [*(another_notebook(run) for run in runs), *failure.findings])


def another_notebook(run: Run) -> Finding:
    """Say that a log is of a notebook that is not the submitted one."""
    return Finding(
        message="this log belongs to a notebook that is not the main one",
        place=run.place,
        expected="a log in the main notebook",
        found=f"{len(run.epochs)} epochs, best {run.best:.2f} %",
        hint="run the main notebook and keep its output, or name this one in the README as the submission",
        excerpt=run.epochs[0].excerpt,
        diagnosis="log-of-another-notebook",
    )
