"""torchvision transforms as data, run on whole batches: the same random draws in the same order, the same
bytes.

Each digit draws its parameters for all transforms before the next digit does, from torch's global generator,
as a DataLoader without workers does. What is not listed here is refused by name.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grader.core.assigned_data import MNIST, DataSet
from grader.core.facts.recipe import Part, Value
from grader.execute.engine.recipes.augmentation import (
    RANDOM,
    Affine,
    CenterCrop,
    Erasing,
    Flip,
    Jitter,
    Normalize,
    OnTensor,
    Pad,
    RandomCrop,
    Resize,
    Rotation,
    Sometimes,
    Step,
    ToTensor,
)

LONGEST = 20
"""Parts of a transform that we follow; real ones have at most seven."""


class UnknownTransform(Exception):
    """A transform that is not on the list, or with arguments that are not; the message names it."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Bytes (N, side, side) to floats (N, channels, H, W). `random` says whether two calls may differ."""

    steps: tuple[Step, ...]
    random: bool

    def __call__(self, images: Tensor) -> Tensor:
        """Transform a batch, on the device where it is."""
        drawn: list[tuple[Any, ...]] = []
        if self.random:
            side = images.shape[1]
            drawn = [tuple(step.draw(side) for step in self.steps) for _ in range(len(images))]
        for position, step in enumerate(self.steps):
            images = step.apply(images, [item[position] for item in drawn])
        return images


def compile_training(
    parts: Sequence[Part] | None, image: tuple[int, ...], side: int = MNIST.side
) -> Pipeline:
    """The training transforms; raises UnknownTransform."""
    return _compile(parts, image, "training", side)


def compile_test(parts: Sequence[Part] | None, image: tuple[int, ...], side: int = MNIST.side) -> Pipeline:
    """The test transforms; raises UnknownTransform, also where one of them is random."""
    pipeline = _compile(parts, image, "test", side)
    if pipeline.random:
        raise UnknownTransform("the test transform is random")
    return pipeline


def plain(image: tuple[int, ...], data: DataSet = MNIST) -> Pipeline:
    """ToTensor and Normalize; raises UnknownTransform where the network takes something other than an image
    of the data set.
    """
    normalise = Part(kind="Normalize", arguments={"mean": (data.mean,), "std": (data.deviation,)})
    return _compile((Part(kind="ToTensor"), normalise), image, "test", data.side)


def _compile(parts: Sequence[Part] | None, image: tuple[int, ...], which: str, side: int) -> Pipeline:
    if parts is None:
        raise UnknownTransform(f"the {which} transform is not known")
    if len(parts) > LONGEST:
        raise UnknownTransform(f"the {which} transform of {len(parts):,} parts")
    steps: list[Step] = []
    tensor = False
    size = (side, side)
    for part in _paired(parts):
        if part.kind == "ToTensor":
            if tensor:
                raise UnknownTransform(f"the {which} transform makes tensors twice")
            tensor = True
            steps.append(ToTensor())
            continue
        table = _TENSOR_STEPS if tensor else _IMAGE_STEPS
        if part.kind not in table:
            raise UnknownTransform(f"the {which} transform {part.kind[:60]}")
        try:
            step = table[part.kind](dict(part.arguments))
            _refuse_another_size(step, side)
        except (TypeError, ValueError, KeyError) as error:
            raise UnknownTransform(f"the {which} transform {part.kind} with {error}") from error
        if size != (side, side) and not isinstance(step, Normalize | Resize | CenterCrop):
            raise UnknownTransform(f"the {which} transform {part.kind} after a change of size")
        size = _size_after(step, size)
        steps.append(step)
    if not tensor:
        raise UnknownTransform(f"the {which} transform makes no tensor")
    pipeline = Pipeline(tuple(steps), random=any(isinstance(step, RANDOM) for step in steps))
    state = torch.get_rng_state()
    try:
        shape = tuple(pipeline(torch.zeros(2, side, side, dtype=torch.uint8)).shape[1:])
    except (RuntimeError, ValueError, IndexError) as error:
        raise UnknownTransform(f"the {which} transform fails: {str(error)[:100]}") from error
    finally:
        torch.set_rng_state(state)
    if shape != image:
        raise UnknownTransform(f"the {which} transform makes {shape}, the network takes {image}")
    return pipeline


def _refuse_another_size(step: Step, side: int) -> None:
    """Raise ValueError where a transform that only happens sometimes changes the size of a digit."""
    size = (side, side)
    for inner in step.inner if isinstance(step, Sometimes) else ():
        if isinstance(inner, CenterCrop) and max(inner.height, inner.width) > min(size):
            raise ValueError("a crop larger than the digit")
        size = _size_after(inner, size)
    if size != (side, side):
        raise ValueError("another size for some digits only")


def _size_after(step: Step, size: tuple[int, int]) -> tuple[int, int]:
    if isinstance(step, CenterCrop | RandomCrop | Resize):
        return step.height, step.width
    if isinstance(step, Pad):
        return size[0] + step.edges[2] + step.edges[3], size[1] + step.edges[0] + step.edges[1]
    return size


def _paired(parts: Sequence[Part]) -> list[Part]:
    """The parts, where a crop that only happens sometimes is joined with the Resize that undoes its change of
    size.
    """
    found: list[Part] = []
    for part in parts:
        crop = found[-1] if found and found[-1].kind == "RandomApply(CenterCrop)" else None
        if crop is not None and part.kind == "Resize":
            sizes = {"crop": crop.arguments.get("size"), "p": crop.arguments.get("p")}
            found[-1] = Part(kind="RandomApply(CenterCrop, Resize)", arguments={**part.arguments, **sizes})
        else:
            found.append(part)
    return found


def _numbers(value: Value, count: tuple[int, ...]) -> tuple[float, ...]:
    items = value if isinstance(value, tuple) else (value,)
    numbers = tuple(float(item) for item in items if isinstance(item, int | float) and math.isfinite(item))
    if len(numbers) != len(items) or len(numbers) not in count or any(abs(item) > 1e4 for item in numbers):
        raise ValueError(f"an argument of {str(value)[:40]}")
    return numbers


def _span(value: Value) -> tuple[float, float]:
    low, high = _numbers(value, (2,))
    if low > high:
        raise ValueError(f"a range of {low} to {high}")
    return low, high


def _byte(value: Value) -> int:
    (number,) = _numbers(0 if value is None else value, (1,))
    if not 0 <= number <= 255:
        raise ValueError(f"a fill of {number}")
    return int(number)


def _size(value: Value) -> tuple[int, int]:
    sides = _numbers(value, (1, 2))
    height, width = int(sides[0]), int(sides[-1])
    if not 1 <= height <= 64 or not 1 <= width <= 64:
        raise ValueError(f"a size of {height}x{width}")
    return height, width


def _edges(value: Value) -> tuple[int, int, int, int]:
    """Torchvision's padding (all; left and right, top and bottom; left, top, right, bottom) in the order of
    torch's.
    """
    sides = [int(side) for side in _numbers(0 if value is None else value, (1, 2, 4))]
    if any(not 0 <= side <= 32 for side in sides):
        raise ValueError(f"a padding of {sides}")
    left, top, right, bottom = sides * (4 // len(sides)) if len(sides) < 4 else sides
    return left, right, top, bottom


def _expect(arguments: dict[str, Value], **values: Value) -> None:
    """Refuse what is left over, apart from arguments that have the one value that we can follow."""
    for name, value in arguments.items():
        if name not in values or value != values[name]:
            raise ValueError(f"{name} = {str(value)[:40]}")


def _rotation(arguments: dict[str, Value]) -> Rotation:
    step = Rotation(_span(arguments.pop("degrees")), _byte(arguments.pop("fill", 0)))
    _expect(arguments, interpolation="nearest", resample="nearest", expand=False, center=None)
    return step


def _affine(arguments: dict[str, Value]) -> Affine:
    pairs = {name: arguments.pop(name, None) for name in ("translate", "scale", "shear")}
    shear = None if pairs["shear"] is None else _numbers(pairs["shear"], (2, 4))
    translate = None if pairs["translate"] is None else _numbers(pairs["translate"], (2,))
    step = Affine(
        degrees=_span(arguments.pop("degrees")),
        translate=None if translate is None else (translate[0], translate[1]),
        scale=None if pairs["scale"] is None else _span(pairs["scale"]),
        shear=shear,
        fill=_byte(arguments.pop("fill", 0)),
    )
    if (step.scale and step.scale[0] <= 0) or (translate and not all(0 <= share <= 1 for share in translate)):
        raise ValueError("a scale or shift out of range")
    _expect(arguments, interpolation="nearest", resample="nearest", fillcolor=0, center=None)
    return step


def _random_crop(arguments: dict[str, Value]) -> Step:
    height, width = _size(arguments.pop("size"))
    step = RandomCrop(height, width, _edges(arguments.pop("padding", None)), _byte(arguments.pop("fill", 0)))
    _expect(arguments, padding_mode="constant", pad_if_needed=False)
    return step


def _pad(arguments: dict[str, Value]) -> Step:
    step = Pad(_edges(arguments.pop("padding")), _byte(arguments.pop("fill", 0)))
    _expect(arguments, padding_mode="constant")
    return step


def _center_crop(arguments: dict[str, Value]) -> Step:
    step = CenterCrop(*_size(arguments.pop("size")))
    _expect(arguments)
    return step


def _jitter(arguments: dict[str, Value]) -> Step:
    names = ("brightness", "contrast", "saturation", "hue")
    values = [arguments.pop(name, None) for name in names]
    _expect(arguments)
    return Jitter(tuple(None if value is None else _span(value) for value in values))


def _flip(axis: int) -> Callable[[dict[str, Value]], Step]:
    def make(arguments: dict[str, Value]) -> Step:
        step = Flip(axis, _numbers(arguments.pop("p"), (1,))[0])
        _expect(arguments)
        return step

    return make


def _normalize(arguments: dict[str, Value]) -> Step:
    step = Normalize(_numbers(arguments.pop("mean"), (1,)), _numbers(arguments.pop("std"), (1,)))
    if any(value == 0 for value in step.deviation):
        raise ValueError("a standard deviation of 0")
    _expect(arguments, inplace=False)
    return step


def _erasing(arguments: dict[str, Value]) -> Step:
    (p,), (value,) = _numbers(arguments.pop("p"), (1,)), _numbers(arguments.pop("value", 0), (1,))
    step = Erasing(p, _span(arguments.pop("scale")), _span(arguments.pop("ratio")), value)
    if step.scale[0] < 0 or step.ratio[0] <= 0:
        raise ValueError("a scale or ratio out of range")
    _expect(arguments, inplace=False)
    return step


def _resize(arguments: dict[str, Value]) -> Step:
    step = Resize(*_size(arguments.pop("size")))
    _expect(arguments, interpolation="bilinear", max_size=None, antialias=True)
    return step


def _sometimes_cropped(arguments: dict[str, Value]) -> Step:
    crop = CenterCrop(*_size(arguments.pop("crop")))
    (p,) = _numbers(arguments.pop("p"), (1,))
    return Sometimes((crop, _resize(arguments)), p)


def _sometimes(make: Callable[[dict[str, Value]], Step]) -> Callable[[dict[str, Value]], Step]:
    def wrapped(arguments: dict[str, Value]) -> Step:
        (p,) = _numbers(arguments.pop("p"), (1,))
        step = make(arguments)
        return Sometimes((step,), p)

    return wrapped


_IMAGE_STEPS: dict[str, Callable[[dict[str, Value]], Step]] = {
    "RandomRotation": _rotation,
    "RandomAffine": _affine,
    "RandomCrop": _random_crop,
    "ColorJitter": _jitter,
    "RandomHorizontalFlip": _flip(2),
    "RandomVerticalFlip": _flip(1),
    "Pad": _pad,
    "CenterCrop": _center_crop,
    "Resize": _resize,
    "RandomApply(CenterCrop, Resize)": _sometimes_cropped,
    **{
        f"RandomApply({name})": _sometimes(make)
        for name, make in (
            ("RandomRotation", _rotation),
            ("RandomAffine", _affine),
            ("RandomCrop", _random_crop),
            ("ColorJitter", _jitter),
        )
    },
}
_TENSOR_STEPS: dict[str, Callable[[dict[str, Value]], Step]] = {
    "Normalize": _normalize,
    "RandomErasing": _erasing,
    "RandomRotation": lambda arguments: OnTensor(_rotation(arguments)),
    "RandomAffine": lambda arguments: OnTensor(_affine(arguments)),
}
