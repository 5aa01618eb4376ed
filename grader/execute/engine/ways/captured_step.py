"""The whole step of a training as one captured CUDA graph: batch cut out and normalised, passes forward and
back, counts, optimizer.

Networks of this size keep a GPU waiting for the launch of their kernels, a few microseconds each; a replay
launches all at once. A graph repeats the kernels of its capture with the numbers that Python had then, so
what changes from step to step stands in tensors: the batch, and the learning rate. Whatever draws on the CPU
comes first, by itself. A captured step takes the place of the ordinary one where it moved everything alike,
twice, on the network at hand; else the passes alone are captured (`captured_passes`), or nothing is.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import compress
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from grader.execute.engine.runs.loop import WEIGHTS, Step
from grader.execute.engine.ways.captured_passes import (
    Captured,
    Grapher,
    not_captured,
    passes_on_cuda,
    random_state,
    set_random_state,
)
from grader.execute.engine.ways.equivalence_check import State, heard, moved_alike

StepGrapher = Callable[[Callable[[], None]], Callable[[], None]]
"""Makes a replay of work that reads and writes tensors; warming up may do the work some times."""
REHEARSED = 0.01
"""Learning rate at which a captured step is compared at least: at a smaller one, no difference may show."""
WARM_UP = 3
"""Times that work is done before it is captured, as in torch's documentation: libraries set themselves up."""


class Graphers(NamedTuple):
    """What captures on a device: whole steps, and passes where those could not be."""

    step: StepGrapher
    passes: Grapher


class CapturedSteps:
    """Takes the steps of a training (`take` of `train`); `refused` says why no whole step is captured.

    The first step with each optimizer is an ordinary one: it makes the state that a graph then holds. Nothing
    here enters the state of a training, so that one that is gone on with captures anew.
    """

    def __init__(self, graphers: Graphers) -> None:
        self.refused = ""
        self._graphers = graphers
        self._optimizer: Optimizer | None = None
        self._first: tuple[Tensor, ...] = ()
        self._graph: _Graph | None = None
        self._passes: Captured | None = None

    @property
    def how(self) -> str:
        """How the steps were taken, in words for a person; nothing for one by one."""
        if self._passes is None:
            return "" if self._graph is None else "whole steps in a captured graph"
        if self._passes.replay is not None:
            return f"passes in a captured graph, the rest beside it: {self.refused}"
        return "; ".join(dict.fromkeys(why for why in (self.refused, self._passes.refused) if why))

    def __call__(self, step: Step, batch: Tensor) -> None:
        """Take a step."""
        given = step.given(batch)
        if self._ready(step, given) and self._graph is not None:
            self._graph.replay(given, _rate(step.course.optimizer))
        else:
            step.compute(*given)
        step.course.advance()

    def _ready(self, step: Step, given: tuple[Tensor, ...]) -> bool:
        """Whether the graph stands for this step; it is captured here."""
        optimizer = step.course.optimizer
        if self.refused:
            return False
        if optimizer is not self._optimizer:
            self._optimizer, self._first, self._graph = optimizer, given, None
            return False
        if [value.shape for value in given] != [value.shape for value in self._first]:
            return False
        if self._graph is None:
            self.refused = self._capture(step, given)
        elif self._graph.fixed != _fixed(optimizer):
            self.refused = "the schedule moves more than the learning rate"
        if self.refused:
            self._graph = None
            step.model = self._passes = Captured(step.model, self._graphers.passes)
        return not self.refused

    def _capture(self, step: Step, given: tuple[Tensor, ...]) -> str:
        """Capture, and compare two steps with the ordinary ones; why not, where it may not be used.

        Nothing of the training is disturbed.
        """
        optimizer, device = step.course.optimizer, step.total.device
        if not all(group.get("fused") for group in optimizer.param_groups):
            return f"{type(optimizer).__name__} counts its steps in Python"
        rate, state, kept = _rate(optimizer), random_state(device), _copies(step.moved())
        rates = (max(rate, REHEARSED), max(rate, REHEARSED) / 2)
        batches = tuple(zip((given, self._first), rates, strict=True))

        def back() -> None:
            optimizer.zero_grad()
            _put_back(step.moved(), kept)
            set_random_state(device, state)

        def moved(take: Callable[[tuple[Tensor, ...], float], None]) -> list[State]:
            back()
            found = []
            for part, at in batches:
                _set_rate(optimizer, at)
                take(part, at)
                found.append(_copies(step.moved()))
                # A bias that only rounding moved would shift the statistics of the next step.
                quiet = [not is_loud for is_loud in loud]
                _put_back(*({WEIGHTS: [*compress(of[WEIGHTS], quiet)]} for of in (step.moved(), kept)))
            return found

        try:
            loud = heard(step.model, given[0] if step.course.draws else step.course.inputs(given[0])[0])
            graph = _Graph(step, given, self._graphers.step)
            expected, found = moved(lambda part, at: step.compute(*part)), moved(graph.replay)
            if not all(moved_alike(*pair, kept, loud) for pair in zip(found, expected, strict=True)):
                return "the captured graph does not move what the step moves"
        except RuntimeError as error:
            return not_captured(error)
        finally:
            _set_rate(optimizer, rate)
            back()
        self._graph = graph
        return ""


class _Graph:
    """A captured step, with the tensors through which it is told what changes. `fixed` is what may not."""

    def __init__(self, step: Step, given: tuple[Tensor, ...], grapher: StepGrapher) -> None:
        optimizer = step.course.optimizer
        self.fixed = _fixed(optimizer)
        self._given = tuple(value.clone() for value in given)
        self._rate = torch.tensor(_rate(optimizer), dtype=torch.float32, device=step.total.device)
        with _rate_in(optimizer, self._rate):
            self._replay = grapher(lambda: step.compute(*self._given))

    def replay(self, given: tuple[Tensor, ...], rate: float) -> None:
        """Take the step for a batch of the shape of the capture."""
        for own, value in zip(self._given, given, strict=True):
            own.copy_(value)
        self._rate.fill_(rate)
        self._replay()


def _step_on_cuda(work: Callable[[], None]) -> Callable[[], None]:
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UP):
            work()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


GRAPHERS: dict[str, Graphers] = {"cuda": Graphers(_step_on_cuda, passes_on_cuda)}
"""What captures on a device; where nothing does, every step is taken by itself."""


def _fixed(optimizer: Optimizer) -> list[dict[str, object]]:
    """What an optimizer reads in Python beside the learning rate: a graph keeps what it was when captured."""
    return [
        {name: value for name, value in group.items() if name not in ("params", "lr")}
        for group in optimizer.param_groups
    ]


def _rate(optimizer: Optimizer) -> float:
    return float(optimizer.param_groups[0]["lr"])


def _set_rate(optimizer: Optimizer, rate: float) -> None:
    optimizer.param_groups[0]["lr"] = rate


@contextmanager
def _rate_in(optimizer: Optimizer, rate: Tensor) -> Iterator[None]:
    """The learning rate as a tensor on the device, where torch's fused optimizers read it in each step.

    Adam and AdamW are captured only where they are told so; their fused steps count on the device anyhow.
    """
    (group,) = optimizer.param_groups
    held = {"lr": rate, "capturable": True}
    before = {name: group[name] for name in held if name in group}
    group.update({name: held[name] for name in before})
    try:
        with warnings.catch_warnings():  # warming up is no capture, which torch remarks
            warnings.filterwarnings("ignore", message=".*capturable=True")
            yield
    finally:
        group.update(before)


def _copies(state: State) -> State:
    return {kind: [value.detach().clone() for value in values] for kind, values in state.items()}


@torch.no_grad()
def _put_back(state: State, kept: State) -> None:
    for kind, values in kept.items():
        for own, value in zip(state[kind], values, strict=True):
            own.copy_(value)
