"""One forward pass of a network, written down operator by operator.

The pass runs below autograd, where torch tells a mode every operator whole (`aten.conv2d`, not what it is
made of). Whatever could make the pass depend on values or on chance (a value read by Python, a shape that
depends on data, a random draw that is no dropout) raises `NotRecorded`. Imports nothing of grader.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

MOST_STEPS = 5_000

DRAWS = frozenset({
    "dropout", "dropout_", "feature_dropout", "feature_dropout_", "alpha_dropout", "alpha_dropout_",
    "feature_alpha_dropout", "feature_alpha_dropout_",
})  # fmt: skip
"""Operators that may draw random numbers: the graph says so, and whoever runs it draws its own."""

_READS = (
    "numpy", "tolist", "item", "data_ptr", "storage", "untyped_storage", "_typed_storage", "__array__",
    "__dlpack__", "__deepcopy__", "__reduce_ex__", "__format__", "__repr__", "__str__", "register_hook",
    "backward", "retain_grad", "requires_grad_",
)  # fmt: skip
_ATTRIBUTES = ("data", "grad", "grad_fn", "requires_grad", "is_leaf")
"""Methods and attributes that hand out values past the dispatcher, or that are otherwise below autograd."""


class NotRecorded(Exception):
    """Why a recording cannot stand for the network, for the log; the export is asked then."""


class Slot(NamedTuple):
    """Where a tensor of a pass comes from: a step's result, a weight by its name, a constant, the input."""

    kind: str
    key: Any


class Step(NamedTuple):
    """One operator, tensors replaced by their slots."""

    target: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Reads(TorchFunctionMode):
    """Refuses what the dispatcher would not see."""

    _refused = frozenset(
        [getattr(torch.Tensor, name) for name in _READS]
        + [getattr(torch.Tensor, name).__get__ for name in _ATTRIBUTES]
    )

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        if func in self._refused:
            raise NotRecorded(f"forward asks a tensor for {getattr(func, '__name__', func)}")
        return func(*args, **(kwargs or {}))


class Tape(TorchDispatchMode):
    """One pass: its steps in order, and the constants that it met."""

    def __init__(self, weights: dict[str, torch.Tensor], images: torch.Tensor) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.constants: list[tuple[torch.Tensor, torch.Tensor]] = []
        """Each with a copy of the values that it had when it was met."""
        self._slots: dict[int, Slot] = {}
        self._memory: set[int] = set()
        self._kept: list[Any] = []  # an address stays one tensor's as long as the tensor lives
        self._detached: dict[Slot, Slot] = {}
        self._ungraded: set[Slot] = set()
        for name, tensor in weights.items():
            self._know(tensor, Slot("weight", name))
        self._know(images, Slot("input", ""))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: torch would import its compiler to keep it away from here."""
        return False

    def slot(self, tensor: torch.Tensor) -> Slot:
        """Where that tensor comes from; one that nobody has seen is a constant."""
        known = self._slots.get(id(tensor))
        if known is None:
            if tensor.untyped_storage().data_ptr() in self._memory:
                raise NotRecorded("forward reaches a tensor's memory past torch")
            known = Slot("constant", len(self.constants))
            self.constants.append((tensor, tensor.detach().clone()))
            self._know(tensor, known)
        return known

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator and note it."""
        del types
        with torch._C.DisableTorchFunction():  # these calls are ours
            return self._run(func, args, kwargs or {})

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        _refuse(func)
        if len(self.steps) > MOST_STEPS:
            raise NotRecorded(f"forward takes more than {MOST_STEPS} steps")
        graded = torch.is_grad_enabled()
        noted = Step(func, self._note(args, graded), {k: self._note(v, graded) for k, v in kwargs.items()})
        if func is torch.ops.aten.lift_fresh.default:  # the name that the export gives it
            noted = noted._replace(target=torch.ops.aten.lift_fresh_copy.default)
        result = func(*args, **kwargs)
        if result is None:
            return None
        made = self._add(noted)
        if isinstance(result, torch.Tensor):
            return self._result(func, args, result, made, graded=graded)
        if not isinstance(result, list | tuple) or not all(isinstance(r, torch.Tensor) for r in result):
            raise NotRecorded(f"forward reads a value of a tensor ({func})")
        parts = []
        for place, part in enumerate(result):
            taken = self._add(Step(operator.getitem, (made, place), {}))
            parts.append(self._result(func, args, part, taken, graded=graded))
        return type(result)(parts)

    def _note(self, value: Any, graded: bool) -> Any:
        if isinstance(value, torch.Tensor):
            slot = self.slot(value)
            return slot if graded else self._without_gradient(slot)
        if isinstance(value, list | tuple):
            return tuple(self._note(item, graded) for item in value)
        return value

    def _without_gradient(self, slot: Slot) -> Slot:
        """What `torch.no_grad` makes of a tensor that is read in it."""
        if slot.kind not in ("value", "weight") or slot in self._ungraded:
            return slot
        if slot not in self._detached:
            self._detached[slot] = made = self._add(Step(torch.ops.aten.detach.default, (slot,), {}))
            self._ungraded.add(made)
        return self._detached[slot]

    def _add(self, step: Step) -> Slot:
        self.steps.append(step)
        return Slot("value", len(self.steps) - 1)

    def _result(
        self, func: Any, args: tuple[Any, ...], result: torch.Tensor, made: Slot, *, graded: bool
    ) -> torch.Tensor:
        in_place = func._schema.is_mutable
        if not graded:
            if in_place and id(result) in self._slots:
                return result  # changed, and still the tensor that gradients know
            self._ungraded.add(made)
        if not in_place and id(result) in self._slots:
            result = torch.ops.aten.alias.default(
                result
            )  # an operator that did nothing hands out its argument
        self._know(result, made)
        return result

    def _know(self, tensor: torch.Tensor, slot: Slot) -> None:
        self._slots[id(tensor)] = slot
        self._kept.append(tensor)
        if tensor.layout is torch.strided and tensor.numel():
            self._memory.add(tensor.untyped_storage().data_ptr())


def _refuse(func: Any) -> None:
    tags = func.tags
    if torch.Tag.data_dependent_output in tags or torch.Tag.dynamic_output_shape in tags:
        raise NotRecorded(f"forward reads a value of a tensor ({func})")
    name = func._schema.name.removeprefix("aten::")
    if torch.Tag.nondeterministic_seeded in tags and name not in DRAWS:
        raise NotRecorded(f"forward draws random numbers ({func})")
    if name in ("resolve_conj", "resolve_neg"):  # what `numpy` and `tolist` begin with
        raise NotRecorded("forward reads the values of a tensor")
