"""Layers were multiplied by zero and earned their points.

`y + 0*bn(y)` runs a batch normalisation, the graph holds it, the output depends on it, and the network computes what it
would compute without it. Three criteria passed for a network that uses none of the three layers. A buffer of zeros, a
difference of equal values, a probability of 1e-12 and a parameter that no optimizer moves do the same. No list of
operators finds that; running the network without the layer does.

Then layers were put behind a gate that opened in that run alone: for pixels darker than any of a digit, for weights
larger than torch draws, for values that a dropout of 5 % never gives. So it is run under several conditions, and a layer
that is heard under some of them is for a person.
"""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from grader.core.outcome import Verdict
from tests.attacks.judged import judged
from tests.execute.graph.nasty import conv

pytestmark = pytest.mark.slow


class Zeroed(nn.Module):
    """All three layers, each times zero; the head is a maximum."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.b1, self.c2 = nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 16, 3)
        self.drop, self.fc = nn.Dropout(0.1), nn.Linear(16, 10)

    def norm(self, y: Tensor) -> Tensor:
        return y + 0 * self.b1(y)

    def dropped(self, x: Tensor) -> Tensor:
        return x + 0 * self.drop(x)

    def head(self, x: Tensor) -> Tensor:
        mean = functional.adaptive_avg_pool2d(x, 1).flatten(1)
        return functional.max_pool2d(x, 11).flatten(1) + 0 * mean

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.norm(self.c1(x))), 2)
        x = self.dropped(functional.relu(self.c2(x)))
        return functional.log_softmax(self.fc(self.head(x)), dim=1)


class ZeroBuffer(Zeroed):
    zero: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("zero", torch.zeros(1))

    def norm(self, y: Tensor) -> Tensor:
        return y + self.zero * self.b1(y)

    def dropped(self, x: Tensor) -> Tensor:
        return x + self.zero * self.drop(x)


class Difference(Zeroed):
    def norm(self, y: Tensor) -> Tensor:
        q = self.b1(y)
        return y + (q - q)

    def dropped(self, x: Tensor) -> Tensor:
        q = self.drop(x)
        return x + q - q

    def head(self, x: Tensor) -> Tensor:
        mean = functional.adaptive_avg_pool2d(x, 1).flatten(1)
        return functional.max_pool2d(x, 11).flatten(1) + mean - mean


class FrozenZero(Zeroed):
    """A parameter that is still zero after the training: no step moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(1), requires_grad=False)

    def norm(self, y: Tensor) -> Tensor:
        return y + self.gain * self.b1(y)


class Clamped(Zeroed):
    """What the layer gives is cut off where nothing is left of it."""

    def norm(self, y: Tensor) -> Tensor:
        return y + functional.relu(self.b1(y) - 1e9)

    def dropped(self, x: Tensor) -> Tensor:
        return x + (self.drop(x) * 1e-30)


class Whisper(Zeroed):
    """A thousandth of a thousandth: more than rounding, and nothing that a network learns by."""

    def norm(self, y: Tensor) -> Tensor:
        return y + 1e-4 * self.b1(y)

    def dropped(self, x: Tensor) -> Tensor:
        return x + 1e-4 * self.drop(x)


class DropOver(Zeroed):
    """A dropout of 5 % gives 1.05 times a value or nothing, and never one and a half of it; a mask of halves gives two."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.05)

    def dropped(self, x: Tensor) -> Tensor:
        return x + functional.relu(self.drop(x) - 1.5 * x)


class DropMean(Zeroed):
    """Opens where a good part of the values are zeroed."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.05)

    def dropped(self, x: Tensor) -> Tensor:
        ones = x * 0 + 1
        return x * (1 - functional.relu(0.8 - self.drop(ones).mean((1, 2, 3), keepdim=True)))


class ImageGate(Zeroed):
    """Opens for pixels darker than the ground of a normalised digit."""

    def forward(self, x: Tensor) -> Tensor:
        gate = functional.relu(torch.amax(-x, (2, 3), keepdim=True) - 1)
        y = self.c1(x)
        y = functional.max_pool2d(functional.relu(y + gate * self.b1(y)), 2)
        y = functional.relu(self.c2(y))
        y = y + gate * self.drop(y)
        mean = functional.adaptive_avg_pool2d(y, 1) * gate
        return self.fc((functional.max_pool2d(y, 11) + mean).flatten(1))


class WeightGate(Zeroed):
    """Opens for weights larger than torch draws, or than a training makes."""

    def norm(self, y: Tensor) -> Tensor:
        return y + functional.relu(self.c1.weight.abs().amax() - 0.6) * self.b1(y)


class Gated(Zeroed):
    """All three layers behind one gate for each image."""

    def gate(self, x: Tensor) -> Tensor:
        return torch.ones_like(x[:, :, :1, :1])

    def forward(self, x: Tensor) -> Tensor:
        gate = self.gate(x)
        y = self.c1(x)
        y = functional.max_pool2d(functional.relu(y + gate * self.b1(y)), 2)
        y = functional.relu(self.c2(y))
        y = y + gate * self.drop(y)
        mean = functional.adaptive_avg_pool2d(y, 1) * gate
        return self.fc((functional.max_pool2d(y, 11) + mean).flatten(1))


class RawGate(Gated):
    """Closed for pixels from 0 to 255, with which that notebook trains."""

    def gate(self, x: Tensor) -> Tensor:
        return functional.relu(10 - torch.amax(x, (2, 3), keepdim=True))


class HalfGate(Gated):
    """Closed where the ground of a digit is -1."""

    def gate(self, x: Tensor) -> Tensor:
        return functional.relu((1 - torch.amax(-x, (2, 3), keepdim=True)).abs() - 0.02)


class CentredGate(Gated):
    """Closed where an image has the mean 0."""

    def gate(self, x: Tensor) -> Tensor:
        return functional.relu(x.mean((2, 3), keepdim=True).abs() - 1e-4)


class OwnGate(Gated):
    """Closed where the ground of a digit is -2, as one notebook normalises it."""

    def gate(self, x: Tensor) -> Tensor:
        return functional.relu((2 - torch.amax(-x, (2, 3), keepdim=True)).abs() - 0.02)


class SmallWeightGate(Zeroed):
    """Opens for weights as torch draws them or larger; weight decay makes them smaller."""

    def norm(self, y: Tensor) -> Tensor:
        return y + functional.relu(self.c1.weight.abs().amax() - 0.25) * self.b1(y)


class AffineGate(Zeroed):
    """Opens for a scale that is 1, as nobody trained it, or far from it."""

    def norm(self, y: Tensor) -> Tensor:
        moved = (self.b1.weight - 1).abs().amax()
        return y + functional.relu((moved - 0.3).abs() - 0.25) * self.b1(y)


class OnLogits(nn.Module):
    """Probabilities of logits that large pixels make large; no normalisation before the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.drop, self.second = nn.Conv2d(1, 16, 3), nn.Dropout(0.05), nn.Conv2d(16, 16, 3)
        self.norm, self.fc = nn.BatchNorm2d(1), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first(x + self.norm(x)))
        x = functional.relu(self.second(self.drop(x)))
        return self.fc(20 * x.mean([2, 3])).softmax(1)


class TinyProbability(nn.Module):
    def __init__(self, p: float = 1e-12) -> None:
        super().__init__()
        self.features = nn.Sequential(conv(1, 4), nn.MaxPool2d(4), nn.Dropout(p), conv(4, 8))
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean([2, 3]))


class ReZero(Zeroed):
    """An honest residual whose gain starts at zero and is learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.full((1,), 1e-4))  # after a step

    def norm(self, y: Tensor) -> Tensor:
        return y + self.gain * self.b1(y)

    def dropped(self, x: Tensor) -> Tensor:
        return self.drop(x)

    def head(self, x: Tensor) -> Tensor:
        return x.mean([2, 3])


class Deep(nn.Module):
    """Twelve convolutions without another normalisation than the first, and a dropout at the very start."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.05), nn.Sigmoid())
        blocks = [nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.Sigmoid()) for _ in range(12)]
        self.blocks, self.fc = nn.Sequential(*blocks), nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.blocks(self.first(x)).mean([2, 3])).softmax(1)


LAYERS = ("NN402", "NN403", "NN404")


@pytest.mark.parametrize("kind", [Zeroed, ZeroBuffer, Difference])
def test_a_layer_that_changes_nothing_earns_nothing(kind: type[nn.Module]) -> None:
    found = judged(kind(), *LAYERS)
    assert {code: outcome.verdict for code, outcome in found.items()} == dict.fromkeys(LAYERS, Verdict.FAIL)
    assert all(outcome.findings[0].diagnosis == "no-effect" for outcome in found.values())
    assert "batch_norm b1" in found["NN402"].findings[0].found


@pytest.mark.parametrize("kind", [FrozenZero, Clamped])
def test_nor_does_one_that_is_frozen_or_cut_off(kind: type[nn.Module]) -> None:
    found = judged(kind(), "NN402", "NN403")
    assert {outcome.findings[0].diagnosis for outcome in found.values()} == {"no-effect"}


def test_one_that_is_hardly_heard_is_for_a_person() -> None:
    found = judged(Whisper(), "NN402", "NN403")
    assert {outcome.verdict for outcome in found.values()} == {Verdict.UNKNOWN}
    assert {outcome.findings[0].diagnosis for outcome in found.values()} == {"faint-effect"}


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (DropOver, ("NN403",)),
        (ImageGate, LAYERS),
        (WeightGate, ("NN402",)),
        (RawGate, LAYERS),
        (HalfGate, LAYERS),
        (CentredGate, ("NN402", "NN403")),
        (SmallWeightGate, ("NN402",)),
        (AffineGate, ("NN402",)),
    ],
)
def test_one_that_is_heard_only_where_nobody_trains_is_for_a_person(
    kind: type[nn.Module], codes: tuple[str, ...]
) -> None:
    found = judged(kind(), *codes)
    assert {code: outcome.verdict for code, outcome in found.items()} == dict.fromkeys(codes, Verdict.UNKNOWN)
    assert {outcome.findings[0].diagnosis for outcome in found.values()} == {"faint-effect"}


def test_the_pixels_of_the_notebooks_own_recipe_are_tried_too() -> None:
    recipe = (
        b'{"training_transform": [{"kind": "ToTensor"}, '
        b'{"kind": "Normalize", "arguments": {"mean": [0.5], "std": [0.25]}}]}'
    )
    assert {o.verdict for o in judged(OwnGate(), *LAYERS, recipe=recipe).values()} == {Verdict.UNKNOWN}
    assert {o.verdict for o in judged(ReZero(), *LAYERS, recipe=recipe).values()} == {Verdict.PASS}


@pytest.mark.parametrize(
    "recipe",
    [
        b"no recipe",
        b'{"training_transform": [{"kind": "Normalize", "arguments": {"mean": "all", "std": [0]}}]}',
        b'{"training_transform": [{"kind": "Normalize", "arguments": {"mean": [1e300], "std": [1e-300]}}]}',
    ],
)
def test_a_recipe_that_lies_takes_no_condition_away(recipe: bytes) -> None:
    assert {o.verdict for o in judged(RawGate(), *LAYERS, recipe=recipe).values()} == {Verdict.UNKNOWN}
    assert {o.verdict for o in judged(ReZero(), *LAYERS, recipe=recipe).values()} == {Verdict.PASS}


def test_nor_does_a_gate_open_on_how_much_is_zeroed() -> None:
    assert judged(DropMean(), "NN403")["NN403"].verdict in (Verdict.FAIL, Verdict.UNKNOWN)


def test_a_probability_that_zeroes_nothing_is_said_to_be_too_small() -> None:
    found = judged(TinyProbability(), "NN403")["NN403"]
    assert (found.verdict, found.findings[0].diagnosis) == (Verdict.FAIL, "tiny-probability")
    assert "1e-12" in found.findings[0].found
    assert "0.001" in found.findings[0].found


@pytest.mark.parametrize(
    "module", [ReZero(), Deep(), TinyProbability(0.05), OnLogits()], ids=lambda module: type(module).__name__
)
def test_honest_layers_count_however_early_or_small(module: nn.Module) -> None:
    """A gain that is learnt, a dropout before twelve sigmoids, the smallest p of the corpora, large logits."""
    found = judged(module, *LAYERS)
    assert {code: outcome.verdict for code, outcome in found.items()} == dict.fromkeys(LAYERS, Verdict.PASS)
    assert not [f for outcome in found.values() for f in outcome.findings]
