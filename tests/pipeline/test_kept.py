"""What a store kept before stays: `kept/` was made by the grader of 27 November 2026, and is read after every
change of keys.

Two runs of a class of three (one entry is no submission), late days, three decisions of persons, a rubric
with a late policy, the marks that were exported and the pages' result.json of that day.
"""

import json
import shutil
from pathlib import Path

import pytest

from grader.checks.catalogue import catalogue
from grader.cli.root import app
from grader.core.outcome import Verdict
from grader.pipeline.drawing.whole_class import publish_run
from grader.pipeline.judging.reports import reports_of
from grader.pipeline.plan.plan import MarkSheet, mark_sheet
from grader.pipeline.plan.rubrics import parse
from grader.store.maintenance import check
from grader.store.runs import Store

KEPT = Path(__file__).parent / "kept"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    shutil.copytree(KEPT, tmp_path / "kept")
    return Store(tmp_path / "kept" / "store.sqlite")


def test_history_late_days_and_decisions_are_read(store: Store) -> None:
    first, second = store.runs()
    assert (first.settings.execute, second.settings.execute) == (False, True)
    assert store.delivery(second.id, "over-budget").late_days == 1.5
    assert store.refusals(second.id).keys() == {"broken"}
    told = [(o.submission, o.code, o.verdict, o.credit, o.reason, o.who) for o in store.decisions()]
    assert told == [
        ("over-budget", "derivation", Verdict.PARTIAL, 0.75, "explained at the board", "the instructor"),
        ("over-budget", "BP101", Verdict.PASS, 1.0, "and wrote it down afterwards", "the instructor"),
        ("no-notebook", "files", Verdict.FAIL, 0.0, "nothing was sent later", "an assistant"),
    ]
    assert check(store).faults == ()


def test_marks_stand_with_decisions_and_lateness(store: Store) -> None:
    failed: dict[str, str] = {}
    reports = {r.submission.id: r for r in reports_of(store, store.run(), _rubric(), failed)}
    assert not failed
    before = {r["submission"]["id"]: r for r in json.loads((KEPT / "marks.json").read_bytes())}
    assert reports.keys() == before.keys() == {"over-budget", "no-notebook"}
    for name, report in reports.items():
        old = before[name]["outcomes"]
        assert [m.criterion for m in report.outcomes] == [m["criterion"] for m in old]
        # What a check says may change; what a person said does not.
        for new, decided in [(m, o) for m, o in zip(report.outcomes, old, strict=True) if o["decided_by"]]:
            assert new.decided_by.partition(" (")[0] == decided["decided_by"].partition(" (")[0]
            assert (new.verdict.value, new.points) == (decided["verdict"], decided["points"])
        labels = [a["label"] for a in before[name].get("adjustments", [])]
        assert [a.label for a in report.adjustments] == labels


@pytest.mark.parametrize("name", ["over-budget", "no-notebook"])
def test_result_json_keeps_its_keys(store: Store, tmp_path: Path, name: str) -> None:
    assert publish_run(store, store.run(), _rubric(), tmp_path / "out").failed == {}
    old = json.loads((KEPT / f"{name}.json").read_bytes())
    new = json.loads((tmp_path / "out" / name / "result.json").read_bytes())
    assert old.keys() <= new.keys()
    assert old["outcomes"][0].keys() <= new["outcomes"][0].keys()
    assert old["submission"].keys() <= new["submission"].keys()


def _rubric() -> MarkSheet:
    return mark_sheet(parse((KEPT / "kept.toml").read_bytes(), "kept.toml", catalogue()))


def test_decisions_can_be_carried_to_another_store(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Who moves a damaged store away loses its runs, which are made again, and not what persons decided."""
    assert app(["store", "decisions", "--store", str(store.path)], standalone_mode=False) is None
    first, second, _ = capsys.readouterr().out.splitlines()
    told = "--verdict partial --credit 0.75 --reason 'explained at the board' --who 'the instructor'"
    assert told in first
    assert first.startswith("grader override over-budget derivation")
    assert "--credit" not in second
