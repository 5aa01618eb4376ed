"""The rules of neighbouring assignments: a training accuracy in the first epochs, and each of the last k."""

from collections.abc import Sequence

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.core.evidence.logs import Answer as Reached
from grader.core.evidence.logs import Epoch
from grader.core.place import Place
from grader.core.retrain_rule import (
    Answer,
    Continue,
    Curve,
    Decided,
    RuleParams,
    RunSeed,
    as_asked,
    asked,
    decisive,
    next_step,
)
from grader.core.rubric import AccuracyOf, Assignment, Rubric
from grader.pipeline.plan.plan import make_plan
from grader.pipeline.plan.rubrics import parse

FIRST = """
id = "first"
title = "95 % training accuracy in the first epoch"
[assignment]
accuracy = 95.0
accuracy_of = "training"
epochs = 1
[[criterion]]
id = "retrained"
check = "RT601"
points = 0
[[criterion]]
id = "log"
check = "TR501"
points = 0
"""


def first() -> tuple[Rubric, RuleParams]:
    rubric = parse(FIRST.encode(), "first.toml", catalogue()).rubric
    (rule,) = make_plan(rubric, catalogue()).retraining.rules
    return rubric, rule


def test_one_table_of_limits_serves_log_and_training() -> None:
    rubric, rule = first()
    log = msgspec.convert(rubric.criterion[1].params, catalogue()["TR501"].params)
    assert (log.threshold, log.limit, log.accuracy_of) == (95.0, 1, AccuracyOf.TRAINING)  # type: ignore[attr-defined]
    assert (rule.right, rule.digits, rule.epochs) == (57_000, 60_000, 1)
    assert asked(rule) == "the training in an epoch of at most 1"
    assert Assignment().accuracy_of is AccuracyOf.TEST


def curve(trained: Sequence[int], seen: int = 60_000) -> Curve:
    return Curve(correct=(9_700,) * len(trained), planned=20, trained=tuple(trained), seen=seen)


@pytest.mark.parametrize(
    ("trained", "answer"),
    [(57_000, Answer.PASS), (56_999, None), (54_000, Answer.FAIL), (40_000, Answer.FAIL)],
)
def test_the_training_accuracy_decides_by_the_first_epoch(trained: int, answer: Answer | None) -> None:
    step = next_step([curve([trained])], first()[1])
    if answer is None:
        assert step == RunSeed(number=2)
    else:
        assert isinstance(step, Decided)
        assert step.answer is answer


def test_what_is_reached_later_does_not_count() -> None:
    assert decisive(curve([54_000, 59_000]), first()[1]) == (54_000, 1)


def test_while_an_epoch_goes_on_nothing_is_decided() -> None:
    assert next_step([Curve(correct=(9_900,), planned=20)], first()[1]) == Continue(epoch=1)


def test_a_last_batch_that_is_left_out_is_no_wrong_answer() -> None:
    seen = 468 * 128
    found = as_asked(curve([round(0.95 * seen) + 1], seen), first()[1]).correct
    assert found[0] >= 57_000


@pytest.mark.parametrize(
    ("percent", "answer"),
    [
        (95.13, Reached.YES),
        (94.99, Reached.NO),
        (95.0, Reached.MAYBE),  # may have been printed as 95
        (94.9, Reached.NO),
        (95, Reached.MAYBE),
        (94, Reached.NO),
        (96, Reached.YES),
        (None, Reached.MAYBE),
    ],
)
def test_a_printed_training_accuracy_is_compared_as_it_is_rounded(
    percent: float | None, answer: Reached
) -> None:
    epoch = Epoch(place=Place(artefact="a", line=1), percent=97.0, train_percent=percent)
    assert epoch.trained_to(95.0) is answer
