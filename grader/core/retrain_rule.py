"""When a network has reached 99.4 %: one pure rule for the trainer, which asks what to run next, and for the
check.

Retraining is noisy: the same recipe with another seed ends within about 0.05 points (one standard deviation)
and single epochs scatter by 0.045. So one run decides only what is clear. The rule:

1. Any epoch within the limit with at least 9,940 of 10,000 right: passed, and nothing more is run.
2. The best of the first full run is below 99.25: failed (with a plateau there, 99.40 is reached in under 2 %
   of runs).
3. Otherwise up to two more seeds. Still no hit and a mean best of at least 99.35: borderline, a person
   decides. Else failed.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import ClassVar

import msgspec

from grader.core.rubric import AccuracyOf, Assignment, CheckParams, Which

SEED_DEVIATION = 2.5
"""Standard deviation between seeds, in right answers of 10,000 (0.025 points)."""
EPOCH_DEVIATION = 4.5
"""Standard deviation between neighbouring epochs of one run, in right answers of 10,000 (0.045 points)."""

REFERENCE_EPOCHS = 12
"""Epochs of our own recipe on a student's network: its one-cycle rate ends low whatever the number, so 20
gain little.
"""

# Best so far below the threshold by so many right answers at that epoch: 2 of 243 real passing runs would be
# stopped.
HOPELESS = ((8, 70), (12, 50), (15, 40))


MOST_EPOCHS, MOST_SEEDS = 1_000, 100
"""Beyond these nobody waits for the answer."""


class RuleParams(CheckParams, frozen=True, kw_only=True):
    """Parameters of the rule; counts are right answers of `digits`."""

    right: int = Assignment().right
    accuracy_of: AccuracyOf = Assignment().accuracy_of
    epochs: int = Assignment().last_epoch
    """Largest number of epochs that count."""
    counting: Which = Assignment().which
    last_epochs: int = Assignment().last_epochs
    """How many of the last epochs have to reach it where `counting = "last"`."""
    clear_miss: int = Assignment().clear_miss
    borderline: int = Assignment().borderline
    digits: int = Assignment().digits
    """Images, of which `right` have to be right."""
    spread: float = Assignment().spread
    """How much further apart the results of two trainings lie than on MNIST, where that was measured."""
    seeds: int = 3
    stop_hopeless: bool = False
    """Whether a run far below the threshold may be cut short; that can never fail anybody, only ask a person.
    """
    limits: ClassVar[Mapping[str, str]] = {
        "right": "right",
        "accuracy_of": "accuracy_of",
        "epochs": "last_epoch",
        "counting": "which",
        "last_epochs": "last_epochs",
        "clear_miss": "clear_miss",
        "borderline": "borderline",
        "digits": "digits",
        "spread": "spread",
    }

    def __post_init__(self) -> None:
        # A rule over no epoch at all would call every network a miss; one over a billion seeds never ends.
        if not (1 <= self.epochs <= MOST_EPOCHS and 1 <= self.seeds <= MOST_SEEDS):
            raise ValueError(
                f"epochs must be 1 to {MOST_EPOCHS} and seeds 1 to {MOST_SEEDS}, got "
                f"{self.epochs} and {self.seeds}"
            )
        if self.last_epochs < 1:
            raise ValueError(f"last_epochs must be at least 1, got {self.last_epochs}")
        if self.digits < 1 or self.spread < 1:
            raise ValueError(f"digits and spread start at 1, got {self.digits} and {self.spread:g}")

    def percent(self, right: float) -> str:
        """So many right answers as a percentage, in words."""
        return f"{100 * right / self.digits:.2f} %"

    @property
    def scatter(self) -> float:
        """What a deviation of one right answer of 10,000 on MNIST is in right answers here."""
        return self.spread * self.digits / Assignment().digits

    @property
    def last(self) -> int:
        """How many of the last epochs have to reach the threshold, each of them; 0 where any epoch may."""
        return self.last_epochs if self.counting is Which.LAST else 0


class Admission(Enum):
    """What a complete saved log that never reaches the threshold does to the retrained accuracy."""

    ADVISES = "advises"
    """Nothing: the network is trained all the same."""
    DECIDES = "decides"
    """It fails, and nothing is trained."""


class RetrainParams(RuleParams, frozen=True, kw_only=True):
    """The rule, and how much it may cost to answer it."""

    admission: Admission = Admission.ADVISES
    """Whether a complete log of the submitted notebook that admits the miss decides, which saves the
    training.
    """

    budget_hours: float = 2.0
    """Largest work of one run, in hours of one CPU core or of one GPU at a common speed; more is `unknown`.
    """

    def __post_init__(self) -> None:
        RuleParams.__post_init__(self)
        if not 0 < self.budget_hours < math.inf:
            raise ValueError(f"budget_hours must be more than 0 and finite, got {self.budget_hours}")


class Retraining(msgspec.Struct, frozen=True, kw_only=True):
    """What a rubric wants of training again: the rule of each criterion that asks one, and the larger of
    their budgets.
    """

    rules: tuple[RuleParams, ...] = (RuleParams(),)
    budget_hours: float = RetrainParams().budget_hours
    admission: Admission = Admission.ADVISES
    """`decides` where every one of them lets a log decide; where one does not, there is a training for all.
    """


def retraining(asked: Iterable[RetrainParams]) -> Retraining:
    """Return what answers every one of several criteria; the defaults where none asks."""
    wanted = tuple(asked)
    if not wanted:
        return Retraining()
    rules = (RuleParams(**{n: getattr(p, n) for n in RuleParams.__struct_fields__}) for p in wanted)
    every = all(params.admission is Admission.DECIDES for params in wanted)
    return Retraining(
        rules=tuple(dict.fromkeys(rules)),
        budget_hours=max(params.budget_hours for params in wanted),
        admission=Admission.DECIDES if every else Admission.ADVISES,
    )


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Right answers after each epoch of one run, of `planned`. `drop_ahead`: the learning rate has yet to
    fall.

    `trained` are the right answers among `seen` training images while each epoch went on; empty where nobody
    counted.
    """

    correct: tuple[int, ...]
    planned: int
    trained: tuple[int, ...] = ()
    seen: int = 0
    drop_ahead: bool = False


class Answer(Enum):
    """What the rule says in the end."""

    PASS = "pass"
    FAIL = "fail"
    BORDERLINE = "borderline"


class RunSeed(msgspec.Struct, frozen=True, kw_only=True):
    """Start another run from fresh weights; `number` counts from 1."""

    number: int


class Continue(msgspec.Struct, frozen=True, kw_only=True):
    """Train the run that was not ended for another epoch; `epoch` counts from 1."""

    epoch: int


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """The end. `hits` of `runs` reached the threshold; `epoch` (from 1) of run `run` was the first, 0 for
    none.
    """

    answer: Answer
    reason: str
    hits: int
    runs: int
    run: int = 0
    epoch: int = 0
    probability: float = 0.0
    """Estimated chance that one more run would reach the threshold; only for borderline."""


CHARACTERISTICS = (
    "on 528 recorded curves of real students, 1,000 draws each, the rule passes 99.3 % of those with a "
    "best of 99.45 or more"
    " (fails 0.2 %), 92 % of 99.40 to 99.44 (fails 4 %), 37 % of 99.30 to 99.39 and 0.4 % of the rest"
)
"""Operating characteristics of the default parameters, from `benchmarks/decision_rule.py`."""


def as_asked(curve: Curve, params: RuleParams) -> Curve:
    """The curve of what the rule counts. Of a last batch that is left out the right answers are those of its
    epoch's share.
    """
    if params.accuracy_of is AccuracyOf.TEST:
        return curve
    counted = tuple(right * params.digits // max(curve.seen, 1) for right in curve.trained)
    return msgspec.structs.replace(curve, correct=counted)


def asked(params: RuleParams) -> str:
    """Which epochs have to reach the threshold, in words."""
    which = {0: "an epoch", 1: "the last epoch"}.get(params.last, f"each of the last {params.last} epochs")
    if params.accuracy_of is AccuracyOf.TRAINING:
        which = f"the training in {which}"
    return f"{which} of at most {params.epochs}"


def deciding(params: RuleParams) -> str:
    """Which epoch of a run is compared, in a word or two: its best, or the least of the last ones."""
    return "best" if not params.last else "last" if params.last == 1 else f"least of the last {params.last}"


def describe(params: RuleParams) -> str:
    """The rule in words with its parameters, and how often it errs where that was measured."""
    text = (
        f"passed when {asked(params)} has {params.right:,} of {params.digits:,} right; failed when "
        "a full run stays below"
        f" {params.percent(params.clear_miss)}; otherwise up to {params.seeds} runs, and a mean of "
        f"{params.percent(params.borderline)} or more"
        " goes to a person"
    )
    measured = {name: getattr(params, name) for name in RuleParams.__struct_fields__}
    return f"{text}; {CHARACTERISTICS}" if RuleParams(**measured) == RuleParams() else text


def next_step(curves: Sequence[Curve], params: RuleParams) -> RunSeed | Continue | Decided:
    """What to do after the runs so far."""
    return _next([as_asked(curve, params) for curve in curves], params)


def _next(curves: Sequence[Curve], params: RuleParams) -> RunSeed | Continue | Decided:
    reached = [_hit(curve, params) for curve in curves]
    hits = sum(1 for epoch in reached if epoch)
    if hits:
        run = next(number for number, epoch in enumerate(reached, 1) if epoch)
        return Decided(
            answer=Answer.PASS,
            reason=f"run {run} has {params.percent(curves[run - 1].correct[reached[run - 1] - 1])} after "
            f"epoch {reached[run - 1]}",
            hits=hits,
            runs=len(curves),
            run=run,
            epoch=reached[run - 1],
        )
    if not curves:
        return RunSeed(number=1)
    # Runs at once end together when one of them hits, so under another rule an earlier one can be cut short
    # as well.
    cut = next((curve for curve in curves if len(curve.correct) < min(curve.planned, params.epochs)), None)
    if cut is not None:
        done = len(cut.correct)
        if params.stop_hopeless and not cut.drop_ahead and _hopeless(cut, params):
            return Decided(
                answer=Answer.BORDERLINE,
                reason=f"stopped after epoch {done}, where {params.percent(_value(cut, params))} is far "
                f"below {params.percent(params.right)}",
                hits=0,
                runs=len(curves),
                probability=_chance(cut, params),
            )
        return Continue(epoch=done + 1)
    values = [_value(curve, params) for curve in curves]
    if max(values) < params.clear_miss:
        return Decided(
            answer=Answer.FAIL,
            reason=f"{params.percent(max(values))} is below {params.percent(params.clear_miss)}, out of "
            "reach of another seed",
            hits=0,
            runs=len(curves),
        )
    if len(curves) < params.seeds:
        return RunSeed(number=len(curves) + 1)
    mean = sum(values) / len(values)
    chance = sum(_chance(curve, params) for curve in curves) / len(curves)
    what = (
        f"no run of {len(curves)} reached {params.percent(params.right)}; their {deciding(params)} is "
        f"{params.percent(mean)} on average"
    )
    if mean >= params.borderline:
        return Decided(
            answer=Answer.BORDERLINE, reason=what, hits=0, runs=len(curves), probability=round(chance, 2)
        )
    return Decided(answer=Answer.FAIL, reason=what, hits=0, runs=len(curves))


def next_for_all(curves: Sequence[Curve], rules: Sequence[RuleParams]) -> RunSeed | Continue | Decided:
    """What to do until each of several rules has decided: the last run is finished before another begins."""
    steps = [next_step(curves, params) for params in rules]
    going = next((step for step in steps if isinstance(step, Continue)), None)
    starting = next((step for step in steps if isinstance(step, RunSeed)), None)
    return going or starting or steps[0]


def _hit(curve: Curve, params: RuleParams) -> int:
    """The first epoch, from 1, that reaches the threshold; 0 for none."""
    counted = curve.correct[: params.epochs]
    if params.last:
        full = min(curve.planned, params.epochs)
        return full if counted and len(counted) == full and _value(curve, params) >= params.right else 0
    return next((number for number, right in enumerate(counted, 1) if right >= params.right), 0)


def decisive(curve: Curve, params: RuleParams) -> tuple[int, int]:
    """Return the right answers that a curve is judged by and their epoch, from 1: its best within the limit,
    or the least of the last ones where those count. Zeros for an empty curve.
    """
    return _decisive(as_asked(curve, params), params)


def _decisive(curve: Curve, params: RuleParams) -> tuple[int, int]:
    counted = curve.correct[: params.epochs]
    if not counted:
        return 0, 0
    right = min(counted[-params.last :]) if params.last else max(counted)
    start = max(len(counted) - params.last, 0) if params.last else 0
    return right, counted.index(right, start) + 1


def _value(curve: Curve, params: RuleParams) -> int:
    return _decisive(curve, params)[0]


def _hopeless(curve: Curve, params: RuleParams) -> bool:
    best = max(curve.correct, default=0)
    return any(
        len(curve.correct) == epoch and best < params.right - missing * params.scatter
        for epoch, missing in HOPELESS
    )


def trend(correct: Sequence[float]) -> list[float]:
    """A curve without its luck: the running mean of three, made monotone (pool adjacent violators)."""
    padded = [correct[0], *correct, correct[-1]]
    blocks: list[list[float]] = []  # [mean, length]
    for index in range(len(correct)):
        blocks.append([sum(padded[index : index + 3]) / 3, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (upper, many), (lower, few) = blocks.pop(-2), blocks.pop()
            blocks.append([(upper * many + lower * few) / (many + few), many + few])
    return [value for value, length in blocks for _ in range(int(length))]


def _chance(curve: Curve, params: RuleParams) -> float:
    """Chance that a run with the trend of this one and fresh noise reaches the threshold in some epoch, or in
    each of the last ones where those count.
    """
    counted = curve.correct[: params.epochs]
    if not counted:
        return 0.0
    path = trend(counted)
    if params.last:
        path = path[-params.last :]
    total = weight_sum = 0.0
    for step in range(-30, 31):  # the seed's own level, over three standard deviations
        level = step / 10
        weight = math.exp(-level * level / 2)
        short = (params.right - 0.5 - value - level * SEED_DEVIATION * params.scatter for value in path)
        gaps = (gap / (EPOCH_DEVIATION * params.scatter) for gap in short)
        misses = [0.5 * (1 + math.erf(gap / math.sqrt(2))) for gap in gaps]
        total += weight * (math.prod(1 - m for m in misses) if params.last else 1 - math.prod(misses))
        weight_sum += weight
    return round(total / weight_sum, 3)
