"""The limits of the assignment are said once in a rubric, and every check reads them there; old rubrics load
as they did.
"""

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.core.faults import RubricFault
from grader.core.rubric import Assignment, CheckParams, Rubric, Which
from grader.pipeline.plan.plan import make_plan
from grader.pipeline.plan.rubrics import available, load, parse

OLD = b"""
id = "old"
title = "written before the table of limits"

[[criterion]]
id = "log"
check = "TR501"
points = 10
params = { threshold = 99.2, epochs = 15, epochs_inclusive = false, best_or_last = "last", denominator = 5000 }

[[criterion]]
id = "parameters"
check = "NN401"
points = 10
params = { below = 8000 }

[[criterion]]
id = "retrained"
check = "RT601"
points = 10
params = { epochs = 14, right = 9920 }

[[criterion]]
id = "count"
check = "TR507"
points = 1
"""

NEW = """
id = "new"
title = "limits once"

[assignment]
accuracy = 99.2
which = "last"
last_epochs = 3
epochs = 15
epochs_inclusive = false
exact_epochs = 14
parameters = 8000
parameters_at_least = 100
test_images = 5000
training_images = 20000
"""


def params_of(rubric: Rubric, code: str) -> CheckParams:
    criterion = next(c for c in rubric.criterion if c.check == code)
    return msgspec.convert(criterion.params, catalogue()[code].params)


def with_criteria(head: str, *lines: str) -> bytes:
    return (
        head + "".join(f'\n[[criterion]]\nid = "{i}"\npoints = 0\n{line}\n' for i, line in enumerate(lines))
    ).encode()


def test_a_rubric_from_before_the_table_means_what_it_meant() -> None:
    rubric = parse(OLD, "old.toml", catalogue()).rubric
    assert rubric.assignment == Assignment()
    log, retrained = params_of(rubric, "TR501"), params_of(rubric, "RT601")
    assert (log.threshold, log.limit, log.best_or_last, log.denominator) == (99.2, 14, Which.LAST, 5000)  # type: ignore[attr-defined]
    assert (retrained.right, retrained.epochs, retrained.clear_miss) == (9920, 14, 9925)  # type: ignore[attr-defined]
    assert params_of(rubric, "NN401").below == 8000  # type: ignore[attr-defined]
    assert params_of(rubric, "TR507").epochs == 19  # type: ignore[attr-defined]
    rules = make_plan(rubric, catalogue()).retraining.rules
    assert [(r.right, r.epochs) for r in rules] == [(9920, 14)]


LIMITED = sorted(code for code, rule in catalogue().items() if rule.params.limits)


def test_the_checks_that_rule_on_a_limit_say_so() -> None:
    assert {"TR501", "TR502", "TR503", "TR504", "TR507", "RT601", "RT603", "NN401"} <= set(LIMITED)


@pytest.mark.parametrize("code", LIMITED)
def test_every_limit_comes_from_the_table(code: str) -> None:
    rubric = parse(with_criteria(NEW, f'check = "{code}"'), "new.toml", catalogue()).rubric
    found = params_of(rubric, code)
    for field, name in catalogue()[code].params.limits.items():
        assert getattr(found, field) == getattr(rubric.assignment, name)
        assert getattr(catalogue()[code].params(), field) == getattr(Assignment(), name)


def test_a_criterion_may_set_a_limit_of_its_own() -> None:
    data = with_criteria(NEW, 'check = "TR501"', 'check = "TR501"\nparams = { threshold = 99.5 }')
    rubric = parse(data, "new.toml", catalogue()).rubric
    found = [msgspec.convert(c.params, catalogue()["TR501"].params) for c in rubric.criterion]
    assert [(p.threshold, p.epochs) for p in found] == [(99.2, 15), (99.5, 15)]  # type: ignore[attr-defined]


def test_right_answers_follow_from_the_accuracy() -> None:
    asked = Assignment()
    assert (asked.right, asked.clear_miss, asked.borderline, asked.last_epoch) == (9_940, 9_925, 9_935, 20)
    assert Assignment(accuracy=99.35, test_images=5_000).right == 9_935
    assert Assignment(epochs_inclusive=False).last_epoch == 19


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("accuracy = 0.994", "accuracy = 0.994"),
        ("accuracy = 101.0", "accuracy is a percentage"),
        ("epochs = 1\nepochs_inclusive = false", "epochs must leave at least 1, got 0"),
        ("acuracy = 99.2", "acuracy"),
    ],
)
def test_a_wrong_limit_is_named(line: str, said: str) -> None:
    data = with_criteria(f'id = "x"\ntitle = "x"\n[assignment]\n{line}\n', 'check = "AR001"')
    if said == line:  # legal, however small
        assert parse(data, "x.toml", catalogue()).rubric.assignment.accuracy == 0.994
        return
    with pytest.raises(RubricFault, match=said):
        parse(data, "x.toml", catalogue())


@pytest.mark.parametrize("path", available(), ids=lambda p: p.stem)
def test_the_rubrics_that_come_with_grader_say_no_limit_twice(path: object) -> None:
    rubric = load(str(path), catalogue()).rubric
    for criterion in rubric.criterion:
        limits = rubric.assignment.limits_of(catalogue()[criterion.check].params)
        assert limits.items() <= criterion.params.items(), criterion.id
