"""Pillow's arithmetic on a whole batch of digits at once, bit for bit: nearest-neighbour affine maps and
blending.

Pillow maps an output pixel through the inverse matrix in 16.16 fixed point (`affine_fixed` in Geometry.c),
or, where the matrix only scales and shifts, in double precision along each axis (`ImagingScaleAffine`).
Digits are bytes (N, H, W).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

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
    """The matrix of `Image.rotate` (degrees, counter-clockwise, about the centre); None where the image is
    left alone.
    """
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
    """Each digit through its own matrix, nearest neighbour, `fill` where the source has no pixel; None leaves
    it alone.
    """
    _, height, width = images.shape
    identity = Matrix(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    table = torch.tensor([matrix or identity for matrix in matrices], dtype=torch.float64)
    columns, rows = _fixed(table[:, :3], height, width), _fixed(table[:, 3:], height, width)
    straight = (table[:, 1] == 0) & (table[:, 3] == 0)
    if bool(straight.any()):
        columns[straight] = _along(table[straight, 2], table[straight, 0], width)[:, None, :].to(
            columns.dtype
        )
        rows[straight] = _along(table[straight, 5], table[straight, 4], height)[:, :, None].to(rows.dtype)
    # A border of one pixel takes what lies outside: a third of the time of a mask.
    bordered = functional.pad(images, (1, 1, 1, 1), value=fill)
    columns.clamp_(-1, width).add_(1)
    rows.clamp_(-1, height).add_(1).mul_(width + 2).add_(columns)
    source = rows.flatten(1).long().to(images.device)
    return bordered.flatten(1).gather(1, source).view_as(images)


def _fixed(row: Tensor, height: int, width: int) -> Tensor:
    """Source coordinates (N, H, W) in whole pixels from one row (N, 3) of the matrices, in 16.16 fixed
    point.
    """
    start = torch.floor((row[:, 2] + row[:, 0] * 0.5 + row[:, 1] * 0.5) * _ONE + 0.5).long()
    across, down = (torch.floor(row[:, index] * _ONE + 0.5).long() for index in (0, 1))
    first = start[:, None, None] + down[:, None, None] * torch.arange(height)[:, None]
    along = across[:, None, None] * torch.arange(width)
    # Sums of a digit fit into 32 bits unless it is scaled a thousandfold, and then cost half as much.
    if int(first.abs().max()) + int(along.abs().max()) < 1 << 31:
        first, along = first.int(), along.int()
    return (first + along).bitwise_right_shift_(16)


def _along(offset: Tensor, step: Tensor, count: int) -> Tensor:
    """Source coordinates (N, count) along one axis; outside on the left is -1. Sums as Pillow does, one step
    at a time.
    """
    at = offset + step * 0.5
    found = []
    for _ in range(count):
        found.append(torch.where(at < 0, torch.full_like(at, -1), at.trunc()))
        at = at + step
    return torch.stack(found, 1).long()


def blend(base: Tensor, images: Tensor, factors: Tensor) -> Tensor:
    """`Image.blend(base, image, factor)` for each digit: base + factor (image - base), cut to a byte. `base`
    broadcasts.
    """
    origin = base.float()
    mixed = images.float().sub_(origin).mul_(factors.float()[:, None, None]).add_(origin)
    result = mixed.clamp_(0, 255).to(torch.uint8)
    return torch.where((factors == 1.0)[:, None, None], images, result)


def resize(images: Tensor, height: int, width: int) -> Tensor:
    """`Image.resize` with the bilinear filter: along the rows, then along the columns, each rounded to
    bytes.
    """
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
    return blend(images.new_zeros(1), images, factors)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    """`ImageEnhance.Contrast`: a blend with the digit's mean, rounded to a byte."""
    means = (images.flatten(1).sum(1).double() / math.prod(images.shape[1:]) + 0.5).trunc().to(torch.uint8)
    return blend(means[:, None, None], images, factors)
