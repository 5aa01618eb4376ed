"""Pillow's arithmetic on a whole batch of digits at once, bit for bit: nearest-neighbour affine maps and blending.

Pillow maps an output pixel through the inverse matrix in 16.16 fixed point (`affine_fixed` in Geometry.c), or, where the
matrix only scales and shifts, in double precision along each axis (`ImagingScaleAffine`). Digits are bytes (N, H, W).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_ONE = 65_536.0


class Matrix(NamedTuple):
    """An inverse affine map: x' = a x + b y + c, y' = d x + e y + f, in pixels of the source."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float


def rotation(angle: float, height: int, width: int) -> Matrix | None:
    """The matrix of `Image.rotate` (degrees, counter-clockwise, about the centre); None where the image is left alone."""
    angle %= 360.0
    if angle == 0:
        return None
    turn = -math.radians(angle)
    a, b = round(math.cos(turn), 15), round(math.sin(turn), 15)
    d, e = round(-math.sin(turn), 15), round(math.cos(turn), 15)
    x, y = width / 2, height / 2
    return Matrix(a, b, a * -x + b * -y + 0.0 + x, d, e, d * -x + e * -y + 0.0 + y)


class Warp(NamedTuple):
    """What torchvision's `RandomAffine` draws: angles in degrees, shifts (x, y) in pixels."""

    angle: float
    shift: tuple[int, int]
    scale: float
    shear: tuple[float, float]


def affine(warp: Warp, height: int, width: int) -> Matrix:
    """The matrix of torchvision's `affine` about the centre."""
    angle, shift, scale, shear = warp
    turn, shear_x, shear_y = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    a = math.cos(turn - shear_y) / math.cos(shear_y)
    b = -math.cos(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) - math.sin(turn)
    c = math.sin(turn - shear_y) / math.cos(shear_y)
    d = -math.sin(turn - shear_y) * math.tan(shear_x) / math.cos(shear_y) + math.cos(turn)
    m = [value / scale for value in (d, -b, 0.0, -c, a, 0.0)]
    x, y = width * 0.5, height * 0.5
    m[2] += m[0] * (-x - shift[0]) + m[1] * (-y - shift[1])
    m[5] += m[3] * (-x - shift[0]) + m[4] * (-y - shift[1])
    return Matrix(m[0], m[1], m[2] + x, m[3], m[4], m[5] + y)


def transform(images: Tensor, matrices: Sequence[Matrix | None], fill: int) -> Tensor:
    """Each digit through its own matrix, nearest neighbour, `fill` where the source has no pixel; None leaves it alone."""
    count, height, width = images.shape
    identity = Matrix(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    table = torch.tensor([matrix or identity for matrix in matrices], dtype=torch.float64)
    x, y = torch.arange(width), torch.arange(height)
    columns, rows = _fixed(table[:, :3], x, y), _fixed(table[:, 3:], x, y)
    straight = (table[:, 1] == 0) & (table[:, 3] == 0)
    if bool(straight.any()):
        columns[straight] = _along(table[straight, 2], table[straight, 0], width)[:, None, :].expand(
            -1, height, -1
        )
        rows[straight] = _along(table[straight, 5], table[straight, 4], height)[:, :, None].expand(
            -1, -1, width
        )
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    source = (rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)).flatten(1).to(images.device)
    taken = images.flatten(1).gather(1, source).reshape(count, height, width)
    return torch.where(inside.to(images.device), taken, torch.full_like(taken, fill))


def _fixed(row: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Source coordinates (N, H, W) in whole pixels from one row (N, 3) of the matrices, in 16.16 fixed point."""
    start = torch.floor((row[:, 2] + row[:, 0] * 0.5 + row[:, 1] * 0.5) * _ONE + 0.5).long()
    across, down = (torch.floor(row[:, index] * _ONE + 0.5).long() for index in (0, 1))
    return (start[:, None, None] + down[:, None, None] * y[:, None] + across[:, None, None] * x) >> 16


def _along(offset: Tensor, step: Tensor, count: int) -> Tensor:
    """Source coordinates (N, count) along one axis; outside on the left is -1. Sums as Pillow does, one step at a time."""
    at = offset + step * 0.5
    found = []
    for _ in range(count):
        found.append(torch.where(at < 0, torch.full_like(at, -1), at.trunc()))
        at = at + step
    return torch.stack(found, 1).long()


def blend(base: Tensor, images: Tensor, factors: Tensor) -> Tensor:
    """`Image.blend(base, image, factor)` for each digit: base + factor (image - base), cut to a byte. `base` broadcasts."""
    origin = base.float()
    mixed = origin + factors.float()[:, None, None] * (images.float() - origin)
    result = mixed.clamp(0, 255).trunc().to(torch.uint8)
    return torch.where((factors == 1.0)[:, None, None], images, result)


def resize(images: Tensor, height: int, width: int) -> Tensor:
    """`Image.resize` with the bilinear filter: along the rows, then along the columns, each rounded to bytes."""
    across = _resample(images.long(), images.shape[2], width)
    return _resample(across.transpose(1, 2), images.shape[1], height).transpose(1, 2).to(torch.uint8)


def _resample(values: Tensor, size: int, count: int) -> Tensor:
    """The last axis of (N, A, size) to `count` positions, in fixed point with 22 bits (Resample.c)."""
    weights = torch.zeros(count, size, dtype=torch.int64)
    scale = size / count
    support = max(scale, 1.0)
    for position in range(count):
        center = (position + 0.5) * scale
        first, last = max(0, int(center - support + 0.5)), min(size, int(center + support + 0.5))
        share = [max(0.0, 1.0 - abs((at - center + 0.5) / support)) for at in range(first, last)]
        for at, weight in enumerate(share, first):
            weights[position, at] = int(0.5 + weight / sum(share) * (1 << 22))
    # Products of 64-bit integers run on no GPU; in double precision these are exact, far below 2 to the 53.
    total = values.double() @ weights.double().T.to(values.device)
    return ((total.long() + (1 << 21)) >> 22).clamp(0, 255)


def brightness(images: Tensor, factors: Tensor) -> Tensor:
    """`ImageEnhance.Brightness`: a blend with black."""
    return blend(torch.zeros_like(images), images, factors)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    """`ImageEnhance.Contrast`: a blend with the digit's mean, rounded to a byte."""
    means = (images.flatten(1).double().mean(1) + 0.5).trunc().to(torch.uint8)
    return blend(means[:, None, None].expand_as(images), images, factors)
