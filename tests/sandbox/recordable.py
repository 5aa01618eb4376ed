"""Networks whose passes must not be recorded, each a near miss of one that may be: what Python reads of a
tensor, chance that is no dropout, what changes with the images or their number. Written for these tests.
"""

import copy
import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Small(nn.Module):
    """A convolution, batch normalisation and dropout, on 28x28."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Any:
        return self.out(self.drop(F.relu(self.norm(self.conv(x)))).mean((2, 3)))


class Inverse(Small):
    """Divides a number by a tensor: torch has an operator of its own for one over it."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * (1 / (1 + x.abs().mean((1, 2, 3)))).unsqueeze(1)


class Item(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * x.max().item()


class Truth(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x if x.mean() > -100 else -x)


class List(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + len([n for n in x.flatten().tolist() if n > 1e9])


class Array(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * float(x.numpy().max() < 1e9)


class AsArray(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * float(np.asarray(x).max() < 1e9)


class Copied(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(copy.deepcopy(x))


class Pickled(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x.data)


class Equal(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * torch.equal(x, x)


class WeightRead(Small):
    """Its own weight as a number: another value after another training."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * float(self.conv.bias.sum())  # type: ignore[union-attr]


class WeightData(Small):
    """The same past autograd: the values would become a constant."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * self.conv.weight.data.sum()


class Selected(Small):
    """As many numbers as are positive."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + x[x > 0].mean()


class Noise(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x + 0.1 * torch.randn_like(x))


class PythonChance(Small):
    """Stochastic depth with Python's dice: one pass shows one way."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * (1 + int(random.random() < 1e-9))


class NumpyChance(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * (1 + int(np.random.rand() < 1e-9))


class BatchBranch(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * (2 if x.shape[0] > 5 else 1)


class BatchPlusOne(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + torch.zeros(x.shape[0] + 1, 10)[1:]


class Counter(Small):
    """Another factor at every call."""

    calls = 0

    def forward(self, x: Tensor) -> Any:
        self.calls += 1
        return super().forward(x) * self.calls


class PlainMemory(Small):
    """Remembers the last images in an attribute that is no buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.last = torch.zeros(1, 1, 28, 28)

    def forward(self, x: Tensor) -> Any:
        self.last.copy_(x[:1])
        return super().forward(x + self.last)


class Straight(torch.autograd.Function):
    """Rounds, and lets gradients through."""

    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        return x.round()

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> Tensor:
        return gradient


class OwnGradient(Small):
    def forward(self, x: Tensor) -> Any:
        return super().forward(Straight.apply(x))  # type: ignore[no-untyped-call]


class AsksForGradients(Small):
    """Below autograd nothing requires a gradient: the answer would be another one than in training."""

    def forward(self, x: Tensor) -> Any:
        y = super().forward(x)
        return y if y.requires_grad else y * 2


class MovingAverage(Small):
    """Batch normalisation over all batches so far reads how many there were."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(4, momentum=None)


class Tuple(Small):
    def forward(self, x: Tensor) -> Any:
        return (super().forward(x),)


class Constant(Small):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("answers", torch.zeros(4, 10))

    def forward(self, x: Tensor) -> Any:
        del x
        return self.answers


# What may be recorded, beside each.


class NoGrad(Small):
    """What comes out of the block is a number to gradients."""

    def forward(self, x: Tensor) -> Any:
        x = F.relu(self.norm(self.conv(x)))
        with torch.no_grad():
            scale = x.mean((2, 3), keepdim=True) - 1
        return self.out(self.drop(x * scale).mean((2, 3)))


class NoGradInPlace(Small):
    """Weights are held small between the steps, as a constraint on their norm does."""

    def forward(self, x: Tensor) -> Any:
        with torch.no_grad():
            self.out.weight.clamp_(-0.3, 0.3)
        return super().forward(x)


class Autocast(Small):
    """Half precision where there is hardware for it; here and in the retraining float32."""

    def forward(self, x: Tensor) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return super().forward(x)


class Sizes(Small):
    """Sizes of the batch, multiples of it, and shapes that depend on nothing."""

    def forward(self, x: Tensor) -> Any:
        x = F.relu(self.norm(self.conv(x)))
        x = F.avg_pool2d(x, x.size()[2:]).view(x.size(0) * 2, 2)
        return self.out(x.reshape(len(x) // 2, -1))


class Constants(Small):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.tensor(3.0)

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * self.scale + torch.tensor([2.0])


class Unchanged(Small):
    """A dropout that is off hands out its argument: two names for one tensor."""

    def forward(self, x: Tensor) -> Any:
        y = F.relu(self.conv(x))
        return self.out((self.drop(y) + y).mean((2, 3)))


class Several(Small):
    def forward(self, x: Tensor) -> Any:
        first, second = super().forward(x).chunk(2, 1)
        y = torch.cat([second, first], 1)
        return y - y.max(1, keepdim=True)[0]


class ShapePrinted(Small):
    def forward(self, x: Tensor) -> Any:
        print(x.shape, x.dtype, x.device, x.dim(), x.numel(), len(x), x.is_contiguous())
        return super().forward(x)
