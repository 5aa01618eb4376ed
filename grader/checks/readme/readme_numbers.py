"""The README says what the notebook says.

## What it checks
Parameters, test accuracy, best epoch and number of epochs that the README states, against the notebook's
saved outputs: its model summary and its log. Where there is no notebook, the README's own summary and log are
compared with its prose. Requirements copied from the assignment are no statements, and a number that agrees
with any run or any model is right. A README without such numbers contradicts nothing; a number that may be
one, in words that are not understood, in a heading or a badge, is a question where nothing printed shows it.
Where the network could be run, its counted parameters are as good as the printed ones (a count that differs
from them alone is a question), and building blocks that the README names and the network lacks are shown. A
count that leaves out layers which never run is what torchsummary prints; stated in the README's own words it
is a question, and so are an accuracy in the notebook's file name that its log does not reach, and a quoted
log or table of epochs that is the notebook's but for some of its values.

## Why it matters
A README is read before anything is run. If it belongs to another run, or rounds 99.36 up to 99.4, its reader
is misled, and so is whoever builds on it.

## Example
    README.md:3   Total parameters are 18,622
    S6.ipynb      Total params: 19,904

## What to do instead
Write the README after the last run, copy the numbers from its outputs, and round down: 99.36 % is 99.3 % or
99.36 %, never 99.4 %.
"""

from collections.abc import Sequence

from grader.checks.readme._file_names import file_names
from grader.checks.readme._network import building_blocks
from grader.checks.readme._parameters import quoted_summaries, stated_parameters, unused_parameters
from grader.checks.readme._result import Result
from grader.checks.readme._training import (
    quoted_evaluations,
    quoted_logs,
    stated_accuracies,
    stated_epochs,
)
from grader.core.evidence.claims import Claim, ClaimEvidence, On, What
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import LogEvidence, Origin
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.network import NetworkFacts
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, unknown
from grader.core.rubric import CheckPolicy, Treatment
from grader.core.rule import Rule
from grader.core.submission import Kind
from grader.extract.claims.comparison import RIGHT, Comparison, compare
from grader.extract.claims.loose_numbers import Loose, loose_numbers


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`rounded_up`: an accuracy that was rounded up (99.46 stated as 99.5). `building_blocks`: a layer that
    the README says it uses and the network lacks; the network's own criterion rules on that, so by default it
    is no fault here: a person is asked where no printed summary shows it either, and it is a remark
    otherwise.
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

    A README that states no number contradicts nothing and passes; without a notebook that is no agreement,
    and skipped.
    """
    if not claims.readmes:
        return documents.absent("a README", Kind.README).outcome()
    logs, summaries = logs or LogEvidence(), summaries or SummaryEvidence()
    compared = compare(claims, logs, summaries, network)
    tested = [c for c in compared.stated if c.what is not What.ACCURACY or c.on is On.TEST]
    numbers = [
        stated_parameters(compared, claims.sketches, network),
        quoted_summaries(compared, summaries, network),
        stated_accuracies(compared, policy.rounded_up),
        quoted_evaluations(compared, logs),
        quoted_logs(logs),
        stated_epochs(compared),
        unused_parameters(compared.stated, network),
        file_names(notebooks, logs, summaries, tested),
    ]
    blocks = building_blocks(
        claims,
        network,
        summaries=summaries,
        notebooks=len(notebooks.readable) if notebooks else 0,
        treatment=policy.building_blocks,
    )
    findings = [f for r in (*numbers, blocks) for f in r.findings]
    if ruled := _contradicted(findings):
        return ruled
    loose = loose_numbers(claims, compared)
    if loose.above and not any(c.match in RIGHT for c in compared.accuracies):
        return _unplaced_numbers(loose.above, findings)
    if any(r.compared for r in numbers):
        return passed(_agreement(numbers, compared, logs, summaries), findings)
    if _states_something(compared, logs, summaries) and (loose.unplaced or not loose.shown):
        return unknown("the README states numbers, but nothing that was printed shows them", findings)
    if rest := documents.unread(Kind.README):
        return unknown(
            f"no number about the network was found, but {rest[0].path}: {rest[0].problem}", findings
        )
    if found := _loosely(loose, findings):
        return found
    if blocks.compared and not blocks.findings:
        return passed("the README states no number about the network, and the layers that it names are there")
    if notebooks is None or not notebooks.readable:
        stated_none = "the README states no number about the network"
        return documents.absent("a notebook", Kind.NOTEBOOK).outcome(stated_none)
    return passed("the README states no number about the network, so none contradicts the notebook", findings)


def _loosely(loose: Loose, findings: Sequence[Finding]) -> Outcome | None:
    """What follows from numbers whose sentence is not understood; None where there is none."""
    if loose.unplaced:
        return _unplaced_numbers(loose.unplaced, findings)
    if not loose.shown:
        return None
    some = (
        "1 number of the README stands" if loose.shown == 1 else f"{loose.shown} numbers of the README stand"
    )
    return passed(f"{some} in what the notebook prints", findings)


def _unplaced_numbers(claims: Sequence[Claim], findings: Sequence[Finding]) -> Outcome:
    first = claims[0]
    return unknown(
        f"what {first.written} ({first.place}) says of the network could not be told, and nothing "
        "that was printed shows it",
        [*findings, *map(_unplaced, claims)],
    )


def _unplaced(claim: Claim) -> Finding:
    return Finding(
        message=f"this may state {_WHAT[claim.what]} that nothing printed shows",
        place=claim.place,
        expected="a number that the notebook's log or summary shows",
        found=claim.written,
        hint="say what it is and of which run, such as `Best test accuracy: 99.43 % in epoch 14`",
        excerpt=claim.excerpt,
        marked=claim.written if claim.written in claim.excerpt else "",
        diagnosis="number-not-placed",
        weight=Weight.REMARK,
    )


_WHAT = {
    What.ACCURACY: "an accuracy",
    What.PARAMETERS: "a number of parameters",
    What.EPOCHS: "a number of epochs",
}


def _contradicted(findings: Sequence[Finding]) -> Outcome | None:
    """A fault that is certain fails; one that may have another reason asks a person; None where there is
    neither.
    """
    faults = [f for f in findings if f.weight is Weight.FAULT]
    certain = [f for f in faults if f.diagnosis not in _DOUBTS]
    if certain:
        first = certain[0]
        return failed(f"{first.message}: {first.found} ({first.place}), but {first.expected}", findings)
    return unknown(f"{faults[0].message} ({faults[0].place})", findings) if faults else None


def _agreement(
    numbers: Sequence[Result], compared: Comparison, logs: LogEvidence, summaries: SummaryEvidence
) -> str:
    """Say how many numbers agree with what; what was only remarked on is not counted."""
    agreeing = sum(r.agreeing for r in numbers)
    against = "the network that ran"
    if logs.of(Origin.NOTEBOOK) or summaries.saved_totals:
        against = "the notebook"
    elif compared.runs or compared.totals:
        against = "the README's own log and summary"
    if not agreeing:
        return f"no number of the README contradicts {against} for certain"
    return f"{agreeing} {'number agrees' if agreeing == 1 else 'numbers agree'} with {against}"


def _states_something(compared: Comparison, logs: LogEvidence, summaries: SummaryEvidence) -> bool:
    """Whether the README holds any number that a log or a summary would show: in prose, in a quoted summary
    or evaluation.
    """
    return (
        any(c.what in _COMPARED for c in compared.stated)
        or any(e.origin is Origin.README for e in logs.evaluations)
        or any(not s.saved and s.total is not None and s.place.cell is None for s in summaries.summaries)
    )


_COMPARED = (What.PARAMETERS, What.ACCURACY, What.EPOCHS)
"""What a summary or a log prints; a batch size or a dropout's probability stands in the code."""

_DOUBTS = frozenset({
    "summary-of-another-network", "other-experiments", "building-block-nowhere", "unused-parameters",
    "file-name-contradicted", "epochs-missing", "parameters-not-counted", "quoted-epoch-changed",
})  # fmt: skip
"""Diagnoses that ask a person: the README may describe more than the submitted notebook, or more epochs than
its output kept, or repeat what a tool printed.
"""

rule = Rule(code="RD701", name="readme-numbers", check=check)
