"""Notes what training uses while it runs: loaders, losses, schedules, seeds, and anything that a plain recipe
cannot say.
"""

import inspect
import math
from contextlib import suppress
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.optim import lr_scheduler
from torch.utils import data as torch_data
from torch.utils.data import dataloader

from . import module_tensors
from .patches import Ledger
from .tracker import Tracker, Trained

LOSSES = {
    "nll_loss": "nll",
    "cross_entropy": "cross-entropy",
    "mse_loss": "mse",
    "l1_loss": "l1",
    "kl_div": "kl-div",
    "multi_margin_loss": "multi-margin",
    "binary_cross_entropy": "binary-cross-entropy",
    "binary_cross_entropy_with_logits": "binary-cross-entropy-with-logits",
    "smooth_l1_loss": "smooth-l1",
}
CLIPPING = frozenset({"max_norm", "norm_type", "clip_value"})
MOST_TURNS = 1_000
"""A thousand epochs; who changes the optimizer with every batch has said enough by then."""
_PLAIN_LOSS = {"weight": None, "size_average": None, "reduce": None, "reduction": "mean"}


class Training:
    """What was seen while one network was trained."""

    def __init__(self) -> None:
        self.seed: int | None = None
        self.default_initialisation = True
        self.loader: Any = None
        self.loaders: set[int] = set()
        self.epochs = 0
        self.iterators: set[int] = set()
        self.broken_off = 0
        """Passes over the digits that ended before their last batch."""
        self.optimizers: dict[int, Any] = {}
        self.groups: dict[int, dict[str, Any]] = {}
        """Settings of each optimizer at its first step."""
        self.groups_differ = False
        self.turns: list[tuple[int, int]] = []
        """Pass over the digits and optimizer, wherever one of the two changed."""
        self.clips: dict[tuple[Any, ...], int] = {}
        """How many steps each way of clipping the gradients preceded."""
        self.losses: set[str] = set()
        self.loss_arguments: dict[str, Any] = {}
        self.oddities: set[str] = set()
        self.cells: set[int] = set()


class Recorder:
    """Listens to the tracker and patches a few more places of torch."""

    def __init__(self, ledger: Ledger, tracker: Tracker) -> None:
        self._ledger = ledger
        self.training: dict[int, Training] = {}
        self.test_loader: Any = None
        self.schedules: dict[int, tuple[Any, dict[str, Any]]] = {}
        """Arguments of every scheduler that was made."""
        self.moves: dict[int, set[str]] = {}
        """How each scheduler was moved: after a batch, after an epoch."""
        self.cell = 0
        self._seed: int | None = None
        self._loss: tuple[str, Any, dict[str, Any]] | None = None
        self._iterator: Any = None
        self._alive: list[Any] = []
        self._pixels = 0
        self._clipped: tuple[Any, ...] | None = None
        """How gradients were clipped since the last step, and the parameters that were."""
        self._making = 0
        self._watch_loaders()
        self._watch_losses()
        self._watch_schedules()
        ledger_seed = torch.manual_seed

        def manual_seed(seed: Any) -> Any:
            with suppress(Exception):
                self._seed = int(seed)
            return ledger_seed(seed)

        ledger.patch(torch, "manual_seed", manual_seed)
        for name in ("clip_grad_norm_", "clip_grad_value_"):
            self._watch_clipping(name)
        tracker.on_root.append(self._root)
        tracker.on_backward.append(self._backward)
        tracker.on_step.append(self._step)

    def _watch_loaders(self) -> None:
        recorder = self

        def iterate(loader: Any) -> Any:
            iterator = original_iter(loader)
            with suppress(Exception):
                iterator._grader_loader = loader
                iterator._grader_ended = False
                recorder._alive.append(iterator)  # keeps its id from being used again
            return iterator

        original_iter = self._ledger.patch(torch_data.DataLoader, "__iter__", iterate)

        def following(iterator: Any) -> Any:
            try:
                batch = original_next(iterator)
            except StopIteration:
                with suppress(Exception):
                    iterator._grader_ended = True
                    recorder._finished(iterator)
                raise
            with suppress(Exception):
                recorder._iterator = iterator
                recorder._pixels = batch[0].untyped_storage().data_ptr()
            return batch

        original_next = self._ledger.patch(dataloader._BaseDataLoaderIter, "__next__", following)

    def _finished(self, iterator: Any) -> None:
        loader = getattr(iterator, "_grader_loader", None)
        if loader is not None and not any(id(iterator) in t.iterators for t in self.training.values()):
            self.test_loader = loader

    def _watch_losses(self) -> None:
        for name in LOSSES:
            self._watch_loss(name, inspect.signature(getattr(functional, name)))

    def _watch_loss(self, name: str, signature: inspect.Signature) -> None:
        def loss(*args: Any, **kwargs: Any) -> Any:
            value = original(*args, **kwargs)
            with suppress(Exception):
                bound = signature.bind(*args, **kwargs)
                bound.apply_defaults()
                self._loss = (name, value, dict(list(bound.arguments.items())[2:]))
            return value

        original = self._ledger.patch(functional, name, loss)

    def _watch_schedules(self) -> None:
        for kind in sorted(_scheduler_classes(), key=lambda k: k.__name__):
            if "__init__" in vars(kind):
                self._watch_schedule(kind)
            if "step" in vars(kind):
                self._watch_moves(kind)

    def _watch_schedule(self, kind: Any) -> None:
        signature = inspect.signature(kind.__init__)

        def init(scheduler: Any, *args: Any, **kwargs: Any) -> None:
            self._making += 1
            try:
                original(scheduler, *args, **kwargs)
            finally:
                self._making -= 1
            with suppress(Exception):
                kwargs.pop("verbose", None)
                bound = signature.bind(scheduler, *args, **kwargs)
                bound.apply_defaults()
                arguments = dict(list(bound.arguments.items())[2:])  # without self and the optimizer
                if type(scheduler) is kind:
                    self.schedules[id(scheduler)] = (scheduler, arguments)

        original = self._ledger.patch(kind, "__init__", init)

    def _watch_moves(self, kind: Any) -> None:
        def step(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._making:
                with suppress(Exception):
                    inside = self._iterator is not None and not self._iterator._grader_ended
                    self.moves.setdefault(id(scheduler), set()).add("batch" if inside else "epoch")
                    self.schedules.setdefault(id(scheduler), (scheduler, {}))
            return original(scheduler, *args, **kwargs)

        original = self._ledger.patch(kind, "step", step)

    def _watch_clipping(self, name: str) -> None:
        signature = inspect.signature(getattr(nn.utils, name))

        def clip(parameters: Any, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(parameters, torch.Tensor):
                parameters = list(parameters)  # `model.parameters()` can be read once only
            with suppress(Exception):
                bound = signature.bind(parameters, *args, **kwargs)
                bound.apply_defaults()
                numbers = {k: float(v) for k, v in bound.arguments.items() if k in CLIPPING}
                whole = frozenset(id(p) for p in parameters)
                self._clipped = (name, tuple(sorted(numbers.items())), whole)
            return original(parameters, *args, **kwargs)

        original = self._ledger.patch(nn.utils, name, clip)

    def _root(self, module: nn.Module, tensors: list[torch.Tensor]) -> None:
        seen = self.training.get(id(module))
        if seen is None or not module.training or len(tensors) != 1 or not torch.is_grad_enabled():
            return
        if tensors[0].untyped_storage().data_ptr() != self._pixels:
            seen.oddities.add("the images are changed between the loader and the network")

    def _backward(self, known: Trained, tensors: Any) -> None:
        seen = self.training.get(id(known.module))
        if seen is None:
            seen = self.training[id(known.module)] = Training()
            seen.seed = self._seed
            seen.default_initialisation = looks_default(known.module)
        seen.cells.add(self.cell)
        if self._loss is None:
            seen.oddities.add("the loss is none that is known by name")
        else:
            name, value, arguments = self._loss
            seen.losses.add(LOSSES[name])
            seen.loss_arguments = {"label_smoothing": float(arguments.get("label_smoothing") or 0.0)}
            if any(arguments.get(k, plain) != plain for k, plain in _PLAIN_LOSS.items()):
                seen.oddities.add(f"{name} with unusual arguments")
            if value is not (tensors[0] if isinstance(tensors, (list, tuple)) and tensors else tensors):
                seen.oddities.add(f"something is added to or done with {name} before the backward pass")
        iterator = self._iterator
        loader = getattr(iterator, "_grader_loader", None)
        if loader is None:
            seen.oddities.add("the batches do not come from a DataLoader")
        elif id(iterator) not in seen.iterators:
            before = seen.loader
            seen.iterators.add(id(iterator))
            seen.epochs += 1
            seen.loader = loader
            seen.loaders.add(id(loader))
            if before is not None and loader is not before and id(loader.dataset) != id(before.dataset):
                seen.oddities.add("more than one training loader")

    def _step(self, known: Trained, optimizer: Any) -> None:
        seen = self.training.get(id(known.module))
        if seen is None:
            return
        if self._clipped is not None:
            name, numbers, whole = self._clipped
            own = {id(p) for p in module_tensors.parameters(known.module)}
            key = (name, numbers, own <= whole)
            seen.clips[key] = seen.clips.get(key, 0) + 1
            self._clipped = None
        turn = (id(self._iterator), id(optimizer))
        if seen.turns[-1:] != [turn] and len(seen.turns) < MOST_TURNS:
            seen.turns.append(turn)
        if id(optimizer) in seen.optimizers:
            return
        seen.optimizers[id(optimizer)] = optimizer
        groups = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
        seen.groups[id(optimizer)] = dict(groups[0])
        seen.groups_differ |= any(_known(g) != _known(groups[0]) for g in groups)

    def broken_off(self, seen: Training) -> int:
        """Passes of a training that ended before their last batch."""
        ended = {id(i) for i in self._alive if i._grader_ended}
        return len(seen.iterators - ended)


def _known(group: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in group.items() if isinstance(v, (int, float, str, tuple, list, type(None)))}


def _scheduler_classes() -> set[Any]:
    kinds = vars(lr_scheduler).values()
    return {k for k in kinds if inspect.isclass(k) and issubclass(k, lr_scheduler.LRScheduler)}


def looks_default(module: nn.Module) -> bool:
    """Whether convolutions, linear and normalisation layers hold what torch draws by default.

    torch draws weights and biases uniformly from ±1/sqrt(fan_in) (kaiming_uniform_ with a = sqrt(5)) and
    starts normalisations at 1 and 0; a loaded checkpoint or another initialisation falls outside or has
    another spread.
    """
    for child in _descend(module):
        own = {n: t.detach() for n, t in (child.__dict__.get("_parameters") or {}).items() if t is not None}
        if isinstance(child, (nn.Conv2d, nn.Linear)) and "weight" in own:
            bound = 1 / math.sqrt(max(1, own["weight"][0].numel()))
            for tensor in own.values():
                if float(tensor.abs().max()) > bound * 1.0001 or (
                    tensor.numel() > 1 and not bool(tensor.any())
                ):
                    return False
            spread = float(own["weight"].std()) * math.sqrt(3) / bound if own["weight"].numel() >= 64 else 1.0
            if not 0.75 < spread < 1.25:
                return False
        normalises = isinstance(child, nn.modules.batchnorm._NormBase) and "weight" in own
        if normalises and (not bool((own["weight"] == 1).all()) or bool(own["bias"].any())):
            return False
    return True


def _descend(module: nn.Module) -> list[nn.Module]:
    found: dict[int, nn.Module] = {}
    open_ = [module]
    while open_:
        child = open_.pop()
        if id(child) not in found:
            found[id(child)] = child
            open_ += [c for c in (child.__dict__.get("_modules") or {}).values() if isinstance(c, nn.Module)]
    return list(found.values())
