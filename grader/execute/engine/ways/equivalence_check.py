"""Whether two ways to compute a training step agree, asked before one takes the place of the other.

Seeds side by side, captured passes and captured steps run where no test of ours has run: on the GPU at hand,
with its libraries, for a network nobody has seen. So each is tried on this very network first, and a step
that does not agree is computed the ordinary way.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from grader.execute.engine.runs.loop import WEIGHTS

TOLERANCE = 1e-3
"""Largest distance, as a share of the length of what it should be: rounding stays below 1e-5, a wrong rule is
of the order of 1.
"""
ROUNDING = 1e-5
"""What rounding may leave of a gradient that is none, as a share of the largest gradient."""
QUIET = 1e-4
"""Share of the largest gradient below which one may be rounding."""
LAST_PLACES = 1e-6
"""What rounding may leave of the move of a float32, as a share of the number that is moved."""

State = Mapping[str, Sequence[Tensor]]
"""What a training step moves, by its kind (`Step.moved`)."""


class Step(NamedTuple):
    """What one pass forward and back comes to: answers, a gradient for each parameter, and the statistics
    kept.
    """

    answers: Tensor
    gradients: tuple[Tensor, ...]
    statistics: tuple[Tensor, ...]


def step_of(model: nn.Module, images: Tensor) -> Step:
    """A step of the model as it stands; its statistics are put back, its random numbers are drawn."""
    parameters = [value for value in model.parameters() if value.requires_grad]
    before = [value.clone() for value in model.buffers()]
    answers = model(images)
    # Not the mean: a softmax has equal means whatever the weights.
    found = torch.autograd.grad(answers.float().square().sum(), parameters, allow_unused=True)
    pairs = zip(found, parameters, strict=True)
    gradients = tuple(torch.zeros_like(own) if value is None else value.clone() for value, own in pairs)
    step = Step(answers.detach().clone(), gradients, tuple(value.clone() for value in model.buffers()))
    with torch.no_grad():
        for value, own in zip(before, model.buffers(), strict=True):
            own.copy_(value)
    return step


def stacked(steps: Sequence[Step]) -> Step:
    """The steps of several models of one structure as one: every tensor with the models as its first axis."""
    return Step(
        torch.stack([step.answers for step in steps]),
        tuple(torch.stack(own) for own in zip(*(step.gradients for step in steps), strict=True)),
        tuple(torch.stack(own) for own in zip(*(step.statistics for step in steps), strict=True)),
    )


def agree(found: Step, expected: Step) -> bool:
    """Whether all numbers of a step are those expected, but for rounding."""
    # A bias before a batch normalisation has no gradient but rounding, which is measured against the largest
    # of them.
    largest = max((float(value.double().norm()) for value in expected.gradients), default=0.0)
    pairs = zip(found.gradients, expected.gradients, strict=True)
    return (
        _close(found.answers, expected.answers)
        and all(_close(*pair) for pair in zip(found.statistics, expected.statistics, strict=True))
        and all(_close(*pair, floor=ROUNDING * largest) for pair in pairs)
    )


def heard(model: nn.Module, images: Tensor) -> list[bool]:
    """For each weight whether its gradient is more than rounding, of which Adam would make whole steps."""
    lengths = [float(value.double().norm()) for value in step_of(model, images).gradients]
    return [length > QUIET * max(lengths) for length in lengths]


def moved_alike(found: State, expected: State, before: State, loud: Sequence[bool]) -> bool:
    """Whether all tensors were moved from `before` as they should be; a weight that is not loud stays finite.

    Moves are compared, not values: a step at half its rate changes a weight by a thousandth.
    """
    if found.keys() != expected.keys():
        return False
    for kind, old in before.items():
        moves = [
            tuple(new.double() - own for new, own in zip(of[kind], old, strict=True))
            for of in (found, expected)
        ]
        largest = max((float(move.norm()) for move in moves[1]), default=0.0)
        for number, (move, right, own) in enumerate(zip(*moves, old, strict=True)):
            known = kind != WEIGHTS or loud[number]
            floor = ROUNDING * largest + LAST_PLACES * float(own.double().norm())
            if not (_close(move, right, floor) if known else torch.isfinite(move).all()):
                return False
    return True


def _close(found: Tensor, expected: Tensor, floor: float = 0.0) -> bool:
    if found.shape != expected.shape or not torch.isfinite(found).all():
        return False
    distance = float((found.double() - expected.double()).norm())
    return distance <= TOLERANCE * float(expected.double().norm()) + floor
