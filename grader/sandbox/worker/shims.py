"""Small bridges between the torch of the notebook's year and ours, and from its GPU to our CPU; each use is
noted.
"""

import builtins
import inspect
import os
import re
from typing import Any, NoReturn

import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils import data as torch_data
from torch.utils.data import dataloader

from . import mnist_stub
from .patches import Ledger

_ELSEWHERE = re.compile(r"[/\\]|~|[A-Za-z]:")
"""How a path begins that does not start from the notebook's own folder."""
_CUDA_CALLS = ("get_device_name", "get_device_properties", "get_device_capability", "mem_get_info")


def install(ledger: Ledger, mnist: type, about: mnist_stub.About) -> None:
    """Patch torch, tqdm and the builtins; `ledger.restore` undoes it."""
    _loaders(ledger, mnist, about)
    _schedulers(ledger)
    _tensors(ledger)
    _cuda(ledger)
    _tqdm(ledger)
    _folders(ledger)

    def ask(*_args: Any) -> NoReturn:
        ledger.used("input")
        raise EOFError("nobody is here to answer input()")

    ledger.patch(builtins, "input", ask)


def _folders(ledger: Ledger) -> None:
    def go(path: Any) -> None:
        try:
            original(path)
        except FileNotFoundError:
            # Where the author keeps the hand-in (`/content/drive/...`) is where we are already.
            if not (isinstance(path, str) and _ELSEWHERE.match(path)):
                raise
            ledger.used("chdir", path)

    original = ledger.patch(os, "chdir", go)


def _loaders(ledger: Ledger, mnist: type, about: mnist_stub.About) -> None:
    signature = inspect.signature(torch_data.DataLoader.__init__)

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        given = bound.arguments
        if given.get("num_workers"):
            ledger.used("data-loader-workers")
            for name in (
                "num_workers",
                "prefetch_factor",
                "persistent_workers",
                "multiprocessing_context",
                "timeout",
                "worker_init_fn",
            ):
                given.pop(name, None)
        dataset: Any = given.get("dataset")
        if mnist_stub.slice_of(dataset, mnist) is not None:
            mnist_stub.fit_sampler(given.get("sampler"), dataset, mnist, ledger, about)
            if given.get("drop_last") and (given.get("batch_size") or 1) > len(dataset):
                ledger.used("drop-last")
                given["drop_last"] = False
        asked = bool(signature.bind(self, *args, **kwargs).arguments.get("drop_last"))
        original(*bound.args, **bound.kwargs)
        self._grader_drop_last = asked

    original = ledger.patch(torch_data.DataLoader, "__init__", init)

    def following(self: Any) -> Any:
        ledger.used("iterator-next")
        return next(self)

    ledger.patch(dataloader._BaseDataLoaderIter, "next", following)


def _schedulers(ledger: Ledger) -> None:
    for name, kind in sorted(vars(lr_scheduler).items()):
        if not (inspect.isclass(kind) and issubclass(kind, lr_scheduler.LRScheduler)):
            continue
        if "__init__" not in vars(kind) or "verbose" in inspect.signature(kind.__init__).parameters:
            continue
        _drop_verbose(kind, name, ledger)


def _drop_verbose(kind: Any, name: str, ledger: Ledger) -> None:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if "verbose" in kwargs:
            kwargs.pop("verbose")
            ledger.used("scheduler-verbose", name)
        original(self, *args, **kwargs)

    # Others read the signature to bind arguments to names.
    init.__signature__ = inspect.signature(kind.__init__)  # type: ignore[attr-defined]
    original = ledger.patch(kind, "__init__", init)


def _tensors(ledger: Ledger) -> None:
    for name in ("numpy", "__array__"):
        _detached(ledger, name)

    def load(*args: Any, **kwargs: Any) -> Any:
        ledger.used("torch-load")
        kwargs["map_location"] = "cpu"
        try:
            return original_load(*args, **kwargs)
        except Exception:
            if kwargs.get("weights_only") is not None:
                raise
            # The student's own pickle, inside the sandbox: it may run what it likes here.
            return original_load(*args, **kwargs, weights_only=False)

    original_load = ledger.patch(torch, "load", load)


def _detached(ledger: Ledger, name: str) -> None:
    def detached(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.requires_grad:
            ledger.used("numpy-on-grad")
            self = self.detach()
        return original(self, *args, **kwargs)

    original = ledger.patch(torch.Tensor, name, detached)


def _cuda(ledger: Ledger) -> None:
    if torch.cuda.is_available():
        return

    def named_cuda(value: Any) -> bool:
        return (isinstance(value, str) and value.startswith("cuda")) or (
            isinstance(value, torch.device) and value.type == "cuda"
        )

    def stay(self: Any, *_args: Any, **_kwargs: Any) -> Any:
        ledger.used("cuda")
        return self

    for owner in (torch.Tensor, nn.Module):
        ledger.patch(owner, "cuda", stay)

        def to(self: Any, *args: Any, _original: Any = owner.to, **kwargs: Any) -> Any:
            if any(map(named_cuda, (*args, *kwargs.values()))):
                ledger.used("cuda")
                args = tuple("cpu" if named_cuda(a) else a for a in args)
                kwargs = {k: "cpu" if named_cuda(v) else v for k, v in kwargs.items()}
            return _original(self, *args, **kwargs)

        ledger.patch(owner, "to", to)
    for name in (
        "synchronize",
        "empty_cache",
        "reset_peak_memory_stats",
        "manual_seed_all",
        "manual_seed",
        "set_device",
    ):
        ledger.patch(torch.cuda, name, lambda *_a, **_k: None)
    for name in _CUDA_CALLS:

        def nothing(*_args: Any, _name: str = name, **_kwargs: Any) -> str:
            ledger.used("cuda", f"torch.cuda.{_name}")
            return "no CUDA device"

        ledger.patch(torch.cuda, name, nothing)


def _tqdm(ledger: Ledger) -> None:
    try:
        import tqdm
        import tqdm.notebook
        import tqdm.std
    except ImportError:
        return

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(kwargs.get("ncols"), str):
            ledger.used("tqdm-notebook", "ncols")
            kwargs.pop("ncols")
        original(self, *args, **kwargs)

    original = ledger.patch(tqdm.std.tqdm, "__init__", init)

    def bar(*args: Any, **kwargs: Any) -> Any:
        ledger.used("tqdm-notebook")
        return tqdm.std.tqdm(*args, **kwargs)

    for owner, name in ((tqdm.notebook, "tqdm"), (tqdm.notebook, "tqdm_notebook"), (tqdm, "tqdm_notebook")):
        ledger.patch(owner, name, bar)

    def count(*args: Any, **kwargs: Any) -> Any:
        return bar(range(*args), **kwargs)

    for owner, name in ((tqdm.notebook, "trange"), (tqdm.notebook, "tnrange"), (tqdm, "tnrange")):
        ledger.patch(owner, name, count)
