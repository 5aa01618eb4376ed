"""What the network checks make of a layer that changes nothing in the answers."""

from collections.abc import Iterable

from grader.checks.network._where import named, place_of
from grader.core.facts.network import (
    BatchNorm,
    Dropout,
    Effect,
    Linear,
    NetworkFacts,
    PointConvolution,
    Reduction,
)
from grader.core.outcome import Finding, Weight

Measured = BatchNorm | Dropout | Linear | PointConvolution | Reduction

_OPEN = {
    Effect.FAINT: "it changes less than a thousandth of what another image changes, or only for images or "
    "weights that no training has",
    Effect.ALIKE: "it moves or scales all answers of an image together, so no digit is told otherwise",
    Effect.UNHEARD: "with the weights that the notebook's own training left, no answer changes without it",
    Effect.STORED: "it uses stored statistics in training too, and normalises no batch",
    Effect.UNFED: "what it normalises is the same for every image",
    Effect.ONE_NUMBER: "the map carries one number a channel, repeated or alone among constants, so there is "
    "nothing to average",
    Effect.PIXELS: "it averages pixels of the image that no convolution has read",
    Effect.TRAINING_ONLY: "in evaluation mode, in which digits are told, the network does without it",
    Effect.UNMEASURED: "the network is too large to be run once without each layer",
}
OPEN = tuple(_OPEN)
"""Effects that a person has to look at: neither a layer that works nor one that surely does not."""


def doubtful(network: NetworkFacts, items: Iterable[Measured], what: str) -> Finding:
    """Layers of which it is not clear whether they do anything."""
    found = list(items)
    effects = {item.effect for item in found}
    reasons = "; or ".join(reason for effect, reason in _OPEN.items() if effect in effects)
    return Finding(
        message=f"whether the {what} does anything has to be looked at",
        place=place_of(network),
        expected="answers that change when the layer is replaced",
        found=f"{_at(network, found)}: {reasons}",
        hint=f"let the result of the {what} take the place of what it reads",
        diagnosis="effect-not-measured" if Effect.UNMEASURED in effects else _diagnosis(effects),
    )


def _diagnosis(effects: set[Effect]) -> str:
    first = next((effect for effect in OPEN if effect in effects), Effect.FAINT)
    return f"{first.value}-effect"


def does_nothing(
    network: NetworkFacts, items: Iterable[Measured], what: str, *, remark: bool = False
) -> Finding:
    """Layers without which the network computes the same, for three random choices of its weights."""
    found = list(items)
    return Finding(
        message=f"the network computes the same without the {what}",
        place=place_of(network),
        expected="answers that change when the layer is replaced, with random weights and in training mode",
        found=f"{_at(network, found)}: no answer changes beyond rounding",
        hint=f"let the result of the {what} take the place of what it reads; a product with "
        "zero or a difference of"
        " equal values takes it out again",
        diagnosis="no-effect",
        weight=Weight.REMARK if remark else Weight.FAULT,
    )


def _at(network: NetworkFacts, items: list[Measured]) -> str:
    layers = {layer.index: layer for layer in network.layers}
    names = [named(layers[item.layer]) for item in items if item.layer in layers]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return shown or f"{len(items)} in the network that runs"
