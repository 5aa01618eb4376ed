"""A judged report is kept under a key of all that decides it, and under none where something may yet change."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.core.decision import Decision
from grader.core.missing import Missing
from grader.core.outcome import Outcome, Verdict
from grader.core.report import Report
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.pipeline.classroom.grade_class import Graded, grade_class
from grader.pipeline.classroom.rescore import score_again
from grader.pipeline.grade.grade_one import report_again, report_on
from grader.pipeline.judging import kept_reports, reports
from grader.pipeline.judging.reports import reports_of
from grader.pipeline.plan.plan import mark_sheet
from grader.pipeline.plan.providers import EXECUTING
from grader.pipeline.plan.rubrics import find, parse
from grader.pipeline.stages.request import Request
from grader.store.runs import Delivery, PhaseRecord, Run, Store
from tests.facts import retrained
from tests.pipeline.test_batch import Here

SAMPLES = Path(__file__).parents[2] / "submissions"
NAMES = ("over-budget", "perfect")
DEFAULT = find("default").read_bytes()
POINTS = DEFAULT.replace(b"points = 10", b"points = 12")
SHEET = mark_sheet(parse(DEFAULT, "default.toml", catalogue()))


@pytest.fixture
def school(tmp_path: Path) -> Path:
    for name in NAMES:
        shutil.copytree(SAMPLES / name, tmp_path / "class" / name)
    return tmp_path / "class"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of whatever is judged from now on."""
    names: list[str] = []

    def counted(judge: Callable[..., Report]) -> Callable[..., Report]:
        def judged(*given: object, **more: object) -> Report:
            found = judge(*given, **more)
            names.append(found.submission.id)
            return found

        return judged

    monkeypatch.setattr(reports, "report_on", counted(report_on))
    monkeypatch.setattr(reports, "report_again", counted(report_again))
    return names


def _grade(school: Path) -> Graded:
    out = school.parent / "out"
    request = Request(
        path=school,
        loaded=parse(DEFAULT, "default.toml", catalogue()),
        rubric_bytes=DEFAULT,
        settings=Settings(execute=False, retrain=False),
        out=out,
        store=out / ".grader" / "store.sqlite",
    )
    return grade_class(request, Here())


def _store(school: Path) -> Store:
    return Store(school.parent / "out" / ".grader" / "store.sqlite")


def _hand_in(store: Store, run: Run) -> None:
    store.objects.put(b"w1")
    store.deliver(run.id, Delivery(submission=from_bytes("ann", {"README.md": b"w1"}).submission))


def _rubric(school: Path, data: bytes) -> str:
    path = school.parent / "other.toml"
    path.write_bytes(data)
    return str(path)


def test_an_unchanged_class_is_not_judged_again(school: Path, asked: list[str]) -> None:
    first = list(_grade(school).reports)
    assert sorted(asked) == [*NAMES]
    second = _grade(school)
    assert sorted(asked) == [*NAMES]
    assert list(second.reports) == first


def test_another_rubric_is_judged_once_and_the_one_before_not_at_all(school: Path, asked: list[str]) -> None:
    first = list(_grade(school).reports)
    asked.clear()
    with _store(school) as store:
        again = score_again(store, store.run(), _rubric(school, POINTS), school.parent / "out")
        assert sorted(asked) == [*NAMES]
        assert list(again.before or ()) == first
        back = score_again(store, again.run, _rubric(school, DEFAULT), school.parent / "out")
        assert sorted(asked) == [*NAMES]
        assert list(back.before or ()) == list(again.published.reports) != first
    assert list(back.published.reports) == first


def test_other_code_judges_again(school: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _grade(school)
    asked.clear()
    monkeypatch.setattr(kept_reports, "code_of", lambda *_: "other code")
    _grade(school)
    assert sorted(asked) == [*NAMES]


def test_a_decision_stands_on_a_report_that_was_kept(school: Path, asked: list[str]) -> None:
    _grade(school)
    asked.clear()
    ruling = Decision(
        submission="over-budget", code="files", verdict=Verdict.FAIL, credit=0.0, reason="late", who="prof"
    )
    with _store(school) as store:
        store.decide(ruling)
        told = {r.submission.id: r.outcomes for r in reports_of(store, store.run(), SHEET, {})}
    assert asked == []
    assert [m.decided_by for m in told["over-budget"] if m.decided_by] == ["prof: late (the check said pass)"]
    assert not [m.decided_by for m in told["perfect"] if m.decided_by]


def test_a_report_that_rotted_is_judged_again(school: Path, asked: list[str]) -> None:
    first = list(_grade(school).reports)
    asked.clear()
    with _store(school) as store:
        rows = store.connection.execute("SELECT key FROM products WHERE product = 'Report'").fetchall()
        assert len(rows) == len(NAMES)
        store.keep_all("Report", {key: b"\xc1" for (key,) in rows})
        assert list(reports_of(store, store.run(), SHEET, {})) == first
        assert sorted(asked) == [*NAMES]
        assert list(reports_of(store, store.run(), SHEET, {})) == first
    assert sorted(asked) == [*NAMES]


def test_a_crash_of_ours_is_tried_again(school: Path) -> None:
    def crash() -> Outcome:
        raise RuntimeError("ours")

    _grade(school)
    broken = msgspec.structs.replace(SHEET.rules["AR001"], check=crash)
    sheet = msgspec.structs.replace(SHEET, rules={**SHEET.rules, "AR001": broken})
    with _store(school) as store:
        store.connection.execute("DELETE FROM products WHERE product = 'Report'")
        for rules, verdict in ((sheet, Verdict.ERROR), (SHEET, Verdict.PASS)):
            told = reports_of(store, store.run(), rules, {})
            assert {m.verdict for r in told for m in r.outcomes if m.code == "AR001"} == {verdict}


def test_what_the_store_lost_is_told_only_while_it_is_lost(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        run, _ = store.begin("class", "default", DEFAULT, Settings(), "f")
        _hand_in(store, run)
        others = SHEET.plan.named(EXECUTING) - {"RetrainFacts"}
        lost = Missing(reason="no run", verdict=Verdict.SKIPPED)
        facts = msgspec.msgpack.encode(retrained(9_940))
        record = PhaseRecord(
            products={"RetrainFacts": "key"}, payloads={}, missing=dict.fromkeys(others, lost), notes=()
        )
        store.finish_phase(run.id, "ann", "read", record)
        store.finish(run.id)

        def told() -> str:
            (report,) = reports_of(store, store.run(), SHEET, {})
            return next(m.summary for m in report.outcomes if m.code == "RT601")

        absent = told()
        assert "was not computed in run 1" in absent
        store.keep("key", "RetrainFacts", facts)
        assert told() != absent


@pytest.mark.parametrize("finished", [False, True])
def test_what_is_still_to_run_is_told_of_its_own_run(tmp_path: Path, *, finished: bool) -> None:
    """A report of an unfinished run is soon another; of a finished one it names the run that lacks a product,
    whatever else the next one shares with it.
    """
    with Store(tmp_path / "store.sqlite") as store:
        for number in (1, 2):
            run, _ = store.begin("class", "default", DEFAULT, Settings(), "f")
            _hand_in(store, run)
            record = PhaseRecord(products={}, payloads={}, missing={}, notes=())
            store.finish_phase(run.id, "ann", "read", record)
            if finished:
                store.finish(run.id)
            (report,) = reports_of(store, store.run(run.id), SHEET, {})
            (said,) = (m.summary for m in report.outcomes if m.code == "RT601")
            assert said == (
                f"RetrainFacts was not computed in run {number}; `grader batch` with this rubric computes it"
                if finished
                else "not run yet: retrain"
            )
        kept = store.connection.execute("SELECT COUNT(*) FROM products WHERE product = 'Report'").fetchone()
        assert kept == (2 * finished,)
