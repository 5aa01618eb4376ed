"""What the training loop is told: the numbers of a recipe and the learning rate that follows from them. No
torch.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train; chosen on held-out training digits, never on the test set (docs/reference-network.md)."""

    epochs: int
    batch_size: int = 128
    """The last batch of an epoch is smaller where the digits do not divide, as with torch's DataLoader."""
    peak_rate: float = 0.1
    warmup: float = 0.2
    """Share of the steps in which the rate rises."""
    momentum: float = 0.9
    """Of Nesterov's kind."""
    weight_decay: float = 2e-4
    shift: int = 1
    """Each training digit is moved by -shift to shift whole pixels along each axis."""
    mean: float = 0.1307
    """Of a pixel in 0..1, over the 60,000 training digits; `deviation` likewise."""
    deviation: float = 0.3081

    def __post_init__(self) -> None:
        """Raise ValueError where a number cannot be trained with."""
        if min(self.epochs, self.batch_size) < 1 or self.shift < 0 or not 0 <= self.warmup < 1:
            raise ValueError(
                f"{self}: epochs and batch_size start at 1, shift at 0, warmup is in 0..1 without 1"
            )
        if min(self.peak_rate, self.momentum, self.deviation) <= 0 or self.weight_decay < 0:
            raise ValueError(
                f"{self}: peak_rate, momentum and deviation are above 0, weight_decay is not below it"
            )

    def rates(self, steps: int) -> list[float]:
        """The learning rate of each step: peak / 5 up to peak, then down to peak / 1000, in straight lines.

        The one-cycle rate of Smith and Topin, arXiv:1708.07120.
        """
        top = max(1, round(self.warmup * steps))
        rising = [0.2 + 0.8 * step / top for step in range(top)]
        falling = [1 - 0.999 * step / (steps - top) for step in range(steps - top)]
        return [self.peak_rate * factor for factor in rising + falling]


# One for each configuration of `network.py`.
RECIPES = {
    "default": Recipe(epochs=6),
    "compact": Recipe(epochs=4, batch_size=64, peak_rate=0.2),
    "small": Recipe(epochs=8, batch_size=64, peak_rate=0.2),
}
