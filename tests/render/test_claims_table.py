"""The table of claims on the page says what the README check ruled: both show one comparison."""

import pytest

from grader.checks.readme import readme_numbers
from grader.core.evidence.claims import Claim, ClaimEvidence, What
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import Epoch, LogEvidence, Origin, Run
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.outcome import Verdict
from grader.core.place import Place
from grader.core.rubric import Treatment
from grader.render.claims_table import claims_of
from grader.render.student_parts import Agreement


def _claims(value: float, unit: float, *, epochs: tuple[int, ...] = ()) -> ClaimEvidence:
    claim = Claim(
        what=What.ACCURACY,
        value=value,
        unit=unit,
        place=Place(artefact="README.md", line=3),
        written=f"{value:g}%",
        excerpt=f"Best test accuracy: {value:g}%",
        best=True,
        epochs=epochs,
    )
    return ClaimEvidence(claims=(claim,), readmes=1)


def _logs(shown: str = "") -> LogEvidence:
    epochs = tuple(
        Epoch(
            place=Place(artefact="S4.ipynb", cell=1, line=line),
            percent=correct / 100,
            printed=line,
            correct=correct,
            total=10_000,
            shown=shown,
        )
        for line, correct in enumerate((9_780, 9_902, 9_946, 9_941), 1)
    )
    run = Run(origin=Origin.NOTEBOOK, artefact="S4.ipynb", main=True, epochs=epochs, planned=4)
    return LogEvidence(runs=(run,), notebooks=1, notebooks_with_outputs=1)


@pytest.mark.parametrize(
    ("claims", "shown", "policy", "verdict", "agrees"),
    [
        (_claims(99.46, 0.01), "", Treatment.FAIL, Verdict.PASS, Agreement.YES),
        (_claims(99.4, 0.1), "", Treatment.FAIL, Verdict.PASS, Agreement.YES),
        (_claims(99.5, 0.1), "", Treatment.FAIL, Verdict.FAIL, Agreement.NO),
        (_claims(99.5, 0.1), "", Treatment.WARN, Verdict.PASS, Agreement.OPEN),
        (_claims(99.5, 0.1), "", Treatment.ACCEPT, Verdict.PASS, Agreement.YES),
        (_claims(99.5, 0.1), "99.5", Treatment.FAIL, Verdict.PASS, Agreement.YES),
        (_claims(99.46, 0.01, epochs=(2,)), "", Treatment.FAIL, Verdict.FAIL, Agreement.NO),
        (_claims(99.46, 0.01, epochs=(3,)), "", Treatment.FAIL, Verdict.PASS, Agreement.YES),
        (_claims(99.6, 0.1), "", Treatment.FAIL, Verdict.FAIL, Agreement.NO),
    ],
)
def test_page_and_check_never_say_two_things(
    claims: ClaimEvidence, shown: str, policy: Treatment, verdict: Verdict, agrees: Agreement
) -> None:
    logs = _logs(shown)
    outcome = readme_numbers.check(
        claims,
        logs=logs,
        summaries=SummaryEvidence(),
        network=None,
        notebooks=None,
        documents=Documents(documents=()),
        policy=readme_numbers.Policy(rounded_up=policy),
    )
    assert outcome.verdict is verdict
    lines = {line.what: line for line in claims_of({"ClaimEvidence": claims, "LogEvidence": logs}, policy)}
    assert lines["Best test accuracy"].agrees is agrees
