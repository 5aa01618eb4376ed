"""Several seeds of one network trained as one, for a device that hardly notices: a GPU waits for kernels to
be launched, not to end.

Weights of all seeds are stacked and one pass answers for every seed (`torch.func.vmap` over the module). Each
seed keeps its own batches, augmentation and random stream, and its loss reaches only its own weights, so its
training is the one that it would have alone, but for rounding and for which numbers dropout draws. Scoring,
weights and proof are those of the single networks, which share memory with the stack.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from grader.execute.engine.runs.loop import Course, Digits, Score
from grader.execute.engine.ways.equivalence_check import agree, stacked, step_of


class SideBySide(nn.Module):
    """The training pass of several modules of one structure: images (seeds, N, ...) to answers (seeds, N,
    outputs).
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        super().__init__()
        self._models = tuple(models)  # a tuple, so that torch does not count their weights a second time
        parameters, buffers = torch.func.stack_module_state(list(models))
        self._names: dict[str, str] = {}
        for position, (name, value) in enumerate((parameters | buffers).items()):
            self._names[name] = flat = f"s{position}"
            if name in parameters:
                self.register_parameter(flat, nn.Parameter(value.detach(), requires_grad=value.requires_grad))
            else:
                self.register_buffer(flat, value)

    def forward(self, images: Tensor) -> Tensor:
        """One pass, each seed with its own weights and its own dropout."""
        state = {name: getattr(self, flat) for name, flat in self._names.items()}
        passes = torch.func.vmap(self._pass, in_dims=(0, 0), randomness="different")
        answers: Tensor = passes(state, images)
        return answers

    def single(self) -> tuple[nn.Module, ...]:
        """The modules, with the weights as they are now: they share memory with the stack."""
        for number, model in enumerate(self._models):
            for name, value in (*model.named_parameters(), *model.named_buffers()):
                value.data = getattr(self, self._names[name]).detach()[number]
        return self._models

    def _pass(self, state: Mapping[str, Tensor], images: Tensor) -> Tensor:
        answers: Tensor = torch.func.functional_call(self._models[0], dict(state), (images,))
        return answers


class TogetherCourse:
    """The courses of several seeds as one; the first one's optimizer and schedule move the stacked weights.

    Every optimizer that a recipe may name works number by number, so stacking changes nothing; a schedule
    that watches scores would need one for each seed and is left out. `streams` are the states of torch's CPU
    generator with which the seeds begin.
    """

    def __init__(self, courses: Sequence[Course], stack: SideBySide, streams: Sequence[Tensor]) -> None:
        self._courses = tuple(courses)
        self._stack = stack
        self._streams = list(streams)
        self._scores: list[Score] = []
        self._totals: Tensor
        self._hits: Tensor
        self._seen = 0
        self.correct: list[list[int]] = [[] for _ in courses]
        """Right answers of each seed after each epoch."""
        self.losses: list[list[float]] = [[] for _ in courses]
        """Mean training loss of each seed in each epoch, in nats."""
        self.trained: list[list[int]] = [[] for _ in courses]
        """Right answers of each seed on training digits while each epoch went on."""

    def begin(self, parameters: list[nn.Parameter], digits: Digits) -> None:
        """Set up for fresh weights."""
        for number, (course, model) in enumerate(zip(self._courses, self._stack.single(), strict=True)):
            with self._stream(number):
                course.begin(list(model.parameters()) if number else parameters, digits)
        self._totals = torch.zeros(len(self._courses), device=digits.train_images.device)
        self._hits = torch.zeros_like(self._totals, dtype=torch.int64)

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """The first one's."""
        return self._courses[0].optimizer

    @property
    def draws(self) -> bool:
        """Whether the seeds draw for what they see."""
        return self._courses[0].draws

    @property
    def tallies(self) -> tuple[Tensor, ...]:
        """Loss and right answers of each seed in this epoch."""
        return self._totals, self._hits

    def batches(self) -> list[Tensor]:
        """Draw the batches of an epoch: (seeds, ..., N) each."""
        drawn = []
        for number, course in enumerate(self._courses):
            with self._stream(number):
                drawn.append(course.batches())
        batches = [torch.stack(parts) for parts in zip(*drawn, strict=True)]
        self._seen = sum(batch.shape[-1] for batch in batches)
        return batches

    def inputs(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """What each seed sees of its digits, (seeds, N, ...), and the labels, (seeds, N)."""
        seen, labels = [], []
        for number, (course, part) in enumerate(zip(self._courses, batch, strict=True)):
            with self._stream(number):
                images, own = course.inputs(part)
            seen.append(images)
            labels.append(own)
        return torch.stack(seen), torch.stack(labels)

    def loss(self, answers: Tensor, labels: Tensor) -> Tensor:
        """The sum of the seeds' losses: each weight gets the gradient of its own."""
        losses = torch.stack([self._courses[0].loss(*pair) for pair in zip(answers, labels, strict=True)])
        self._totals += losses.detach() * labels.shape[1]
        self._hits += (answers.detach().argmax(-1) == labels).sum(-1)
        return losses.sum()

    def step(self) -> None:
        """Move the stacked weights, and clear their gradients."""
        self._courses[0].step()

    def advance(self) -> None:
        """Move the schedule."""
        self._courses[0].advance()

    def score(self, model: nn.Module, digits: Digits, *, again: bool = False) -> Score:
        """Score every seed by itself; returns the one with the most right answers."""
        self._scores = self.scores(digits, again=again)
        return max(self._scores, key=lambda score: score.correct)

    def scores(self, digits: Digits, *, again: bool = False) -> list[Score]:
        """The score of every seed's weights as they are now."""
        pairs = zip(self._courses, self._stack.single(), strict=True)
        return [course.score(model, digits, again=again) for course, model in pairs]

    def end_epoch(self, score: Score) -> float:
        """Note the epoch of every seed and move the schedule; returns the learning rate."""
        for number, (own, total) in enumerate(zip(self._scores, self._totals.tolist(), strict=True)):
            self.correct[number].append(own.correct)
            self.losses[number].append(total / max(1, self._seen))
            self.trained[number].append(int(self._hits[number].item()))
        self._totals.zero_()
        self._hits.zero_()
        return self._courses[0].end_epoch(score)

    def state(self) -> dict[str, Any]:
        """What the next epoch depends on, and the curves so far."""
        return {
            "courses": [course.state() for course in self._courses],
            "streams": self._streams,
            "correct": self.correct,
            "losses": self.losses,
            "trained": self.trained,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take all of it up."""
        for course, own in zip(self._courses, state["courses"], strict=True):
            course.restore(own)
        self._streams = state["streams"]
        self.correct, self.losses, self.trained = state["correct"], state["losses"], state["trained"]

    @contextlib.contextmanager
    def _stream(self, number: int) -> Iterator[None]:
        """The CPU generator of torch as this seed left it; what stands outside keeps its own."""
        outside = torch.get_rng_state()
        torch.set_rng_state(self._streams[number])
        try:
            yield
        finally:
            self._streams[number] = torch.get_rng_state()
            torch.set_rng_state(outside)


def agrees(models: Sequence[nn.Module], images: Tensor) -> bool:
    """Whether a step side by side has the numbers of the models' own steps, for images (seeds, N, ...).

    The models must not draw: a dropout that is on draws other numbers in a stack.
    """
    expected = stacked([step_of(model, part) for model, part in zip(models, images, strict=True)])
    try:
        return agree(step_of(SideBySide(models), images), expected)
    except RuntimeError:  # an operator that `vmap` has no rule for
        return False
