"""The training loop for a student's recipe: the batches, the order and the random stream of a DataLoader, digits in memory.

`reference/train.py` is the loop for our own recipe; this one follows a plan read from a notebook. One thread a process: on
networks of this size a second one never paid, and one thread makes a seed give the same bits again.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

from grader.core.facts.recipe import Stepping
from grader.execute.engine.recipe import Plan
from grader.execute.engine.transforms import Pipeline

EVALUATION_BATCH = 1_000


class Digits(NamedTuple):
    """MNIST as tensors: bytes (N, 28, 28) and answers (N,) int64."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor

    def to(self, device: str) -> "Digits":
        """The same digits on a device."""
        return Digits(*(tensor.to(device) for tensor in self))


class Score(NamedTuple):
    """One pass over the test digits. `answers` are the classes given, `loss` the mean in nats."""

    correct: int
    loss: float
    finite: bool
    answers: Tensor


class EpochResult(NamedTuple):
    """What one epoch came to; `number` from 1, `loss` the mean training loss in nats, `rate` the learning rate after it."""

    number: int
    correct: int
    loss: float
    rate: float


class Training(NamedTuple):
    """A finished or stopped training."""

    epochs: tuple[EpochResult, ...]
    steps: int


def train_plan(
    model: nn.Module,
    digits: Digits,
    plan: Plan,
    *,
    epochs: int,
    on_epoch: Callable[[EpochResult], bool | None] = lambda result: None,
    memory_format: torch.memory_format = torch.channels_last,
) -> Training:
    """Train `model` in place from the weights it has, with torch's global random state as it is.

    `epochs` is how many to run; the plan's own number still shapes its schedule. `on_epoch` is called after each, and
    training stops where it returns True. The digits decide the device.
    """
    torch.set_num_threads(1)
    device = digits.train_images.device
    model.to(device=device, memory_format=memory_format).train()  # type: ignore[call-overload]
    optimizer = plan.optimizer(list(model.parameters()))
    scheduler = plan.scheduler(optimizer) if plan.scheduler is not None else None
    results: list[EpochResult] = []
    steps = 0
    count = len(digits.train_labels)
    for number in range(1, epochs + 1):
        total, seen = torch.zeros((), device=device), 0
        for batch in order(count, plan):
            batch = batch.to(device)
            images, labels = digits.train_images[batch], digits.train_labels[batch]
            loss = plan.loss(model(plan.training(images)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if scheduler is not None and plan.stepping is Stepping.BATCH:
                _advance(scheduler, None)
            total += loss.detach() * len(batch)
            seen += len(batch)
            steps += 1
        score = evaluate(model, digits, plan.test, plan.loss)
        if scheduler is not None and plan.stepping is Stepping.EPOCH:
            _advance(scheduler, score)
        rate = float(optimizer.param_groups[0]["lr"])
        results.append(EpochResult(number, score.correct, total.item() / max(1, seen), rate))
        if on_epoch(results[-1]):
            break
    return Training(tuple(results), steps)


def order(count: int, plan: Plan) -> list[Tensor]:
    """The batches of one epoch as indices: those of `DataLoader(shuffle=True)` without workers, drawn as it draws them.

    A DataLoader takes one number from the global generator for its workers, and its sampler a second one as the seed of the
    permutation.
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


@torch.no_grad()
def evaluate(model: nn.Module, digits: Digits, transform: Pipeline, loss: nn.Module | None = None) -> Score:
    """Score the model in evaluation mode on all test digits; its mode is put back."""
    was_training = model.training
    model.eval()
    correct, total, finite, answers = 0, 0.0, True, []
    parts = zip(
        digits.test_images.split(EVALUATION_BATCH),  # type: ignore[no-untyped-call]
        digits.test_labels.split(EVALUATION_BATCH),  # type: ignore[no-untyped-call]
        strict=True,
    )
    for images, labels in parts:
        output = model(transform(images))
        finite = finite and bool(torch.isfinite(output).all())
        answers.append(output.argmax(1))
        correct += int((answers[-1] == labels).sum())
        if loss is not None:
            total += float(loss(output, labels)) * len(labels)
    model.train(was_training)
    return Score(correct, total / len(digits.test_labels), finite, torch.cat(answers))


def _advance(scheduler: lr_scheduler.LRScheduler, score: Score | None) -> None:
    if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
        if score is not None:
            # Which number a notebook watches shows in the mode: a loss should fall, an accuracy rise.
            scheduler.step(
                score.loss if scheduler.mode == "min" else float(score.correct) / len(score.answers)
            )
        return
    scheduler.step()
