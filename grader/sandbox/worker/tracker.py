"""Watches which network is trained: the root module whose forward pass preceded the last backward pass."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from . import module_tensors
from .patches import Ledger

EXAMPLES = 4
LARGEST_SNAPSHOT = 40_000_000
"""Elements; above, the live state at the end must do."""


class Trained:
    """One network that received gradients."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.steps = 0
        self.backwards = 0
        self.optimizer: Any = None
        self.state: dict[str, Any] | None = None
        self.foreign = False
        """Whether an optimizer also moves parameters that are not this network's."""


class Tracker:
    """Sees every call of a root module, every backward pass and every optimizer step until `stop`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._local = threading.local()
        self.last_root: nn.Module | None = None
        self.examples: dict[int, Any] = {}
        self.trained: dict[int, Trained] = {}
        self.latest: Trained | None = None
        self.on_root: list[Any] = []
        self.on_backward: list[Any] = []
        self.on_step: list[Any] = []
        self._handle: Any = None

    def start(self) -> None:
        """Begin to watch."""
        tracker = self

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if getattr(tracker._local, "inside", False):
                return original_call(module, *args, **kwargs)
            tracker._local.inside = True
            try:
                result = original_call(module, *args, **kwargs)
            finally:
                tracker._local.inside = False
            with suppress(Exception):  # watching must never break a cell
                tracker._root(module, args, kwargs)
            return result

        original_call = self._ledger.patch(nn.Module, "__call__", call)

        def backward(*args: Any, **kwargs: Any) -> Any:
            with suppress(Exception):
                tracker._backward(args[0] if args else kwargs.get("tensors"))
            return original_backward(*args, **kwargs)

        original_backward = self._ledger.patch(torch.autograd, "backward", backward)
        self._handle = register_optimizer_step_post_hook(self._step)

    def stop(self) -> None:
        """Watch no longer; the patches go with the ledger."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Calls in here are ours, not the notebook's."""
        before = getattr(self._local, "inside", False)
        self._local.inside = True
        try:
            yield
        finally:
            self._local.inside = before

    def _root(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if next((h for h in module_tensors.tensors(module) if h.parameter), None) is None:
            return  # a loss or an activation
        tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor)]
        if len(tensors) == 1 and tensors[0].dim() > 0:
            self.examples[id(module)] = tensors[0][:EXAMPLES].detach().clone()
        if torch.is_grad_enabled():
            self.last_root = module
        for listen in self.on_root:
            listen(module, tensors)

    def _backward(self, tensors: Any) -> None:
        module = self.last_root
        if module is None:
            return
        known = self.trained.setdefault(id(module), Trained(module))
        known.backwards += 1
        self.latest = known
        for listen in self.on_backward:
            listen(known, tensors)

    def _step(self, optimizer: Any, _args: Any, _kwargs: Any) -> None:
        with suppress(Exception):
            self._stepped(optimizer)

    def _stepped(self, optimizer: Any) -> None:
        known = self.latest
        if known is None:
            return
        known.steps += 1
        if known.optimizer is not optimizer:
            known.optimizer = optimizer
            own = {id(p) for p in module_tensors.parameters(known.module)}
            known.foreign |= any(id(p) not in own for g in optimizer.param_groups for p in g["params"])
        known.state = self._snapshot(known)
        for listen in self.on_step:
            listen(known, optimizer)

    def _snapshot(self, known: Trained) -> dict[str, Any] | None:
        """Weights and statistics now: a later cell can spoil them (a trace of uninitialised memory did in
        real life).
        """
        state = module_tensors.state(known.module)
        if sum(t.numel() for t in state.values()) > LARGEST_SNAPSHOT:
            return None
        old = known.state or {}
        with torch.no_grad():
            kept: dict[str, Any] = {}
            for name, tensor in state.items():
                before = old.get(name)
                if before is not None and before.shape == tensor.shape and before.dtype == tensor.dtype:
                    kept[name] = before.copy_(tensor)
                else:
                    kept[name] = tensor.clone()
        return kept
