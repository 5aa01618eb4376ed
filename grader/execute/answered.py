"""Scores a notebook that was run whole, and whose network cannot leave as data, by the answers that its own
process gave.

The true test digits went in as pictures, shuffled and without a label, and after each epoch ten numbers for
each came out. That is weaker than weights: code that knows the public test set by heart answers them all, and
no check from outside can tell.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from grader.core.facts.notebook import Asked, Ending, NotebookRun, Steady
from grader.core.facts.reproduced import (
    Canary,
    CanaryState,
    How,
    ReproducedEpoch,
    ReproducedFacts,
    ScoredWith,
)
from grader.execute import measure, notebook
from grader.execute.epoch_frames import Sent, read_epochs
from grader.sandbox.api import RunResult
from reference.mnist import Mnist

NO_CANARY = "the network cannot leave as data, and what knows the mark could keep it to itself"
BY_HEART = (
    "answers of the notebook's own process, not weights that we scored: code that knows the "
    "public test set by heart "
    "would answer it too"
)
TRANSFORMS = {
    ScoredWith.STUDENT: "the pictures went through the transform of the notebook's own test data "
    "set, inside the sandbox",
    ScoredWith.REFERENCE: "the notebook's test data set has no transform, so the pictures were scaled "
    "and normalised by us",
}


def steady(run: NotebookRun) -> bool:
    """Whether the network of a smoke run, asked from outside, gave usable answers, the same to the same
    image.
    """
    return run.measured.asked is Asked.ANSWERED and run.measured.steady is Steady.YES


class Question(NamedTuple):
    """What a network was asked, and why from outside."""

    asked: measure.Query
    labels: NDArray[np.int64]
    """Of the images of `test_query`; they never went in."""
    reason: str
    """Why the network could not leave."""


def score(run: NotebookRun, result: RunResult, question: Question, held: Mnist) -> ReproducedFacts:
    """Count the right answers after each epoch of the last network that was trained; never raises on what the
    frames hold.

    `held` is what the notebook was given.

    Raises:
        Unavailable: the worker said that the file is no notebook.

    """
    rest = tuple(frame for frame in result.frames if frame.kind != "logits")
    whole = notebook.record(run.artefact, msgspec.structs.replace(result, frames=rest))
    notes = [*whole.notes, f"scored by its answers: {question.reason}"]
    sent = read_epochs(result.frames, notes)
    if not sent:
        notes.append("no optimizer step was seen, so there are no epochs")
    last = sent[-1].head.model if sent else 0
    others = {item.head.model for item in sent} - {last}
    if others:
        notes.append(f"{len(others)} other networks or runs were trained before; the last one is shown")
    epochs: list[ReproducedEpoch] = []
    used = {item.head.scored_with for item in sent if item.head.model == last}
    numbered = [(place, item) for place, item in enumerate(sent, start=1) if item.head.model == last]
    for number, (place, item) in enumerate(numbered, start=1):
        try:
            correct = _count(item, place, question)
        except measure.BadAnswers as fault:
            notes.append(f"epoch {number} does not count: {fault}")
            continue
        epochs.append(ReproducedEpoch(number=number, correct=correct, visible=0, how=How.ANSWERS))
    if epochs:
        notes += [BY_HEART, *(TRANSFORMS[way] for way in ScoredWith if way in used)]
    return ReproducedFacts(
        artefact=run.artefact,
        name=next((model.name for model in run.models if model.chosen), "")[:200],
        graph="",
        ending=whole.ending,
        isolation=whole.isolation,
        epochs=tuple(epochs),
        training_size=len(held.train_labels),
        visible_size=len(held.test_labels),
        test_size=len(question.labels),
        scored_with=ScoredWith.REFERENCE if ScoredWith.REFERENCE in used else ScoredWith.STUDENT,
        cut=why_cut(whole, result),
        canary=Canary(state=CanaryState.NOT_SHOWN, reason=NO_CANARY),
        failed=tuple(msgspec.structs.replace(cell, stdout="") for cell in whole.failed),
        shims=whole.shims,
        notes=tuple(dict.fromkeys(notes)),
    )


def why_cut(whole: NotebookRun, result: RunResult) -> str:
    """Why the run ended before the notebook's end, for a person; empty where it did not."""
    if whole.ending is Ending.OK and not any(c.status.value in ("timeout", "not-run") for c in whole.cells):
        return ""
    return result.detail or "the time for its cells was used up"


def _count(item: Sent, place: int, question: Question) -> int:
    """Right answers of one epoch; raises BadAnswers where it must not count."""
    if item.head.fault or len(item.answers) != 1:
        raise measure.BadAnswers(
            item.head.fault[:300] or f"{len(item.answers)} sets of answers, expected one"
        )
    number, answers = measure.read_answers(item.answers[0], len(question.asked.image), question.asked.classes)
    if number != place:
        raise measure.BadAnswers(f"the answers say that they are those of pass {number}, expected {place}")
    return measure.right_answers(question.asked, answers, question.labels)
