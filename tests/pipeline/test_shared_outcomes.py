"""Two rubrics share the outcomes of the criteria that read the same, and of no other."""

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.core.memory import digest
from grader.core.outcome import Outcome, Verdict
from grader.core.report import Report
from grader.core.rubric import Rubric
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.pipeline.classroom.grade_class import grade_class
from grader.pipeline.grade import grade_one
from grader.pipeline.grade.grade_one import report_again, report_on
from grader.pipeline.grade.judge import judge
from grader.pipeline.grade.products import Known
from grader.pipeline.judging.reports import Judge, reports_of
from grader.pipeline.judging.shared_outcomes import outcomes_in, shared_criteria, wanted_by_others
from grader.pipeline.plan.plan import MarkSheet, mark_sheet
from grader.pipeline.plan.rubrics import find, parse
from grader.pipeline.stages.request import Request
from grader.store.carry_over import share_facts
from grader.store.runs import Delivery, PhaseRecord, Store
from tests.pipeline.test_batch import Here

SAMPLES = Path(__file__).parents[2] / "submissions"
NAMES = ("over-budget", "perfect", "wrong-gradient")
DEFAULT = find("default").read_text("utf-8")


def _sheet(text: str) -> MarkSheet:
    return mark_sheet(parse(text.encode(), "a.toml", catalogue()))


SHEET = _sheet(DEFAULT)
IDS = {c.id for c in SHEET.loaded.rubric.criterion}


@pytest.mark.parametrize(
    "other",
    [
        DEFAULT.replace("points = 15", "points = 11").replace("points = 4", "points = 9"),
        DEFAULT.replace("[profile]", 'missing = "zero"\ncap = 50\n\n[profile]'),
        DEFAULT.replace('title = "Backpropagation and MNIST"', 'title = "Another"'),
        DEFAULT.replace('id = "derivation"', 'id = "derivation"\nhidden = true\ntitle = "Derive"'),
        DEFAULT + "\n[late]\nper_day = 0.1\n",
    ],
)
def test_what_comes_after_the_checks_shares_every_outcome(other: str) -> None:
    assert other != DEFAULT
    assert shared_criteria(_sheet(other), SHEET) == {name: name for name in IDS}


def test_a_limit_is_read_where_it_is_a_parameter() -> None:
    other = _sheet(DEFAULT.replace("parameters = 20000", "parameters = 19000"))
    limited = {c.id for c in SHEET.loaded.rubric.criterion if 20000 in c.params.values()}
    assert "parameters" in limited
    assert shared_criteria(other, SHEET).keys() == IDS - limited
    policy = _sheet(DEFAULT.replace('inherited_class_error = "warn"', 'inherited_class_error = "fail"'))
    assert shared_criteria(policy, SHEET).keys() == IDS - {"workbook-gradients"}


@pytest.mark.parametrize(
    "other",
    [
        DEFAULT.replace("0.40, 0.45", "0.41, 0.45"),
        "provisional_logs = true\n" + DEFAULT,
        "provisional_claims = true\n" + DEFAULT,
        DEFAULT + "\n[student.ann]\ninputs = [0.06, 0.10]\n",
        DEFAULT + '\n[data]\nname = "fashion-mnist"\n',
        DEFAULT + "\n[execution]\nseconds = 60\n",
    ],
)
def test_what_all_checks_may_read_shares_none(other: str) -> None:
    sheet = _sheet(other)
    assert shared_criteria(sheet, sheet) in ({}, {name: name for name in IDS})
    assert shared_criteria(sheet, SHEET) == {}
    assert shared_criteria(SHEET, sheet) == {}


def test_a_criterion_is_told_by_what_it_reads_and_not_by_its_name() -> None:
    renamed = _sheet(DEFAULT.replace('id = "derivation"', 'id = "eight-gradients"'))
    assert shared_criteria(renamed, SHEET)["eight-gradients"] == "derivation"
    other = _sheet(DEFAULT.replace('check = "BP101"', 'check = "AR001"'))
    assert shared_criteria(other, SHEET)["derivation"] == "files"


def test_another_check_of_the_same_code_shares_nothing() -> None:
    def check() -> Outcome:
        raise NotImplementedError

    other = msgspec.structs.replace(SHEET.rules["AR001"], check=check)
    sheet = msgspec.structs.replace(SHEET, rules={**SHEET.rules, "AR001": other})
    assert shared_criteria(sheet, SHEET).keys() == IDS - {"files"}


def test_only_what_others_ask_for_is_decoded() -> None:
    assert wanted_by_others(SHEET, IDS) == set()
    some = wanted_by_others(SHEET, IDS - {"derivation"})
    assert "FormulaEvidence" in some
    assert "WorkbookEvidence" not in some
    assert set(wanted_by_others(SHEET, ())) == SHEET.wanted


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for name in NAMES:
        shutil.copytree(SAMPLES / name, tmp_path / "class" / name)
    request = Request(
        path=tmp_path / "class",
        loaded=SHEET.loaded,
        rubric_bytes=DEFAULT.encode(),
        settings=Settings(execute=False, retrain=False),
        out=tmp_path / "out",
        store=tmp_path / "out" / ".grader" / "store.sqlite",
    )
    grade_class(request, Here())
    return request.out


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often criteria are judged from now on, by their ids."""
    found: Counter[str] = Counter()

    def counted(rubric: Rubric, rules: Any, known: Known, told: Mapping[str, Outcome] = {}) -> Any:
        found.update(c.id for c in rubric.criterion if c.id not in told)
        return judge(rubric, rules, known, told)

    monkeypatch.setattr(grade_one, "judge", counted)
    return found


ZERO = DEFAULT.replace("[profile]", 'missing = "zero"\n\n[profile]')
POINTS = DEFAULT.replace("points = 15", "points = 11")
LIMITS = POINTS.replace("parameters = 20000", "parameters = 9000").replace(
    "accuracy = 99.4", "accuracy = 98.0"
)


def _again(store: Store, text: str) -> list[Report]:
    """Judge the run that is shown with another rubric, after its own."""
    then = store.run()
    now = share_facts(store, then, "a.toml", text.encode())
    before, names = Judge(store, then, _sheet(then.rubric.decode())), store.delivered(now.id)
    found = [r for r, _ in Judge(store, now, _sheet(text), before).judged(names, {})]
    told = [(r.submission.id, r.rubric.sha256) for r in before.reports(names, {})]
    assert told == [(name, digest(then.rubric)) for name in names]
    store.show(now.id)
    return found


def test_rubrics_one_after_the_other_say_what_each_says_alone(out: Path) -> None:
    profile = POINTS.replace("0.40, 0.45", "0.41, 0.45")
    provisional = "provisional_logs = true\nprovisional_claims = true\n" + POINTS
    chain = (POINTS, LIMITS, ZERO, DEFAULT, ZERO, LIMITS, profile, provisional, POINTS)
    with Store(out / ".grader" / "store.sqlite") as store:
        run = store.run()
        told = [_again(store, text) for text in chain]
        store.connection.execute("DELETE FROM products WHERE product = 'Report'")
        for text, found in zip(chain, told, strict=True):
            assert list(reports_of(store, run, _sheet(text), {})) == found
    assert len({msgspec.json.encode(found) for found in told}) == len(set(chain))


def test_no_check_is_asked_twice_for_the_same(out: Path, asked: Counter[str]) -> None:
    with Store(out / ".grader" / "store.sqlite") as store:
        _again(store, POINTS)
        assert not asked
        _again(store, LIMITS)
        others = {"parameters", "training-log", "accuracy-retrained", "claim-and-retraining"}
        assert asked.keys() == others
        asked.clear()
        for text in (POINTS, LIMITS, DEFAULT):
            _again(store, text)
        assert not asked


def test_what_is_kept_no_more_is_judged_once_for_both(out: Path, asked: Counter[str]) -> None:
    """After an update of grader nothing is kept of the rubric before."""
    with Store(out / ".grader" / "store.sqlite") as store:
        store.connection.execute("DELETE FROM products WHERE product = 'Report'")
        found = _again(store, POINTS)
        assert asked == dict.fromkeys(IDS, len(NAMES))
        assert found == list(reports_of(store, store.run(), _sheet(POINTS), {}))


def test_what_the_rubric_decided_is_asked_again(out: Path, asked: Counter[str]) -> None:
    with Store(out / ".grader" / "store.sqlite") as store:
        zero = _again(store, ZERO)
        assert not asked
        _again(store, POINTS)
    assert asked.keys() == {m.criterion for report in zero for m in report.outcomes if m.decided_by}


def test_a_crash_of_ours_is_asked_again() -> None:
    fault = Outcome(verdict=Verdict.ERROR, credit=0.0, summary="ours")
    sources = from_bytes("ann", {"README.md": b"w1"})
    known = Known(sources, Settings(), SHEET.loaded.rubric.profile)
    told = dict.fromkeys(IDS, Outcome(verdict=Verdict.PASS, credit=1.0, summary="right")) | {"files": fault}
    report = report_on(known, SHEET.loaded, SHEET.rules, Settings(), ())
    again = report_again(report, known, SHEET.loaded, SHEET.rules, told)
    same = {name: name for name in IDS}
    assert outcomes_in(again, same) == {name: told[name] for name in IDS - {"files"}}


def test_what_a_run_never_computed_is_told_of_the_new_run(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        run, _ = store.begin("class", "default", DEFAULT.encode(), Settings(), "f")
        store.objects.put(b"w1")
        store.deliver(run.id, Delivery(submission=from_bytes("ann", {"README.md": b"w1"}).submission))
        record = PhaseRecord(products={}, payloads={}, missing={}, notes=())
        store.finish_phase(run.id, "ann", "read", record)
        store.finish(run.id)
        for text in (DEFAULT, POINTS, ZERO):
            (report,) = _again(store, text)
            number = store.run().id
            told = next(m.summary for m in report.outcomes if m.code == "RT601")
            assert told.startswith(f"RetrainFacts was not computed in run {number};")
