"""What captures on CUDA, imitated on the CPU: passes that take every batch through one buffer, and whole steps that
repeat the operators of one run with every number that Python had then.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

aten = torch.ops.aten

WAITS = (
    aten._local_scalar_dense.default,
    aten.lift_fresh.default,
    aten.equal.default,
    aten.is_nonzero.default,
)
"""Operators for which a GPU waits, or to which numbers are sent from Python: no graph holds them."""


class Replay(nn.Module):
    """What `make_graphed_callables` gives: warm-up moves the statistics, one buffer takes every batch, one
    every answer.
    """

    def __init__(self, model: nn.Module, sample: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.model = model
        self.batch = sample[0].clone()
        self.answers: Tensor | None = None
        self.replays = 0
        for _ in range(3):
            model(self.batch)

    def forward(self, images: Tensor) -> Tensor:
        self.replays += 1
        self.batch.copy_(images)
        answers: Tensor = self.model(self.batch)
        return answers


def refuses(*arguments: object) -> Any:
    raise RuntimeError("operation not permitted when stream is capturing\nmore lines")


class Call(NamedTuple):
    """One operator of a run: tensors are places in memory, everything else stays as it was."""

    operator: Any
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    result: Any

    @property
    def name(self) -> str:
        return str(self.operator.overloadpacket.__name__)

    def read(self, at: int | str) -> Any:
        return self.named[at] if isinstance(at, str) else self.arguments[at]

    def frozen(self, at: int | str) -> "Call":
        """The same with one argument as it is now: what is written there later is not seen, and what is written to it is
        lost.
        """
        copy = tree_map_only(Tensor, lambda value: value.detach().clone(), self.read(at))
        if isinstance(at, str):
            return self._replace(named={**self.named, at: copy})
        return self._replace(arguments=(*self.arguments[:at], copy, *self.arguments[at + 1 :]))


Change = Callable[[Call], Call | None]


class Recording(TorchDispatchMode):
    """A graph: the operators of some work, done again in their order on the same memory."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.replays = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func in WAITS or named.get("generator") is not None:
            refuses()
        result = func(*args, **named)
        self.calls.append(Call(func, args, named, result))
        return result

    @torch.no_grad()
    def replay(self) -> None:
        self.replays += 1
        for call in self.calls:
            again = call.operator(*call.arguments, **call.named)
            for place, value in zip(tree_leaves(call.result), tree_leaves(again), strict=True):
                if isinstance(place, Tensor) and place.data_ptr() != value.data_ptr():
                    place.copy_(value)


class Recorder:
    """Captures steps; `change` alters or drops (None) single operators of the graph, as a wrong one would."""

    def __init__(self, change: Change = lambda call: call) -> None:
        self.graphs: list[Recording] = []
        self._change = change

    @property
    def replays(self) -> int:
        return sum(graph.replays for graph in self.graphs)

    def __call__(self, work: Callable[[], None]) -> Callable[[], None]:
        for _ in range(3):
            work()
        graph = Recording()
        with graph:
            work()
        changed = [self._change(call) for call in graph.calls]
        graph.calls = [call for call in changed if call is not None]
        self.graphs.append(graph)
        return graph.replay
