"""A student's recipe turned into a plan that we can follow to the letter, or into the reasons why we cannot.

Everything is a whitelist: a name or an argument that is not listed here makes the recipe incomplete, and then
nobody can fail on it. Arguments are checked for type and range, because they come from a process that ran
student code.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn, optim
from torch.optim import lr_scheduler

from grader.core.assigned_data import MNIST
from grader.core.facts.recipe import Part, Stepping, StudentRecipe, Turn, Value
from grader.execute.engine.recipes.transforms import (
    Pipeline,
    UnknownTransform,
    compile_test,
    compile_training,
)
from grader.sandbox.worker.later import put_off_compiler

MAX_BATCH = 10_000
MAX_TURNS = 100
"""Optimizers one after the other; each is made once to see that torch takes its arguments."""

_OPTIMIZERS: dict[str, tuple[type[optim.Optimizer], frozenset[str]]] = {
    "SGD": (optim.SGD, frozenset({"lr", "momentum", "dampening", "weight_decay", "nesterov"})),
    "Adam": (optim.Adam, frozenset({"lr", "betas", "eps", "weight_decay", "amsgrad"})),
    "AdamW": (optim.AdamW, frozenset({"lr", "betas", "eps", "weight_decay", "amsgrad"})),
    "NAdam": (optim.NAdam, frozenset({"lr", "betas", "eps", "weight_decay", "momentum_decay"})),
    "RAdam": (optim.RAdam, frozenset({"lr", "betas", "eps", "weight_decay"})),
    "Adamax": (optim.Adamax, frozenset({"lr", "betas", "eps", "weight_decay"})),
    "Adagrad": (
        optim.Adagrad,
        frozenset({"lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"}),
    ),
    "Adadelta": (optim.Adadelta, frozenset({"lr", "rho", "eps", "weight_decay"})),
    "RMSprop": (optim.RMSprop, frozenset({"lr", "alpha", "eps", "weight_decay", "momentum", "centered"})),
}
_FUSED = frozenset({"SGD", "Adam", "AdamW", "Adagrad"})
# Switches of the implementation that do not change what is computed.
_IGNORED = frozenset(
    {"maximize", "foreach", "capturable", "differentiable", "fused", "decoupled_weight_decay"}
)
_MUST_BE_OFF = frozenset({"maximize", "differentiable", "decoupled_weight_decay"})


def _by_factors(optimizer: optim.Optimizer, factors: list[float]) -> lr_scheduler.LRScheduler:
    """LambdaLR from the values of its function, which the worker sends in its place: one for each epoch from
    0.
    """
    if not factors or min(factors) < 0:
        raise ValueError("no factors that a learning rate could have")
    return lr_scheduler.LambdaLR(optimizer, lambda epoch: factors[min(epoch, len(factors) - 1)])


_SCHEDULERS: dict[str, tuple[Callable[..., lr_scheduler.LRScheduler], frozenset[str]]] = {
    "LambdaLR": (_by_factors, frozenset({"factors"})),
    "StepLR": (lr_scheduler.StepLR, frozenset({"step_size", "gamma"})),
    "MultiStepLR": (lr_scheduler.MultiStepLR, frozenset({"milestones", "gamma"})),
    "ExponentialLR": (lr_scheduler.ExponentialLR, frozenset({"gamma"})),
    "CosineAnnealingLR": (lr_scheduler.CosineAnnealingLR, frozenset({"T_max", "eta_min"})),
    "CosineAnnealingWarmRestarts": (
        lr_scheduler.CosineAnnealingWarmRestarts,
        frozenset({"T_0", "T_mult", "eta_min"}),
    ),
    "LinearLR": (lr_scheduler.LinearLR, frozenset({"start_factor", "end_factor", "total_iters"})),
    "ConstantLR": (lr_scheduler.ConstantLR, frozenset({"factor", "total_iters"})),
    "PolynomialLR": (lr_scheduler.PolynomialLR, frozenset({"total_iters", "power"})),
    "OneCycleLR": (
        lr_scheduler.OneCycleLR,
        frozenset(
            {
                "max_lr", "total_steps", "pct_start", "anneal_strategy", "cycle_momentum", "base_momentum", "max_momentum",
                "div_factor", "final_div_factor", "three_phase", "epochs", "steps_per_epoch",
            }
        ),
    ),
    "ReduceLROnPlateau": (
        lr_scheduler.ReduceLROnPlateau,
        frozenset({"mode", "factor", "patience", "threshold", "threshold_mode", "cooldown", "min_lr", "eps"}),
    ),
}  # fmt: skip
_CLIPPING: dict[str, tuple[Callable[..., object], frozenset[str], str]] = {
    "clip_grad_norm_": (nn.utils.clip_grad_norm_, frozenset({"max_norm", "norm_type"}), "max_norm"),
    "clip_grad_value_": (nn.utils.clip_grad_value_, frozenset({"clip_value"}), "clip_value"),
}
_STRINGS = frozenset({"min", "max", "rel", "abs", "cos", "linear"})
_COUNTS = frozenset(
    {
        "step_size",
        "milestones",
        "T_max",
        "T_0",
        "T_mult",
        "total_iters",
        "total_steps",
        "patience",
        "cooldown",
    }
)


@dataclass(frozen=True, slots=True)
class Leg:
    """Epochs that one optimizer trains, with its schedule."""

    epochs: int
    optimizer: Callable[[list[nn.Parameter]], optim.Optimizer]
    scheduler: Callable[[optim.Optimizer], lr_scheduler.LRScheduler] | None
    stepping: Stepping


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe that can be followed. `training` and `test` make float images of bytes."""

    summary: str
    epochs: int
    batch_size: int
    drop_last: bool
    shuffle: bool
    seed: int | None
    legs: tuple[Leg, ...]
    """At least one; their epochs add up."""
    clip: Callable[[list[nn.Parameter]], object] | None
    """What is done to the gradients before each step."""
    loss: nn.Module
    training: Pipeline
    test: Pipeline
    watches_scores: bool
    """Whether the schedule follows what the network scores, so that two seeds can have two learning rates."""

    @property
    def couples_weights(self) -> bool:
        """Whether a weight's step depends on other weights' gradients or on scores, so that seeds cannot
        share an optimizer.
        """
        return self.watches_scores or self.clip is not None

    @property
    def changes_rate(self) -> bool:
        """Whether the learning rate may be another one in a later epoch."""
        return len(self.legs) > 1 or any(leg.scheduler is not None for leg in self.legs)

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch of all training digits."""
        return self.steps_for(MNIST.training_images)

    def steps_for(self, digits: int) -> int:
        """Optimizer steps in an epoch of so many digits."""
        return digits // self.batch_size if self.drop_last else -(-digits // self.batch_size)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A plan, or the reasons why there is none. Reasons beside a plan are doubts: the recipe is not followed
    for sure.
    """

    plan: Plan | None
    missing: tuple[str, ...]


def resolve(
    recipe: StudentRecipe | None,
    image: tuple[int, ...],
    digits: int = MNIST.training_images,
    side: int = MNIST.side,
) -> Resolved:
    """Turn a recipe into a plan for a network that takes digits of shape `image`, trained on so many digits
    of `side` x `side` pixels.
    """
    if recipe is None:
        return Resolved(None, ("the notebook's training recipe could not be read",))
    missing = list(recipe.missing)
    if not recipe.default_initialisation:
        missing.append("the weights are not initialised as torch does by default")
    if not 1 <= recipe.batch_size <= MAX_BATCH:
        missing.append(
            "the batch size is not known"
            if not recipe.batch_size
            else f"a batch size of {recipe.batch_size:,}"
        )
    if not 1 <= recipe.epochs <= 1_000:
        missing.append(
            "the number of epochs is not known" if not recipe.epochs else f"{recipe.epochs:,} epochs"
        )
    turns = recipe.turns[:MAX_TURNS]
    if len(recipe.turns) > MAX_TURNS:
        missing.append(f"{len(recipe.turns):,} optimizers one after the other")
    elif recipe.then and min(turn.epochs for turn in turns) < 1:
        missing.append("it is not known which optimizer trained how many epochs")
    steps = digits // recipe.batch_size if recipe.drop_last and recipe.batch_size else 0
    steps = steps or -(-digits // max(1, recipe.batch_size))
    legs = [_leg(turn, steps, missing) for turn in turns]
    clip = _collect(missing, lambda: _clip(recipe.clipping))
    loss = _collect(missing, lambda: _loss(recipe.loss))
    training = _collect(missing, lambda: compile_training(recipe.training_transform, image, side))
    test = _collect(missing, lambda: compile_test(recipe.test_transform, image, side))
    if loss is None or training is None or test is None or missing:
        return Resolved(None, tuple(dict.fromkeys(missing)))
    plan = Plan(
        summary=_summary(recipe),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        drop_last=recipe.drop_last,
        shuffle=recipe.shuffle,
        seed=recipe.seed if recipe.seed is not None and 0 <= recipe.seed < 1 << 63 else None,
        legs=tuple(leg for leg in legs if leg is not None),
        clip=clip,
        loss=loss,
        training=training,
        test=test,
        watches_scores=any(
            _watches_scores(turn) and turn.stepping is not Stepping.NEVER for turn in recipe.turns
        ),
    )
    doubts = ("what ReduceLROnPlateau watches is not known: we watch the test loss or accuracy",)
    return Resolved(plan, doubts if any(_watches_scores(turn) for turn in recipe.turns) else ())


def _watches_scores(turn: Turn) -> bool:
    return turn.scheduler is not None and turn.scheduler.kind == "ReduceLROnPlateau"


def _leg(turn: Turn, steps: int, missing: list[str]) -> Leg | None:
    """One optimizer with its schedule; what of them is not known goes to `missing`."""
    optimizer = _collect(missing, lambda: _optimizer(turn.optimizer))
    scheduler = _collect(missing, lambda: _scheduler(turn, steps))
    stepping = turn.stepping if turn.scheduler is not None else Stepping.NEVER
    return None if optimizer is None else Leg(turn.epochs, optimizer, scheduler, stepping)


class _Unknown(Exception):
    """A part of a recipe that is not on the list; the message names it."""


def _collect(missing: list[str], make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (_Unknown, UnknownTransform) as error:
        missing.append(str(error))
        return None


def _optimizer(part: Part | None) -> Callable[[list[nn.Parameter]], optim.Optimizer]:
    if part is None:
        raise _Unknown("the optimizer is not known")
    if part.kind not in _OPTIMIZERS:
        raise _Unknown(f"the optimizer {part.kind[:40]}")
    kind, allowed = _OPTIMIZERS[part.kind]
    if any(
        part.arguments.get(name)
        for name in _MUST_BE_OFF
        if name != "decoupled_weight_decay" or part.kind != "AdamW"
    ):
        raise _Unknown(f"the optimizer {part.kind} with unusual switches")
    arguments = _arguments(part, allowed, _IGNORED)
    if "lr" not in arguments:
        raise _Unknown("the learning rate is not known")
    if part.kind in _FUSED:
        arguments["fused"] = True
    put_off_compiler()  # 1.2 CPU seconds and 70 MiB, which the first optimizer of a process would take
    try:
        kind([nn.Parameter(torch.zeros(1))], **arguments)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _Unknown(f"the optimizer {part.kind} with {error}") from error
    return lambda parameters: kind(parameters, **arguments)


def _scheduler(turn: Turn, steps: int) -> Callable[[optim.Optimizer], lr_scheduler.LRScheduler] | None:
    part = turn.scheduler
    if part is None or turn.stepping is Stepping.NEVER:
        return None
    if part.kind not in _SCHEDULERS:
        raise _Unknown(f"the schedule {part.kind[:40]}")
    kind, allowed = _SCHEDULERS[part.kind]
    arguments = _arguments(part, allowed, frozenset({"verbose"}))
    arguments.pop("epochs", None)
    arguments.pop("steps_per_epoch", None)
    if part.kind == "OneCycleLR":
        # The notebook ran on a slice of the digits, where an epoch has fewer batches.
        arguments["total_steps"] = turn.epochs * (steps if turn.stepping is Stepping.BATCH else 1)
    elif turn.stepping is Stepping.BATCH:
        raise _Unknown(f"the schedule {part.kind} moved after every batch")
    try:
        kind(_optimizer(turn.optimizer)([nn.Parameter(torch.zeros(1))]), **arguments)
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise _Unknown(f"the schedule {part.kind} with {error}") from error
    return lambda optimizer: kind(optimizer, **arguments)


def _clip(part: Part | None) -> Callable[[list[nn.Parameter]], object] | None:
    if part is None:
        return None
    if part.kind not in _CLIPPING:
        raise _Unknown(f"gradients are clipped by {part.kind[:40]}")
    kind, allowed, limit = _CLIPPING[part.kind]
    arguments = _arguments(part, allowed, frozenset())
    if (
        not all(type(value) in (int, float) and value > 0 for value in arguments.values())
        or limit not in arguments
    ):
        raise _Unknown(f"gradients are clipped by {part.kind} with unusual numbers")
    return lambda parameters: kind(parameters, **arguments)


def _loss(part: Part | None) -> nn.Module:
    if part is None:
        raise _Unknown("the loss is not known")
    arguments = _arguments(part, frozenset({"label_smoothing"}), frozenset({"ignore_index"}))
    smoothing = arguments.get("label_smoothing", 0.0)
    if part.kind == "nll" and not smoothing:
        return nn.NLLLoss()
    if part.kind == "cross-entropy" and 0 <= smoothing < 1:
        return nn.CrossEntropyLoss(label_smoothing=smoothing)
    raise _Unknown(f"the loss {part.kind[:40]}")


def _arguments(part: Part, allowed: frozenset[str], ignored: frozenset[str]) -> dict[str, Any]:
    """The arguments of a part, each on the list and of a sane value; the names in `ignored` are dropped."""
    found: dict[str, Any] = {}
    for name, value in part.arguments.items():
        if name in ignored:
            continue
        if name not in allowed:
            raise _Unknown(f"{part.kind[:40]} with {name[:40]}")
        if not _sane(value):
            raise _Unknown(f"{part.kind} with {name} = {str(value)[:40]}")
        found[name] = _whole(value) if name in _COUNTS else list(value) if isinstance(value, tuple) else value
    return found


def _sane(value: Value) -> bool:
    if isinstance(value, tuple):
        return len(value) <= 100 and all(_sane(item) for item in value)
    if isinstance(value, str):
        return value in _STRINGS
    return value is None or (math.isfinite(value) and abs(value) <= 1e9)


def _whole(value: Value) -> Any:
    if isinstance(value, tuple):
        return [int(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The notebook ran on a slice of the digits, where an epoch has fewer batches.
_OF_THE_SLICE = frozenset({"steps_per_epoch", "total_steps"})


def _summary(recipe: StudentRecipe) -> str:
    def show(part: Part | None) -> str:
        if part is None:
            return "none"
        shown = {name: value for name, value in part.arguments.items() if value and name not in _OF_THE_SLICE}
        inner = ", ".join(f"{name}={_show(value)}" for name, value in shown.items())
        return f"{part.kind}({inner})"

    shown: list[str] = []
    for number, turn in enumerate(recipe.turns):
        after = f"from epoch {1 + sum(t.epochs for t in recipe.turns[:number])} on " if number else ""
        shown.append(after + show(turn.optimizer))
        if turn.scheduler is not None and turn.stepping is not Stepping.NEVER:
            shown.append(f"{show(turn.scheduler)} every {turn.stepping.value}")
    if len(shown) > 6:
        shown[3:-1] = [f"and so on, {len(recipe.turns)} optimizers in all"]
    if recipe.clipping is not None:
        shown.append(show(recipe.clipping))
    shown += [f"{show(recipe.loss)}", f"batches of {recipe.batch_size}", f"{recipe.epochs} epochs"]
    augmentation = [
        part.kind for part in recipe.training_transform or () if part.kind not in ("ToTensor", "Normalize")
    ]
    shown.append("augmented by " + ", ".join(augmentation) if augmentation else "no augmentation")
    return ", ".join(shown)


def _show(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple) and len(value) > 4:
        return f"[{_show(value[0])}, {_show(value[1])}, …, {_show(value[-1])}]"
    return str(list(value)) if isinstance(value, tuple) else str(value)
