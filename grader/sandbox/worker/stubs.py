"""Stand-ins for modules that are not installed and have nothing to do with the network: plots, summaries,
loggers, Colab.
"""

import importlib.util
import sys
import types
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any, Self

from .patches import Ledger

DECORATION = frozenset({
    "colorama", "google", "gradio", "graphviz", "hiddenlayer", "ipywidgets", "kaggle", "livelossplot", "netron",
    "plotly", "prettytable", "seaborn", "tensorboardX", "termcolor", "torchinfo", "torchsummary", "torchsummaryX",
    "torchview", "torchviz", "visdom", "wandb",
})  # fmt: skip


class Nothing:
    """Takes every call, attribute and item, and is empty."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None: ...

    def __call__(self, *_args: Any, **_kwargs: Any) -> "Nothing":
        """Do nothing."""
        return Nothing()

    def __getattr__(self, name: str) -> "Nothing":
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing()

    def __getitem__(self, _key: Any) -> "Nothing":
        return Nothing()

    def __setitem__(self, _key: Any, _value: Any) -> None: ...

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None: ...

    def __repr__(self) -> str:
        return ""


class Config(dict[str, Any]):
    """A dictionary with attributes, as wandb's configuration is."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class _Finder(MetaPathFinder, Loader):
    """Last in line: what is installed, or lies beside the notebook, is found before."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: Any = None
    ) -> ModuleSpec | None:
        """Answer for the modules of the list only."""
        if fullname.split(".", 1)[0] in DECORATION:
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        """Make an empty module that has every name."""
        name = spec.name
        root = name.split(".", 1)[0]
        self._ledger.used(root if root in ("torchsummary", "torchinfo") else "stub-module", name)
        return fill(types.ModuleType(name))

    def exec_module(self, module: types.ModuleType) -> None:
        """Give the few modules that are used for more than decoration their shape."""
        if module.__name__ in ("torchsummary", "torchinfo", "torchsummaryX"):
            module.summary = _summary  # type: ignore[attr-defined]
        if module.__name__ == "wandb":
            _wandb(module)


def fill(module: types.ModuleType) -> types.ModuleType:
    """Let a module answer every attribute with nothing."""

    def anything(name: str) -> Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing()

    module.__path__ = []
    module.__getattr__ = anything  # type: ignore[method-assign]
    return module


def install(ledger: Ledger) -> None:
    """Answer imports that would fail."""
    sys.meta_path.append(_Finder(ledger))
    if importlib.util.find_spec("tensorboard") is None:
        writer = types.ModuleType("torch.utils.tensorboard")
        writer.SummaryWriter = Nothing  # type: ignore[attr-defined]
        sys.modules["torch.utils.tensorboard"] = writer


def _summary(model: Any, *_args: Any, **_kwargs: Any) -> Nothing:
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(f"Total params: {sum(p.numel() for p in model.parameters()):,}\nTrainable params: {trainable:,}")
    return Nothing()


def _wandb(module: types.ModuleType) -> None:
    settings = Config()

    def init(*_args: Any, config: Any = None, **_kwargs: Any) -> Nothing:
        if isinstance(config, dict):
            settings.update(config)
        return run

    class Run(Nothing):
        config = settings

    run = Run()
    module.config = settings  # type: ignore[attr-defined]
    module.init = init  # type: ignore[attr-defined]
    module.run = run  # type: ignore[attr-defined]
