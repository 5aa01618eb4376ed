"""What the name of a notebook says against the notebook's own log and summary."""

import re
from collections.abc import Sequence

from grader.checks.readme._result import Result
from grader.core.evidence.claims import Claim, What
from grader.core.evidence.logs import LogEvidence, Origin
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.outcome import Finding, Weight
from grader.core.place import Place
from grader.extract.claims.comparison import EPS, RIGHT, count_match, value_match

_ACCURACY = re.compile(r"(?<![\d.])(9[5-9])[._-](\d{1,2})(?!\d)")
_PARAMETERS = re.compile(r"(?<![\d.])(\d{1,3}(?:[._]\d{1,2})?)\s?[kK](?![a-zA-Z])")


def file_names(
    notebooks: NotebookEvidence | None,
    logs: LogEvidence,
    summaries: SummaryEvidence,
    stated: Sequence[Claim],
) -> Result:
    """Numbers in the names of notebooks: an accuracy that no run reaches, a count that the network exceeds.

    A remark where the README says the true number.
    """
    results = [
        result
        for notebook in (notebooks.readable if notebooks else ())
        for stem in [notebook.artefact.rpartition("/")[2].rpartition(".")[0]]
        for result in (
            _accuracy(stem, notebook.artefact, logs, stated),
            _count(stem, notebook.artefact, summaries, stated),
        )
    ]
    return Result(
        sum(r.compared for r in results),
        sum(r.agreeing for r in results),
        tuple(f for r in results for f in r.findings),
    )


def _accuracy(stem: str, path: str, logs: LogEvidence, stated: Sequence[Claim]) -> Result:
    said = _ACCURACY.search(stem)
    runs = [r for r in logs.of(Origin.NOTEBOOK) if r.artefact == path]
    if not said or not runs:
        return Result()
    value = float(f"{said[1]}.{said[2]}")
    best = max(runs, key=lambda r: r.best)
    if best.best >= value - EPS:
        return Result(1, 1)
    epoch = best.epochs[best.best_epoch - 1]
    corrected = any(value_match(c, epoch) in RIGHT for c in stated if c.what is What.ACCURACY)
    finding = Finding(
        message="the name of the notebook says an accuracy that its log does not reach",
        place=Place(artefact=path),
        expected=f"the log's best is {best.best:.2f} % ({epoch.place})",
        found=f"{value:g} in the file name",
        hint="name the file after what it reaches, or without a number",
        diagnosis="file-name-contradicted",
        weight=Weight.REMARK if corrected else Weight.FAULT,
    )
    return Result(1, 0, (finding,))


def _count(stem: str, path: str, summaries: SummaryEvidence, stated: Sequence[Claim]) -> Result:
    """A count in a name may be the assignment's limit (`20k`): only a network that exceeds it
    contradicts it.
    """
    said = _PARAMETERS.search(stem)
    totals = [(total, place) for total, place in summaries.saved_totals if place.artefact == path]
    if not said or not totals:
        return Result()
    digits = said[1].replace("_", ".")
    value = float(digits) * 1000
    unit = 1000.0 * 10.0 ** -len(digits.partition(".")[2])
    total, place = min(totals, key=lambda shown: shown[0])
    if total < value + unit:
        return Result(1, 1)
    corrected = any(count_match(c, total) for c in stated if c.what is What.PARAMETERS)
    finding = Finding(
        message="the name of the notebook says fewer parameters than its summary",
        place=Place(artefact=path),
        expected=f"the summary prints {total:,} ({place})",
        found=f"{said[0]} in the file name",
        hint="name the file after what it holds, or without a number",
        diagnosis="file-name-contradicted",
        weight=Weight.REMARK if corrected else Weight.FAULT,
    )
    return Result(1, 0, (finding,))
