"""A rubric: which checks, with which thresholds, for how many points."""

import math
import re
from collections.abc import Mapping
from enum import Enum
from typing import ClassVar

import msgspec

from grader.core import class_sheet
from grader.core.assigned_data import MNIST, DataSet
from grader.core.assigned_network import CLASS_NETWORK, AssignedNetwork

EXECUTION_SECONDS = (30.0, 7200.0)
"""Below, a notebook has not imported torch; beyond, nobody waits for a class."""


class Treatment(Enum):
    """What a rubric makes of a named defect."""

    FAIL = "fail"
    WARN = "warn"
    """Shown as a remark; costs nothing."""
    ACCEPT = "accept"
    """Not shown as a defect at all."""


class CheckParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Thresholds that a rubric may set for one check; a typo in a rubric is a fault, not a default.

    `limits` names the fields that are limits of the assignment, each with what `Assignment` calls it: a
    rubric sets them once, in its `[assignment]`, and a criterion may still set its own.
    """

    limits: ClassVar[Mapping[str, str]] = {}


class CheckPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rubric makes of the named defects of one check; fields are `Treatment`s."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The values of the class sheet that this assignment uses; they differ from course to course."""

    network: AssignedNetwork = CLASS_NETWORK
    """The rubric's `[network]`, of which these are the values."""
    inputs: tuple[float, ...] = class_sheet.INPUTS
    targets: tuple[float, ...] = class_sheet.TARGETS
    weights: tuple[float, ...] = class_sheet.WEIGHTS
    biases: tuple[float, ...] = ()
    learning_rates: tuple[float, ...] = class_sheet.LEARNING_RATES

    def faults(self) -> list[str]:
        """Return where the values are not as many as the network has, in sentences."""
        asked = (
            ("inputs", self.inputs, self.network.inputs),
            ("targets", self.targets, self.network.targets),
            ("weights", self.weights, self.network.weights),
            ("biases", self.biases, self.network.biases),
        )
        return [
            f"{name} must be {len(names)} numbers, one for each of {', '.join(names) or 'nothing'}; "
            f"got {len(values)}"
            for name, values, names in asked
            if len(values) != len(names)
        ]


CLASS_PROFILE = Profile()
"""The class sheet as it is."""


_MEASURED_AT = 0.994
"""Accuracy at which the scatter of trainings was measured."""
TRAINING_SPREAD = 16.0
"""Of a training accuracy: the first epoch's differs by up to a point from seed to seed (measured with
`benchmarks/training_accuracy.py`).
"""
_CLEAR_MISS, _BORDERLINE = 0.0015, 0.0005
"""Shares of the test images (see `grader explain RT601`)."""


class Which(Enum):
    """Which epochs have to reach the accuracy."""

    BEST = "best"
    """Any one of them."""
    LAST = "last"
    """The last `last_epochs`, every one of them."""


class AccuracyOf(Enum):
    """On which images the accuracy is counted."""

    TEST = "test"
    """On the test images, after an epoch."""
    TRAINING = "training"
    """On the training images, while an epoch goes on."""


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of the assignment, said once for every check that rules on one of them."""

    data: DataSet = MNIST
    """The rubric's `[data]`, over whose images a training of ours is counted."""
    accuracy: float = 99.4
    """Accuracy in percent that has to be reached."""
    accuracy_of: AccuracyOf = AccuracyOf.TEST
    which: Which = Which.BEST
    last_epochs: int = 1
    """How many of the last epochs have to reach it where `which = "last"`."""
    epochs: int = 20
    epochs_inclusive: bool = True
    """Whether exactly `epochs` epochs are allowed ("at most 20"), or one fewer ("less than 20")."""
    exact_epochs: int = 19
    """How many epochs have to be trained where a course asks for exactly so many (TR507)."""
    parameters: int = 20_000
    """The network has fewer parameters than this."""
    parameters_at_least: int = 0
    test_images: int = MNIST.test_images
    """Over how many images a log has to count; those of `[data]` where it is not said."""
    training_images: int = MNIST.training_images

    @property
    def last_epoch(self) -> int:
        """The last epoch that counts, from 1."""
        return self.epochs if self.epochs_inclusive else self.epochs - 1

    @property
    def right(self) -> int:
        """Right answers of the images of `[data]` that count from which the accuracy is reached."""
        return math.ceil(self.accuracy * self.digits / 100 - 1e-9)

    @property
    def digits(self) -> int:
        """Images of `[data]` over which a training of ours counts the accuracy: all test images, or all
        training images.
        """
        of_test = self.accuracy_of is AccuracyOf.TEST
        return self.data.test_images if of_test else self.data.training_images

    @property
    def loaded_by(self) -> str:
        """The class of `torchvision.datasets` that notebooks load the data set with."""
        return self.data.torchvision

    @property
    def spread(self) -> float:
        """How much further apart the results of two trainings lie than where that was measured: on MNIST.

        In proportion to the chance in a count of right answers where so many are asked, and never less.
        """
        if self.accuracy_of is AccuracyOf.TRAINING:
            return TRAINING_SPREAD
        if self.data.usual:
            return 1.0
        asked = min(max(self.accuracy / 100, 0.0), 1.0)
        there = _MEASURED_AT * (1 - _MEASURED_AT) / MNIST.test_images
        return max(1.0, round(math.sqrt(asked * (1 - asked) / self.digits / there), 2))

    @property
    def clear_miss(self) -> int:
        """Right answers below which another training would not reach it either (see `grader explain
        RT601`).
        """
        return self.right - round(_CLEAR_MISS * self.spread * self.digits)

    @property
    def borderline(self) -> int:
        """Mean of the best from which another training may reach it."""
        return self.right - round(_BORDERLINE * self.spread * self.digits)

    def limits_of(self, kind: type[CheckParams]) -> dict[str, object]:
        """Return the limits that a check asks for, under the names of its own parameters."""
        return {
            field: msgspec.to_builtins(getattr(self, name)) for field, name in sorted(kind.limits.items())
        }

    def faults(self) -> list[str]:
        """Return what is wrong with the values, in sentences."""
        wrong: list[str] = []
        if not 0 < self.accuracy <= 100:
            wrong.append(f"accuracy is a percentage above 0, got {self.accuracy:g}; 0.994 is written 99.4")
        at_least = (
            ("epochs", self.last_epoch),
            ("exact_epochs", self.exact_epochs),
            ("last_epochs", self.last_epochs),
            ("parameters", self.parameters),
            ("test_images", self.test_images),
            ("training_images", self.training_images),
        )
        wrong += [f"{name} must leave at least 1, got {value}" for name, value in at_least if value < 1]
        return wrong


class Execution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the code of one submission may run while its network is looked for.

    A whole run (`--reproduce`) has a time of its own.
    """

    data: DataSet = MNIST
    """The rubric's `[data]`, of which the code gets a few images."""
    classes: tuple[str, ...] = ()
    """The classes of the network that is meant, where a rubric's `[[model]]` was told by its class."""
    seconds: float = 330.0
    """From its start to its end, whatever the code does; the cells have about two thirds of it."""

    def faults(self) -> list[str]:
        """Return what is wrong with the value, in sentences."""
        least, most = EXECUTION_SECONDS
        within = least <= self.seconds <= most
        return [] if within else [f"seconds must be {least:g} to {most:g}, got {self.seconds:g}"]


class Absent(Enum):
    """What the points are of what was never handed in: the skips of which the cause is `no-notebook` and the
    like.
    """

    OPEN = "open"
    """They wait for a person."""
    ZERO = "zero"
    """They are lost: grading happens after the deadline. What cannot be read stays open."""


class LatePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a late hand-in costs, as shares of the points earned."""

    free_days: float = 0.0
    per_day: float = 0.0
    at_most: float = 1.0


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of several networks that are handed in together, each with criteria of its own."""

    id: str
    names: tuple[str, ...]
    """What it is called: in the name of its notebook or of a folder above, in the heading of its section of
    the README, or as its class. `step 1` finds `S7_Step1.ipynb`, `## Step-1` and `class Step_1`, and not
    `Step10`.
    """
    title: str = ""
    """How it is called on the page; `id` where nothing is said."""
    assignment: Assignment = Assignment()
    """Limits of its own, over those of the rubric's `[assignment]`."""

    @property
    def called(self) -> str:
        """How it is called on the page."""
        return self.title or self.id


class Criterion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the mark sheet."""

    id: str
    check: str
    points: float
    model: str = ""
    """The `id` of the `[[model]]` that it is about; without, it is about the main notebook."""
    title: str = ""
    bonus: bool = False
    """Points on top: earned ones count, the maximum does not grow."""
    hidden: bool = False
    """Whether students see neither the criterion nor its points, in self-check and on their page."""
    params: dict[str, object] = {}
    policy: dict[str, object] = {}


class Rubric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One assignment of one session of one course."""

    id: str
    title: str
    criterion: tuple[Criterion, ...]
    source: str = ""
    """The wording of the assignment that the rubric encodes."""
    network: AssignedNetwork = CLASS_NETWORK
    """What is derived in the README and trained in the sheet."""
    data: DataSet = MNIST
    """What the network is trained on and scored with."""
    model: tuple[Model, ...] = ()
    """The networks that criteria name, where several are handed in."""
    profile: Profile = Profile()
    student: dict[str, Profile] = {}
    """Numbers of each student's own over those of `[profile]`, by the name of the submission; `grader assign`
    writes them. Where there are any, what rests on numbers of somebody who has none is for a person.
    """
    assignment: Assignment = Assignment()
    execution: Execution = Execution()
    late: LatePolicy = LatePolicy()
    missing: Absent = Absent.OPEN
    """What the points are of what was never handed in by the deadline; a student's own check leaves them
    open.
    """
    cap: float = 0.0
    """Largest score that can be reached, bonus included; 0 for the maximum of the criteria."""
    provisional_claims: bool = False
    """Whether claims earn provisional points where nothing may be executed."""
    provisional_logs: bool = False
    """Whether points for a saved log are provisional while no training of ours has decided about the
    accuracy.
    """

    def own_profile(self, submission: str) -> Profile | None:
        """Return the numbers of a submission's own; None where there are none for its name.

        A submission is told by its name, in whatever case and with or without the number that a platform puts
        behind it. Where more than one student is called so, nobody knows whose it is.
        """
        for told in (str.casefold, plain_name):
            found = [name for name in self.student if told(name) == told(submission)]
            if found:
                return self.student[found[0]] if len(found) == 1 else None
        return None

    def profile_of(self, submission: str) -> Profile:
        """Return the numbers that a submission is judged by: its own, else those of all."""
        return self.own_profile(submission) or self.profile


def plain_name(name: str) -> str:
    """A name as a person writes it: platforms put a number behind it, and join its words otherwise."""
    plain = re.sub(r"[_ ]\(?(?:submission_)?\d+\)?(?:_assignsubmission_\w*)?$", "", name.casefold())
    return re.sub(r"[\W_]+", "", plain)
