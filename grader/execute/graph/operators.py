"""The operators that a network may use. Argument types come from torch's own schemas; everything else is
refused.

Left out on purpose: whatever reads or writes outside its arguments, makes a number of outputs that depends on
data, or looks numbers up by data (index, gather, embedding, argmax, comparisons): that is how a table of
answers would work.
"""

import operator
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch

_WEIGHTED = "conv1d.default conv2d.default conv2d.padding linear.default"
_NORMALISATION = "batch_norm.default instance_norm.default group_norm.default layer_norm.default"
_ACTIVATION = """
    relu.default relu_.default relu6.default relu6_.default leaky_relu.default leaky_relu_.default prelu.default elu.default elu_.default
    selu.default selu_.default celu.default gelu.default silu.default silu_.default mish.default mish_.default hardtanh.default
    hardtanh_.default hardswish.default hardswish_.default hardsigmoid.default hardsigmoid_.default sigmoid.default sigmoid_.default
    tanh.default tanh_.default softplus.default log_sigmoid.default
"""
_DROPOUT = "dropout.default dropout_.default feature_dropout.default feature_dropout_.default"
_POOLING = """
    max_pool2d.default max_pool2d_with_indices.default avg_pool2d.default adaptive_avg_pool2d.default adaptive_max_pool2d.default
    mean.dim sum.dim_IntList amax.default max.dim
"""
_SHAPE = """
    view.default reshape.default flatten.using_ints unflatten.int squeeze.default squeeze.dim squeeze.dims unsqueeze.default
    permute.default transpose.int cat.default stack.default clone.default contiguous.default chunk.default split.Tensor
    split_with_sizes.default select.int slice.Tensor narrow.default expand.default expand_as.default repeat.default alias.default
    detach.default detach_.default lift_fresh_copy.default to.dtype_layout to.device to.dtype pad.default constant_pad_nd.default
    flip.default pixel_shuffle.default channel_shuffle.default upsample_nearest2d.vec upsample_bilinear2d.vec
"""
_ARITHMETIC = """
    add.Tensor add_.Tensor sub.Tensor sub_.Tensor mul.Tensor mul_.Tensor div.Tensor div_.Tensor rsub.Scalar neg.default abs.default
    exp.default log.default sqrt.default rsqrt.default reciprocal.default reciprocal_.default pow.Tensor_Scalar square.default
    clamp.default clamp_.default clamp_min.default maximum.default minimum.default matmul.default bmm.default mm.default
"""
_OUTPUT = "log_softmax.int softmax.int"
_SIZES = "sym_size.int"

# Arithmetic on batch sizes and the choice of one of several outputs.
_PYTHON: dict[str, Callable[..., Any]] = {
    "operator.getitem": operator.getitem,
    "operator.mul": operator.mul,
    "operator.add": operator.add,
    "operator.sub": operator.sub,
    "operator.floordiv": operator.floordiv,
}

CONSTANTS: dict[str, Any] = {
    "torch.float32": torch.float32,
    "torch.strided": torch.strided,
    "cpu": torch.device("cpu"),
    "torch.contiguous_format": torch.contiguous_format,
    "torch.preserve_format": torch.preserve_format,
    "torch.channels_last": torch.channels_last,
}
STRINGS = frozenset({"none", "tanh", "same", "valid", "constant", "reflect", "replicate", "circular"})

WEIGHTED = frozenset({"conv1d", "conv2d", "linear", "matmul", "bmm", "mm"})
DROPOUTS = frozenset({"dropout", "feature_dropout"})
NORMALISATIONS = frozenset({"batch_norm", "instance_norm", "group_norm", "layer_norm"})
SOFTMAX = frozenset({"log_softmax", "softmax"})
ACTIVATIONS = frozenset(name.partition(".")[0].rstrip("_") for name in _ACTIVATION.split())
IDENTITIES = frozenset({"to", "alias", "contiguous", "clone", "lift_fresh_copy", "detach"})
SHAPES = (
    frozenset(name.partition(".")[0] for name in _SHAPE.split()) - IDENTITIES - {"pad", "constant_pad_nd"}
)
SPLITS = frozenset({"chunk", "split", "split_with_sizes"})

_MAY_ALIAS = frozenset({"dropout", "feature_dropout", "to", "contiguous", "reshape", "flatten", "getitem"})


class Parameter(NamedTuple):
    """One parameter of an operator. `type` is torch's (`Tensor`, `Optional[List[int]]`, `number`)."""

    name: str
    type: str
    keyword_only: bool
    required: bool
    default: Any


class Operator(NamedTuple):
    """A whitelisted operator. `base` is the name without overload and without the `_` of the in-place
    form.
    """

    name: str
    base: str
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    in_place: bool
    aliases: bool
    """Whether the result may share memory with the first argument."""

    def __reduce__(self) -> tuple[Callable[[str], "Operator | None"], tuple[str]]:
        # Functions of torch cannot be pickled; the list has them in every process.
        return operator_of, (self.name,)


NAMES = frozenset(
    [
        *(
            f"aten.{name}"
            for group in (
                _WEIGHTED,
                _NORMALISATION,
                _ACTIVATION,
                _DROPOUT,
                _POOLING,
                _SHAPE,
                _ARITHMETIC,
                _OUTPUT,
                _SIZES,
            )
            for name in group.split()
        ),
        *_PYTHON,
    ]
)


@cache
def operator_of(name: str) -> Operator | None:
    """The operator of that name, None where it is not on the list."""
    if name not in NAMES:
        return None
    if name in _PYTHON:
        return _python(name)
    _, packet, overload = name.split(".")
    function = getattr(getattr(torch.ops.aten, packet), overload)
    schema = function._schema  # noqa: SLF001 - torch has no public way to an operator's schema
    parameters = tuple(
        Parameter(
            argument.name,
            str(argument.type),
            argument.kwarg_only,
            not argument.has_default_value(),
            argument.default_value if argument.has_default_value() else None,
        )
        for argument in schema.arguments
    )
    aliases = packet in _MAY_ALIAS or any(value.alias_info is not None for value in schema.returns)
    return Operator(name, packet.rstrip("_"), function, parameters, packet.endswith("_"), aliases)


def _python(name: str) -> Operator:
    first = "List" if name == "operator.getitem" else "SymInt"
    parameters = (
        Parameter("a", first, keyword_only=False, required=True, default=None),
        Parameter("b", "SymInt", keyword_only=False, required=True, default=None),
    )
    base = name.partition(".")[2]
    return Operator(name, base, _PYTHON[name], parameters, in_place=False, aliases=base == "getitem")
