"""The training recipe as whitelisted JSON, read from the live objects: a claim like everything from here.

The form is that of `grader.core.facts.recipe`: torch's own names and arguments; what could not be read stands
in `missing`.
"""

import ast
import math
import re
from contextlib import suppress
from typing import Any

from torch.utils import data as torch_data
from torch.utils.data import dataloader

from .mnist_stub import slice_of
from .recorder import Recorder, Training
from .tracker import Trained

_NOT_ARGUMENTS = {"initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum", "swa_lr"}
MOST_OPTIMIZERS = 40
_TRAINING_CALL = re.compile(r"train|fit|epoch|backward|valid|test|eval", re.IGNORECASE)


def recipe(
    recorder: Recorder,
    known: Trained | None,
    data: tuple[Any, str],
    sources: dict[int, str],
    failed: set[int],
) -> dict[str, Any]:
    """The recipe of one trained network; `data` is the class of its data set and what that is
    called; `sources` and `failed` tell about the cells by number.
    """
    found: dict[str, Any] = {"format": 1}
    mnist, title = data
    seen = recorder.training.get(id(known.module)) if known is not None else None
    if known is None or seen is None:
        return found | {"missing": ["nothing was trained in our run"]}
    missing: list[str] = sorted(seen.oddities)
    _optimizers(found, recorder, seen, known, missing)
    _clipping(found, seen, known, missing)
    _loss(found, seen, missing)
    _loader(found, seen, mnist, title, missing)
    _test(found, recorder, mnist, missing)
    found["epochs"] = seen.epochs
    found["default_initialisation"] = seen.default_initialisation
    if seen.seed is not None:
        found["seed"] = seen.seed
    if seen.cells & failed:
        missing.append("the training loop ended with an error in our run: the number of epochs is not known")
    elif recorder.broken_off(seen):
        missing.append("an epoch ends before the last batch")
    if any(stops_early(sources.get(number, "")) for number in sources):
        missing.append("the training loop may stop early")
    if known.backwards != known.steps:
        missing.append(f"{known.backwards} backward passes and {known.steps} optimizer steps")
    return found | {"missing": [str(m)[:200] for m in missing]}


def _optimizers(
    found: dict[str, Any], recorder: Recorder, seen: Training, known: Trained, missing: list[str]
) -> None:
    """The first optimizer with its schedule, and under `then` those that took over from it, in order."""
    if not seen.optimizers:
        missing.append("no optimizer of torch.optim stepped")
        return
    if seen.groups_differ:
        missing.append("groups of parameters are trained with different settings")
    if known.foreign:
        missing.append("the optimizer also trains parameters outside of the network")
    order = turns(seen.turns)
    if order is None or len(order) > MOST_OPTIMIZERS or sum(order.values()) != seen.epochs:
        names = sorted({type(o).__name__ for o in seen.optimizers.values()})
        many = len(seen.optimizers)
        if many > 1:
            missing.append(
                f"{many} optimizers ({', '.join(names)}) trained the network, and not one after the other"
            )
        order = {next(iter(seen.optimizers)): seen.epochs}
    parts = []
    for key, epochs in order.items():
        part: dict[str, Any] = {"epochs": epochs}
        _optimizer(part, seen, key, missing)
        _schedule(part, recorder, seen.optimizers[key], epochs, missing)
        parts.append(part)
    found |= {name: value for name, value in parts[0].items() if name != "epochs"}
    if len(parts) > 1:
        found["then"] = parts[1:]


def turns(seen: list[tuple[int, int]]) -> dict[int, int] | None:
    """How many passes over the digits each optimizer made, in their order; None where two of them share a
    pass or one comes back after another.
    """
    passes: dict[int, int] = {}
    for one, optimizer in seen:
        if passes.setdefault(one, optimizer) != optimizer:
            return None
    order: dict[int, int] = {}
    last = None
    for optimizer in passes.values():
        if optimizer != last and optimizer in order:
            return None
        order[optimizer] = order.get(optimizer, 0) + 1
        last = optimizer
    return order


def _optimizer(found: dict[str, Any], seen: Training, key: int, missing: list[str]) -> None:
    group, kind = seen.groups[key], type(seen.optimizers[key])
    if not kind.__module__.startswith("torch.optim"):
        missing.append(f"the optimizer {kind.__name__} is none of torch's")
        return
    arguments = _values({k: v for k, v in group.items() if k not in _NOT_ARGUMENTS}, missing, kind.__name__)
    if "initial_lr" in group:
        arguments["lr"] = float(group["initial_lr"])
    found["optimizer"] = {"kind": kind.__name__, "arguments": arguments}


def _schedule(
    found: dict[str, Any], recorder: Recorder, optimizer: Any, epochs: int, missing: list[str]
) -> None:
    active = [
        (scheduler, arguments)
        for key, (scheduler, arguments) in recorder.schedules.items()
        if key in recorder.moves and getattr(scheduler, "optimizer", None) is optimizer
    ]
    if not active:
        return
    if len(active) > 1:
        missing.append("more than one schedule moves the learning rate")
        return
    scheduler, arguments = active[0]
    moves = recorder.moves[id(scheduler)]
    if len(moves) > 1:
        missing.append("the schedule moves now after a batch and now after an epoch")
    kind = type(scheduler).__name__
    if not type(scheduler).__module__.startswith("torch.optim"):
        missing.append(f"the schedule {kind} is none of torch's")
        return
    plain = {k: v for k, v in arguments.items() if k not in ("last_epoch", "verbose")}
    if kind == "LambdaLR" and callable(plain.get("lr_lambda")) and moves == {"epoch"}:
        # A function cannot leave, its values can: the factor of every epoch, one more than there are epochs.
        with suppress(Exception):
            factors = [float(plain["lr_lambda"](epoch)) for epoch in range(min(epochs, 99) + 1)]
            if _moved_by(scheduler, factors):
                plain = {"factors": factors}
    found["scheduler"] = {"kind": kind, "arguments": _values(plain, missing, kind)}
    found["stepping"] = min(moves)


def _clipping(found: dict[str, Any], seen: Training, known: Trained, missing: list[str]) -> None:
    if not seen.clips:
        return
    (kind, numbers, whole), steps = next(iter(seen.clips.items()))
    if len(seen.clips) > 1 or steps != known.steps or not whole:
        missing.append("gradients are clipped in some steps, in several ways or of some weights alone")
        return
    found["clipping"] = {"kind": kind, "arguments": _values(dict(numbers), missing, kind)}


def _moved_by(scheduler: Any, factors: list[float]) -> bool:
    """Whether these factors made the learning rate what it is now: a function with a memory gives others when
    it is asked again.
    """
    now = float(scheduler.optimizer.param_groups[0]["lr"])
    return math.isclose(now, float(scheduler.base_lrs[0]) * factors[scheduler.last_epoch], rel_tol=1e-6)


def _loss(found: dict[str, Any], seen: Training, missing: list[str]) -> None:
    if len(seen.losses) == 1:
        found["loss"] = {"kind": next(iter(seen.losses)), "arguments": seen.loss_arguments}
    elif seen.losses:
        missing.append("more than one loss")


def _loader(found: dict[str, Any], seen: Training, mnist: Any, title: str, missing: list[str]) -> None:
    loader = seen.loader
    if loader is None:
        return
    if isinstance(loader.batch_size, int):
        found["batch_size"] = loader.batch_size
    else:
        missing.append("the batches are put together by the notebook itself")
    asked = getattr(loader, "_grader_drop_last", loader.drop_last)
    found["drop_last"] = bool(asked)
    sampler = loader.sampler
    if type(sampler) is torch_data.RandomSampler and not sampler.replacement:
        found["shuffle"] = True
    elif type(sampler) is torch_data.SequentialSampler:
        found["shuffle"] = False
    else:
        missing.append(f"the sampler {type(sampler).__name__}")
    if loader.collate_fn is not dataloader.default_collate:
        missing.append("a collate function of the notebook's own")
    dataset = loader.dataset
    if type(dataset) is not mnist:
        below = slice_of(dataset, mnist)
        what = (
            f"a part of {title} or a data set of its own"
            if below is not None
            else f"something other than torchvision's {title}"
        )
        missing.append(f"the network is trained on {what} ({type(dataset).__name__})")
        dataset = below
    elif not dataset.train:
        missing.append("the network is trained on the test digits")
    elif dataset.target_transform is not None:
        missing.append("the labels are changed by a target transform")
    if dataset is not None:
        found["training_transform"] = _transforms(dataset, "training", missing)


def _test(found: dict[str, Any], recorder: Recorder, mnist: Any, missing: list[str]) -> None:
    loader = recorder.test_loader
    dataset = None if loader is None else slice_of(loader.dataset, mnist)
    if dataset is None:
        missing.append("no pass over the test digits was seen: the test transform is not known")
        return
    found["test_transform"] = _transforms(dataset, "test", missing)


def _transforms(dataset: Any, which: str, missing: list[str]) -> list[dict[str, Any]]:
    """The transforms in order, compositions flattened."""
    parts: list[dict[str, Any]] = []
    open_ = [dataset.transform]
    while open_:
        transform = open_.pop(0)
        kind = type(transform)
        if kind.__module__ == "torchvision.transforms.transforms" and kind.__name__ == "Compose":
            open_[:0] = list(transform.transforms)
        elif transform is None:
            missing.append(f"the {which} digits are not transformed by torchvision")
        elif kind.__module__ != "torchvision.transforms.transforms":
            missing.append(f"the {which} transform {kind.__name__} is none of torchvision.transforms")
        elif kind.__name__ == "RandomApply" and len(transform.transforms) == 1:
            inner = transform.transforms[0]
            arguments = _public(inner) | {"p": float(transform.p)}
            parts.append(
                {
                    "kind": f"RandomApply({type(inner).__name__})",
                    "arguments": _values(arguments, missing, "RandomApply"),
                }
            )
        else:
            parts.append(
                {"kind": kind.__name__, "arguments": _values(_public(transform), missing, kind.__name__)}
            )
    return parts


def _public(transform: Any) -> dict[str, Any]:
    return {k: v for k, v in vars(transform).items() if not k.startswith("_") and k != "training"}


def _values(arguments: dict[str, Any], missing: list[str], owner: str) -> dict[str, Any]:
    """Only numbers, words, and rows of numbers; everything else is named and left out."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        try:
            found[str(name)] = _plain(value)
        except (TypeError, ValueError):
            missing.append(f"{owner} with {name} = {type(value).__name__!s}")
    return found


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(value)
        return value
    if isinstance(value, str):
        return value[:40]
    if hasattr(value, "item") and getattr(value, "numel", lambda: 1)() == 1:
        return _plain(float(value))
    if isinstance(value, (tuple, list)) and len(value) <= 128:
        return [float(_plain(v)) for v in value]
    inner = getattr(value, "value", None)  # an enum, as torchvision's interpolation modes are
    if isinstance(inner, str):
        return inner
    raise TypeError(type(value))


def stops_early(source: str) -> bool:
    """Whether a loop that calls something like `train` or `test` also has a `break` of its own."""
    try:
        tree = ast.parse(re.sub(r"(?m)^\s*[!%].*$", "", source))
    except (SyntaxError, ValueError, RecursionError):
        return False
    return any(
        _breaks(node) and _trains(node) for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While))
    )


def _breaks(loop: ast.AST) -> bool:
    open_ = list(ast.iter_child_nodes(loop))
    while open_:
        node = open_.pop()
        if isinstance(node, ast.Break):
            return True
        if not isinstance(node, (ast.For, ast.While, ast.FunctionDef, ast.Lambda)):
            open_ += list(ast.iter_child_nodes(node))
    return False


def _trains(loop: ast.AST) -> bool:
    for node in ast.walk(loop):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if _TRAINING_CALL.search(name):
                return True
    return False
