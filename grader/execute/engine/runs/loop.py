"""The one training loop, for whatever recipe: digits in memory, one thread, and a state kept after each whole
epoch.

On networks of this size a second thread never paid, and one thread makes a seed give the same bits again.
What recipes decide stands in `recipes/epoch_plans.py`.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from grader.execute.engine.runs.checkpoint import Checkpoint, State
from grader.execute.engine.runs.malloc import keep_freed_memory

EVALUATION_BATCH = 997
"""Test digits in a batch: odd and no divisor of 10,000, so that no table of labels fits its places."""
WEIGHTS = "weights"
"""What `Step.moved` calls the weights."""
SECOND_BATCH = 613
"""The size with which the deciding weights are scored once more, in another order."""


class Digits(NamedTuple):
    """A data set as tensors: bytes (N, side, side) and answers (N,) int64."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor

    def to(self, device: str) -> "Digits":
        """The same digits on a device."""
        return Digits(*(tensor.to(device) for tensor in self))


class Order(NamedTuple):
    """In which order, and in batches of which size, test digits are shown.

    `key` holds every number of the network that a training keeps: who hides a table of the labels by their
    place in it changes the places.
    """

    key: bytes = b""
    batch: int = EVALUATION_BATCH

    def places(self, count: int) -> Tensor:
        """The digits in this order, (count,) int64; the same for the same key and size."""
        seed = hashlib.sha256(b"%d %b" % (self.batch, self.key)).digest()[:8]
        draw = torch.Generator().manual_seed(int.from_bytes(seed, "little") >> 1)
        return torch.randperm(count, generator=draw)

    @property
    def second(self) -> "Order":
        """Another order and another size."""
        return self._replace(batch=SECOND_BATCH)


USUAL = Order()
"""The order for a network of which a training keeps nothing."""


class Score(NamedTuple):
    """One pass over the test digits. `answers` are the classes given, `loss` the mean in nats."""

    correct: int
    loss: float
    finite: bool
    answers: Tensor
    logits: Tensor
    """What the network answered, (digits, classes), digit by digit in the order of the data."""

    def apart(self, other: "Score") -> float:
        """The largest difference between two answers to the same digit, relative to 1 + their size."""
        scale = 1 + torch.maximum(self.logits.abs(), other.logits.abs())
        return float(((self.logits - other.logits).abs() / scale).nan_to_num(torch.inf).max())


class EpochResult(NamedTuple):
    """What one epoch came to; `number` from 1, `loss` the mean training loss in nats, `rate` the learning
    rate after it, `trained` the right answers on training digits while it went on.
    """

    number: int
    correct: int
    loss: float
    rate: float
    trained: int = 0


class Training(NamedTuple):
    """A finished or stopped training; `score` is that of the weights as they are now."""

    epochs: tuple[EpochResult, ...]
    steps: int
    score: Score


class Course(Protocol):
    """A recipe at work: what the loop asks it, in this order, once for a training, an epoch, a batch, an
    epoch.
    """

    def begin(self, parameters: list[nn.Parameter], digits: Digits) -> None:
        """Set up for fresh weights."""

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """What takes the next step."""

    @property
    def draws(self) -> bool:
        """Whether `inputs` draws, on the CPU, and sends what it drew."""

    @property
    def tallies(self) -> tuple[Tensor, ...]:
        """What `loss` counts up, on the device."""

    def batches(self) -> list[Tensor]:
        """Draw the batches of an epoch on the CPU: whole numbers (..., N) for N digits, for `inputs`."""

    def inputs(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """What the network sees of a batch that is on the device, and the labels."""

    def loss(self, answers: Tensor, labels: Tensor) -> Tensor:
        """The training loss of a batch."""

    def step(self) -> None:
        """Move the weights along their gradients, and clear those: nothing of it counts in Python."""

    def advance(self) -> None:
        """Move a schedule that counts batches, after each step."""

    def score(self, model: nn.Module, digits: Digits, *, again: bool = False) -> Score:
        """Score the model on the test digits; `again` in another order and other batches."""

    def end_epoch(self, score: Score) -> float:
        """Move a schedule that counts epochs; returns the learning rate."""

    def state(self) -> dict[str, Any]:
        """What the next epoch depends on beside the weights and torch's own random numbers."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state."""


class Step:
    """A step of a training: work on tensors that stay where they are; `total` and `hits` are of an epoch."""

    def __init__(self, model: nn.Module, course: Course, device: torch.device) -> None:
        self.model = model
        self.course = course
        self.total = torch.zeros((), device=device)
        self.hits = torch.zeros((), dtype=torch.int64, device=device)

    def given(self, batch: Tensor) -> tuple[Tensor, ...]:
        """What a step is computed from: the batch, or images and labels where something is drawn for them."""
        return self.course.inputs(batch) if self.course.draws else (batch,)

    def compute(self, *given: Tensor) -> None:
        """Take the step; the schedule is not moved."""
        images, labels = given if self.course.draws else self.course.inputs(*given)
        answers = self.model(images)
        self.hits += (answers.detach().argmax(-1) == labels).sum()
        loss = self.course.loss(answers, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.course.step()
        self.total += loss.detach() * labels.shape[-1]

    def moved(self) -> dict[str, list[Tensor]]:
        """Every tensor that a step moves, by its kind: weights, statistics, counts, the optimizer's own."""
        weights: list[Tensor] = [value for value in self.model.parameters() if value.requires_grad]
        counts = [self.total, self.hits, *self.course.tallies]
        found: dict[str, list[Tensor]] = {
            WEIGHTS: weights,
            "statistics": list(self.model.buffers()),
            "counts": counts,
        }
        for weight in weights:
            for kind, value in self.course.optimizer.state.get(weight, {}).items():
                found.setdefault(kind, []).append(value)
        return found


def step_by_step(step: Step, batch: Tensor) -> None:
    """Take a step by itself."""
    step.compute(*step.given(batch))
    step.course.advance()


def train(
    model: nn.Module,
    digits: Digits,
    course: Course,
    *,
    epochs: int,
    on_epoch: Callable[[EpochResult], bool | None] = lambda result: None,
    memory_format: torch.memory_format = torch.contiguous_format,
    checkpoint: Checkpoint | None = None,
    take: Callable[[Step, Tensor], None] = step_by_step,
) -> Training:
    """Train `model` in place from the weights it has, with torch's global random state as it is.

    `epochs` is how many to run; the recipe's own number still shapes its schedule. `on_epoch` is called after
    each, and training stops where it returns True. The digits decide the device. A state in `checkpoint` is
    gone on from, to the same bits as a training that was never interrupted; `on_epoch` hears of its epochs
    too. `take` takes a step, for a batch that is on the device.
    """
    torch.set_num_threads(1)
    keep_freed_memory()
    device = digits.train_images.device
    model.to(device=device, memory_format=memory_format).train()  # type: ignore[call-overload]
    course.begin(list(model.parameters()), digits)
    kept = checkpoint or Checkpoint()
    results, steps = _restore(kept.read(), model, course)
    stopped = [on_epoch(result) for result in results][-1:] == [True]
    score = None
    step = Step(model, course, device)
    while len(results) < epochs and not stopped:
        step.total.zero_()
        step.hits.zero_()
        seen = 0
        for batch in _sent(course.batches(), device):
            take(step, batch)
            seen += batch.shape[-1]
            steps += 1
        score = course.score(model, digits)
        rate = course.end_epoch(score)
        mean = step.total.item() / max(1, seen)
        results.append(EpochResult(len(results) + 1, score.correct, mean, rate, int(step.hits.item())))
        if len(results) < epochs:
            kept.write(_state(results, steps, model, course))
        stopped = bool(on_epoch(results[-1]))
    return Training(tuple(results), steps, score or course.score(model, digits))


def _sent(batches: list[Tensor], device: torch.device) -> Sequence[Tensor]:
    """The batches of an epoch on the device, sent at once: a GPU waits whenever something is sent to it."""
    if not batches:
        return batches
    sizes = [batch.shape[-1] for batch in batches]
    parts: Sequence[Tensor] = torch.cat(batches, -1).to(device).split(sizes, -1)  # type: ignore[no-untyped-call]
    return parts


@torch.no_grad()
def evaluate(
    model: nn.Module,
    digits: Digits,
    transform: Callable[[Tensor], Tensor],
    order: Order,
    loss: nn.Module | None = None,
) -> Score:
    """Score the model in evaluation mode on all test digits, in the given order; its mode is put back."""
    was_training = model.training
    model.eval()
    places = order.places(len(digits.test_labels)).to(digits.test_labels.device)
    correct, total, finite, outputs = 0, 0.0, True, []
    for part in places.split(order.batch):  # type: ignore[no-untyped-call]
        labels = digits.test_labels[part]
        output = model(transform(digits.test_images[part]))
        finite = finite and bool(torch.isfinite(output).all())
        outputs.append(output)
        correct += int((output.argmax(1) == labels).sum())
        if loss is not None:
            total += float(loss(output, labels)) * len(labels)
    model.train(was_training)
    logits = torch.cat(outputs).float()
    logits = torch.empty_like(logits).index_copy_(0, places, logits)
    return Score(correct, total / len(places), finite, logits.argmax(1), logits)


def _state(results: list[EpochResult], steps: int, model: nn.Module, course: Course) -> State:
    random = {"cpu": torch.get_rng_state()}
    if next(model.parameters()).is_cuda:
        random["cuda"] = torch.cuda.get_rng_state()
    return {
        "epochs": [tuple(result) for result in results],
        "steps": steps,
        "model": model.state_dict(),
        "course": course.state(),
        "random": random,
    }


def _restore(state: State | None, model: nn.Module, course: Course) -> tuple[list[EpochResult], int]:
    if state is None:
        return [], 0
    model.load_state_dict(state["model"])
    course.restore(state["course"])
    torch.set_rng_state(state["random"]["cpu"])
    if "cuda" in state["random"]:
        torch.cuda.set_rng_state(state["random"]["cuda"])
    return [EpochResult(*result) for result in state["epochs"]], int(state["steps"])
