"""Parameter counts that the README states or quotes, against the printed ones and those of the network that
ran.
"""

import re
from collections.abc import Sequence

from grader.checks.readme._result import Result
from grader.core.evidence.claims import Claim, Sketch, What
from grader.core.evidence.summaries import Sum, Summary, SummaryEvidence
from grader.core.facts.network import NetworkFacts
from grader.core.outcome import Finding, Weight
from grader.extract.claims.comparison import Comparison, Match, count_match


def stated_parameters(
    compared: Comparison, sketches: Sequence[Sketch], network: NetworkFacts | None
) -> Result:
    """Counts in prose: against the printed totals, or where nothing was printed against the network
    that ran.
    """
    if not compared.totals:
        return _counted(compared, network)
    agreeing = [c.claim for c in compared.parameters if c.match is Match.AGREES]
    claims = [c.claim for c in compared.parameters]
    findings: list[Finding] = []
    seen: set[float] = set()
    for claim, match, elsewhere in compared.parameters:
        if match is Match.AGREES or claim.value in seen:
            continue
        seen.add(claim.value)
        others = claim.numbered or any(
            c.section != claim.section and abs(c.value - claim.value) >= c.unit for c in claims
        )
        total, place = min(compared.totals, key=lambda t: abs(t[0] - claim.value))
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
                weight=Weight.REMARK if elsewhere or _beside_the_printed(claim, compared) else Weight.FAULT,
            )
        )
    return Result(len(claims), len(agreeing), tuple(findings))


def _beside_the_printed(claim: Claim, compared: Comparison) -> bool:
    """Whether a printed total stands beside a claim, in its sentence or row: it tells of several networks."""
    return any(
        re.search(rf"(?<![\d.,])(?:{total}|{total:,})(?![.,]?\d)", claim.excerpt)
        for total, _ in compared.totals
    )


def _count_hint(sketch: Sketch | None, total: int) -> str:
    if sketch:
        return (
            f"the code at {sketch.place} has {sketch.parameters:,} parameters, "
            f"the summary is of a network with {total:,}: keep one of the two"
        )
    return f"write {total:,}, or print the summary of the network that the README describes"


def _counted(compared: Comparison, network: NetworkFacts | None) -> Result:
    """Against the network that ran alone. If none agrees a person is asked: the README may be of another
    version, or the network that ran not the one that it means.
    """
    if network is None or not compared.parameters:
        return Result()
    agreeing = sum(c.match is Match.AGREES for c in compared.parameters)
    if agreeing:
        return Result(agreeing, agreeing)
    # The nearest is the total; the others are of single layers.
    claims = [c.claim for c in compared.parameters]
    claim = min(claims, key=lambda c: abs(c.value - network.declared_parameters))
    finding = Finding(
        message="the README's parameter count is not that of the network that ran",
        place=claim.place,
        expected=f"{network.name} has {network.declared_parameters:,}",
        found=claim.written,
        hint="print the count of the submitted network, and write that",
        excerpt=claim.excerpt,
        marked=claim.written,
        diagnosis="parameters-not-counted",
    )
    return Result(1, 0, (finding,))


def quoted_summaries(
    compared: Comparison, summaries: SummaryEvidence, network: NetworkFacts | None
) -> Result:
    """Summaries that the README quotes, whose total is a number that it states as well.

    One of another network than the notebook's is a question, unless another quoted one or the prose has the
    true count.
    """
    known = {t for t, _ in compared.totals} | compared.counted
    quoted = [s for s in summaries.summaries if not s.saved and s.total is not None and s.place.cell is None]
    if not quoted or not (summaries.saved_totals or compared.counted):
        return Result()
    right = sum(s.total in known for s in quoted)
    if right or any(c.match is Match.AGREES for c in compared.parameters):
        return Result(len(quoted), right)
    saved = [s for s in summaries.summaries if s.saved]
    findings = (_changed_total(table, saved) or _another(table, compared, network) for table in quoted)
    return Result(len(quoted), 0, tuple(findings))


def _changed_total(table: Summary, saved: Sequence[Summary]) -> Finding | None:
    """A quoted summary that has every row of a printed one and another total, which its own rows do not add
    up to.
    """
    rows = [(row.type, row.params) for row in table.rows]
    same = next((s for s in saved if rows == [(row.type, row.params) for row in s.rows]), None)
    if same is None or same.total is None or same.total == table.total or table.sums_up is not Sum.DIFFERENT:
        return None
    return Finding(
        message="the total of the summary in the README is not what the notebook prints under the same rows",
        place=table.total_place or table.place,
        expected=f"the summary prints {same.total:,} ({same.total_place or same.place})",
        found=f"{table.total:,}",
        hint="paste the summary as the notebook prints it",
        diagnosis="parameters-contradicted",
    )


def _another(table: Summary, compared: Comparison, network: NetworkFacts | None) -> Finding:
    whose = "the notebook's" if compared.totals else "the one that ran"
    if compared.totals:
        total, place = compared.totals[-1]
        expected = f"the notebook prints {total:,} ({place})"
    else:
        assert network is not None
        expected = f"{network.name} has {network.declared_parameters:,}"
    return Finding(
        message=f"the summary in the README is of another network than {whose}",
        place=table.total_place or table.place,
        expected=expected,
        found=f"{table.total:,}",
        hint="paste the summary that the submitted notebook prints",
        diagnosis="summary-of-another-network",
    )


_QUOTED = re.compile(r"^[\s>*|`#-]*(?:total|trainable)\s+params\b", re.IGNORECASE)
"""A line of torchsummary itself, which is what it says: what the tool printed."""


def unused_parameters(stated: Sequence[Claim], network: NetworkFacts | None) -> Result:
    """A count that leaves out layers which are declared and never run, as torchsummary does: true of the
    path, not of the model.

    Pasted from the tool it is a remark; stated as the number of parameters it asks a person.
    """
    if network is None or network.declared_parameters == network.parameters:
        return Result()
    claims = [
        c for c in stated if c.what is What.PARAMETERS and count_match(c, network.parameters) and c.unit < 100
    ]
    if not claims:
        return Result()
    own = [c for c in claims if not _QUOTED.match(c.excerpt)]
    claim = (own or claims)[0]
    names = ", ".join(d.name for d in network.unused[:4])
    finding = Finding(
        message="the stated count leaves out parameters that the model declares and never uses",
        place=claim.place,
        expected=f"{network.declared_parameters:,} declared",
        found=f"{claim.written}, the part that runs",
        hint=f"remove what is never called ({names})" if names else "remove the layers that are never called",
        excerpt=claim.excerpt,
        marked=claim.written,
        diagnosis="unused-parameters",
        weight=Weight.FAULT if own else Weight.REMARK,
    )
    return Result(0, 0, (finding,))
