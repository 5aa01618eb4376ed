"""Layers that are heard, and are not what they are called.

Ablation asks whether the answers change without a layer. They did change, and the layer was none: an average of a map
that one number had been spread over, or of the image's own pixels; a normalisation by stored statistics, or of a weight;
a branch that moved or scaled all ten logits together, so that no digit was told otherwise; a layer of the training alone;
a gate held shut by where its own parameter starts, which random weights open. Each passed. A person looks at them now,
since each may be meant; what honest networks do that looks alike is held below.
"""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from grader.core.outcome import Verdict
from tests.attacks.judged import judged

pytestmark = pytest.mark.slow
LAYERS = ("NN402", "NN403", "NN404")


class Plain(nn.Module):
    """Honest: all three layers where they belong, raw logits."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.b1, self.c2 = nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 16, 3)
        self.drop, self.fc = nn.Dropout(0.1), nn.Linear(16, 10)

    def norm(self, y: Tensor) -> Tensor:
        normalised: Tensor = self.b1(y)
        return normalised

    def dropped(self, x: Tensor) -> Tensor:
        dropped: Tensor = self.drop(x)
        return dropped

    def head(self, x: Tensor) -> Tensor:
        return x.mean([2, 3])

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.norm(self.c1(x))), 2)
        x = self.dropped(functional.relu(self.c2(x)))
        logits: Tensor = self.fc(self.head(x))
        return logits


class Expanded(Plain):
    def head(self, x: Tensor) -> Tensor:
        return functional.max_pool2d(x, 11).expand(-1, -1, 7, 7).mean((2, 3))


class Interpolated(Plain):
    def head(self, x: Tensor) -> Tensor:
        grown = functional.interpolate(functional.max_pool2d(x, 11), scale_factor=7, mode="bilinear")
        return functional.adaptive_avg_pool2d(grown, 1).flatten(1)


class AddedToZeros(Plain):
    def head(self, x: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d(functional.max_pool2d(x, 11) + 0 * x, 1).flatten(1)


class Scattered(Plain):
    """One number, at every position times another one."""

    pattern: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("pattern", torch.rand(1, 1, 7, 7))

    def head(self, x: Tensor) -> Tensor:
        return (functional.max_pool2d(x, 11) * self.pattern).mean((2, 3))


class Padded(Plain):
    def head(self, x: Tensor) -> Tensor:
        grown = functional.pad(functional.max_pool2d(x, 11), (3, 3, 3, 3))
        return functional.adaptive_avg_pool2d(grown, 1).flatten(1) * 49


class Masked(Plain):
    """An average of the middle position alone."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        mask = torch.zeros(1, 1, 11, 11)
        mask[..., 5, 5] = 1
        self.register_buffer("mask", mask)

    def head(self, x: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d(x * self.mask, 1).flatten(1)


class Brightness(Plain):
    """The mean of the pixels beside a maximum."""

    def forward(self, x: Tensor) -> Tensor:
        bright = functional.adaptive_avg_pool2d(x, 1).flatten(1)
        x = functional.max_pool2d(functional.relu(self.norm(self.c1(x))), 2)
        x = self.dropped(functional.relu(self.c2(x)))
        logits: Tensor = self.fc(functional.max_pool2d(x, 11).flatten(1) + bright)
        return logits


class Beside(Plain):
    """A network without any of the three, and a branch with all of them that tells no digit."""

    def side(self, x: Tensor) -> Tensor:
        branch = self.drop(self.b1(self.c1(x)))
        return functional.adaptive_avg_pool2d(branch, 1).flatten(1)[:, :1]

    def forward(self, x: Tensor) -> Tensor:
        y = functional.max_pool2d(functional.relu(self.c1(x)), 2)
        y = functional.max_pool2d(functional.relu(self.c2(y)), 11).flatten(1)
        return self.told(self.fc(y), self.side(x))

    def told(self, logits: Tensor, side: Tensor) -> Tensor:
        return logits + side


class Temperature(Beside):
    def told(self, logits: Tensor, side: Tensor) -> Tensor:
        return logits * torch.sigmoid(side)


class OwnGate(Plain):
    """Shut where its parameter starts."""

    def __init__(self) -> None:
        super().__init__()
        self.k = nn.Parameter(torch.full((1,), 1.001))

    def gate(self) -> Tensor:
        return functional.relu((self.k - 1).abs() - 0.3)

    def norm(self, y: Tensor) -> Tensor:
        return y + self.gate() * self.b1(y)

    def dropped(self, x: Tensor) -> Tensor:
        return x + self.gate() * self.drop(x)

    def head(self, x: Tensor) -> Tensor:
        return functional.max_pool2d(x, 11).flatten(1) + self.gate() * x.mean((2, 3))


class Frozen(Plain):
    def train(self, mode: bool = True) -> "Frozen":
        super().train(mode)
        self.b1.eval()
        return self


class OfAWeight(Plain):
    def norm(self, y: Tensor) -> Tensor:
        return y + 2 * self.b1(self.c1.weight.view(1, 8, 3, 3)).mean((2, 3), keepdim=True)


class OfOnes(Plain):
    def norm(self, y: Tensor) -> Tensor:
        return y + self.b1(y * 0 + self.c1.bias.view(1, 8, 1, 1))


class NormInTrainingOnly(Plain):
    def norm(self, y: Tensor) -> Tensor:
        return super().norm(y) if self.training else y


class AverageInTrainingOnly(Plain):
    def head(self, x: Tensor) -> Tensor:
        largest = functional.max_pool2d(x, 11).flatten(1)
        return largest + x.mean((2, 3)) if self.training else largest


class AverageTimesZeroInEvaluation(Plain):
    def head(self, x: Tensor) -> Tensor:
        largest, average = functional.max_pool2d(x, 11).flatten(1), x.mean((2, 3))
        return average if self.training else largest + 0 * average


ATTACKS = [
    (Expanded, ("NN404",), "one-number-effect"),
    (Interpolated, ("NN404",), "one-number-effect"),
    (AddedToZeros, ("NN404",), "one-number-effect"),
    (Scattered, ("NN404",), "one-number-effect"),
    (Padded, ("NN404",), "one-number-effect"),
    (Masked, ("NN404",), "one-number-effect"),
    (Brightness, ("NN404",), "pixels-effect"),
    (Beside, LAYERS, "alike-effect"),
    (Temperature, LAYERS, "alike-effect"),
    (OwnGate, LAYERS, "unheard-effect"),
    (Frozen, ("NN402",), "stored-effect"),
    (OfAWeight, ("NN402",), "unfed-effect"),
    (NormInTrainingOnly, ("NN402",), "training-only-effect"),
    (AverageInTrainingOnly, ("NN404",), "training-only-effect"),
    (AverageTimesZeroInEvaluation, ("NN404",), "training-only-effect"),
]


@pytest.mark.parametrize(("kind", "codes", "diagnosis"), ATTACKS)
def test_a_layer_in_name_only_is_for_a_person(
    kind: type[nn.Module], codes: tuple[str, ...], diagnosis: str
) -> None:
    found = judged(kind(), *LAYERS)
    verdicts = {code: Verdict.UNKNOWN if code in codes else Verdict.PASS for code in LAYERS}
    assert {code: outcome.verdict for code, outcome in found.items()} == verdicts
    assert {f.diagnosis for code in codes for f in found[code].findings} == {diagnosis}


def test_a_normalisation_of_a_constant_earns_nothing() -> None:
    assert judged(OfOnes(), "NN402")["NN402"].verdict in (Verdict.FAIL, Verdict.UNKNOWN)


class SmallMap(Plain):
    """The smallest map of an honest network, 2x2."""

    def head(self, x: Tensor) -> Tensor:
        return functional.max_pool2d(x, 5).mean((2, 3))


class Framed(Plain):
    """A convolution of 1x1 with padding: constants around the map."""

    def __init__(self) -> None:
        super().__init__()
        self.c3 = nn.Conv2d(16, 16, 1, padding=1)

    def head(self, x: Tensor) -> Tensor:
        average: Tensor = self.c3(functional.max_pool2d(x, 5)).mean((2, 3))
        return average


class Grown(Plain):
    """A map of 2x2 that is interpolated before it is averaged."""

    def head(self, x: Tensor) -> Tensor:
        return functional.interpolate(functional.max_pool2d(x, 5), scale_factor=3).mean((2, 3))


class Attended(Plain):
    """A map weighted by position and by channel, and averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.where, self.which = nn.Conv2d(16, 1, 1), nn.Linear(16, 16)

    def head(self, x: Tensor) -> Tensor:
        channels = torch.sigmoid(self.which(x.mean((2, 3))))
        return (x * torch.sigmoid(self.where(x)) * channels[:, :, None, None]).mean((2, 3))


class Centred(Plain):
    """Each image less its own mean, and its own normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.pixels = nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.pixels(x - x.mean((2, 3), keepdim=True)))


class OnLogits(Plain):
    """Normalisation and dropout of the logits themselves, and a temperature that is learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.b1, self.heat = nn.BatchNorm1d(10), nn.Parameter(torch.ones(1))

    def norm(self, y: Tensor) -> Tensor:
        return y

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.drop(self.b1(super().forward(x))) * self.heat
        return logits


class ZeroGamma(Plain):
    """A residual branch whose last scale starts at zero and has moved by a step."""

    def __init__(self) -> None:
        super().__init__()
        self.c3, self.b3 = nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)
        nn.init.constant_(self.b3.weight, 1e-4)

    def norm(self, y: Tensor) -> Tensor:
        return y + self.b3(self.c3(self.drop(functional.relu(self.b1(y)))))

    def dropped(self, x: Tensor) -> Tensor:
        return x


class HalfFrozen(Plain):
    """One normalisation is frozen, another is not."""

    def __init__(self) -> None:
        super().__init__()
        self.b2 = nn.BatchNorm2d(16)

    def train(self, mode: bool = True) -> "HalfFrozen":
        super().train(mode)
        self.b2.eval()
        return self

    def dropped(self, x: Tensor) -> Tensor:
        return super().dropped(self.b2(x))


class OfTheBatchAlways(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.b1 = nn.BatchNorm2d(8, track_running_stats=False, affine=False)


class DropConnect(Plain):
    """Dropout of a layer's weights."""

    def dropped(self, x: Tensor) -> Tensor:
        return functional.relu(functional.conv2d(x, self.drop(self.mix)))

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Parameter(torch.randn(16, 16, 1, 1) / 4)


class Auxiliary(Plain):
    """A second head in training; average and normalisation are in both."""

    def __init__(self) -> None:
        super().__init__()
        self.second = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.max_pool2d(functional.relu(self.norm(self.c1(x))), 2)
        y = self.head(self.dropped(functional.relu(self.c2(y))))
        logits: Tensor = self.fc(y)
        return logits + 0.3 * self.second(y) if self.training else logits


class Ghosts(nn.BatchNorm2d):
    """Normalises halves of a batch: repeats scale and offset in training, cuts its statistics in evaluation."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.register_buffer("running_mean", torch.zeros(2 * channels))
        self.register_buffer("running_var", torch.ones(2 * channels))

    def forward(self, x: Tensor) -> Tensor:
        _count, channels, height, width = x.shape
        mean, variance = self.running_mean, self.running_var
        assert mean is not None
        assert variance is not None
        if not self.training:
            mean, variance = mean[:channels], variance[:channels]
            return functional.batch_norm(x, mean, variance, self.weight, self.bias, False)
        halves = x.view(-1, 2 * channels, height, width)
        scale, offset = self.weight.repeat(2), self.bias.repeat(2)
        return functional.batch_norm(halves, mean, variance, scale, offset, True).view(x.shape)


class Ghost(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.b1 = Ghosts(8)


HONEST = [
    Plain,
    Ghost,
    SmallMap,
    Framed,
    Grown,
    Attended,
    Centred,
    OnLogits,
    ZeroGamma,
    HalfFrozen,
    OfTheBatchAlways,
    DropConnect,
    Auxiliary,
]


@pytest.mark.parametrize("kind", HONEST)
def test_honest_layers_that_look_alike_count(kind: type[nn.Module]) -> None:
    found = judged(kind(), *LAYERS)
    assert {code: outcome.verdict for code, outcome in found.items()} == dict.fromkeys(LAYERS, Verdict.PASS)
