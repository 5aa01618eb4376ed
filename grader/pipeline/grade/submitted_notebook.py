"""What a notebook shows that may not be the submitted one is for a person to rule on: neither a fault nor
credit.
"""

from typing import Final

import msgspec

from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.network import NetworkFacts
from grader.core.outcome import Finding, Outcome, Verdict
from grader.core.place import Place
from grader.core.rule import Rule
from grader.core.submission import Kind, Submission
from grader.pipeline.grade.products import Known
from grader.pipeline.plan.providers import EXECUTING, by_product

CONSULTED: Final = frozenset({NetworkFacts.__name__, SummaryEvidence.__name__})
"""Products that a ruling is settled by, whether its check asks for them or not."""


def settle(outcome: Outcome, rule: Rule, known: Known) -> Outcome:
    """Turn a ruling into `unknown` where it rests on running one of several notebooks that could be the
    submitted one.

    A ruling on the network stands where every other candidate prints a summary with the same number of
    parameters: whichever is meant, it is that network.
    """
    if outcome.verdict not in (Verdict.FAIL, Verdict.PARTIAL, Verdict.PASS):
        return outcome
    makers = by_product()
    executed = {
        need.type
        for need in rule.needs
        if (maker := makers.get(need.type.__name__)) is not None
        and maker.phase in EXECUTING
        and not need.optional
    }
    others = _candidates(known.submission) if executed else []
    if not others or (executed == {NetworkFacts} and _same_network(others, known)):
        return outcome
    finding = Finding(
        message="this notebook could be the submitted one, and another was run",
        place=Place(artefact=others[0]),
        expected="one notebook that stands out",
        found=f"{len(others) + 1} notebooks that could be meant",
        hint="name the final notebook in the README, or hand in only that one",
        diagnosis="several-notebooks",
    )
    return msgspec.structs.replace(
        outcome,
        verdict=Verdict.UNKNOWN,
        credit=0.0,
        summary=f"{outcome.summary}; but {others[0]} could be the submitted notebook",
        findings=(finding, *outcome.findings),
    )


def _candidates(submission: Submission) -> list[str]:
    """The notebooks, besides the main one, that the choice names in its doubt."""
    return [
        a.path
        for a in submission.artefacts
        if a.kind is Kind.NOTEBOOK
        and a.readable
        and not a.main
        and any(a.path in doubt for doubt in submission.doubts)
    ]


def _same_network(others: list[str], known: Known) -> bool:
    network, summaries = known.get(NetworkFacts), known.get(SummaryEvidence)
    if not isinstance(network, NetworkFacts) or not isinstance(summaries, SummaryEvidence):
        return False
    counted = {network.parameters, network.declared_parameters}
    totals = {path: {t for t, p in summaries.saved_totals if p.artefact == path} for path in others}
    return all(found and found <= counted for found in totals.values())
