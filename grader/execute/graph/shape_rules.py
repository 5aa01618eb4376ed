"""Shapes of what common operators make, said by us.

torch's own shape functions for them import its compiler and a computer algebra, 1.7 CPU seconds and 70 MiB
a process. A rule answers only for plain arguments, and says nothing where anything is unusual or wrong: then
torch is asked, whose shapes and refusals are the ones that count. `tests/execute/graph/test_shape_rules.py`
holds both against each other.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from grader.execute.graph.operators import Operator

Sizes = tuple[int, ...]
Given = Mapping[str, Any]


def ruled(operator: Operator, given: Given) -> Tensor | None:
    """The result of an operator on tensors without memory; None where torch must be asked."""
    rule = RULES.get(operator.name)
    if rule is None or not all(map(_plain, _tensors(given.values()))):
        return None
    sizes = rule(given)
    if sizes is None or min(sizes, default=1) < 1:
        return None
    if operator.in_place:
        own: Tensor = given["self"]
        return own if tuple(own.shape) == sizes else None
    return torch.empty(sizes, device="meta")


def _tensors(values: Any) -> list[Tensor]:
    found: list[Any] = []
    for value in values:
        found += _tensors(value) if isinstance(value, list | tuple) else [value]
    return [value for value in found if isinstance(value, Tensor)]


def _plain(tensor: Tensor) -> bool:
    return (
        tensor.dtype is torch.float32
        and tensor.device.type == "meta"
        and tensor.numel() > 0
        and tensor.is_contiguous()
    )


def _sizes(tensor: Any) -> Sizes:
    return tuple(tensor.shape) if isinstance(tensor, Tensor) else ()


def _pair(value: Any, least: int) -> tuple[int, int] | None:
    """Two whole numbers from `least` on, of one that stands for both or of two."""
    values = value if isinstance(value, list | tuple) else [value]
    if len(values) not in (1, 2) or not all(type(v) is int and v >= least for v in values):
        return None
    return values[0], values[-1]


def _axes(value: Any, ndim: int) -> set[int] | None:
    """The axes that are named, each once; None where there are none or they do not fit."""
    values = value if isinstance(value, list | tuple) else [value]
    if not all(type(axis) is int and -ndim <= axis < ndim for axis in values):
        return None
    axes = {axis % ndim for axis in values}
    return axes if axes and len(axes) == len(values) else None


def _same(given: Given) -> Sizes | None:
    return _sizes(given["self"]) or None


def _gelu(given: Given) -> Sizes | None:
    return _same(given) if given["approximate"] in ("none", "tanh") else None


def _dropout(given: Given) -> Sizes | None:
    """A dropout that is on; one that is off hands out its argument, which torch shows."""
    p = given["p"]
    on = given["train"] is True and type(p) in (int, float) and 0 <= p <= 1
    return _sizes(given["input"]) if on and given["input"].dim() >= 2 else None


def _arithmetic(given: Given) -> Sizes | None:
    """The larger of two shapes, where the other is repeated along it."""
    if given.get("alpha", 1) != 1:
        return None
    own, other = _sizes(given["self"]), given["other"]
    if not isinstance(other, Tensor):
        return own if type(other) in (int, float) and own else None
    small, large = sorted((own, _sizes(other)), key=lambda sizes: (len(sizes), math.prod(sizes)))
    padded = (1,) * (len(large) - len(small)) + small
    fits = large and all(a in (1, b) for a, b in zip(padded, large, strict=True))
    return large if fits else None


def _reduced(given: Given) -> Sizes | None:
    own = _sizes(given["self"])
    axes = _axes(given["dim"], len(own))
    if axes is None or given.get("dtype") is not None or type(given["keepdim"]) is not bool:
        return None
    if given["keepdim"]:
        return tuple(1 if axis in axes else extent for axis, extent in enumerate(own))
    return tuple(extent for axis, extent in enumerate(own) if axis not in axes)


def _softmax(given: Given) -> Sizes | None:
    own = _sizes(given["self"])
    return own if _axes(given["dim"], len(own)) and given["dtype"] is None else None


def _cat(given: Given) -> Sizes | None:
    parts = [_sizes(part) for part in given["tensors"]]
    axes = _axes(given["dim"], len(parts[0])) if parts and len({len(part) for part in parts}) == 1 else None
    if axes is None or len(axes) != 1:
        return None
    (axis,) = axes
    if len({part[:axis] + part[axis + 1 :] for part in parts}) != 1:
        return None
    return (*parts[0][:axis], sum(part[axis] for part in parts), *parts[0][axis + 1 :])


def _linear(given: Given) -> Sizes | None:
    own, weight, bias = _sizes(given["input"]), _sizes(given["weight"]), given["bias"]
    fits = len(own) >= 2 and len(weight) == 2 and own[-1] == weight[1]
    if not fits or (bias is not None and _sizes(bias) != weight[:1]):
        return None
    return (*own[:-1], weight[0])


def _batch_norm(given: Given) -> Sizes | None:
    own = _sizes(given["input"])
    vectors = [given[name] for name in ("weight", "bias", "running_mean", "running_var")]
    if len(own) < 2 or any(vector is not None and _sizes(vector) != own[1:2] for vector in vectors):
        return None
    known = [vector is not None for vector in vectors]
    if known[0] != known[1] or known[2] != known[3] or not (known[2] or given["training"] is True):
        return None
    return own


def _conv2d(given: Given) -> Sizes | None:
    own, weight, bias = _sizes(given["input"]), _sizes(given["weight"]), given["bias"]
    groups = given["groups"]
    stride, dilation = _pair(given["stride"], 1), _pair(given["dilation"], 1)
    if len(own) != 4 or len(weight) != 4 or groups < 1 or stride is None or dilation is None:
        return None
    if (
        weight[0] % groups
        or own[1] != weight[1] * groups
        or (bias is not None and _sizes(bias) != weight[:1])
    ):
        return None
    padding = given["padding"]
    if padding == "same":
        return (own[0], weight[0], *own[2:]) if stride == (1, 1) else None
    around = (0, 0) if padding == "valid" else None if isinstance(padding, str) else _pair(padding, 0)
    if around is None:
        return None
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, weight[2:], strict=True)]
    return _windows((own[0], weight[0], *own[2:]), reach, stride, around)


def _pool(given: Given) -> Sizes | None:
    own, kernel = _sizes(given["self"]), _pair(given["kernel_size"], 1)
    stride = _pair(given["stride"], 1) if given["stride"] else kernel
    around, dilation = _pair(given["padding"], 0), _pair(given.get("dilation", 1), 1)
    if len(own) != 4 or kernel is None or stride is None or around is None or dilation is None:
        return None
    if given["ceil_mode"] is not False or given.get("divisor_override") is not None:
        return None
    if any(2 * p > k for p, k in zip(around, kernel, strict=True)):
        return None
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    return _windows(own, reach, stride, around)


def _windows(sizes: Sizes, reach: Sequence[int], stride: tuple[int, int], around: tuple[int, int]) -> Sizes:
    """(batch, channels, rows, columns) of maps under a sliding window."""
    sides = zip(sizes[2:], reach, stride, around, strict=True)
    return (*sizes[:2], *((side + 2 * pad - window) // step + 1 for side, window, step, pad in sides))


def _adaptive(given: Given) -> Sizes | None:
    own, size = _sizes(given["self"]), _pair(given["output_size"], 1)
    return (
        (*own[:2], *size) if len(own) == 4 and size is not None and len(given["output_size"]) == 2 else None
    )


_ACTIVATIONS: Final = (
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "silu",
    "mish",
    "hardswish",
    "sigmoid",
    "tanh",
)
_ARITHMETIC: Final = ("add", "sub", "mul", "div")
RULES: Final[dict[str, Callable[[Given], Sizes | None]]] = {
    **{f"aten.{name}{mark}.default": _same for name in _ACTIVATIONS for mark in ("", "_")},
    **{f"aten.{name}{mark}.Tensor": _arithmetic for name in _ARITHMETIC for mark in ("", "_")},
    "aten.reciprocal.default": _same,
    "aten.reciprocal_.default": _same,
    "aten.gelu.default": _gelu,
    "aten.dropout.default": _dropout,
    "aten.feature_dropout.default": _dropout,
    "aten.mean.dim": _reduced,
    "aten.sum.dim_IntList": _reduced,
    "aten.amax.default": _reduced,
    "aten.softmax.int": _softmax,
    "aten.log_softmax.int": _softmax,
    "aten.cat.default": _cat,
    "aten.linear.default": _linear,
    "aten.batch_norm.default": _batch_norm,
    "aten.conv2d.default": _conv2d,
    "aten.conv2d.padding": _conv2d,
    "aten.max_pool2d.default": _pool,
    "aten.avg_pool2d.default": _pool,
    "aten.adaptive_avg_pool2d.default": _adaptive,
}
"""What each operator makes of its arguments by name, by the operator's name."""
