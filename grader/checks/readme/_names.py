"""What the name of a notebook says against the notebook's own log."""

import re
from collections.abc import Sequence

from grader.checks.readme._compare import EPS, value_match
from grader.checks.readme._network import Result
from grader.core.evidence.claims import Claim
from grader.core.evidence.logs import LogEvidence, Origin
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.outcome import Finding, Weight
from grader.core.place import Place

_ACCURACY = re.compile(r"(?<![\d.])(9[5-9])[._](\d{1,2})(?!\d)")


def file_names(notebooks: NotebookEvidence | None, logs: LogEvidence, stated: Sequence[Claim]) -> Result:
    """An accuracy in the name of a notebook that none of its runs reaches; a remark where the README says the true one."""
    findings: list[Finding] = []
    compared = 0
    for notebook in notebooks.readable if notebooks else ():
        runs = [r for r in logs.of(Origin.NOTEBOOK) if r.artefact == notebook.artefact]
        said = _ACCURACY.search(notebook.artefact.rpartition("/")[2].rpartition(".")[0])
        if not said or not runs:
            continue
        compared += 1
        value = float(f"{said[1]}.{said[2]}")
        best = max(runs, key=lambda r: r.best)
        if best.best >= value - EPS:
            continue
        corrected = any(value_match(c, best.best).value == "agrees" for c in stated)
        findings.append(
            Finding(
                message="the name of the notebook says an accuracy that its log does not reach",
                place=Place(artefact=notebook.artefact),
                expected=f"the log's best is {best.best:.2f} % ({best.epochs[best.best_epoch - 1].place})",
                found=f"{value:g} in the file name",
                hint="name the file after what it reaches, or without a number",
                diagnosis="file-name-contradicted",
                weight=Weight.REMARK if corrected else Weight.FAULT,
            )
        )
    return Result(compared, findings)
