"""Networks that look like what the assignment asks and are not, or do not look like it and are. All written
for these tests.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv(inputs: int, outputs: int, kernel: int = 3, **options: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, **options), nn.BatchNorm2d(outputs), nn.ReLU())


class Base(nn.Module):
    """28x28 -> 13x13 -> 11x11 -> 5x5 with eight channels, then whatever the subclass puts behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv(1, 4), nn.MaxPool2d(2), nn.Dropout(0.1), conv(4, 8), nn.MaxPool2d(2), conv(8, 8, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.log_softmax(self.head(self.features(x)), dim=1)

    def head(self, x: Tensor) -> Tensor:
        raise NotImplementedError


class Honest(Base):
    def __init__(self) -> None:
        super().__init__()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, 10)

    def head(self, x: Tensor) -> Tensor:
        return self.fc(self.gap(x).flatten(1))


class FullWindow(Base):
    def __init__(self) -> None:
        super().__init__()
        self.gap = nn.AvgPool2d(5)
        self.point = nn.Conv2d(8, 10, 1)

    def head(self, x: Tensor) -> Tensor:
        return self.point(self.gap(x)).view(-1, 10)


class CroppedWindow(FullWindow):
    """The window is 4 of 5: floor division still leaves 1x1, and a fifth of rows and columns is ignored."""

    def __init__(self) -> None:
        super().__init__()
        self.gap = nn.AvgPool2d(4)


class Mean(Honest):
    def head(self, x: Tensor) -> Tensor:
        return self.fc(x.mean([2, 3]))


class TwoMeans(Honest):
    def head(self, x: Tensor) -> Tensor:
        return self.fc(x.mean(3).mean(2))


class FlatMean(Honest):
    def head(self, x: Tensor) -> Tensor:
        return self.fc(x.view(x.size(0), x.size(1), -1).mean(-1))


class NoOpGap(Base):
    """A convolution has already made the map 1x1; the average has nothing to do."""

    def __init__(self) -> None:
        super().__init__()
        self.collapse = nn.Conv2d(8, 10, 5)
        self.gap = nn.AvgPool2d((1, 1))

    def head(self, x: Tensor) -> Tensor:
        return self.gap(self.collapse(x)).view(-1, 10)


class ConvCollapse(NoOpGap):
    def head(self, x: Tensor) -> Tensor:
        return self.collapse(x).view(-1, 10)


class GlobalMax(Honest):
    def head(self, x: Tensor) -> Tensor:
        return self.fc(functional.max_pool2d(x, 5).flatten(1))


class AdaptiveMax(Honest):
    def head(self, x: Tensor) -> Tensor:
        return self.fc(functional.adaptive_max_pool2d(x, 1).flatten(1))


class Attention(Base):
    """A squeeze-and-excite block holds the only average; the head is a convolution as large as the map."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.excite = nn.Sequential(nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, 1), nn.Sigmoid())
        self.collapse = nn.Conv2d(8, 10, 5)

    def head(self, x: Tensor) -> Tensor:
        x = x * self.excite(self.squeeze(x))
        return self.collapse(x).view(-1, 10)


class AttentionAndGap(Attention):
    def __init__(self) -> None:
        super().__init__()
        self.collapse = nn.Conv2d(8, 10, 1)

    def head(self, x: Tensor) -> Tensor:
        x = x * self.excite(self.squeeze(x))
        return self.collapse(x).mean((2, 3))


class Flattened(Base):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(200, 10)

    def head(self, x: Tensor) -> Tensor:
        return self.fc(x.flatten(1))


class DropoutAlwaysOn(Honest):
    """`functional.dropout` without `training=`: on in evaluation too."""

    def head(self, x: Tensor) -> Tensor:
        return super().head(functional.dropout(x, 0.2))


class DropoutZero(Honest):
    def __init__(self) -> None:
        super().__init__()
        self.features[2] = nn.Dropout(0.0)


class ChannelDropout(Honest):
    def __init__(self) -> None:
        super().__init__()
        self.features[2] = nn.Dropout2d(0.15)


class DeadMillions(Honest):
    """Two million parameters that forward never reads."""

    def __init__(self) -> None:
        super().__init__()
        self.big = nn.Linear(2_000, 1_000)


class DiscardedNorm(Honest):
    """A batch normalisation that runs and whose result is thrown away."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(8)

    def head(self, x: Tensor) -> Tensor:
        self.norm(x)
        return super().head(x)


class OverBatch(Honest):
    def forward(self, x: Tensor) -> Tensor:
        return functional.log_softmax(self.head(self.features(x)), dim=0)


class Residual(Honest):
    def __init__(self) -> None:
        super().__init__()
        self.block = conv(8, 8, padding=1)

    def head(self, x: Tensor) -> Tensor:
        return super().head(x + self.block(x))


class Shared(Honest):
    """One block used three times: its parameters count once."""

    def __init__(self) -> None:
        super().__init__()
        self.block = conv(8, 8, padding=1)

    def head(self, x: Tensor) -> Tensor:
        return super().head(self.block(self.block(self.block(x))))


class LookUp(Honest):
    """Answers from a table of stored digits in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("keys", torch.randn(784, 50))
        self.register_buffer("answers", torch.randn(50, 10))

    def forward(self, x: Tensor) -> Tensor:
        near = functional.softmax(x.flatten(1) @ self.keys, dim=1)
        return super().forward(x) + near @ self.answers


class DropoutOnlyInEvaluation(Honest):
    """Somebody mixed up the two modes."""

    def head(self, x: Tensor) -> Tensor:
        return super().head(x if self.training else functional.dropout(x, 0.3))


class NormOnlyInTraining(Honest):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(8)

    def head(self, x: Tensor) -> Tensor:
        return super().head(self.norm(x) if self.training else x)


class ReluLast(Honest):
    def head(self, x: Tensor) -> Tensor:
        return functional.relu(super().head(x))


class InPlaceView(Honest):
    """Writes through a view: the result depends on an operator whose own result nobody reads."""

    def head(self, x: Tensor) -> Tensor:
        x.view(-1).add_(0.5)
        return super().head(x)


class GroupedAndDilated(Honest):
    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)
        self.norm = nn.GroupNorm(2, 8)

    def head(self, x: Tensor) -> Tensor:
        return super().head(functional.gelu(self.norm(self.depthwise(x))))


class StaticBatch(Honest):
    def head(self, x: Tensor) -> Tensor:
        return self.fc(self.gap(x).view(16, 8))


class DataDependent(Honest):
    def head(self, x: Tensor) -> Tensor:
        return super().head(x) if x.mean() > 0 else super().head(-x)


class TwoInputs(Honest):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        y = super().forward(x)
        return y, y


class Fft(Honest):
    def head(self, x: Tensor) -> Tensor:
        return super().head(torch.fft.rfft(x).abs())


class NoGrad(Honest):
    def head(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            x = x * 2
        return super().head(x)


class NoGradAsked(NoGrad):
    """Python asks whether there will be gradients, which a recording cannot say."""

    def head(self, x: Tensor) -> Tensor:
        return super().head(x if x.requires_grad else x.clone())


class Exits(Honest):
    def head(self, x: Tensor) -> Tensor:
        raise SystemExit(0)
