"""What READMEs and Markdown cells say about the network: numbers, layers, code sketches. All of it is a
claim.
"""

from enum import Enum

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.place import Place


class What(Enum):
    """What a number is said to be."""

    PARAMETERS = "parameters"
    ACCURACY = "accuracy"
    """Percent."""
    EPOCHS = "epochs"
    """How many epochs were trained."""
    BATCH_SIZE = "batch-size"
    DROPOUT = "dropout"
    """Probability, 0..1."""


class Bound(Enum):
    """How a number is said."""

    EXACT = "exact"
    ABOUT = "about"
    """`~12K`, `around`."""
    AT_LEAST = "at-least"


class On(Enum):
    """Which images an accuracy is said to be of."""

    TEST = "test"
    """Test or validation, or not said."""
    TRAIN = "train"
    OTHER = "other"
    """With test-time augmentation, of an ensemble: no log line corresponds to it."""


class Feature(Enum):
    """A building block that the assignment asks for."""

    BATCH_NORM = "batch normalization"
    DROPOUT = "dropout"
    GAP = "global average pooling"
    FULLY_CONNECTED = "fully connected layer"


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One number that a person wrote down. `unit` is the worth of its last written digit (0.01 for `99.43`,
    100 for `23.7K`).
    """

    what: What
    value: float
    unit: float
    place: Place
    written: str
    excerpt: str
    bound: Bound = Bound.EXACT
    on: On = On.TEST
    best: bool = False
    """Whether it is said to be the best or the maximum."""
    epochs: tuple[int, ...] = ()
    """The epochs in which an accuracy is said to have been reached."""
    any_epoch: bool = False
    """Whether one of `epochs` is enough (`in the 17th or 18th`)."""
    within: int | None = None
    """The epochs within which an accuracy is said to have been reached (`in under 10 epochs`: 9)."""
    rounded: bool = False
    """Whether the sentence gives the exact fraction beside a percent that is rounded up from it; `value` is
    the exact one.
    """
    section: int = 0
    """Number of the section of the document, for telling several models apart."""
    aside: bool = False
    """Whether the sentence speaks of an earlier experiment, a baseline or a plan."""
    numbered: bool = False
    """Whether it is said of one of several runs, networks or settings (`run 1`, `V2`, `with Adam`): whether a
    log with other numbers is of that one, nobody can tell.
    """


class Use(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A statement that the network has a building block, or that it has not."""

    feature: Feature
    used: bool
    said: bool
    """Whether a verb says so (`we added dropout`); False where a list only names or describes it."""
    place: Place
    excerpt: str
    section: int = 0


class Sketch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Layers written as code in a README, counted: weights and biases of the constructor calls with literal
    numbers.
    """

    place: Place
    parameters: int
    weighted: tuple[int, ...]
    """Parameters of its convolutions and linear layers, in order."""
    complete: bool
    """Whether every argument was a literal number."""
    section: int = 0


class ClaimEvidence(Evidence, frozen=True, kw_only=True):
    """Every claim with its place, in reading order; requirement text copied from the assignment is left
    out.
    """

    claims: tuple[Claim, ...] = ()
    uses: tuple[Use, ...] = ()
    sketches: tuple[Sketch, ...] = ()
    readmes: int = 0
    loose: tuple[Claim, ...] = ()
    """Numbers of READMEs that may be claims though their sentence is not understood. They accuse nobody, and
    none of them may be told as not stated.
    """

    def of(self, what: What) -> tuple[Claim, ...]:
        """Claims of one kind."""
        return tuple(c for c in self.claims if c.what is what)

    def reading(self) -> tuple[tuple[str, str], ...]:
        """Lines of "what we read"."""
        return tuple((f"claim at {c.place}", f"{c.what.value} {c.written}") for c in self.claims)
