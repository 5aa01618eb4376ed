"""What the README says about the network against the network that was run."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from grader.checks.readme._compare import count_match
from grader.core.evidence.claims import Claim, ClaimEvidence, Feature, Use, What
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.network import GapKind, NetworkFacts
from grader.core.outcome import Finding, Weight
from grader.core.rubric import Treatment


class Result(NamedTuple):
    """How many statements were compared, and what was found."""

    compared: int
    findings: list[Finding]


def building_blocks(
    claims: ClaimEvidence,
    network: NetworkFacts | None,
    *,
    summaries: SummaryEvidence,
    notebooks: int,
    treatment: Treatment,
) -> Result:
    """Layers that a README names and the network lacks. A denial anywhere in the README settles it: nothing is found.

    Without a network that ran, the printed summaries are asked; they show no functional layers, so that is only remarked.
    A person is asked where network and summaries agree that it is not there, and there is no second notebook to be meant.
    """
    if treatment is Treatment.ACCEPT:
        return Result(0, [])
    if network is None:
        return Result(0, _not_in_summaries(claims, summaries))
    own = [u for u in claims.uses if u.place.cell is None]
    denied = {u.feature for u in own if not u.used}
    findings: list[Finding] = []
    compared: set[Feature] = set()
    for use in own:
        if use.feature in denied or use.feature in compared:
            continue
        compared.add(use.feature)
        if lacks := _lacks(use.feature, network):
            nowhere = notebooks == 1 and not _in_summaries(use, summaries)
            findings.append(_finding(use, network, lacks, treatment, nowhere=nowhere))
    return Result(len(compared), findings)


def _in_summaries(use: Use, summaries: SummaryEvidence) -> bool:
    """Whether a printed or quoted summary shows it; True for what no summary could show.

    Of a fully connected layer only a verb is believed: lists name it for what stands in its place.
    """
    types: tuple[str, ...] | None = _ROWS.get(use.feature)
    if use.feature is Feature.FULLY_CONNECTED and use.said:
        types = _FULLY_CONNECTED_ROWS
    return types is None or any(t.has(*types) for t in summaries.summaries)


_ROWS = {Feature.DROPOUT: ("Dropout", "AlphaDropout"), Feature.BATCH_NORM: ("BatchNorm", "Batch")}
_FULLY_CONNECTED_ROWS = ("Linear", "Dense", "LazyLinear")


def _not_in_summaries(claims: ClaimEvidence, summaries: SummaryEvidence) -> list[Finding]:
    tables = [s for s in summaries.summaries if s.saved and s.rows and not s.rows_missing]
    own = [u for u in claims.uses if u.place.cell is None]
    denied = {u.feature for u in own if not u.used}
    if not tables:
        return []
    findings: list[Finding] = []
    for feature, types in _ROWS.items():
        use = next((u for u in own if u.feature is feature and feature not in denied), None)
        if use is None or any(t.has(*types) for t in tables):
            continue
        findings.append(
            Finding(
                message=f"the README names {feature.value}, the printed summary has no row for it",
                place=use.place,
                expected=f"a row in the summary ({tables[-1].place})",
                found=use.excerpt[:120],
                hint="if it is applied as a function (F.dropout), say so; if it is not used, take the sentence out",
                excerpt=use.excerpt,
                diagnosis="building-block-not-in-summary",
                weight=Weight.REMARK,
            )
        )
    return findings


def _lacks(feature: Feature, network: NetworkFacts) -> str:
    """What the network has instead of a building block; empty where it has it, or has something like it."""
    if feature is Feature.BATCH_NORM:
        return "" if network.batchnorm else "no batch normalization in the live path"
    if feature is Feature.DROPOUT:
        return "" if any(d.p > 0 for d in network.dropout) else "no dropout with p > 0 in the live path"
    if feature is Feature.GAP:
        missing = (GapKind.ABSENT, GapKind.NO_OP, GapKind.CONV_COLLAPSE, GapKind.MAX)
        return f"global average pooling: {network.gap.value}" if network.gap in missing else ""
    like_it = (
        network.linear
        or network.point_convolutions
        or network.averaged_at_once
        or network.whole_map_convolution
    )
    return "" if like_it else "no fully connected layer"


def _finding(use: Use, network: NetworkFacts, lacks: str, treatment: Treatment, *, nowhere: bool) -> Finding:
    verb = "uses" if use.said else "describes"
    certain = treatment is Treatment.FAIL and use.said
    return Finding(
        message=f"the README {verb} {use.feature.value}, the network does not have it",
        place=use.place,
        expected=f"{network.name} as it runs: {lacks}",
        found=use.excerpt[:120],
        hint=f"take the sentence out, or put {use.feature.value} into the network and train it again",
        excerpt=use.excerpt,
        diagnosis="building-block-missing" if certain or not nowhere else "building-block-nowhere",
        weight=Weight.FAULT if certain or nowhere else Weight.REMARK,
    )


def counted_parameters(stated: Sequence[Claim], network: NetworkFacts | None) -> Result:
    """Stated counts against those of the network that ran, where nothing was printed.

    If none agrees a person is asked: the README may be of another version, or the network that ran not the one that it means.
    """
    claims = [c for c in stated if c.what is What.PARAMETERS]
    if network is None or not claims:
        return Result(0, [])
    counted = (network.declared_parameters, network.parameters)
    agreeing = [c for c in claims if any(count_match(c, n) for n in counted)]
    if agreeing:
        return Result(len(agreeing), [])
    # The nearest is the total; the others are of single layers.
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
    return Result(1, [finding])


_QUOTED = re.compile(r"^[\s>*|`#-]*(?:total|trainable)\s+params\b", re.IGNORECASE)
"""A line of torchsummary itself, which is what it says: what the tool printed."""


def unused_parameters(stated: Sequence[Claim], network: NetworkFacts | None) -> Result:
    """A count that leaves out layers which are declared and never run, as torchsummary does: true of the path, not of the model.

    Pasted from the tool it is a remark; stated as the number of parameters it asks a person.
    """
    if network is None or network.declared_parameters == network.parameters:
        return Result(0, [])
    claims = [
        c for c in stated if c.what is What.PARAMETERS and count_match(c, network.parameters) and c.unit < 100
    ]
    if not claims:
        return Result(0, [])
    own = [c for c in claims if not _QUOTED.match(c.excerpt)]
    claim = (own or claims)[0]
    names = ", ".join(d.name for d in network.unused[:4])
    return Result(
        1,
        [
            Finding(
                message="the stated count leaves out parameters that the model declares and never uses",
                place=claim.place,
                expected=f"{network.declared_parameters:,} declared",
                found=f"{claim.written}, the part that runs",
                hint=f"remove what is never called ({names})"
                if names
                else "remove the layers that are never called",
                excerpt=claim.excerpt,
                marked=claim.written,
                diagnosis="unused-parameters",
                weight=Weight.FAULT if own else Weight.REMARK,
            )
        ],
    )
