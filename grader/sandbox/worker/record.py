"""Records what a network does as a graph, by running it: a few forward passes where `torch.export` costs a
hundred times as much and imports a compiler.

A recording is only what one pass did, so it counts where several passes agree: on two batch sizes and on
different images, in both modes, with the graph giving the answers of the network on each. What cannot be
recorded raises `NotRecorded`, and the export is asked, which knows of more. Imports nothing of grader.
"""

from __future__ import annotations

import contextlib
import operator
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import fx, nn

from . import measure, module_tensors
from .tape import NotRecorded, Reads, Slot, Tape

BATCHES = (4, 7)
"""Without a common factor, both above 1: an extent that follows the batch is told from one that does not."""
CLOSE = {"rtol": 1e-5, "atol": 1e-6}
"""How near a replay must come to the pass that it repeats: the same operators on the same numbers."""

State = dict[str, torch.Tensor]


class Asked(NamedTuple):
    """Batches of unseen images, for a network that takes images of a shape; how many classes there are."""

    images: Callable[[torch.Size], list[torch.Tensor]]
    classes: int


class Traced(NamedTuple):
    """A network as a graph, whoever made it. `weights` are its placeholders but the input: name in the state
    dict, kind, values (None where they are not at hand).
    """

    graph: fx.Graph
    entrance: str
    output: str
    weights: dict[str, tuple[str, str, Any]]


class Recorded(NamedTuple):
    """The graphs in training and in evaluation mode, the shape of the input, and the answers in evaluation to
    the images that were asked about (None where it gave none, or where chance took part).
    """

    programs: list[Traced]
    shape: torch.Size
    answers: torch.Tensor | None


class _Pass(NamedTuple):
    tape: Tape
    images: torch.Tensor
    chance: torch.Tensor
    """State of torch's random numbers before the pass."""
    answer: torch.Tensor
    output: Slot


def record(model: nn.Module, state: State, batch: torch.Tensor, asked: Asked | None = None) -> Recorded:
    """Record `model` in both modes, with the tensors of `state`; everything about it is put back.

    Raises:
        NotRecorded: the recording would not stand for the network.

    """
    programs: dict[bool, Traced] = {}
    with _kept_as_it_was(model) as renew:
        for mode in (False, True):
            model.train(mode)
            passes = []
            for images in _inputs(batch):
                renew(state)
                passes.append(_one_pass(model, images))
            programs[mode] = _agreed(model, passes)
            for each in passes:
                renew(state)
                torch.set_rng_state(each.chance)
                _check(replay(programs[mode], each.images), each.answer)
        model.eval()
        renew(state)
        answers = (
            None
            if asked is None
            else _answers(model, programs[False], asked.images(batch.shape[1:]), asked.classes)
        )
    return Recorded([programs[True], programs[False]], torch.Size((BATCHES[0], *batch.shape[1:])), answers)


def _inputs(batch: torch.Tensor) -> Iterator[torch.Tensor]:
    """Images of the first size twice, and of the other: no two batches hold the same numbers."""
    source = torch.Generator().manual_seed(7)
    for number, size in enumerate((BATCHES[0], *BATCHES)):
        images = batch[torch.arange(size) % len(batch)].clone()
        if number:
            images = images.flip(-1).roll(number, 0)
            if images.is_floating_point():
                images = images + 0.3 * torch.randn(images.shape, generator=source, dtype=images.dtype)
        yield images


def _one_pass(model: nn.Module, images: torch.Tensor) -> _Pass:
    chance = torch.get_rng_state()
    before = _other_chance()
    given = images.clone()
    tape = Tape({held.name: held.tensor for held in _weights(model)}, given)
    with (
        torch.enable_grad(),  # whatever the notebook's last cell left
        _no_gradient_of_its_own(),
        torch.backends.cudnn.flags(enabled=False),  # an argument of batch norm, which the export gives so
        _in_float32(),
        torch._C._AutoDispatchBelowAutograd(),
        Reads(),
        tape,
    ):
        answer = model(given)
    if type(answer) is not torch.Tensor:
        raise NotRecorded(f"forward returns a {type(answer).__name__}")
    if before != _other_chance():
        raise NotRecorded("forward draws random numbers of Python's or NumPy's")
    if any(not _equal(tensor, copy) for tensor, copy in tape.constants):
        raise NotRecorded("forward changes a tensor that is no buffer")
    return _Pass(tape, images, chance, answer.detach().clone(), tape.slot(answer))


def _weights(model: nn.Module) -> list[module_tensors.Held]:
    """Every parameter and buffer under the first of its names."""
    found: dict[int, module_tensors.Held] = {}
    for held in module_tensors.tensors(model):
        found.setdefault(id(held.tensor), held)
    return list(found.values())


def _other_chance() -> tuple[Any, ...]:
    kind, numbers, place, *_ = np.random.get_state()
    return random.getstate(), kind, np.asarray(numbers).tobytes(), place


@contextlib.contextmanager
def _no_gradient_of_its_own() -> Iterator[None]:
    """A function with a backward pass of its own says more than its operators do."""

    def apply(*_args: Any, **_kwargs: Any) -> Any:
        raise NotRecorded("forward uses an autograd function of its own")

    kept = torch.autograd.Function.__dict__["apply"]
    torch.autograd.Function.apply = classmethod(apply)  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.autograd.Function.apply = kept  # type: ignore[method-assign]


@contextlib.contextmanager
def _in_float32() -> Iterator[None]:
    """Blocks of autocast do nothing, as those for a GPU do nothing here: whatever is trained outside is
    trained in float32.
    """
    kept = torch.set_autocast_enabled
    torch.set_autocast_enabled = lambda *_given: None
    try:
        with torch._C._DisableAutocast():
            yield
    finally:
        torch.set_autocast_enabled = kept


@contextlib.contextmanager
def _kept_as_it_was(model: nn.Module) -> Iterator[Callable[[State], None]]:
    """Give back tensors, attributes and random numbers. What it hands out sets the tensors to a state, those
    that the state lacks to what they were.
    """
    held = _weights(model)
    values = [h.tensor.detach().clone() for h in held]
    mappings = [m.__dict__ for m in model.modules()]
    mappings += [m[group] for m in list(mappings) for group in ("_parameters", "_buffers", "_modules")]
    attributes = [(mapping, dict(mapping)) for mapping in mappings]
    plain = [v for mapping in mappings for v in mapping.values() if isinstance(v, torch.Tensor)]
    copies = [(tensor, tensor.detach().clone()) for tensor in plain]
    chance = torch.get_rng_state(), random.getstate(), np.random.get_state()

    def renew(state: State) -> None:
        with torch.no_grad():
            for h, value in zip(held, values, strict=True):
                wanted = state.get(h.name)
                h.tensor.detach().copy_(value if wanted is None or wanted.shape != value.shape else wanted)

    try:
        yield renew
    finally:
        for mapping, before in attributes:
            mapping.clear()
            mapping.update(before)
        renew({})
        for tensor, copy in copies:
            tensor.detach().copy_(copy)
        torch.set_rng_state(chance[0])
        random.setstate(chance[1])
        np.random.set_state(chance[2])


def _agreed(model: nn.Module, passes: list[_Pass]) -> Traced:
    """One graph for what all passes did."""
    first, same, other = passes
    if first.output != same.output or first.output != other.output or first.tape.steps != same.tape.steps:
        raise NotRecorded("forward does other things for other images")
    for each in (same, other):
        pairs = list(zip(first.tape.constants, each.tape.constants, strict=False))
        if len(each.tape.constants) != len(pairs) or any(not _equal(a[1], b[1]) for a, b in pairs):
            raise NotRecorded("a constant of forward depends on the images")
    if len(first.tape.steps) != len(other.tape.steps):
        raise NotRecorded(OTHERWISE)
    if first.output.kind != "value":
        raise NotRecorded("forward returns what it did not compute")
    return _Merged(model, first.tape, other.tape).traced(first.output)


OTHERWISE = "forward does other things for another number of images"


class _Merged:
    """Two passes of different batch sizes as one graph: what grew with the batch is written by its size."""

    def __init__(self, model: nn.Module, small: Tape, large: Tape) -> None:
        self._small, self._large = small, large
        self._held = {held.name: held for held in _weights(model)}
        self._names = _names(model, [tensor for tensor, _ in small.constants])
        self._graph = fx.Graph()
        self._sizes: dict[int, fx.Node] = {}
        self._placed: dict[str, tuple[str, str, Any]] = {}
        self._input = self._graph.placeholder("x")
        self._nodes = {Slot("input", ""): self._input}

    def traced(self, output: Slot) -> Traced:
        """The graph whose result is that slot."""
        for number, (a, b) in enumerate(zip(self._small.steps, self._large.steps, strict=True)):
            if a.target != b.target or a.kwargs.keys() != b.kwargs.keys():
                raise NotRecorded(OTHERWISE)
            args = tuple(self._merge(a.args, b.args))
            kwargs = {name: self._merge(value, b.kwargs[name]) for name, value in a.kwargs.items()}
            node = self._graph.call_function(a.target, args, kwargs)
            node.meta["val"] = True
            self._nodes[Slot("value", number)] = node
        return Traced(self._graph, self._input.name, self._nodes[output].name, self._placed)

    def _merge(self, a: Any, b: Any) -> Any:
        if isinstance(a, Slot):
            if a != b:
                raise NotRecorded(OTHERWISE)
            return self._node(a)
        if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
            return [self._merge(x, y) for x, y in zip(a, b, strict=True)]
        if type(a) is int and type(b) is int and a != b:
            factor, rest = divmod(a, BATCHES[0])
            if rest or factor * BATCHES[1] != b:
                raise NotRecorded(
                    f"a number of forward is {a} for {BATCHES[0]} images and {b} for {BATCHES[1]}"
                )
            return self._size(factor)
        if type(a) is not type(b) or a != b:
            raise NotRecorded(OTHERWISE)
        return a

    def _node(self, slot: Slot) -> fx.Node:
        if slot not in self._nodes:
            if slot.kind == "weight":
                held = self._held[slot.key]
                entry = (held.name, "parameter" if held.parameter else "buffer", held.tensor)
            else:
                entry = (self._names[slot.key], "constant", self._small.constants[slot.key][1])
            with self._graph.inserting_after(self._input):
                node = self._graph.placeholder(f"{entry[1][0]}_{entry[0].replace('.', '_')}")
            self._nodes[slot] = node
            self._placed[node.name] = entry
        return self._nodes[slot]

    def _size(self, factor: int) -> fx.Node:
        """The batch size, or a multiple of it."""
        if not self._sizes:
            first = next((n for n in self._graph.nodes if n.op != "placeholder"), self._input.next)
            with self._graph.inserting_before(first):
                self._sizes[1] = self._graph.call_function(torch.ops.aten.sym_size.int, (self._input, 0))
        if factor not in self._sizes:
            self._sizes[factor] = self._graph.call_function(operator.mul, (self._sizes[1], factor))
        return self._sizes[factor]


def _names(model: nn.Module, constants: list[torch.Tensor]) -> list[str]:
    """Names of constants: the attribute that holds one, else its number."""
    held = {
        id(value): f"{prefix}.{name}" if prefix else name
        for prefix, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, torch.Tensor)
    }
    lifted = iter(range(len(constants)))
    return [held.get(id(tensor)) or f"lifted_tensor_{next(lifted)}" for tensor in constants]


def replay(traced: Traced, images: torch.Tensor) -> torch.Tensor:
    """Run the graph as the trusted side will, on the network's own tensors; changes them as it does."""
    values: dict[fx.Node, Any] = {}
    with torch.no_grad(), _in_float32():
        for node in traced.graph.nodes:
            if node.op == "placeholder":
                values[node] = (
                    images.clone() if node.name == traced.entrance else traced.weights[node.name][2]
                )
            else:
                args = fx.node.map_arg(node.args, values.__getitem__)
                kwargs = fx.node.map_arg(node.kwargs, values.__getitem__)
                values[node] = node.target(*args, **kwargs)
    found = [value for node, value in values.items() if node.name == traced.output]
    if len(found) != 1 or not isinstance(found[0], torch.Tensor):
        raise NotRecorded("the graph has no result")
    return found[0]


def _answers(
    model: nn.Module, traced: Traced, batches: list[torch.Tensor], classes: int
) -> torch.Tensor | None:
    """What the network says to images that it has not seen; the graph must say the same."""
    chance = torch.get_rng_state()
    try:
        with torch.no_grad(), _in_float32():
            answers = [model(images.clone()) for images in batches]
        said = torch.cat(
            [
                measure.answer(found, len(batch), classes)
                for found, batch in zip(answers, batches, strict=True)
            ]
        )
    except (Exception, SystemExit):  # a network may refuse what it was not made for
        return None
    if not torch.equal(chance, torch.get_rng_state()):
        return None
    for images, found in zip(batches, answers, strict=True):
        _check(replay(traced, images), found)
    return said


def _check(found: torch.Tensor, wanted: Any) -> None:
    fits = isinstance(wanted, torch.Tensor) and found.shape == wanted.shape and found.dtype == wanted.dtype
    if not fits or not torch.allclose(found, wanted, **CLOSE, equal_nan=True):
        raise NotRecorded("the recorded graph gives other answers than the network")


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return torch.allclose(a, b, 0, 0, equal_nan=True) if a.is_floating_point() else torch.equal(a, b)
