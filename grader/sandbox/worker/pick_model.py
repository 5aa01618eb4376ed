"""Which network is the submitted one: the last that was trained; else the only instance; else the only class
that fits.
"""

import inspect
from collections.abc import Collection
from typing import Any, NamedTuple

import torch
from torch import nn

from . import module_tensors
from .mnist_stub import About
from .tracker import Tracker, Trained


class Chosen(NamedTuple):
    """The network with the state to export; `module` is None when there is none, and `reason` says why."""

    how: str
    module: nn.Module | None
    state: dict[str, Any] | None
    example: Any
    reason: str
    trained: Trained | None = None
    """What is known of its training."""


def choose(
    tracker: Tracker, namespace: dict[str, Any], about: About, classes: Collection[str] = ()
) -> Chosen:
    """Find the submitted network; never raises. `classes`: the network is of one of these, where any is
    named.
    """
    known = _last_of(tracker, classes)
    if known is not None:
        example = _example(tracker, known.module, about)
        return Chosen("last-trained", known.module, known.state, example, "", known)
    instances = [m for m in _instances(namespace) if not classes or type(m).__name__ in classes]
    if len(instances) == 1:
        return Chosen("only-instance", instances[0], None, _example(tracker, instances[0], about), "")
    if len(instances) > 1:
        names = ", ".join(sorted(type(m).__name__ for m in instances))
        return Chosen(
            "none", None, None, None, f"nothing was trained, and there are several networks: {names}"[:500]
        )
    fitting = [
        (name, made)
        for name, made in _extracted(namespace, about)
        if made is not None and (not classes or name in classes)
    ]
    if len(fitting) == 1:
        return Chosen("extracted-class", fitting[0][1], None, _default(about), "")
    if fitting:
        names = ", ".join(name for name, _ in fitting)
        return Chosen(
            "none", None, None, None, f"nothing was trained, and several classes fit: {names}"[:500]
        )
    if classes:
        return Chosen(
            "none", None, None, None, f"the code that ran made no network of class {', '.join(classes)}"[:500]
        )
    return Chosen(
        "none",
        None,
        None,
        None,
        "the notebook made no network: nothing was trained, no instance, no class that fits",
    )


def _last_of(tracker: Tracker, classes: Collection[str]) -> Trained | None:
    """The training that ended last, of one of the classes where any is named."""
    if not classes:
        return tracker.latest
    fit = [t for t in tracker.trained.values() if type(t.module).__name__ in classes and t.steps]
    return tracker.latest if tracker.latest in fit else fit[-1] if fit else None


def seen(tracker: Tracker, namespace: dict[str, Any], chosen: nn.Module | None) -> list[dict[str, Any]]:
    """All networks that were trained or stand in the namespace, as claims."""
    modules: dict[int, nn.Module] = {i: t.module for i, t in tracker.trained.items()}
    for module in _instances(namespace):
        modules.setdefault(id(module), module)
    if chosen is not None:
        modules.setdefault(id(chosen), chosen)
    found = []
    for key, module in list(modules.items())[:64]:
        declared = sum(int(p.numel()) for p in module_tensors.parameters(module))
        steps = tracker.trained[key].steps if key in tracker.trained else 0
        found.append(
            {
                "name": type(module).__name__[:200],
                "declared": declared,
                "steps": steps,
                "chosen": module is chosen,
            }
        )
    return found


def _default(about: About) -> torch.Tensor:
    return torch.rand(4, *about.image, generator=torch.Generator().manual_seed(4))


def _example(tracker: Tracker, module: nn.Module, about: About) -> Any:
    example = tracker.examples.get(id(module))
    if example is None:
        return _default(about)
    if 0 < example.shape[0] < 4:  # the last batch of an epoch may hold one digit
        repeat = [4] + [1] * (example.dim() - 1)
        example = example.repeat(repeat)[:4]
    return example


def _instances(namespace: dict[str, Any]) -> list[nn.Module]:
    found: dict[int, nn.Module] = {}
    for name, value in list(namespace.items()):
        if name.startswith("_") or not isinstance(value, nn.Module):
            continue
        # A single layer or a container of the library is no network unless it is a Sequential.
        library = type(value).__module__.startswith("torch.") and not isinstance(value, nn.Sequential)
        if not library and module_tensors.parameters(value):
            found[id(value)] = value
    inner = {id(child) for module in found.values() for child in module.modules() if child is not module}
    return [module for key, module in found.items() if key not in inner]


def _extracted(namespace: dict[str, Any], about: About) -> list[tuple[str, nn.Module | None]]:
    classes = {
        value.__name__: value
        for value in list(namespace.values())
        if inspect.isclass(value)
        and issubclass(value, nn.Module)
        and not value.__module__.startswith("torch.")
    }
    made = []
    for name, kind in sorted(classes.items()):
        try:
            module = kind()
            with torch.no_grad():
                answer = module.eval()(_default(about))
            fits = isinstance(answer, torch.Tensor) and answer.dim() == 2 and answer.shape[0] == 4
        except Exception:
            fits = False
        made.append((name, module.train() if fits else None))
    return made
