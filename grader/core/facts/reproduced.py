"""What the student's own notebook came to when it was run whole, and its weights were scored by us after
every epoch.
"""

from enum import Enum

import msgspec

from grader.core.assigned_data import MNIST
from grader.core.facts.base import Fact
from grader.core.facts.notebook import CellRun, Ending, Isolation, Shim


class How(Enum):
    """What left the sandbox after an epoch, for us to score."""

    WEIGHTS = "weights"
    """The weights, with which our own interpreter of the graph answered: a fact."""
    ANSWERS = "answers"
    """Answers to pictures without labels, of a network that cannot leave as data: what the student's process
    said.
    """


class ReproducedEpoch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pass over the training digits that moved the network. `number` from 1; numbers are missing where
    answers could not count.
    """

    number: int
    correct: int
    """Right answers on the true test digits, which the notebook never saw."""
    visible: int
    """Right answers on the split that the notebook took for its test set, with its true pictures and labels;
    0 where `how` is answers, which are not asked for it.
    """
    how: How = How.WEIGHTS


class ScoredWith(Enum):
    """How digits were made into the network's input when we scored."""

    STUDENT = "student"
    """The notebook's test transform, read as data."""
    REFERENCE = "reference"
    """Scaled to 0..1 and normalised with MNIST's mean and deviation."""


class CanaryState(Enum):
    """Whether marked digits lay in the visible split."""

    SHOWN = "shown"
    NOT_SHOWN = "not-shown"


class Canary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The trap for training on the test split: some of its digits carried a white square and one wrong label.

    Who never trained on that split knows nothing of the square. `asked` true test digits of other classes got
    the square afterwards; `answered` of them were then given the wrong label by the last weights, `without`
    of them before.
    """

    state: CanaryState
    reason: str = ""
    """Why no digits were marked, or why the weights were not asked."""
    shown: int = 0
    asked: int = 0
    answered: int = 0
    without: int = 0

    @property
    def share(self) -> float:
        """Share of the asked digits that the square turned into the wrong label; 0 where none was asked."""
        return self.answered / self.asked if self.asked else 0.0


class ReproducedFacts(Fact, frozen=True, kw_only=True):
    """The notebook's own training on 50,000 digits, with the other 10,000 training digits as its test split.

    The smaller training set costs about 0.05 points, so this supports a pass and never causes a fail.
    `epochs` are those of the last network that was trained and that the exported graph fits.
    """

    artefact: str
    name: str
    graph: str
    """Digest of the network (NetworkFacts.graph); empty where it could not leave as data, and only its
    answers were counted.
    """
    ending: Ending
    isolation: Isolation
    epochs: tuple[ReproducedEpoch, ...]
    training_size: int = MNIST.training_images - MNIST.test_images
    visible_size: int = MNIST.test_images
    test_size: int = MNIST.test_images
    scored_with: ScoredWith
    unsteady: str = ""
    """Why no answer of the weights counts, for a person: one depends on the place of its digit. Empty where
    none does.
    """
    cut: str = ""
    """Why the run stopped before the notebook's end; empty where it reached the end. The epochs before stand.
    """
    canary: Canary
    failed: tuple[CellRun, ...] = ()
    """Cells that ended in an exception or ran out of time, without what they printed."""
    shims: tuple[Shim, ...] = ()
    notes: tuple[str, ...] = ()

    def reading(self) -> tuple[tuple[str, str], ...]:
        """Lines of "what we read": how the notebook ran as a whole."""
        scored = (
            f"its own answers to the true {self.test_size:,} were counted by us"
            if self.answered
            else f"its weights were scored by us on the true {self.test_size:,}"
        )
        text = (
            f"run whole on {self.training_size:,} digits, with {self.visible_size:,} others as its test set; "
            f"{scored} after each epoch, {len(self.epochs)} in all"
        )
        lines = [text, *([f"stopped before its end: {self.cut}"] if self.cut else [])]
        return tuple((self.artefact, line) for line in lines)

    @property
    def answered(self) -> bool:
        """Whether the network stayed inside, so that every count is of answers and none of weights."""
        return not self.graph

    @property
    def best(self) -> int:
        """The largest number of right answers on the true test digits after any epoch; 0 without epochs."""
        return max((epoch.correct for epoch in self.epochs), default=0)

    @property
    def best_epoch(self) -> int:
        """The first epoch with that many, from 1; 0 without epochs."""
        return next((epoch.number for epoch in self.epochs if epoch.correct == self.best), 0)
