"""Recipes at work: a student's, with the batches and random stream of a DataLoader, and ours, bit for bit
`reference/train.py`.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import lr_scheduler

from grader.core.facts.recipe import Stepping
from grader.execute.engine.recipes.recipe import Plan
from grader.execute.engine.runs.loop import USUAL, Digits, Order, Score, evaluate
from reference import train as reference
from reference.recipe import Recipe


class PlanCourse:
    """The recipe of a notebook, to the letter."""

    def __init__(self, plan: Plan, order: Order = USUAL) -> None:
        self.plan = plan
        self._order = order
        self.optimizer: torch.optim.Optimizer
        self._scheduler: lr_scheduler.LRScheduler | None
        self._digits: Digits
        self._parameters: list[nn.Parameter]
        self._leg = 0
        self._left = 0
        """Epochs that the present optimizer still trains."""

    def begin(self, parameters: list[nn.Parameter], digits: Digits) -> None:
        """Set up for fresh weights."""
        self._digits, self._parameters = digits, parameters
        self._take_over(0)

    def batches(self) -> list[Tensor]:
        """Draw the batches of an epoch."""
        return order(len(self._digits.train_labels), self.plan)

    @property
    def draws(self) -> bool:
        """Whether the transforms draw, digit by digit as in a notebook."""
        return self.plan.training.random

    @property
    def tallies(self) -> tuple[Tensor, ...]:
        """Nothing."""
        return ()

    def inputs(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """The training transforms of these digits, and their labels."""
        return self.plan.training(self._digits.train_images[batch]), self._digits.train_labels[batch]

    def loss(self, answers: Tensor, labels: Tensor) -> Tensor:
        """The training loss of a batch."""
        found: Tensor = self.plan.loss(answers, labels)
        return found

    def step(self) -> None:
        """Clip, step, and clear the gradients."""
        if self.plan.clip is not None:
            self.plan.clip(self._parameters)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def advance(self) -> None:
        """Move a schedule that counts batches."""
        if self._scheduler is not None and self._stepping is Stepping.BATCH:
            self._advance(None)

    def score(self, model: nn.Module, digits: Digits, *, again: bool = False) -> Score:
        """Score with the test transforms."""
        watched = isinstance(self._scheduler, lr_scheduler.ReduceLROnPlateau)
        places = self._order.second if again else self._order
        return evaluate(model, digits, self.plan.test, places, self.plan.loss if watched else None)

    def end_epoch(self, score: Score) -> float:
        """Move a schedule that counts epochs; returns the learning rate."""
        if self._scheduler is not None and self._stepping is Stepping.EPOCH:
            self._advance(score)
        rate = float(self.optimizer.param_groups[0]["lr"])
        self._left -= 1
        if not self._left and self._leg + 1 < len(self.plan.legs):
            self._take_over(self._leg + 1)
        return rate

    def state(self) -> dict[str, Any]:
        """Optimizer and schedule, and which of several they are."""
        schedule = self._scheduler.state_dict() if self._scheduler is not None else {}
        return {
            "optimizer": self.optimizer.state_dict(),
            "schedule": schedule,
            "leg": self._leg,
            "left": self._left,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up optimizer and schedule."""
        self._take_over(state["leg"])
        self._left = state["left"]
        self.optimizer.load_state_dict(state["optimizer"])
        if self._scheduler is not None:
            self._scheduler.load_state_dict(state["schedule"])

    @property
    def _stepping(self) -> Stepping:
        return self.plan.legs[self._leg].stepping

    def _take_over(self, number: int) -> None:
        """Make the optimizer of this leg, with nothing of the one before but the weights."""
        self._leg, leg = number, self.plan.legs[number]
        self._left = leg.epochs
        self.optimizer = leg.optimizer(self._parameters)
        self._scheduler = leg.scheduler(self.optimizer) if leg.scheduler else None

    def _advance(self, score: Score | None) -> None:
        scheduler = self._scheduler
        if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
            if score is not None:
                # Which number a notebook watches shows in the mode: a loss should fall, an accuracy rise.
                lower = scheduler.mode == "min"
                scheduler.step(score.loss if lower else float(score.correct) / len(score.answers))
        elif scheduler is not None:
            scheduler.step()


def order(count: int, plan: Plan) -> list[Tensor]:
    """The batches of one epoch as indices: those of `DataLoader(shuffle=True)` without workers, drawn as it
    draws them.

    A DataLoader takes one number from the global generator for its workers, and its sampler a second one as
    the seed of the permutation.
    """
    torch.empty((), dtype=torch.int64).random_()
    if plan.shuffle:
        seed = int(torch.empty((), dtype=torch.int64).random_().item())
        indices = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    else:
        indices = torch.arange(count)
    batches = list(indices.split(plan.batch_size))  # type: ignore[no-untyped-call]
    if plan.drop_last and len(batches[-1]) < plan.batch_size:
        batches.pop()
    return batches


class ReferenceCourse:
    """Our own recipe: what `reference.train.train` does between two passes of the loop.

    A batch is (3, N): digits, and the pixels that each is moved down and right. The shifts of an epoch are
    drawn right after its order: the same numbers, and they are sent to the device at once.
    """

    draws = False
    tallies: tuple[Tensor, ...] = ()

    def __init__(self, recipe: Recipe, seed: int, order: Order = USUAL) -> None:
        self._recipe = recipe
        self._order = order
        self._seed = seed
        self._step = 0
        self._rates: list[float]
        self._draw: torch.Generator
        self.optimizer: torch.optim.Optimizer
        self._crops: Tensor
        self._labels: Tensor

    def begin(self, parameters: list[nn.Parameter], digits: Digits) -> None:
        """Set up for fresh weights; torch's own random numbers (dropout) start from the seed."""
        recipe = self._recipe
        torch.manual_seed(self._seed)
        self._draw = torch.Generator().manual_seed(self._seed)  # order and shifts
        self._crops = reference.shifted_crops(digits.train_images, recipe.shift)
        self._labels = digits.train_labels
        self._rates = recipe.rates(recipe.epochs * -(-len(self._crops) // recipe.batch_size))
        self.optimizer = torch.optim.SGD(
            parameters,
            self._rates[0],
            recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=True,
            fused=True,
        )

    def batches(self) -> list[Tensor]:
        """Draw the batches of an epoch, and the shifts of their digits."""
        order = torch.randperm(len(self._crops), generator=self._draw)
        spread = 2 * self._recipe.shift + 1
        return [
            torch.cat([part[None], torch.randint(spread, (2, len(part)), generator=self._draw)])
            for part in torch.split(order, self._recipe.batch_size)
        ]

    def inputs(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """These digits, shifted and normalised, and their labels."""
        digits, down, right = batch
        return reference.normalise(self._crops[digits, down, right], self._recipe), self._labels[digits]

    def loss(self, answers: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy, which gives log-probabilities the same loss as their logits."""
        return functional.cross_entropy(answers, labels)

    def step(self) -> None:
        """Step, and clear the gradients."""
        self.optimizer.step()
        self.optimizer.zero_grad()

    def advance(self) -> None:
        """Take the rate of the next step; the last one's stays."""
        self._step += 1
        self.optimizer.param_groups[0]["lr"] = self._rates[min(self._step, len(self._rates) - 1)]

    def score(self, model: nn.Module, digits: Digits, *, again: bool = False) -> Score:
        """Score the digits as they are."""
        places = self._order.second if again else self._order
        return evaluate(model, digits, lambda images: reference.normalise(images, self._recipe), places)

    def end_epoch(self, score: Score) -> float:
        """The rate follows the steps; returns the one of the last."""
        return self._rates[max(0, self._step - 1)]

    def state(self) -> dict[str, Any]:
        """Optimizer, steps taken and the generator of order and shifts."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "step": self._step,
            "draw": self._draw.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take all of it up."""
        self.optimizer.load_state_dict(state["optimizer"])
        self._step = state["step"]
        self._draw.set_state(state["draw"])
