"""What our own training of the exported network came to: curves of right answers, and what proves that they
are real.
"""

from enum import Enum
from typing import Literal

import msgspec

from grader.core.assigned_data import MNIST
from grader.core.facts.base import Fact


class KernelSet(Enum):
    """What computed the steps of a training. A run of one set is never gone on with or used by another."""

    TORCH = "torch"
    """torch's operators on contiguous maps, as a notebook's own loop."""
    NATIVE = "native"
    """The same with batch normalisation and dropout of `native/`: masks bit for bit, sums to rounding."""


class RecipeUsed(Enum):
    """Whose recipe trained the network."""

    STUDENT = "student"
    REFERENCE = "reference"


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shows that a training took place. Losses are means of the first and the last epoch, in nats."""

    steps: int
    steps_expected: int
    first_loss: float
    last_loss: float
    parameters_changed: float
    """Share of the trained numbers that are not what they were before."""
    digits_scored: int
    digits_expected: int = MNIST.test_images
    finite: bool
    """Whether every loss and all answers of the last evaluation were finite."""
    repeatable: bool
    """Whether the same digits in another order and in other batches got the same answers, up to rounding."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What contradicts that the network was trained and scored as intended; empty where nothing does."""
        found = []
        if self.steps != self.steps_expected:
            found.append(f"{self.steps:,} steps were taken, {self.steps_expected:,} expected")
        if self.parameters_changed < 0.5:
            found.append(f"only {self.parameters_changed:.0%} of the parameters changed")
        if self.digits_scored != self.digits_expected:
            found.append(f"{self.digits_scored:,} digits were scored, {self.digits_expected:,} expected")
        if not self.finite:
            found.append("the network answers with NaN or infinity")
        if not self.repeatable:
            found.append("the answer to a digit depends on its place among the others, or on chance")
        return tuple(found)


WRONG_LISTED = 60
"""Wrong digits of a network that are listed and drawn: what 99.4 % of 10,000 allows."""


class WrongDigit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One test digit with another answer than its label. `index` is its place in the test set, from 0."""

    index: int
    label: int
    answer: int
    """The class that the network gave."""
    raters: str = ""
    """What people saw who were asked about a doubtful label (`label_errors.toml`): a class, `neither`, or
    `no majority`. Empty for a label that nobody is known to doubt.
    """


class WrongDigits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The test digits that the weights at the end of the best of our trainings got wrong.

    All zero and empty where nothing was trained, and in records of before they were kept.
    """

    seed: int = 0
    epoch: int = 0
    """After which epoch of that training, from 1."""
    count: int = 0
    """How many they are, the listed ones and the others."""
    of: int = 0
    """How many test digits there are."""
    label_errors: int = 0
    """How many labels of that test set are known to be doubtful: 15 of MNIST's, 0 where we know no study."""
    listed: tuple[WrongDigit, ...] = ()
    """At most `WRONG_LISTED`, in the order of the test set; doubtful labels are taken first."""


class DigitPictures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The listed digits in one picture, so that a page needs no data set: `columns` to a row, each `width` by
    `height` pixels, dark ink on white.
    """

    png: bytes = b""
    columns: int = 0
    width: int = 0
    height: int = 0


class SeedRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One training from fresh weights. `correct` counts right answers on the true test digits after each
    epoch.
    """

    seed: int
    correct: tuple[int, ...]
    losses: tuple[float, ...]
    """Mean training loss of each epoch, in nats; 1e9 where it was larger or not finite."""
    planned: int
    """Epochs that the recipe has; fewer are run where the rule is content or allows no more."""
    proof: Proof
    trained: tuple[int, ...] = ()
    """Right answers on training images while each epoch went on, of `seen`; empty in facts of an older
    grader.
    """
    seen: int = 0
    """Training images of an epoch, without a last batch that the recipe leaves out."""
    how: str = ""
    """How its steps were computed, where not one seed and one step at a time: side by side, in a captured
    graph.
    """
    wrong: tuple[tuple[int, int, int], ...] = ()
    """Place in the test set, label and answer of each digit that the weights at the end got wrong, in that
    order and the first 500 of them; empty in records of before they were kept.
    """

    @property
    def best(self) -> int:
        """The largest number of right answers after any epoch."""
        return max(self.correct, default=0)

    @property
    def best_epoch(self) -> int:
        """The first epoch with that many, from 1; 0 for no epoch at all."""
        return self.correct.index(self.best) + 1 if self.correct else 0


class Versions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What computed the curves."""

    torch: str
    engine: int = 0
    """Raised by hand in facts of an older grader."""
    loop: str
    """Digest of the code that trained."""


class RetrainFacts(Fact, frozen=True, kw_only=True):
    """The exported network, trained by us from fresh weights and scored on the true test images."""

    artefact: str
    name: str
    graph: str
    """Digest of the network (NetworkFacts.graph)."""
    runs: tuple[SeedRun, ...]
    test_size: int = MNIST.test_images
    recipe: RecipeUsed
    recipe_summary: str
    """The recipe in one line, for a person."""
    recipe_complete: bool
    """Whether the student's recipe was read whole and reproduced whole; only then can a miss be held against
    the student.
    """
    recipe_missing: tuple[str, ...] = ()
    kept_constants: int = 0
    """Numbers of the network that we cannot draw anew and therefore kept, scales of a single number apart."""
    mode: Literal["exact"] = "exact"
    """How faithful the training is: torchvision's arithmetic, torch's random streams, float32. An older
    grader had a `fast` as well, which no grading used.
    """
    device: str
    """`cpu` or `cuda`."""
    threads: int
    kernels: KernelSet = KernelSet.TORCH
    versions: Versions
    notes: tuple[str, ...] = ()
    wrong: WrongDigits = WrongDigits()
    wrong_pictures: DigitPictures = DigitPictures()

    def reading(self) -> tuple[tuple[str, str], ...]:
        """Lines of "what we read": with what the network was trained again."""
        whose = "your recipe" if self.recipe is RecipeUsed.STUDENT else "our recipe"
        lines = [f"trained again by us with {whose}: {self.recipe_summary}"]
        lines += [f"not read from the notebook: {what}" for what in self.recipe_missing]
        return tuple((self.artefact, text) for text in lines)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the runs."""
        return tuple(run.seed for run in self.runs)
