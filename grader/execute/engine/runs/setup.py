"""What one seed of a network needs before it can train: fresh weights, a course, and digits in the shape that
it takes.
"""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from grader.core.assigned_data import MNIST, DataSet
from grader.core.facts.retrain import KernelSet
from grader.core.retrain_rule import REFERENCE_EPOCHS
from grader.execute.engine.recipes.epoch_plans import PlanCourse, ReferenceCourse
from grader.execute.engine.recipes.recipe import Plan
from grader.execute.engine.runs.initial_weights import Fresh, fresh_tensors
from grader.execute.engine.runs.loop import Course, Order
from grader.execute.engine.ways.kernel_set import build
from grader.execute.graph.interpret import GraphNetwork
from grader.execute.graph.network import Network
from reference.recipe import RECIPES, Recipe

LARGEST_INPUT = 64
"""Pixels along an edge to which a digit is padded with background at most."""


class UnusableNetwork(Exception):
    """A network that no training of ours can feed; the message says why, in words for a person."""


class Setting(NamedTuple):
    """What the runs of one submission share; `epochs` is how many are wanted at most."""

    network: Network
    plan: Plan | None
    digits: int
    epochs: int
    device: str
    data: DataSet = MNIST
    kernels: KernelSet = KernelSet.TORCH

    @property
    def planned(self) -> int:
        """Epochs of a full run."""
        return self.plan.epochs if self.plan is not None else min(REFERENCE_EPOCHS, self.epochs)

    @property
    def allowed(self) -> int:
        """Epochs that are run at most."""
        return min(self.planned, self.epochs)

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch."""
        if self.plan is not None:
            return self.plan.steps_for(self.digits)
        return -(-self.digits // self.recipe.batch_size)

    @property
    def seen(self) -> int:
        """Digits that are trained on in an epoch."""
        if self.plan is not None and self.plan.drop_last:
            return self.steps_per_epoch * self.plan.batch_size
        return self.digits

    @property
    def recipe(self) -> Recipe:
        """Our own recipe for so many epochs."""
        data = self.data
        return replace(RECIPES["default"], epochs=self.planned, mean=data.mean, deviation=data.deviation)


class Seat(NamedTuple):
    """One seed, ready to train: `trained` is what the loop sees of `model`, with maps in `layout`."""

    seed: int
    fresh: Fresh
    model: GraphNetwork
    trained: nn.Module
    course: Course
    layout: torch.memory_format


def take_seat(setting: Setting, seed: int, *, dropout: bool = True) -> Seat:
    """Fresh weights and a course; torch's random state is then where the seed's training begins."""
    network = setting.network
    fresh = fresh_tensors(network, seed)
    model, layout = build(setting.kernels, network, fresh.tensors, dropout=dropout)
    order = Order(fresh.kept_bytes)
    if setting.plan is not None:
        return Seat(seed, fresh, model, model, PlanCourse(setting.plan, order), layout)
    recipe = setting.recipe
    trained = _adapt(model, network.image, setting.data.side, -recipe.mean / recipe.deviation)
    return Seat(seed, fresh, model, trained, ReferenceCourse(recipe, seed, order), layout)


class _Adapted(nn.Module):
    """Feeds normalised digits (N, 1, side, side) to a network that takes another shape."""

    def __init__(self, network: nn.Module, image: tuple[int, ...], side: int, background: float) -> None:
        super().__init__()
        self.network = network
        self._image = image
        self._side = side
        self._background = background

    def forward(self, images: Tensor) -> Tensor:
        if len(self._image) == 3 and self._image[1:] != (self._side, self._side):
            edge = (self._image[1] - self._side) // 2
            images = functional.pad(images, (edge,) * 4, value=self._background)
        if len(self._image) == 3 and self._image[0] == 3:
            images = images.expand(-1, 3, -1, -1)
        result: Tensor = self.network(images.reshape(len(images), *self._image))
        return result


def _adapt(model: nn.Module, image: tuple[int, ...], side: int, background: float) -> nn.Module:
    if image == (1, side, side):
        return model
    sizes = range(side, LARGEST_INPUT + 1, 2)
    square = len(image) == 3 and image[0] in (1, 3) and image[1] == image[2] and image[1] in sizes
    if not square and image not in ((side * side,), (side, side)):
        raise UnusableNetwork(
            f"the network takes inputs of shape {image}, which our recipe cannot make of a digit"
        )
    return _Adapted(model, image, side, background)
