"""Two steps of a training in C: batch normalisation with a ReLU before or behind it, and dropout.

`native/` builds the module that computes them (`make native`). Both take maps in channels_last, in which
convolutions are a quarter faster and in which torch's own batch normalisation is imprecise. What a kernel
does not take goes to torch's operator, on contiguous maps where the layout would cost precision.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from grader.execute.graph.checked import CheckedGraph, Instruction

VERSION = 1
"""Of the module's functions and their arguments."""
MOST_CHANNELS = 512
_BEFORE, _BEHIND = 1, 2


class Kernels(Protocol):
    """The module. Every tensor is the address of dense float32 numbers but `mean`, `scale` (float64) and
    `kept` (bytes); `generator` is a copy of the state of torch's generator, which is moved on.
    """

    def batch_norm(self, *arguments: float) -> None:
        """x, y, rows, channels, gamma, beta, mean, scale, running mean, running variance (0 for none),
        momentum, epsilon, rectify (1 before, 2 behind).
        """

    def batch_norm_back(self, *arguments: float) -> None:
        """dy, x, dx, rows, channels, gamma, beta, mean, scale, dgamma, dbeta, rectify."""

    def dropout(self, *arguments: float) -> None:
        """generator, its bytes, x, y, kept, count, probability to keep."""

    def dropout_back(self, *arguments: float) -> None:
        """dy, kept, dx, count, probability to keep."""

    def __hash__(self) -> int: ...


class _BatchNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        kernels: Kernels,
        maps: Tensor,
        weight: Tensor,
        bias: Tensor,
        running: tuple[Tensor | None, Tensor | None],
        momentum: float,
        epsilon: float,
        rectify: int,
    ) -> Tensor:
        rows, channels = maps.numel() // maps.shape[1], maps.shape[1]
        mean, scale = numbers = torch.empty(2, channels, dtype=torch.float64)
        normed = torch.empty_like(maps, memory_format=torch.channels_last)
        kernels.batch_norm(
            maps.data_ptr(),
            normed.data_ptr(),
            rows,
            channels,
            weight.data_ptr(),
            bias.data_ptr(),
            mean.data_ptr(),
            scale.data_ptr(),
            *(0 if value is None else value.data_ptr() for value in running),
            momentum,
            epsilon,
            rectify,
        )
        ctx.save_for_backward(maps, weight, bias, numbers)
        ctx.kernels, ctx.rectify = kernels, rectify
        return normed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, found: Tensor) -> tuple[Tensor | None, ...]:
        maps, weight, bias, (mean, scale) = ctx.saved_tensors
        rows, channels = maps.numel() // maps.shape[1], maps.shape[1]
        arriving = found.contiguous(memory_format=torch.channels_last)
        back = torch.empty_like(maps, memory_format=torch.channels_last)
        of_weight, of_bias = torch.empty(2, channels)
        ctx.kernels.batch_norm_back(
            arriving.data_ptr(),
            maps.data_ptr(),
            back.data_ptr(),
            rows,
            channels,
            weight.data_ptr(),
            bias.data_ptr(),
            mean.data_ptr(),
            scale.data_ptr(),
            of_weight.data_ptr(),
            of_bias.data_ptr(),
            ctx.rectify,
        )
        return None, back, of_weight, of_bias, None, None, None, None


def batch_norm(  # noqa: PLR0913, PLR0917  those of the operator
    kernels: Kernels,
    rectify: int,
    maps: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    epsilon: float,
    cudnn: bool,
) -> Tensor:
    """`aten.batch_norm` with a ReLU before or behind it."""
    if (
        training
        and weight is not None
        and bias is not None
        and maps.dim() == 4
        and maps.dtype is torch.float32
        and maps.numel() > maps.shape[1]
        and maps.shape[1] <= MOST_CHANNELS
        and maps.is_contiguous(memory_format=torch.channels_last)
    ):
        running = (running_mean, running_var)
        arguments = (kernels, maps, weight, bias, running, momentum, epsilon, rectify)
        found: Tensor = _BatchNorm.apply(*arguments)  # type: ignore[no-untyped-call]
        return found
    if rectify & _BEFORE:
        maps = torch.relu(maps)
    maps = torch.batch_norm(
        maps.contiguous(), weight, bias, running_mean, running_var, training, momentum, epsilon, cudnn
    )
    return torch.relu(maps) if rectify & _BEHIND else maps


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, kernels: Kernels, values: Tensor, keep: float) -> Tensor:
        generator = torch.get_rng_state()
        dropped = torch.empty_like(values)
        kept = torch.empty(values.numel(), dtype=torch.uint8)
        kernels.dropout(
            generator.data_ptr(),
            generator.numel(),
            values.data_ptr(),
            dropped.data_ptr(),
            kept.data_ptr(),
            values.numel(),
            keep,
        )
        torch.set_rng_state(generator)
        ctx.save_for_backward(kept)
        ctx.kernels, ctx.keep, ctx.strides = kernels, keep, values.stride()
        return dropped

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, found: Tensor) -> tuple[Tensor | None, ...]:
        (kept,) = ctx.saved_tensors
        if found.stride() != ctx.strides:
            found = torch.empty_strided(found.shape, ctx.strides).copy_(found)
        back = torch.empty_like(found)
        ctx.kernels.dropout_back(found.data_ptr(), kept.data_ptr(), back.data_ptr(), found.numel(), ctx.keep)
        return None, back, None


def dropout(kernels: Kernels, values: Tensor, p: float, train: bool) -> Tensor:
    """`aten.dropout` with the same bits, which leaves torch's generator where torch's own would."""
    dense = values.is_contiguous() or values.is_contiguous(memory_format=torch.channels_last)
    if not train or not 0 < p < 1 or not dense or values.dtype is not torch.float32 or not values.numel():
        return torch.dropout(values, p, train)
    found: Tensor = _Dropout.apply(kernels, values, 1 - p)  # type: ignore[no-untyped-call]
    return found


def in_place_of(graph: CheckedGraph, kernels: Kernels, *, drops: bool) -> dict[str, Callable[..., Any]]:
    """What the kernels compute in a graph, by the name of the instruction: for `Program`'s `instead`. Without
    `drops`, dropout stays torch's.
    """
    uses = Counter(source for item in graph.instructions for source in item.sources)
    named = {item.name: item for item in graph.instructions}
    behind = {
        item.source: item
        for item in graph.instructions
        if item.base == "relu" and uses[item.source] == 1 and named.get(item.source) is not None
    }
    found: dict[str, Callable[..., Any]] = {}
    for item in graph.instructions:
        if item.operator.name == "aten.dropout.default" and drops:
            found[item.name] = partial(dropout, kernels)
        elif item.base == "batch_norm":
            rectify = 0
            if _only_rectified(named.get(item.source), named, uses):
                rectify, found[item.source] = _BEFORE, _as_it_is
            if item.name in behind:
                rectify, found[behind[item.name].name] = rectify | _BEHIND, _as_it_is
            found[item.name] = partial(batch_norm, kernels, rectify)
    return found


def _only_rectified(
    item: Instruction | None, named: Mapping[str, Instruction], uses: Mapping[str, int]
) -> bool:
    """Whether it is a ReLU whose result and, where it overwrites that, whose source nobody else reads."""
    if item is None or item.base != "relu" or uses[item.name] != 1:
        return False
    source = named.get(item.source)
    alone = source is not None and not source.operator.aliases and uses[item.source] == 1
    return alone or not item.operator.in_place


def _as_it_is(values: Tensor) -> Tensor:
    return values
