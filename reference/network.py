"""A small network that does what the assignment asks: batch normalisation, dropout, global average pooling.

    28x28  conv 5x5, maxpool -> 12x12  conv 3x3 -> 10x10  conv 3x3 padded, maxpool -> 5x5
           conv 3x3 padded   -> 5x5    conv 3x3 -> 3x3    global average -> 1x1    linear -> 10 logits

After every convolution come batch normalisation and SiLU (x times its sigmoid). Where there is a maxpool it
stands before them, so that a quarter of the elements is left to work on. The channels are few where the maps
are large and many where they are small: there they cost little time. Dropout acts on the averages only: on
the maps, drawing its random numbers is dear, and with so few epochs it did not help. No convolution has a
bias, which the normalisation after it would subtract. The comparisons behind these choices are in
docs/reference-network.md.
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
    "default": Widths(8, 16, 16, 32, 32),  # 18,018 parameters
    "compact": Widths(8, 16, 16, 16, 24),  #  9,826 parameters
    "small": Widths(8, 12, 16, 16, 16),  #  7,706 parameters
}


def block(
    inputs: int, outputs: int, *, kernel: int = 3, padding: int = 0, pool: bool = False
) -> nn.Sequential:
    """Convolution, maxpool 2x2 where asked for, batch normalisation, SiLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False)
    pooling = [nn.MaxPool2d(2)] if pool else []
    return nn.Sequential(convolution, *pooling, nn.BatchNorm2d(outputs), nn.SiLU())


class ReferenceNetwork(nn.Module):
    """Normalised digits (N, 1, 28, 28) to logits (N, 10)."""

    def __init__(self, widths: Widths, dropout: float = 0.1) -> None:
        super().__init__()
        self.features = nn.Sequential(
            block(1, widths.first, kernel=5, pool=True),  # 28x28 -> 12x12
            block(widths.first, widths.second),  # 12x12 -> 10x10
            block(widths.second, widths.third, padding=1, pool=True),  # 10x10 -> 5x5
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
    """The network of that configuration with fresh weights drawn from `seed` (torch's default
    initialisation).
    """
    torch.manual_seed(seed)
    return ReferenceNetwork(CONFIGURATIONS[name])


def count_parameters(model: nn.Module) -> int:
    """Trainable numbers; the running statistics of batch normalisation are not among them."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
