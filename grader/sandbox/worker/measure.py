"""Answers of a network to images whose labels stay outside: what still measures a network that cannot leave
as data.

`measure(module, images)` asks once, after the notebook; `Asker` asks after every epoch of a run that goes on.
The trusted side chooses the images, their order and the batches, keeps the labels, and judges the answers
(`grader/execute/measure.py`).
"""

import copy
import io
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import numpy as np
import torch
from torch import nn

from . import module_tensors
from .mnist_stub import About

BATCH = 500


class NotMeasurable(Exception):
    """Why the network gave no answers, in words for a person."""


def measure(
    module: nn.Module, images: torch.Tensor, classes: int, batches: Sequence[int] = ()
) -> torch.Tensor:
    """Return the answers of `module` in evaluation mode as float32 (images, classes), on the CPU.

    `images` is (n, ...) as the network takes it; `batches` are the sizes to ask in, 500 each where empty.
    Training flags are put back, also those that the network's own `eval` leaves alone.

    Raises:
        NotMeasurable: an answer has another shape or holds something that is no finite number.

    """
    sizes = list(batches) or [min(BATCH, len(images) - at) for at in range(0, len(images), BATCH)]
    modes = [(child, child.training) for child in module.modules()]
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    try:
        module.eval()
        with torch.no_grad():
            parts = torch.split(images, sizes)
            answers = [answer(module(part.clone().to(device)), len(part), classes) for part in parts]
    finally:
        for child, training in modes:
            child.training = training
    return torch.cat(answers)


def answer(found: Any, rows: int, classes: int) -> torch.Tensor:
    """Return what a network said to so many images as float32 on the CPU; raises NotMeasurable."""
    if not isinstance(found, torch.Tensor):
        raise NotMeasurable(f"the network answers with a {type(found).__name__}, not with a tensor")
    if tuple(found.shape) != (rows, classes):
        raise NotMeasurable(f"{rows} images are answered in the shape {tuple(found.shape)}"[:200])
    numbers = found.detach().to(device="cpu", dtype=torch.float32)
    if not bool(torch.isfinite(numbers).all()):
        raise NotMeasurable("some answers are no finite numbers")
    return numbers


def payload(answers: torch.Tensor, number: int = 0) -> bytes:
    """Pack answers as a `logits` frame: `u32 number | u32 rows | u32 columns | float32`, all
    little-endian.
    """
    head = b"".join(int(n).to_bytes(4, "little") for n in (number, *answers.shape))
    return head + answers.contiguous().numpy().astype("<f4").tobytes()


def unpack(blob: bytes, about: About) -> tuple[list[int], torch.Tensor]:
    """Read `u32 batches | u32 size of each | pixels`: the sizes, and uint8 images as torchvision keeps them.

    Raises:
        ValueError: the sizes do not fit.

    """
    count = int.from_bytes(blob[:4], "little")
    sizes = [int.from_bytes(blob[4 + 4 * i : 8 + 4 * i], "little") for i in range(count)]
    pixels = blob[4 + 4 * count :]
    if not sizes or sum(sizes) * math.prod(about.image) != len(pixels):
        raise ValueError(f"{len(pixels)} pixels for batches of {sizes}")
    return sizes, torch.frombuffer(bytearray(pixels), dtype=torch.uint8).view(-1, *about.stored)


def transformed(pixels: torch.Tensor, transform: Any, like: Any, about: About) -> torch.Tensor:
    """Images as the network takes them: by the notebook's own test transform, in the shape of an input that
    was seen.

    Equal images are transformed once, so that a transform with chance in it does not look like a network with
    chance.
    """
    if transform is None:
        # What nearly every notebook normalises with.
        scaled = pixels.float() / 255
        images = (scaled - about.mean) / (about.deviation or 1.0)
        images = images.unsqueeze(1) if about.channels == 1 else images.movedim(-1, 1)
    else:
        from PIL import Image

        known: dict[bytes, Any] = {}
        rows = []
        for image in pixels.numpy():
            key = image.tobytes()
            if key not in known:
                known[key] = transform(Image.fromarray(image))
            rows.append(known[key])
        images = torch.stack(rows).float()
    if isinstance(like, torch.Tensor) and like[0].numel() == images[0].numel():
        images = images.reshape(len(images), *like.shape[1:])
    return images


def unseen(blob: bytes, shape: torch.Size, about: About) -> list[torch.Tensor]:
    """Two batches of the images that came without labels, as a network that takes images of `shape` is given
    them: normalised, stretched to its height and width by repeating or leaving out rows and columns, and
    equal in every channel. Both sides of the sandbox make them from the same bytes.
    """
    sizes, pixels = unpack(blob, about)
    side = about.side
    images = (pixels.float() / 255 - about.mean) / (about.deviation or 1.0)
    if about.channels > 1:
        images = images.movedim(-1, 1) if tuple(shape) == about.image else images.mean(-1)
    if tuple(shape) == about.image:
        pass
    elif len(shape) in (2, 3) and shape.numel() != side * side:
        rows, columns = (torch.arange(extent) * side // extent for extent in shape[-2:])
        images = images[:, rows][:, :, columns]
        images = images.unsqueeze(1).repeat(1, *shape[:-2], 1, 1).reshape(-1, *shape)
    elif shape.numel() != side * side:
        images = images.reshape(len(images), -1)[
            :, torch.arange(shape.numel()) * side * side // shape.numel()
        ]
    parts = torch.split(images.reshape(len(images), *shape), sizes)
    return [parts[0], parts[len(parts) * 2 // 3]]


class Asker:
    """Asks the same images after every epoch and leaves no trace in the training that goes on."""

    def __init__(self, blob: bytes, about: About) -> None:
        self._sizes, self._pixels = unpack(blob, about)
        self._about = about
        self._transform: Any = self
        self._images: torch.Tensor | None = None

    def ask(
        self, module: nn.Module, state: dict[str, torch.Tensor] | None, transform: Any, like: Any
    ) -> torch.Tensor:
        """Return the answers of a copy of `module` that holds `state`, as `measure` does; raises as it does.

        Images are transformed once for each transform, shaped like `like`.
        """
        with undisturbed():
            if self._images is None or self._transform is not transform:
                self._images = transformed(self._pixels, transform, like, self._about)
                self._transform = transform
            return measure(twin(module, state), self._images, self._about.classes, self._sizes)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Give the random streams back as they were, and let nothing be printed: what a cell prints is its
    log.
    """
    before = torch.default_generator.get_state(), np.random.get_state(), random.getstate()
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        torch.default_generator.set_state(before[0])
        np.random.set_state(before[1])
        random.setstate(before[2])


def twin(module: nn.Module, state: dict[str, torch.Tensor] | None) -> nn.Module:
    """A copy of the network, holding `state` where there is one: its own counters and statistics do not move
    when it is asked.

    Raises:
        NotMeasurable: it cannot be copied.

    """
    # What a forward pass left on the module hangs on a graph, and torch refuses to copy that.
    left: dict[int, Any] = {
        id(value): value.detach()
        for child in module.modules()
        for value in vars(child).values()
        if isinstance(value, torch.Tensor) and not value.is_leaf
    }
    try:
        made = copy.deepcopy(module, left)
    except Exception as fault:
        raise NotMeasurable(f"the network cannot be copied: {type(fault).__name__}: {fault}"[:200]) from fault
    with torch.no_grad():
        for held in module_tensors.tensors(made):
            if state is not None and held.name in state:
                held.tensor.copy_(state[held.name])
    return made
