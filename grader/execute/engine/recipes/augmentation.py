"""torchvision's transforms on whole batches: what each digit draws, in torchvision's order, and what is done
with it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from grader.execute.engine.recipes import pillow_affine


class Step(Protocol):
    """One transform: `draw` takes a digit's parameters from the global generator, `apply` uses those of a
    batch.
    """

    def draw(self, side: int) -> Any:
        """Draw the parameters of one digit of `side` x `side` pixels."""

    def apply(self, images: Tensor, drawn: Sequence[Any]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""


class _Fixed:
    """A transform without chance."""

    def draw(self, side: int) -> None:
        """Draw nothing."""
        return


class ToTensor(_Fixed):
    """Bytes (N, H, W) to floats (N, 1, H, W) in 0..1."""

    def apply(self, images: Tensor, drawn: Sequence[Any]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        return images.unsqueeze(1).float().div_(255)


@dataclass(frozen=True, slots=True)
class Normalize(_Fixed):
    """Subtract a mean and divide by a deviation, a channel each."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def apply(self, images: Tensor, drawn: Sequence[Any]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        mean, deviation = (_channels(values, images.device) for values in (self.mean, self.deviation))
        return images.sub_(mean).div_(deviation)  # in place: ToTensor, or what follows it, made them


@lru_cache(maxsize=64)
def _channels(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Numbers of channels, (1, channels, 1, 1): kept, since a GPU waits whenever some are sent to it."""
    return torch.tensor(values, dtype=torch.float32, device=device).view(1, -1, 1, 1)


@dataclass(frozen=True, slots=True)
class Pad(_Fixed):
    """A border of one value."""

    edges: tuple[int, int, int, int]  # left, right, top, bottom
    fill: int

    def apply(self, images: Tensor, drawn: Sequence[Any]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        return functional.pad(images, self.edges, value=self.fill)


@dataclass(frozen=True, slots=True)
class CenterCrop(_Fixed):
    """The middle of the digit."""

    height: int
    width: int

    def apply(self, images: Tensor, drawn: Sequence[Any]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        top = round((images.shape[1] - self.height) / 2.0)
        left = round((images.shape[2] - self.width) / 2.0)
        if top < 0 or left < 0:
            raise ValueError("a crop larger than the digit")
        return images[:, top : top + self.height, left : left + self.width]


@dataclass(frozen=True, slots=True)
class Resize(_Fixed):
    """Another size, bilinear."""

    height: int
    width: int

    def apply(self, images: Tensor, drawn: Sequence[Any]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        if images.shape[1:] == (self.height, self.width):
            return images
        return pillow_affine.resize(images, self.height, self.width)


@dataclass(frozen=True, slots=True)
class Sometimes:
    """`RandomApply`: the inner transforms with probability `p`, and together they keep the size."""

    inner: tuple[Step, ...]
    p: float

    def draw(self, side: int) -> tuple[Any, ...] | None:
        """Draw the parameters of one digit."""
        if bool(self.p < torch.rand(1)):
            return None
        return tuple(step.draw(side) for step in self.inner)

    def apply(self, images: Tensor, drawn: Sequence[tuple[Any, ...] | None]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        chosen = [digit for digit, item in enumerate(drawn) if item is not None]
        if not chosen:
            return images
        at = torch.tensor(chosen, device=images.device)
        part = images[at]
        for position, step in enumerate(self.inner):
            part = step.apply(part, [item[position] for item in drawn if item is not None])
        return images.index_copy(0, at, part)


@dataclass(frozen=True, slots=True)
class Rotation:
    """Turn by a random angle in degrees."""

    degrees: tuple[float, float]
    fill: int

    def draw(self, side: int) -> float:
        """Draw the parameters of one digit."""
        return _uniform(*self.degrees)

    def apply(self, images: Tensor, drawn: Sequence[float]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        height, width = images.shape[1:]
        return pillow_affine.transform(
            images, [pillow_affine.rotation(angle, height, width) for angle in drawn], self.fill
        )


@dataclass(frozen=True, slots=True)
class Affine:
    """Turn, shift, scale and shear at random."""

    degrees: tuple[float, float]
    translate: tuple[float, float] | None
    scale: tuple[float, float] | None
    shear: tuple[float, ...] | None
    fill: int

    def draw(self, side: int) -> pillow_affine.Warp:
        """Draw the parameters of one digit."""
        angle = _uniform(*self.degrees)
        shift = (0, 0)
        if self.translate is not None:
            x, y = (float(share * side) for share in self.translate)
            shift = (round(_uniform(-x, x)), round(_uniform(-y, y)))
        scale = 1.0 if self.scale is None else _uniform(*self.scale)
        shear_x = shear_y = 0.0
        if self.shear is not None:
            shear_x = _uniform(self.shear[0], self.shear[1])
            shear_y = _uniform(self.shear[2], self.shear[3]) if len(self.shear) == 4 else 0.0
        return pillow_affine.Warp(angle, shift, scale, (shear_x, shear_y))

    def apply(self, images: Tensor, drawn: Sequence[pillow_affine.Warp]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        height, width = images.shape[1:]
        return pillow_affine.transform(
            images, [pillow_affine.affine(item, height, width) for item in drawn], self.fill
        )


@dataclass(frozen=True, slots=True)
class OnTensor:
    """A turn or warp that stands behind ToTensor: torchvision then samples a float grid, not Pillow's fixed
    point.
    """

    inner: Rotation | Affine

    def draw(self, side: int) -> pillow_affine.Warp:
        """Draw the parameters of one digit."""
        drawn = self.inner.draw(side)
        return (
            drawn
            if isinstance(drawn, pillow_affine.Warp)
            else pillow_affine.Warp(-drawn, (0, 0), 1.0, (0.0, 0.0))
        )

    def apply(self, images: Tensor, drawn: Sequence[pillow_affine.Warp]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        count, channels, height, width = images.shape
        theta = torch.tensor([pillow_affine.affine(warp, 0, 0) for warp in drawn], dtype=torch.float32).view(
            count, 2, 3
        )
        base = torch.ones(height, width, 3)
        base[..., 0] = torch.linspace(-width * 0.5 + 0.5, width * 0.5 - 0.5, steps=width)
        base[..., 1] = torch.linspace(-height * 0.5 + 0.5, height * 0.5 - 0.5, steps=height).unsqueeze(-1)
        scaled = theta.transpose(1, 2) / torch.tensor([0.5 * width, 0.5 * height])
        grid = base.view(1, -1, 3).expand(count, -1, -1).bmm(scaled).view(count, height, width, 2)
        masked = torch.cat([images, torch.ones_like(images[:, :1])], 1)
        moved = functional.grid_sample(masked, grid.to(images.device), mode="nearest", align_corners=False)
        outside = (moved[:, -1:] < 0.5).expand(-1, channels, -1, -1)
        return moved[:, :-1].masked_fill(outside, float(self.inner.fill))


@dataclass(frozen=True, slots=True)
class RandomCrop:
    """A random window, of the digit with a border."""

    height: int
    width: int
    edges: tuple[int, int, int, int]
    fill: int

    def draw(self, side: int) -> tuple[int, int]:
        """Draw the parameters of one digit."""
        spare_y = side + self.edges[2] + self.edges[3] - self.height
        spare_x = side + self.edges[0] + self.edges[1] - self.width
        if spare_x == spare_y == 0:
            return 0, 0
        return (
            int(torch.randint(0, spare_y + 1, size=(1,)).item()),
            int(torch.randint(0, spare_x + 1, size=(1,)).item()),
        )

    def apply(self, images: Tensor, drawn: Sequence[tuple[int, int]]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        padded = functional.pad(images, self.edges, value=self.fill)
        windows = padded.unfold(1, self.height, 1).unfold(2, self.width, 1)
        at = torch.tensor(drawn, device=images.device)
        return windows[torch.arange(len(images), device=images.device), at[:, 0], at[:, 1]]


@dataclass(frozen=True, slots=True)
class Jitter:
    """Saturation and hue change nothing on a grey image, but draw their random numbers."""

    ranges: tuple[tuple[float, float] | None, ...]  # brightness, contrast, saturation, hue

    def draw(self, side: int) -> tuple[list[int], list[float]]:
        """Draw the parameters of one digit."""
        order = torch.randperm(4).tolist()
        return order, [1.0 if span is None else _uniform(*span) for span in self.ranges]

    def apply(self, images: Tensor, drawn: Sequence[tuple[list[int], list[float]]]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        factors = torch.tensor([item[1] for item in drawn], dtype=torch.float64).to(images.device)
        brighter, sharper = (span is not None for span in self.ranges[:2])
        if not brighter or not sharper:
            images = pillow_affine.brightness(images, factors[:, 0]) if brighter else images
            return pillow_affine.contrast(images, factors[:, 1]) if sharper else images
        first = torch.tensor([item[0].index(0) < item[0].index(1) for item in drawn]).to(images.device)
        result = torch.empty_like(images)
        result[first] = pillow_affine.contrast(
            pillow_affine.brightness(images[first], factors[first, 0]), factors[first, 1]
        )
        later = ~first
        result[later] = pillow_affine.brightness(
            pillow_affine.contrast(images[later], factors[later, 1]), factors[later, 0]
        )
        return result


@dataclass(frozen=True, slots=True)
class Flip:
    """Mirror with probability `p`."""

    axis: int
    p: float

    def draw(self, side: int) -> bool:
        """Draw the parameters of one digit."""
        return bool(torch.rand(1) < self.p)

    def apply(self, images: Tensor, drawn: Sequence[bool]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        return torch.where(
            torch.tensor(drawn).to(images.device)[:, None, None], images.flip(self.axis), images
        )


@dataclass(frozen=True, slots=True)
class Erasing:
    """Erases a rectangle with one value; gives up after ten rectangles that do not fit, as torchvision
    does.
    """

    p: float
    scale: tuple[float, float]
    ratio: tuple[float, float]
    value: float

    def draw(self, side: int) -> tuple[int, int, int, int] | None:
        """Draw the parameters of one digit."""
        if not torch.rand(1) < self.p:
            return None
        low, high = (float(value) for value in torch.log(torch.tensor(self.ratio)))
        for _ in range(10):
            area = side * side * _uniform(*self.scale)
            aspect = torch.exp(torch.empty(1).uniform_(low, high)).item()
            height, width = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if height < side and width < side:
                top = int(torch.randint(0, side - height + 1, size=(1,)).item())
                left = int(torch.randint(0, side - width + 1, size=(1,)).item())
                return top, left, height, width
        return None

    def apply(self, images: Tensor, drawn: Sequence[tuple[int, int, int, int] | None]) -> Tensor:
        """Transform a batch with the parameters that its digits drew."""
        result = images.clone()
        for digit, box in enumerate(drawn):
            if box is not None:
                top, left, height, width = box
                result[digit, :, top : top + height, left : left + width] = self.value
        return result


RANDOM = (OnTensor, Sometimes, Rotation, Affine, RandomCrop, Jitter, Flip, Erasing)


def _uniform(low: float, high: float) -> float:
    return float(torch.empty(1).uniform_(low, high).item())
