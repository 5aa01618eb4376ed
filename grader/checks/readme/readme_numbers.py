"""The README says what the notebook says.

## What it checks
Parameters, test accuracy, best epoch and number of epochs that the README states, against the notebook's saved outputs: its model
summary and its log. Where there is no notebook, the README's own summary and log are compared with its prose. Requirements copied from the
assignment are no statements, and a number that agrees with any run or any model is right. A README without such numbers contradicts nothing.
Where the network could be run, its counted parameters are as good as the printed ones (a count that differs from them alone is a question),
and building blocks that the README names and the network lacks are shown. A count that leaves out layers which never run is what torchsummary
prints; stated in the README's own words it is a question, and so is an accuracy in the notebook's file name that its log does not reach.

## Why it matters
A README is read before anything is run. If it belongs to another run, or rounds 99.36 up to 99.4, its reader is misled, and so is whoever
builds on it.

## Example
    README.md:3   Total parameters are 18,622
    S6.ipynb      Total params: 19,904

## What to do instead
Write the README after the last run, copy the numbers from its outputs, and round down: 99.36 % is 99.3 % or 99.36 %, never 99.4 %.
"""

from collections.abc import Sequence

import msgspec

from grader.checks.readme._compare import Match, accuracy_match, count_match, nearest
from grader.checks.readme._names import file_names
from grader.checks.readme._network import (
    Result,
    building_blocks,
    counted_parameters,
    unused_parameters,
)
from grader.core.evidence.claims import Claim, ClaimEvidence, On, Sketch, What
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import Evaluation, LogEvidence, Origin, Run
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.network import NetworkFacts
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, unknown
from grader.core.place import Place
from grader.core.rubric import CheckPolicy, Treatment
from grader.core.rule import Rule
from grader.core.submission import Kind


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`rounded_up`: an accuracy that was rounded up (99.46 stated as 99.5). `building_blocks`: a layer that the README
    says it uses and the network lacks; the network's own criterion rules on that, so by default it is no fault here: a person is asked
    where no printed summary shows it either, and it is a remark otherwise.
    """

    rounded_up: Treatment = Treatment.FAIL
    building_blocks: Treatment = Treatment.WARN


def check(
    claims: ClaimEvidence,
    *,
    logs: LogEvidence | None,
    summaries: SummaryEvidence | None,
    network: NetworkFacts | None,
    notebooks: NotebookEvidence | None,
    documents: Documents,
    policy: Policy,
) -> Outcome:
    """Fail where a number matches nothing that was printed; unknown where there is nothing to compare with.

    A README that states no number contradicts nothing and passes; without a notebook that is no agreement, and skipped.
    """
    if not claims.readmes:
        return documents.absent("a README", Kind.README).outcome()
    logs, summaries = logs or LogEvidence(), summaries or SummaryEvidence()
    counted = {network.declared_parameters, network.parameters} if network else set[int]()
    stated = _stated(claims, summaries, counted)
    numbers = [
        _parameters(stated, summaries, claims.sketches, counted)
        if _totals(summaries)
        else counted_parameters(stated, network),
        _accuracies(stated, logs, policy),
        _evaluations(logs),
        _epochs(stated, logs),
        unused_parameters(stated, network),
        file_names(notebooks, logs, [c for c in stated if c.what is What.ACCURACY and c.on is On.TEST]),
    ]
    blocks = building_blocks(
        claims,
        network,
        summaries=summaries,
        notebooks=len(notebooks.readable) if notebooks else 0,
        treatment=policy.building_blocks,
    )
    findings = [f for r in (*numbers, blocks) for f in r.findings]
    faults = [f for f in findings if f.weight is Weight.FAULT]
    compared = sum(r.compared for r in numbers)
    certain = [f for f in faults if f.diagnosis not in _DOUBTS]
    if faults and not certain:
        return unknown(f"{faults[0].message} ({faults[0].place})", findings)
    if certain:
        first = certain[0]
        return failed(f"{first.message}: {first.found} ({first.place}), but {first.expected}", findings)
    if compared:
        agree = "number agrees" if compared == 1 else "numbers agree"
        return passed(f"{compared} {agree} with {_against(logs, summaries)}", findings)
    if any(c.what in _COMPARED for c in stated) or any(e.origin is Origin.README for e in logs.evaluations):
        return unknown("the README states numbers, but nothing that was printed shows them", findings)
    if blocks.compared and not blocks.findings:
        return passed("the README states no number about the network, and the layers that it names are there")
    if notebooks is None or not notebooks.readable:
        stated_none = "the README states no number about the network"
        return documents.absent("a notebook", Kind.NOTEBOOK).outcome(stated_none)
    return passed("the README states no number about the network, so none contradicts the notebook", findings)


def _against(logs: LogEvidence, summaries: SummaryEvidence) -> str:
    """What the numbers were compared with."""
    if logs.of(Origin.NOTEBOOK) or summaries.saved_totals:
        return "the notebook"
    return "the README's own log and summary" if logs.runs or summaries.summaries else "the network that ran"


_COMPARED = (What.PARAMETERS, What.ACCURACY, What.EPOCHS)
"""What a summary or a log prints; a batch size or a dropout's probability stands in the code."""

_DOUBTS = frozenset({
    "summary-of-another-network", "other-experiments", "building-block-nowhere", "unused-parameters",
    "file-name-contradicted", "epochs-missing", "parameters-not-counted",
})  # fmt: skip
"""Diagnoses that ask a person: the README may describe more than the submitted notebook, or more epochs than its output kept, or repeat
what a tool printed."""


def _stated(claims: ClaimEvidence, summaries: SummaryEvidence, counted: set[int]) -> list[Claim]:
    """Claims about the submitted network: no asides, and no section about a model that was never printed."""
    known = {t for t, _ in _totals(summaries)} | counted
    own = [c for c in claims.claims if not c.aside and c.place.cell is None]
    counts = [c for c in own if c.what is What.PARAMETERS]
    matching = {c.section for c in counts if any(count_match(c, t) for t in known)}
    foreign = {c.section for c in counts} - matching if matching else set()
    return [c for c in own if c.section not in foreign]


def _totals(summaries: SummaryEvidence) -> list[tuple[int, Place]]:
    saved = list(summaries.saved_totals)
    quoted = [
        (s.total, s.total_place or s.place)
        for s in summaries.summaries
        if not s.saved and s.total is not None
    ]
    return saved or quoted


def _parameters(
    stated: Sequence[Claim], summaries: SummaryEvidence, sketches: Sequence[Sketch], counted: set[int]
) -> Result:
    totals = _totals(summaries)
    claims = [c for c in stated if c.what is What.PARAMETERS]
    findings: list[Finding] = []
    known = {t for t, _ in totals} | counted
    agreeing = [c for c in claims if any(count_match(c, t) for t in known)]
    seen: set[float] = set()
    for claim in claims:
        if claim in agreeing or claim.value in seen:
            continue
        seen.add(claim.value)
        others = any(c.section != claim.section and abs(c.value - claim.value) >= c.unit for c in claims)
        total, place = min(totals, key=lambda t: abs(t[0] - claim.value))
        sketch = next((s for s in sketches if s.complete and count_match(claim, s.parameters)), None)
        findings.append(
            Finding(
                message="the README's parameter count is not the printed one",
                place=claim.place,
                expected=f"the summary prints {total:,} ({place})",
                found=claim.written,
                hint=_count_hint(sketch, total),
                excerpt=claim.excerpt,
                marked=claim.written,
                diagnosis="other-experiments" if others else "parameters-contradicted",
                weight=Weight.REMARK if agreeing else Weight.FAULT,
            )
        )
    compared = len(claims)
    if summaries.saved_totals:
        quoted = [s for s in summaries.summaries if not s.saved and s.total is not None]
        right = [s for s in quoted if s.total in known]
        for table in quoted:
            compared += 1
            if not right and not agreeing:
                findings.append(
                    Finding(
                        message="the summary in the README is of another network than the notebook's",
                        place=table.total_place or table.place,
                        expected=f"the notebook prints {totals[-1][0]:,} ({totals[-1][1]})",
                        found=f"{table.total:,}",
                        hint="paste the summary that the submitted notebook prints",
                        diagnosis="summary-of-another-network",
                    )
                )
    return Result(compared, findings)


def _count_hint(sketch: Sketch | None, total: int) -> str:
    if sketch:
        return f"the code at {sketch.place} has {sketch.parameters:,} parameters, the summary is of a network with {total:,}: keep one of the two"
    return f"write {total:,}, or print the summary of the network that the README describes"


def _measured(logs: LogEvidence) -> Sequence[Run]:
    return logs.of(Origin.NOTEBOOK) or logs.of(Origin.README)


def _accuracies(stated: Sequence[Claim], logs: LogEvidence, policy: Policy) -> Result:
    runs = _measured(logs)
    claims = [c for c in stated if c.what is What.ACCURACY and c.on is On.TEST]
    if not runs:
        return Result(0, [])
    singles = [e.epoch for e in logs.evaluations if e.origin is runs[0].origin]
    matches = [(claim, accuracy_match(claim, runs, singles)) for claim in claims]
    exact = {c.section for c, m in matches if m is Match.AGREES and c.unit <= 0.01}
    several = _several_experiments(claims)
    cut = [r for r in runs if not r.complete and r.planned is not None and len(r.epochs) < r.planned]
    findings: list[Finding] = []
    for claim, match in matches:
        if match is Match.AGREES or (match is Match.ROUNDED_UP and policy.rounded_up is Treatment.ACCEPT):
            continue
        finding = _accuracy_finding(claim, match, runs, policy)
        if exact and claim.section not in exact:  # the submitted run is described elsewhere
            finding = msgspec.structs.replace(finding, weight=Weight.REMARK)
        elif match is Match.DIFFERS and any(r.best < claim.value for r in cut):
            finding = msgspec.structs.replace(finding, diagnosis="epochs-missing")
        elif several:
            finding = msgspec.structs.replace(finding, diagnosis="other-experiments")
        findings.append(finding)
    return Result(len(claims), findings)


def _several_experiments(claims: Sequence[Claim]) -> bool:
    """Whether the README names different best accuracies in different sections: then it tells of several networks."""
    best = [c for c in claims if c.best]
    return any(abs(a.value - b.value) > 0.05 and a.section != b.section for a in best for b in best)


def _accuracy_finding(claim: Claim, match: Match, runs: Sequence[Run], policy: Policy) -> Finding:
    shown = nearest(claim, runs)
    where = f"epoch {shown.number}"
    if shown.epoch.printed is not None and shown.epoch.printed != shown.number:
        where += f" (printed as {shown.epoch.printed})"
    messages = {
        Match.ROUNDED_UP: "the README's accuracy is rounded up",
        Match.OTHER_EPOCH: "the README's epoch is not the log's",
        Match.DIFFERS: "the README's accuracy is not in the log",
    }
    hints = {
        Match.ROUNDED_UP: f"write {shown.epoch.percent:.2f} %",
        Match.OTHER_EPOCH: f"in the log the best is {shown.run.best:.2f} % in epoch {shown.run.best_epoch}",
        Match.DIFFERS: f"the best of this run is {shown.run.best:.2f} % in epoch {shown.run.best_epoch}, the last is {shown.run.last:.2f} %",
    }
    remark = match is Match.ROUNDED_UP and policy.rounded_up is Treatment.WARN
    epochs = ", ".join(str(n) for n in claim.epochs)
    return Finding(
        message=messages[match],
        place=claim.place,
        expected=f"the log shows {shown.epoch.percent:.2f} % in {where} ({shown.epoch.place})",
        found=claim.written + (f" in epoch {epochs}" if epochs else ""),
        hint=hints[match],
        excerpt=claim.excerpt,
        marked=claim.written,
        diagnosis={
            Match.ROUNDED_UP: "accuracy-rounded-up",
            Match.OTHER_EPOCH: "epoch-contradicted",
            Match.DIFFERS: "accuracy-contradicted",
        }[match],
        weight=Weight.REMARK if remark else Weight.FAULT,
    )


def _evaluations(logs: LogEvidence) -> Result:
    """A final evaluation quoted in the README has to be one of the log's accuracies, or of the notebook's evaluations."""
    runs = _measured(logs)
    quoted = [e for e in logs.evaluations if e.origin is Origin.README and e.epoch.total is not None]
    if not runs:
        return Result(0, [])
    printed = [e.epoch for e in logs.evaluations if e.origin is Origin.NOTEBOOK]
    findings = [
        _evaluation_finding(e, runs)
        for e in quoted
        if not _was_printed(e, runs, [p.percent for p in printed])
    ]
    return Result(len(quoted), findings)


def _was_printed(evaluation: Evaluation, runs: Sequence[Run], singles: Sequence[float]) -> bool:
    values = [e.percent for r in runs for e in r.epochs] + list(singles)
    return any(abs(evaluation.epoch.percent - v) <= evaluation.epoch.half_unit + 0.0051 for v in values)


def _evaluation_finding(evaluation: Evaluation, runs: Sequence[Run]) -> Finding:
    epoch = evaluation.epoch
    run = min(runs, key=lambda r: abs(r.best - epoch.percent))
    return Finding(
        message="the README's final test accuracy is not in the log",
        place=epoch.place,
        expected=f"the log's best is {run.best:.2f} %, its last {run.last:.2f} % ({run.place})",
        found=f"{epoch.percent:.2f} %",
        hint="quote the evaluation that the submitted notebook prints",
        excerpt=epoch.excerpt,
        diagnosis="accuracy-contradicted",
    )


def _epochs(stated: Sequence[Claim], logs: LogEvidence) -> Result:
    runs = _measured(logs)
    claims = [c for c in stated if c.what is What.EPOCHS]
    if not runs or not claims:
        return Result(0, [])
    lengths = (
        {len(r.epochs) for r in runs}
        | {r.planned for r in runs if r.planned}
        | {sum(len(r.epochs) for r in runs)}
    )
    named = {n for c in stated if c.what is What.ACCURACY for n in c.epochs}
    agrees = any(int(c.value) in lengths for c in claims) or bool(named & {len(r.epochs) for r in runs})
    agrees = agrees or len({c.value for c in claims}) > 1  # several experiments
    incomplete = any(not r.complete and len(r.epochs) < c.value for r in runs for c in claims)
    findings: list[Finding] = []
    seen: set[float] = set()
    for claim in claims:
        if int(claim.value) in lengths or claim.value in seen or incomplete:
            continue
        seen.add(claim.value)
        run = min(runs, key=lambda r: abs(len(r.epochs) - claim.value))
        findings.append(
            Finding(
                message="the README's number of epochs is not the log's",
                place=claim.place,
                expected=f"the log has {len(run.epochs)} epochs ({run.place})",
                found=claim.written,
                hint=f"write {len(run.epochs)}; range(1, {len(run.epochs) + 1}) runs {len(run.epochs)} epochs",
                excerpt=claim.excerpt,
                marked=claim.written,
                diagnosis="epochs-contradicted",
                weight=Weight.REMARK if agrees else Weight.FAULT,
            )
        )
    return Result(len(claims), findings)


rule = Rule(code="RD701", name="readme-numbers", check=check)
