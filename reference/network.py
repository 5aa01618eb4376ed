"""A small network that does what the assignment asks: batch normalisation, dropout, global average pooling.

    28x28  conv 5x5, maxpool -> 12x12  conv 3x3 -> 10x10  conv 3x3 padded, maxpool -> 5x5
           conv 3x3 padded   -> 5x5    conv 3x3 -> 3x3    global average -> 1x1    linear -> 10 logits

Every convolution is followed by batch normalisation and ReLU. Where there is a maxpool it comes before them: ReLU and a
rising affine map commute with a maximum, and a quarter of the elements is left to normalise. Dropout acts on the small
maps only, because drawing its random numbers is the dearest thing about it (a quarter of the time of a network that has
it everywhere). No convolution has a bias: the normalisation that follows would subtract it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Widths(NamedTuple):
    """Output channels of the five convolutions."""

    first: int
    second: int
    third: int
    fourth: int
    fifth: int


CONFIGURATIONS = {
    "default": Widths(12, 16, 16, 24, 32),  # 15,230 parameters
    "compact": Widths(16, 16, 16, 16, 16),  #  9,946 parameters
}


def block(
    inputs: int, outputs: int, *, kernel: int = 3, padding: int = 0, pool: bool = False
) -> nn.Sequential:
    """Convolution, maxpool 2x2 where asked for, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False),
        nn.MaxPool2d(2) if pool else nn.Identity(),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class ReferenceNetwork(nn.Module):
    """Normalised digits (N, 1, 28, 28) to logits (N, 10)."""

    def __init__(self, widths: Widths, dropout: float = 0.1) -> None:
        super().__init__()
        self.features = nn.Sequential(
            block(1, widths.first, kernel=5, pool=True),  # 28x28 -> 12x12
            block(widths.first, widths.second),  # 12x12 -> 10x10
            block(widths.second, widths.third, padding=1, pool=True),  # 10x10 -> 5x5
            nn.Dropout(dropout),
            block(widths.third, widths.fourth, padding=1),  # 5x5 -> 5x5
            block(widths.fourth, widths.fifth),  # 5x5 -> 3x3
        )
        self.average = nn.AdaptiveAvgPool2d(1)  # 3x3 -> 1x1
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(widths.fifth, 10)

    def forward(self, images: Tensor) -> Tensor:
        """One row of ten logits for each image."""
        maps: Tensor = self.average(self.features(images))
        logits: Tensor = self.classify(self.dropout(maps.flatten(1)))
        return logits


def build(name: str, seed: int) -> ReferenceNetwork:
    """The network of that configuration with fresh weights drawn from `seed` (torch's default initialisation)."""
    torch.manual_seed(seed)
    return ReferenceNetwork(CONFIGURATIONS[name])


def count_parameters(model: nn.Module) -> int:
    """Trainable numbers; the running statistics of batch normalisation are not among them."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
