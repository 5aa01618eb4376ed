"""The planner computes what signatures name; a crash of ours is never a student's fail."""

from collections.abc import Callable

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.faults import RubricFault, Unavailable
from grader.core.missing import Missing
from grader.core.outcome import Finding, Outcome, Verdict, failed, passed
from grader.core.retrain_rule import Retraining, RuleParams
from grader.core.rubric import CheckParams, Criterion, Profile, Rubric
from grader.core.rule import Rule, Status
from grader.core.settings import Settings
from grader.core.signature import needs_of
from grader.core.submission import Sources, Submission
from grader.ingest.read import from_bytes
from grader.pipeline.grade import judge as judging
from grader.pipeline.grade.judge import judge
from grader.pipeline.grade.products import Known
from grader.pipeline.plan import plan as planning
from grader.pipeline.plan.product_key import key_of
from grader.pipeline.plan.providers import FILLABLE, Phase, Provider, by_product
from grader.pipeline.plan.rubrics import parse
from grader.score.marks import mark


class Apples(Evidence, frozen=True, kw_only=True):
    count: int


class Juice(Fact, frozen=True, kw_only=True):
    litres: float


class Enough(CheckParams, frozen=True, kw_only=True):
    at_least: int = 3


def read_apples(sources: Sources) -> Apples:
    if not sources.items:
        raise Unavailable("no basket", Verdict.SKIPPED)
    return Apples(count=len(sources.items))


def press(apples: Apples, settings: Settings) -> Juice:
    if not settings.execute:
        raise Unavailable("the press may not run", Verdict.SKIPPED)
    return Juice(litres=apples.count / 10)


def crash(apples: Apples) -> Juice:
    raise ZeroDivisionError("press is broken")


def enough_apples(apples: Apples, enough: Enough) -> Outcome:
    return passed(f"{apples.count} of {enough.at_least}")


def enough_juice(juice: Juice, submission: Submission, profile: Profile) -> Outcome:
    return passed(f"{juice.litres} {submission.id} {profile.learning_rates[0]}")


def maybe_juice(apples: Apples, juice: Juice | None) -> Outcome:
    return passed("without juice" if juice is None else "with juice")


def broken_check(apples: Apples) -> Outcome:
    raise KeyError("oops")


RULES = {
    "XX001": Rule(code="XX001", name="enough-apples", check=enough_apples),
    "XX002": Rule(code="XX002", name="enough-juice", check=enough_juice),
    "XX003": Rule(code="XX003", name="maybe-juice", check=maybe_juice),
    "XX004": Rule(code="XX004", name="broken-check", check=broken_check),
    "XX005": Rule(code="XX005", name="new-check", check=enough_apples, status=Status.PREVIEW),
}


def _rubric(*codes: str) -> Rubric:
    return Rubric(id="t", title="t", criterion=tuple(Criterion(id=c, check=c, points=2.0) for c in codes))


def _providers(monkeypatch: pytest.MonkeyPatch, press_with: str = "press") -> None:
    here = __name__
    found = {
        "Apples": Provider(name="apples", target=f"{here}:read_apples", product="Apples", phase=Phase.READ),
        "Juice": Provider(name="press", target=f"{here}:{press_with}", product="Juice", phase=Phase.EXECUTE),
    }
    monkeypatch.setattr(planning, "by_product", lambda: found)


def _grade(rubric: Rubric, settings: Settings, files: dict[str, bytes]) -> tuple[Outcome, ...]:
    known = Known(from_bytes("ann", files), settings, rubric.profile)
    for step in planning.make_plan(rubric, RULES).steps:
        known.provide(step)
    return judge(rubric, RULES, known)


def test_plan_holds_only_what_the_checks_name_and_needs_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    _providers(monkeypatch)
    assert [s.provider.name for s in planning.make_plan(_rubric("XX001"), RULES).steps] == ["apples"]
    assert [s.provider.name for s in planning.make_plan(_rubric("XX002"), RULES).steps] == ["apples", "press"]


def test_a_need_without_provider_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "by_product", dict)
    with pytest.raises(TypeError, match="XX001 needs Apples"):
        planning.make_plan(_rubric("XX001"), RULES)


def test_missing_need_passes_its_reason_and_verdict_on(monkeypatch: pytest.MonkeyPatch) -> None:
    _providers(monkeypatch)
    out = _grade(_rubric("XX001", "XX002", "XX003"), Settings(execute=False), {"a.md": b"x"})
    assert [o.verdict for o in out] == [Verdict.PASS, Verdict.SKIPPED, Verdict.PASS]
    assert out[1].summary == "the press may not run"
    assert out[2].summary == "without juice"


def test_reason_travels_through_a_chain_of_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    _providers(monkeypatch)
    (out,) = _grade(_rubric("XX002"), Settings(), {})
    assert (out.verdict, out.summary) == (Verdict.SKIPPED, "no basket")


def test_crash_of_a_provider_is_our_error_for_those_who_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _providers(monkeypatch, "crash")
    out = _grade(_rubric("XX001", "XX002"), Settings(), {"a.md": b"x"})
    assert [o.verdict for o in out] == [Verdict.PASS, Verdict.ERROR]
    assert "ZeroDivisionError" in out[1].summary


def test_crash_of_a_check_is_our_error_for_its_criterion_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _providers(monkeypatch)
    out = _grade(_rubric("XX004", "XX001"), Settings(), {"a.md": b"x"})
    assert [o.verdict for o in out] == [Verdict.ERROR, Verdict.PASS]


def test_pending_points_are_neither_lost_nor_earned(monkeypatch: pytest.MonkeyPatch) -> None:
    _providers(monkeypatch)
    rubric = _rubric("XX001", "XX002")
    marks = mark(rubric, RULES, _grade(rubric, Settings(execute=False), {"a.md": b"x"}))
    assert (marks.score, marks.max_score, marks.pending_points) == (2.0, 4.0, 2.0)
    assert marks.verdict is Verdict.SKIPPED


def test_provider_with_an_unfillable_need_is_refused() -> None:
    def bad(number: int) -> Apples:
        return Apples(count=number)

    with pytest.raises(TypeError, match="parameter 'number'"):
        needs_of(bad, FILLABLE)


def test_check_with_an_unfillable_parameter_is_refused() -> None:
    def bad(number: int) -> Outcome:
        return passed(str(number))

    with pytest.raises(TypeError, match="parameter 'number'"):
        _ = Rule(code="XX009", name="bad", check=bad).needs


def test_known_says_why_something_is_missing() -> None:
    known = Known(from_bytes("x", {"a.md": b"x"}), Settings(), Profile())
    found = known.get(Apples)
    assert isinstance(found, Missing)
    assert "not computed" in found.reason


def test_every_fault_of_a_rubric_is_reported_at_once() -> None:
    text = """
id = "x"
title = "y"
colour = "red"
[profile]
targets = [0.5]
[[criterion]]
id = "a"
check = "XX999"
points = 1
[[criterion]]
id = "b"
check = "XX001"
points = 1
params = {at_leest = 3}
[[criterion]]
id = "b"
check = "XX001"
points = -1
[[criterion]]
id = "c"
check = "XX005"
points = 1
[[criterion]]
id = "d"
check = "XX001"
points = "many"
"""
    with pytest.raises(RubricFault) as caught:
        parse(text.encode(), "r.toml", RULES)
    told = "\n".join(caught.value.faults)
    for part in (
        "criterion 1 (a): unknown check 'XX999'",
        "criterion 2 (b): params",
        "at_leest",
        "knows at_least",
        "criterion 3 (b): points must be a number from 0",
        "criterion id 'b' stands more than once",
        "criterion 4 (c): XX005 is in preview",
        "criterion 5 (d)",
        "profile",
        "colour",
    ):
        assert part in told, told


@pytest.mark.parametrize("text", ["", "id = ", "\xff\xfe"])
def test_a_file_that_is_no_rubric_is_refused(text: str) -> None:
    with pytest.raises(RubricFault):
        parse(text.encode("latin-1"), "r.toml", RULES)


def _claimed_juice(apples: Apples) -> Outcome | None:
    return passed(f"{apples.count} apples promise juice") if apples.count > 1 else None


def _condemning(apples: Apples) -> Outcome | None:
    return failed("too few", [Finding(message=f"{apples.count} apples")])


def _claiming(monkeypatch: pytest.MonkeyPatch, claimed: Callable[..., Outcome | None], press: str) -> Rubric:
    _providers(monkeypatch, press)
    monkeypatch.setattr(judging, "by_product", planning.by_product)
    monkeypatch.setitem(
        RULES, "XX002", Rule(code="XX002", name="enough-juice", check=enough_juice, claimed=claimed)
    )
    return msgspec.structs.replace(_rubric("XX002"), provisional_claims=True)


TWO = {"a.md": b"x", "b.md": b"y"}


def test_a_claim_earns_where_nothing_may_be_executed_and_is_stamped(monkeypatch: pytest.MonkeyPatch) -> None:
    rubric = _claiming(monkeypatch, _claimed_juice, "press")
    assert [s.provider.name for s in planning.make_plan(rubric, RULES).steps] == ["apples", "press"]
    marks = mark(rubric, RULES, _grade(rubric, Settings(execute=False), TWO))
    assert (marks.score, marks.pending_points, marks.outcomes[0].provisional) == (2.0, 0.0, True)


def test_a_fact_is_asked_first_and_needs_no_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    (out,) = _grade(_claiming(monkeypatch, _claimed_juice, "press"), Settings(), TWO)
    assert (out.verdict, out.summary[:3], out.provisional) == (Verdict.PASS, "0.2", False)


@pytest.mark.parametrize("claimed", [_condemning, _claimed_juice])
def test_a_claim_never_condemns(
    monkeypatch: pytest.MonkeyPatch, claimed: Callable[..., Outcome | None]
) -> None:
    rubric = _claiming(monkeypatch, claimed, "press")
    (out,) = _grade(rubric, Settings(execute=False), {"a.md": b"x"})
    assert (out.verdict, out.summary, out.provisional) == (Verdict.SKIPPED, "the press may not run", False)


def test_a_claim_stands_in_for_no_execution_that_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    rubric = _claiming(monkeypatch, _claimed_juice, "crash")
    assert [o.verdict for o in _grade(rubric, Settings(), TWO)] == [Verdict.ERROR]
    assert [o.verdict for o in _grade(rubric, Settings(execute=False), TWO)] == [Verdict.ERROR]


def test_without_the_rubrics_word_a_claim_earns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rubric = _claiming(monkeypatch, _claimed_juice, "press")
    deaf = msgspec.structs.replace(rubric, provisional_claims=False)
    assert [o.verdict for o in _grade(deaf, Settings(execute=False), TWO)] == [Verdict.SKIPPED]


def test_a_crash_of_a_claim_is_our_error(monkeypatch: pytest.MonkeyPatch) -> None:
    rubric = _claiming(monkeypatch, broken_check, "press")
    assert [o.verdict for o in _grade(rubric, Settings(execute=False), TWO)] == [Verdict.ERROR]


def test_a_claim_that_asks_for_a_fact_or_for_foreign_thresholds_is_refused() -> None:
    def of_a_fact(juice: Juice) -> Outcome | None:
        return passed(str(juice.litres))

    def of_foreign_thresholds(apples: Apples, enough: Enough) -> Outcome | None:
        return passed(f"{apples.count} of {enough.at_least}")

    for claimed, match in ((of_a_fact, "fact Juice"), (of_foreign_thresholds, "Enough")):
        with pytest.raises(TypeError, match=match):
            _ = Rule(code="XX009", name="bad", check=enough_juice, claimed=claimed).claim_needs


def _trained_for(*params: dict[str, object]) -> Retraining:
    criteria = tuple(Criterion(id=str(n), check="RT601", points=1.0, params=p) for n, p in enumerate(params))
    return planning.make_plan(Rubric(id="t", title="t", criterion=criteria), catalogue()).retraining


def test_what_the_criteria_want_of_training_reaches_the_planner() -> None:
    assert _trained_for() == _trained_for({}) == Retraining()
    several = _trained_for({"epochs": 5}, {"seeds": 1, "budget_hours": 8.0}, {"epochs": 5, "constants": 9})
    assert several.rules == (RuleParams(epochs=5), RuleParams(seeds=1))
    assert several.budget_hours == 8.0


def test_another_wish_for_training_is_another_product_and_runs_no_notebook_again() -> None:
    submission = from_bytes("ann", {"a.md": b"x"}).submission

    def key(product: str, wanted: Retraining) -> str:
        return key_of(by_product()[product], submission, Settings(), Profile(), wanted)

    plain, short = Retraining(), _trained_for({"epochs": 5})
    assert key("RetrainFacts", plain) != key("RetrainFacts", short)
    assert key("NetworkFacts", plain) == key("NetworkFacts", short)


@pytest.mark.parametrize("params", ["epochs = 0", "seeds = 0", "budget_hours = 0", "budget_hours = nan"])
def test_a_rubric_that_trains_nothing_is_refused(params: str) -> None:
    text = (
        'id = "t"\ntitle = "t"\n[[criterion]]\nid = "a"\ncheck = "RT601"\npoints = '
        f"1\nparams = {{ {params} }}\n"
    )
    with pytest.raises(RubricFault, match=params.split(maxsplit=1)[0]):
        parse(text.encode(), "t.toml", catalogue())
