"""The rule for 99.4 %: what is run next, and what is said in the end."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.retrain_rule import (
    Answer,
    Continue,
    Curve,
    Decided,
    RuleParams,
    RunSeed,
    describe,
    next_for_all,
    next_step,
    trend,
)
from grader.core.rubric import Which

RULE = RuleParams()


def curve(*correct: int, planned: int = 0) -> Curve:
    return Curve(correct=correct, planned=planned or len(correct))


def decided(*curves: Curve, rule: RuleParams = RULE) -> Decided:
    step = next_step(curves, rule)
    assert isinstance(step, Decided)
    return step


def test_it_starts_with_a_run_and_goes_on_epoch_by_epoch() -> None:
    assert next_step([], RULE) == RunSeed(number=1)
    assert next_step([curve(planned=5)], RULE) == Continue(epoch=1)
    assert next_step([curve(9_800, 9_900, planned=5)], RULE) == Continue(epoch=3)


def test_any_epoch_at_the_threshold_passes_and_stops() -> None:
    step = decided(curve(9_800, 9_940, planned=20))
    assert (step.answer, step.run, step.epoch, step.hits, step.runs) == (Answer.PASS, 1, 2, 1, 1)
    assert next_step([curve(9_800, 9_939, planned=20)], RULE) == Continue(epoch=3)


@pytest.mark.parametrize(("best", "answer"), [(9_924, Answer.FAIL), (9_925, None)])
def test_the_first_full_run_fails_only_below_the_clear_miss(best: int, answer: Answer | None) -> None:
    step = next_step([curve(9_800, best, 9_900)], RULE)
    if answer is None:
        assert step == RunSeed(number=2)
    else:
        assert isinstance(step, Decided)
        assert step.answer is answer


def test_a_run_that_another_one_cut_short_never_fails_under_a_stricter_rule() -> None:
    whole, cut = curve(*[9_930] * 20), curve(*[9_800] * 19, planned=20)
    hit = curve(*[9_930] * 19, 9_940)
    assert decided(whole, cut, hit).answer is Answer.PASS
    assert next_step([whole, cut, hit], RuleParams(right=9_945)) == Continue(epoch=20)
    assert next_step([whole, hit, cut], RuleParams(right=9_945)) == Continue(epoch=20)


def test_an_unfinished_run_never_fails() -> None:
    assert isinstance(next_step([curve(1_000, planned=20)], RULE), Continue)


def test_a_bad_second_run_does_not_undo_a_good_first() -> None:
    assert next_step([curve(9_938), curve(9_000)], RULE) == RunSeed(number=3)


@pytest.mark.parametrize(
    ("bests", "answer"),
    [
        ((9_938, 9_936, 9_931), Answer.BORDERLINE),
        ((9_935, 9_935, 9_935), Answer.BORDERLINE),
        ((9_935, 9_935, 9_934), Answer.FAIL),
        ((9_930, 9_930, 9_940), Answer.PASS),
    ],
)
def test_after_three_runs_it_decides(bests: tuple[int, ...], answer: Answer) -> None:
    assert decided(*(curve(9_800, best) for best in bests)).answer is answer


def test_borderline_names_a_chance_and_the_others_do_not() -> None:
    near = decided(*(curve(*[9_936] * 10) for _ in range(3)))
    assert near.answer is Answer.BORDERLINE
    assert 0.5 < near.probability < 0.95
    assert decided(curve(9_000)).probability == 0.0


def test_epochs_beyond_the_limit_do_not_count() -> None:
    late = curve(*[9_930] * 20, 9_950)
    assert next_step([late], RULE) == RunSeed(number=2)
    assert decided(late, rule=RuleParams(epochs=21)).answer is Answer.PASS
    assert next_step([curve(*[9_930] * 19, planned=30)], RuleParams(epochs=19)) == RunSeed(number=2)


def test_the_last_epoch_may_be_what_counts() -> None:
    rule = RuleParams(counting=Which.LAST)
    assert next_step([curve(9_950, planned=2)], rule) == Continue(epoch=2)
    assert next_step([curve(9_950, 9_930)], rule) == RunSeed(number=2)
    assert decided(curve(9_930, 9_940), rule=rule).answer is Answer.PASS


def test_a_hopeless_run_is_stopped_only_when_asked_never_early_never_before_a_drop_and_never_fails() -> None:
    low = [9_700] * 8
    rule = RuleParams(stop_hopeless=True)
    assert isinstance(next_step([curve(*low, planned=20)], RULE), Continue)
    assert isinstance(next_step([curve(*low[:7], planned=20)], rule), Continue)
    assert decided(curve(*low, planned=20), rule=rule).answer is Answer.BORDERLINE
    falling = Curve(correct=tuple(low), planned=20, drop_ahead=True)
    assert isinstance(next_step([falling], rule), Continue)


def test_the_trend_is_monotone_and_keeps_the_level() -> None:
    path = trend([9_800, 9_900, 9_940, 9_920, 9_930, 9_925])
    assert path == sorted(path)
    assert len(path) == 6
    assert abs(path[-1] - 9_927) < 5
    assert trend([9_900]) == [9_900]


def test_the_benchmark_draws_from_the_products_rule() -> None:
    import random

    from benchmarks.decision_rule import once

    rng = random.Random(0)
    sure = [once([9_950.0] * 15, RULE, rng) for _ in range(50)]
    lost = [once([9_900.0] * 15, RULE, rng) for _ in range(50)]
    assert {ran.answer for ran in sure} == {Answer.PASS}
    assert {ran.answer for ran in lost} == {Answer.FAIL}
    assert {ran.runs for ran in lost} == {1}


def test_the_rule_is_told_with_its_characteristics_only_where_they_were_measured() -> None:
    assert "9,940 of 10,000" in describe(RULE)
    assert "99.3 %" in describe(RULE)
    strict = describe(RuleParams(right=9_950, counting=Which.LAST))
    assert "the last epoch of at most 20 has 9,950" in strict
    assert "recorded curves" not in strict


RULES = st.builds(
    RuleParams,
    right=st.sampled_from([9_930, 9_940, 9_950]),
    epochs=st.integers(1, 6),
    counting=st.sampled_from(Which),
    seeds=st.integers(1, 4),
    stop_hopeless=st.booleans(),
)


@given(st.lists(RULES, min_size=1, max_size=3), st.randoms(use_true_random=False), st.integers(1, 8))
def test_runs_for_several_rules_end_and_leave_none_of_them_undecided(
    rules: list[RuleParams], luck: random.Random, planned: int
) -> None:
    runs: list[list[int]] = []
    while not isinstance(step := next_for_all([curve(*r, planned=planned) for r in runs], rules), Decided):
        if isinstance(step, RunSeed):
            runs.append([])
        else:
            runs[-1].append(luck.randint(9_900, 9_955))
        assert len(runs) <= max(rule.seeds for rule in rules)
        assert all(len(r) <= max(rule.epochs for rule in rules) for r in runs)
    curves = [curve(*r, planned=planned) for r in runs]
    assert all(isinstance(next_step(curves, rule), Decided) for rule in rules)


def test_each_of_the_last_epochs_has_to_reach_it_where_the_rubric_says_so() -> None:
    last = RuleParams(counting=Which.LAST, last_epochs=3)
    assert decided(curve(*[9_900] * 17, 9_940, 9_941, 9_940), rule=last).answer is Answer.PASS
    dip = decided(*[curve(*[9_940] * 18, 9_920, 9_945)] * 3, rule=last)
    assert dip.answer is Answer.FAIL
    assert "last is 99.20 % on average" in dip.reason or "below" in dip.reason
    assert describe(last).startswith("passed when each of the last 3 epochs of at most 20 has 9,940")


def test_a_run_shorter_than_the_last_epochs_counts_whole() -> None:
    last = RuleParams(counting=Which.LAST, last_epochs=5)
    assert decided(curve(9_940, 9_941), rule=last).answer is Answer.PASS
    assert decided(curve(9_800, 9_941), rule=last).answer is Answer.FAIL


def test_a_rule_over_no_last_epoch_is_refused() -> None:
    with pytest.raises(ValueError, match="last_epochs must be at least 1"):
        RuleParams(last_epochs=0)
