"""Modules that a notebook may never use are loaded when it uses them: torch's compiler, and the models and
operators of torchvision, which import it.

Together they cost as much as torch itself. The compiler comes along with the first optimizer, which asks it
to leave its steps alone; while it is not loaded nothing can be compiled, so that needs no answer. Whoever
touches one of these modules in any other way finds the real one. Imports nothing but the standard library.
"""

import functools
import importlib.machinery
import importlib.util
import sys
import threading
import types
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from typing import Any

COMPILER = "torch._dynamo"
PARTS = ("torchvision.models", "torchvision.ops")
_PASSIVE = frozenset(
    {"__spec__", "__name__", "__file__", "__loader__", "__package__", "__class__", "__repr__"}
)
"""What the import system and whoever goes through `sys.modules` looks at."""
_LOCK = threading.RLock()
_loading: set[int] = set()


class Later(types.ModuleType):
    """A module before its first use. It becomes the real one in place, so that every reference to it does."""

    def __getattribute__(self, name: str) -> Any:
        """Load the module unless `name` is one of those that it has already."""
        look = types.ModuleType.__getattribute__
        if name in _PASSIVE:
            return look(self, name)
        if name in ("disable", "graph_break") and type(self) is _Compiler:
            return look(self, "__dict__")[name]
        with _LOCK:  # the thread that loads comes through
            if isinstance(self, Later) and id(self) not in _loading:
                _load(self)
        return look(self, name)


class _Compiler(Later):
    """torch's compiler, with the two functions that an optimizer calls."""


def _load(module: types.ModuleType) -> None:
    spec = types.ModuleType.__getattribute__(module, "__spec__")
    _loading.add(id(module))
    try:
        spec.loader.exec_module(module)
        module.__class__ = types.ModuleType
    finally:
        _loading.discard(id(module))


class _Finder(MetaPathFinder):
    """Finds the parts of torchvision as Python does, and loads them later."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Answer for these parts only."""
        if fullname not in PARTS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Leaves a module unloaded, with the loader that it would have had."""

    def __init__(self, real: Loader) -> None:
        self._real = real

    def exec_module(self, module: types.ModuleType) -> None:
        """Put it off."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        module.__loader__ = self._real
        module.__class__ = Later


def install() -> Callable[[], None]:
    """Put these modules off until they are used; what is loaded already stays.

    Returns what ends the watch for parts of torchvision, to be called once torchvision is imported.
    """
    put_off_compiler()
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    return functools.partial(sys.meta_path.remove, finder)


def put_off_compiler() -> None:
    """Put torch's compiler off until it is used, if it is not loaded yet; a training loads it for nothing."""
    import torch

    spec = importlib.machinery.PathFinder.find_spec(COMPILER, torch.__path__)
    if (
        COMPILER in sys.modules
        or spec is None
        or not isinstance(spec.loader, importlib.machinery.SourceFileLoader)
    ):
        return
    made = importlib.util.module_from_spec(spec)
    made.disable = functools.partial(_disable, made)  # type: ignore[attr-defined]
    made.graph_break = _graph_break  # type: ignore[attr-defined]
    made.__class__ = _Compiler
    sys.modules[COMPILER] = made
    torch._dynamo = made


def _graph_break(*_given: Any, **_options: Any) -> None:
    """End the graph that is being compiled; without a compiler there is none."""


def _disable(module: types.ModuleType, fn: Any = None, *given: Any, **options: Any) -> Any:
    """Keep the compiler away from a function; it is asked from the moment when it is loaded."""
    if type(fn) is not types.FunctionType:
        _load(module)
        return module.disable(fn, *given, **options)
    kept: list[Callable[..., Any]] = []

    @functools.wraps(fn)
    def run(*args: Any, **kwargs: Any) -> Any:
        if isinstance(module, Later):
            return fn(*args, **kwargs)
        if not kept:
            kept.append(module.disable(fn, *given, **options))
        return kept[0](*args, **kwargs)

    return run
