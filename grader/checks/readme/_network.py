"""The building blocks that the README names against the network that was run."""

from grader.checks.readme._result import Result
from grader.core.evidence.claims import ClaimEvidence, Feature, Use
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.network import GapKind, NetworkFacts
from grader.core.outcome import Finding, Weight
from grader.core.rubric import Treatment


def building_blocks(
    claims: ClaimEvidence,
    network: NetworkFacts | None,
    *,
    summaries: SummaryEvidence,
    notebooks: int,
    treatment: Treatment,
) -> Result:
    """Layers that a README names and the network lacks. A denial anywhere in the README settles it: nothing
    is found.

    Without a network that ran, the printed summaries are asked; they show no functional layers, so that is
    only remarked. A person is asked where network and summaries agree that it is not there, and there is no
    second notebook to be meant.
    """
    if treatment is Treatment.ACCEPT:
        return Result()
    if network is None:
        return Result(0, 0, tuple(_not_in_summaries(claims, summaries)))
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
    return Result(len(compared), len(compared) - len(findings), tuple(findings))


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
    for feature, types in {**_ROWS, Feature.FULLY_CONNECTED: _FULLY_CONNECTED_ROWS}.items():
        use = next((u for u in own if u.feature is feature and feature not in denied), None)
        if (
            use is None
            or (feature is Feature.FULLY_CONNECTED and not use.said)
            or any(t.has(*types) for t in tables)
        ):
            continue
        findings.append(
            Finding(
                message=f"the README names {feature.value}, the printed summary has no row for it",
                place=use.place,
                expected=f"a row in the summary ({tables[-1].place})",
                found=use.excerpt[:120],
                hint="if it is applied as a function (F.dropout), say so; if it is not used, "
                "take the sentence out",
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
