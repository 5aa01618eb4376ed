"""Accuracies and numbers of epochs that the README states, against the saved log."""

from collections.abc import Sequence

import msgspec

from grader.checks.readme._quoted_log import align, changed
from grader.checks.readme._result import Result
from grader.core.evidence.claims import Claim
from grader.core.evidence.logs import Epoch, LogEvidence, Origin, Run, SequenceKind
from grader.core.outcome import Finding, Weight
from grader.core.rubric import Treatment
from grader.extract.claims.comparison import RIGHT, Comparison, Match, nearest


def stated_accuracies(compared: Comparison, rounded_up: Treatment) -> Result:
    """Accuracies in prose, each compared with every run."""
    runs = compared.runs
    if not runs:
        return Result()
    claims = [c.claim for c in compared.accuracies]
    several = _several_experiments(claims)
    cut = [r for r in runs if _lacks_epochs(r)]
    findings: list[Finding] = []
    agreeing = 0
    for claim, match, elsewhere in compared.accuracies:
        if match is Match.OPEN:
            continue
        if match in RIGHT or (match is Match.ROUNDED_UP and rounded_up is Treatment.ACCEPT):
            agreeing += 1
            if match is Match.AS_PRINTED:
                findings.append(_finding(claim, match, runs, Weight.REMARK))
            continue
        warned = match is Match.ROUNDED_UP and rounded_up is Treatment.WARN
        finding = _finding(claim, match, runs, Weight.REMARK if warned else Weight.FAULT)
        if elsewhere:  # the submitted run is described in another section
            finding = msgspec.structs.replace(finding, weight=Weight.REMARK)
        elif match in (Match.DIFFERS, Match.ROUNDED_UP) and any(_may_hold(r, claim) for r in cut):
            finding = msgspec.structs.replace(finding, diagnosis="epochs-missing")
        elif several or claim.numbered:
            finding = msgspec.structs.replace(finding, diagnosis="other-experiments")
        findings.append(finding)
    return Result(len(claims), agreeing, tuple(findings))


def _lacks_epochs(run: Run) -> bool:
    """Whether an output shows fewer epochs than were planned, than its own numbers count, or than two."""
    numbered = max((e.printed for e in run.epochs if e.printed is not None), default=0)
    expected = max(run.planned or 0, numbered, 2)
    return not run.complete and len(run.epochs) < expected


def _may_hold(run: Run, claim: Claim) -> bool:
    """Whether epochs that an output lacks may have had an accuracy: beside new bests alone, a lower one."""
    return run.best < claim.value or (run.kind is SequenceKind.EXCERPT and not claim.best)


def _several_experiments(claims: Sequence[Claim]) -> bool:
    """Whether the README names different best accuracies in different sections: then it tells of several
    networks.
    """
    best = [c for c in claims if c.best]
    return any(abs(a.value - b.value) > 0.05 and a.section != b.section for a in best for b in best)


_MESSAGES = {
    Match.AS_PRINTED: "the README gives a figure that is rounded up, as the log prints it or "
    "beside the exact one",
    Match.ROUNDED_UP: "the README's accuracy is rounded up",
    Match.OTHER_EPOCH: "the README's epoch is not the log's",
    Match.DIFFERS: "the README's accuracy is not in the log",
}
_DIAGNOSES = {
    Match.AS_PRINTED: "accuracy-as-printed",
    Match.ROUNDED_UP: "accuracy-rounded-up",
    Match.OTHER_EPOCH: "epoch-contradicted",
    Match.DIFFERS: "accuracy-contradicted",
}


def _finding(claim: Claim, match: Match, runs: Sequence[Run], weight: Weight) -> Finding:
    shown = nearest(claim, runs)
    best = f"{shown.run.best:.2f} % in epoch {shown.run.best_epoch + shown.run.before}"
    where = f"epoch {shown.number}"
    if shown.epoch.printed is not None and shown.epoch.printed != shown.number:
        where += f" (printed as {shown.epoch.printed})"
    hints = {
        Match.OTHER_EPOCH: f"in the log the best is {best}",
        Match.DIFFERS: f"the best of this run is {best}, the last is {shown.run.last:.2f} %",
    }
    named = ", ".join(str(n) for n in claim.epochs)
    when = f" in epoch {named}" if named else f" within {claim.within} epochs" if claim.within else ""
    return Finding(
        message=_MESSAGES[match],
        place=claim.place,
        expected=f"the log shows {shown.epoch.percent:.2f} % in {where} ({shown.epoch.place})",
        found=claim.written + when,
        hint=hints.get(match, f"write {shown.epoch.percent:.2f} %"),
        excerpt=claim.excerpt,
        marked=claim.written,
        diagnosis=_DIAGNOSES[match],
        weight=weight,
    )


def quoted_evaluations(compared: Comparison, logs: LogEvidence) -> Result:
    """A final evaluation or a single epoch quoted in the README has to be one of the log's accuracies, or of
    the notebook's evaluations.
    """
    runs = compared.runs
    quoted = [
        e.epoch
        for e in logs.evaluations
        if e.origin is Origin.README and e.epoch.total is not None and e.kind is SequenceKind.SINGLE
    ]
    alone = (r.epochs[0] for r in logs.of(Origin.README) if len(r.epochs) == 1 and r not in runs)
    quoted += [epoch for epoch in alone if epoch.total is not None]
    if not runs:
        return Result()
    printed = [e.epoch.percent for e in logs.evaluations if e.origin is Origin.NOTEBOOK]
    missing = [e for e in quoted if not _was_printed(e, runs, printed)]
    findings = tuple(_evaluation_finding(e, runs) for e in missing)
    # A table of runs may tell of trainings that nobody handed in: only what was printed counts, and nothing
    # is missed.
    listed = [
        e.epoch
        for e in logs.evaluations
        if e.origin is Origin.README and e.kind is SequenceKind.TABLE_OF_RUNS
    ]
    known = sum(_was_printed(e, runs, printed) for e in listed)
    return Result(len(quoted) + known, len(quoted) - len(missing) + known, findings)


MOSTLY_EQUAL = 0.8
"""Share of equal epochs from which on a quoted log is the notebook's, with values that are not."""


def quoted_logs(logs: LogEvidence) -> Result:
    """Logs and tables of epochs that the README quotes: one whose epochs are the notebook's but for some asks
    a person; one of another run may be of an earlier attempt, and is left alone.
    """
    saved = logs.of(Origin.NOTEBOOK)
    findings: list[Finding] = []
    for run in logs.of(Origin.README) if saved else ():
        best = max((align(run, other) for other in saved), key=lambda a: (len(a.pairs), -len(a.run.epochs)))
        numbers = {e.printed or at for at, e in enumerate(best.run.epochs, 1)}
        equal = {at for at, _ in best.pairs}
        numbered = all(e.printed in numbers for at, e in enumerate(run.epochs) if at not in equal)
        if numbered and best.changed(run, MOSTLY_EQUAL):
            findings.append(msgspec.structs.replace(changed(run, best), diagnosis="quoted-epoch-changed"))
    return Result(len(findings), 0, tuple(findings))


def _was_printed(quoted: Epoch, runs: Sequence[Run], singles: Sequence[float]) -> bool:
    values = [e.percent for r in runs for e in r.epochs] + list(singles)
    return any(abs(quoted.percent - v) <= quoted.half_unit + 0.0051 for v in values)


def _evaluation_finding(epoch: Epoch, runs: Sequence[Run]) -> Finding:
    run = min(runs, key=lambda r: abs(r.best - epoch.percent))
    return Finding(
        message="the test accuracy that the README quotes is not in the log",
        place=epoch.place,
        expected=f"the log's best is {run.best:.2f} %, its last {run.last:.2f} % ({run.place})",
        found=f"{epoch.percent:.2f} %",
        hint="quote the evaluation that the submitted notebook prints",
        excerpt=epoch.excerpt,
        diagnosis="accuracy-contradicted",
    )


def stated_epochs(compared: Comparison) -> Result:
    """Numbers of epochs in prose; of several different ones the others are of other experiments."""
    runs, claims = compared.runs, [c.claim for c in compared.epochs]
    if not runs or not claims:
        return Result()
    agreeing = sum(c.match is Match.AGREES for c in compared.epochs)
    if any(c.match is Match.OPEN for c in compared.epochs):
        return Result(len(claims), agreeing)
    findings: list[Finding] = []
    seen: set[float] = set()
    for claim, match, elsewhere in compared.epochs:
        if match is Match.AGREES or claim.value in seen:
            continue
        seen.add(claim.value)
        run = min(runs, key=lambda r: abs(len(r.epochs) - claim.value))
        count = run.before + len(run.epochs)
        findings.append(
            Finding(
                message="the README's number of epochs is not the log's",
                place=claim.place,
                expected=f"the log has {count} epochs ({run.place})",
                found=claim.written,
                hint=f"write {count}; range(1, {count + 1}) runs {count} epochs",
                excerpt=claim.excerpt,
                marked=claim.written,
                diagnosis="other-experiments" if claim.numbered else "epochs-contradicted",
                weight=Weight.REMARK if elsewhere else Weight.FAULT,
            )
        )
    return Result(len(claims), agreeing, tuple(findings))
