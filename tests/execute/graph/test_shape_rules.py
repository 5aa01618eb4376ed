"""Where a rule of ours answers, torch's own shape function answers the same; where torch refuses, no rule
answers.
"""

import subprocess
import sys
from typing import Any

import pytest
import torch
from hypothesis import event, given, settings
from hypothesis import strategies as st

from grader.execute.graph.checked import apply
from grader.execute.graph.operators import Operator, operator_of
from grader.execute.graph.shape_rules import RULES, ruled

pytestmark = pytest.mark.slow


def empty(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device="meta")


extents = st.sampled_from([1, 1, 2, 3, 4, 5, 7, 8])
odd_tensors = st.sampled_from(
    ["float32", "float32", "float32", "float32", "int64", "turned", "channels last"]
)


@st.composite
def tensors(draw: st.DrawFn, *shapes: tuple[int, ...]) -> torch.Tensor:
    """A tensor without memory: of one of the shapes, sometimes of another, of another kind or turned round."""
    free = st.lists(extents, min_size=0, max_size=5).map(tuple)
    shape = draw(st.one_of(*map(st.just, shapes), *map(st.just, shapes), free)) if shapes else draw(free)
    kind = draw(odd_tensors)
    made = torch.empty(shape, device="meta", dtype=torch.int64 if kind == "int64" else torch.float32)
    if kind == "turned" and made.dim() > 1:
        made = made.transpose(0, -1)
    if kind == "channels last" and made.dim() == 4:
        made = made.to(memory_format=torch.channels_last)
    return made


def maps() -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(extents, extents, st.integers(1, 12), st.integers(1, 12))


def near(shape: tuple[int, ...]) -> st.SearchStrategy[tuple[int, ...]]:
    """The shape, with some of its extents 1, or without its first axes."""
    ones = st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)).map(
        lambda keep: tuple(extent if k else 1 for extent, k in zip(shape, keep, strict=True))
    )
    return st.tuples(ones, st.integers(0, len(shape))).map(lambda both: both[0][both[1] :])


def pairs(low: int, high: int) -> st.SearchStrategy[Any]:
    number = st.integers(low, high)
    return st.one_of(st.lists(number, min_size=1, max_size=2), st.lists(number, min_size=0, max_size=3))


numbers = st.sampled_from([0, 1, 2, -1, 0.5, 0.0, 1e-5, 3.7, True, False])


@st.composite
def sound(draw: st.DrawFn, operator: Operator) -> dict[str, Any]:
    """Arguments that fit, as a network has them."""
    rows, columns = draw(st.tuples(st.integers(5, 12), st.integers(5, 12)))
    shape = (draw(extents), draw(extents), rows, columns)
    groups = draw(st.sampled_from([1, shape[1]]))
    outputs = groups * draw(st.integers(1, 3))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    if operator.base == "linear":
        weight: tuple[int, ...] = (outputs, columns)
    else:
        weight = (outputs, shape[1] // groups, *kernel) if operator.base == "conv2d" else shape[1:2]
    width = weight[:1]
    around = [draw(st.integers(0, side // 2)) for side in kernel]
    values: dict[str, Any] = {
        "self": empty(*shape),
        "input": empty(*shape),
        "weight": empty(*weight),
        "bias": empty(*width) if operator.base == "batch_norm" or draw(st.booleans()) else None,
        "running_mean": empty(*width),
        "running_var": empty(*width),
        "training": draw(st.booleans()),
        "momentum": 0.1,
        "eps": 1e-5,
        "cudnn_enabled": False,
        "other": draw(st.one_of(numbers, near(shape).map(lambda sizes: empty(*sizes)))),
        "tensors": [empty(*shape), empty(shape[0], draw(extents), rows, columns)],
        "dim": draw(st.sampled_from([[2, 3], [-1], [1]])) if "softmax" not in operator.base else 1,
        "keepdim": draw(st.booleans()),
        "stride": draw(st.sampled_from([[], [1, 1], [2, 2], [2], [3, 1]]))
        if "pool" in operator.base
        else [1, 2],
        "padding": around,
        "dilation": draw(st.sampled_from([[1, 1], [2, 1], [2]])),
        "groups": groups,
        "kernel_size": list(kernel),
        "output_size": draw(st.tuples(extents, extents).map(list)),
        "train": True,
        "p": draw(st.sampled_from([0, 0.1, 1.0])),
    }
    if operator.base == "cat":
        values["dim"] = draw(st.sampled_from([1, -3]))
    if operator.name == "aten.conv2d.padding":
        values |= draw(
            st.sampled_from([{"padding": "same", "stride": [1, 1]}, {"padding": "valid", "stride": [2, 1]}])
        )
    return {p.name: values.get(p.name, p.default) for p in operator.parameters}


@st.composite
def arguments(draw: st.DrawFn, operator: Operator) -> dict[str, Any]:
    """Arguments that fit, or ones of which some do not, or any."""
    way = draw(st.sampled_from(["sound", "sound", "changed", "changed", "any"]))
    if way == "sound":
        return draw(sound(operator))
    anything = draw(whatever(operator))
    if way == "any":
        return anything
    changed = draw(st.sets(st.sampled_from([p.name for p in operator.parameters]), max_size=2))
    return draw(sound(operator)) | {name: anything[name] for name in sorted(changed)}


@st.composite
def whatever(draw: st.DrawFn, operator: Operator) -> dict[str, Any]:
    """Arguments of the right types, which often do not fit."""
    shape = draw(st.one_of(maps(), maps(), st.lists(extents, max_size=5).map(tuple)))
    channels = shape[1] if len(shape) > 1 else 3
    base = operator.base
    found: dict[str, Any] = {}
    for parameter in operator.parameters:
        name, kind = parameter.name, parameter.type
        if name in ("self", "input"):
            value: Any = draw(tensors(shape))
        elif name == "tensors":
            value = draw(st.lists(tensors(shape, draw(near(shape))), max_size=3))
        elif name == "weight" and base == "conv2d":
            groups = draw(st.sampled_from([1, 1, 2, channels]))
            sides = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
            value = draw(tensors((draw(st.sampled_from([2, 4, 8])), max(1, channels // groups), *sides)))
        elif name == "weight" and base == "linear":
            value = draw(tensors((6, shape[-1] if shape else 1)))
        elif name == "bias" and base in ("conv2d", "linear"):
            width = found["weight"].shape[0] if found["weight"].dim() else 1
            value = draw(st.one_of(st.none(), tensors((width,))))
        elif kind in ("Tensor", "Optional[Tensor]"):  # of a batch normalisation, or the other one
            if name == "other":
                value = draw(st.one_of(numbers, tensors(shape), tensors(draw(near(shape)))))
            else:
                value = draw(st.one_of(tensors((channels,)), tensors((channels,)), st.none()))
        elif kind == "bool" or name in ("train", "training"):
            value = draw(st.booleans())
        elif name == "padding" and kind == "str":
            value = draw(st.sampled_from(["same", "valid", "tanh"]))
        elif name == "approximate":
            value = draw(st.sampled_from(["none", "tanh", "same"]))
        elif name == "dim" and "List" in kind:
            value = draw(st.lists(st.integers(-4, 3), max_size=3))
        elif name == "dim":
            value = draw(st.integers(-4, 4))
        elif "List" in kind:
            value = draw(pairs(-1 if draw(st.integers(0, 9)) == 0 else 0, 4))
        elif kind in ("int", "SymInt"):
            value = draw(st.sampled_from([1, 1, 2, channels, 0, -1]))
        elif kind.startswith("Optional"):
            value = (
                draw(st.sampled_from([None, None, None, 2])) if "int" in kind and name != "dtype" else None
            )
        elif parameter.default is not None and draw(st.integers(0, 3)):
            value = parameter.default
        else:
            value = draw(numbers)
        found[name] = value
    return found


def examples(name: str) -> int:
    """120 of each rule, among the operators that have it: 22 activations share the one of two lines."""
    return min(60, max(15, 120 // list(RULES.values()).count(RULES[name])))


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_says_what_torch_says(name: str) -> None:
    operator = operator_of(name)
    assert operator is not None

    @settings(max_examples=examples(name))
    @given(given_=arguments(operator))
    def agreed(given_: dict[str, Any]) -> None:
        agrees(operator, given_)

    agreed()


def agrees(operator: Operator, given_: dict[str, Any]) -> None:
    ours = ruled(operator, given_)
    event(f"{operator.name}: {'asked torch' if ours is None else 'answered'}")
    if ours is None:
        return
    with torch.no_grad():
        try:
            theirs = apply(operator, given_)
        except ZeroDivisionError:
            # Batch norm of one value a channel: torch's own shape function divides by n - 1, its operator answers.
            real = {k: torch.zeros(v.shape) if isinstance(v, torch.Tensor) else v for k, v in given_.items()}
            assert tuple(ours.shape) == tuple(apply(operator, real).shape)
            return
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert (ours.dtype, ours.device) == (theirs.dtype, theirs.device)
    assert theirs.is_contiguous()  # ours is: a later view must be possible for both
    assert (ours is given_.get("self")) is operator.in_place


def test_batch_norm_of_one_value_a_channel_has_the_shape_that_the_operator_gives_it() -> None:
    """Torch's shape function of it divides by zero, which hypothesis found once in many runs."""
    one = {name: torch.zeros(1) for name in ("weight", "bias", "running_mean", "running_var")}
    rest = {"training": True, "momentum": 0.1, "eps": 1e-5, "cudnn_enabled": False}
    operator = operator_of("aten.batch_norm.default")
    assert operator is not None
    given_ = {"input": torch.zeros(1, 1, 1, 1), **one, **rest}
    meta = {k: v.to("meta") if isinstance(v, torch.Tensor) else v for k, v in given_.items()}
    ours = ruled(operator, meta)
    assert ours is not None
    assert tuple(ours.shape) == tuple(apply(operator, given_).shape)


def filled(name: str, **arguments: Any) -> tuple[Operator, dict[str, Any]]:
    operator = operator_of(name)
    assert operator is not None
    rest = {p.name: p.default for p in operator.parameters if not p.required}
    return operator, rest | arguments


MAPS = empty(4, 6, 9, 9)
ANSWERED = {
    "aten.conv2d.default": (
        {"input": MAPS, "weight": empty(8, 3, 3, 3), "groups": 2, "stride": [2]},
        (4, 8, 4, 4),
    ),
    "aten.conv2d.padding": ({"input": MAPS, "weight": empty(8, 6, 3, 3), "padding": "same"}, (4, 8, 9, 9)),
    "aten.linear.default": ({"input": empty(4, 9), "weight": empty(10, 9), "bias": empty(10)}, (4, 10)),
    "aten.max_pool2d.default": ({"self": MAPS, "kernel_size": [2, 2], "stride": []}, (4, 6, 4, 4)),
    "aten.avg_pool2d.default": ({"self": MAPS, "kernel_size": [9], "stride": []}, (4, 6, 1, 1)),
    "aten.adaptive_avg_pool2d.default": ({"self": MAPS, "output_size": [1, 1]}, (4, 6, 1, 1)),
    "aten.mean.dim": ({"self": MAPS, "dim": [2, 3]}, (4, 6)),
    "aten.dropout.default": ({"input": MAPS, "p": 0.1, "train": True}, (4, 6, 9, 9)),
    "aten.cat.default": ({"tensors": [MAPS, empty(4, 2, 9, 9)], "dim": 1}, (4, 8, 9, 9)),
    "aten.add.Tensor": ({"self": MAPS, "other": empty(6, 1, 1)}, (4, 6, 9, 9)),
    "aten.log_softmax.int": ({"self": empty(4, 10), "dim": -1}, (4, 10)),
    "aten.relu.default": ({"self": MAPS}, (4, 6, 9, 9)),
}


@pytest.mark.parametrize("name", sorted(ANSWERED))
def test_what_a_usual_layer_asks_is_answered(name: str) -> None:
    arguments_, wanted = ANSWERED[name]
    found = ruled(*filled(name, **arguments_))
    assert found is not None
    assert tuple(found.shape) == wanted


def test_a_sound_network_needs_no_compiler_to_be_validated() -> None:
    code = (
        "import sys, torch; from tests.sandbox import recordable\n"
        "from grader.sandbox.worker.export import export_model\n"
        "from grader.execute.graph.network import load_network\n"
        "from grader.execute.graph.facts import network_facts\n"
        "found = network_facts(load_network(export_model(recordable.Sizes(), None, torch.rand(4, 1, 28, 28))))\n"
        "assert found.parameters == 98, found.parameters\n"
        "assert not {'sympy', 'torch._dynamo', 'torch.fx.experimental.symbolic_shapes'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
