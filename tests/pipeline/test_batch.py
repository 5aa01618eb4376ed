"""A class is graded whole, resumed where it stopped, and judged again without its submissions."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.cohort import alike
from grader.cohort.alike import Cohort
from grader.cohort.traits import Traits
from grader.core.decision import Decision
from grader.core.evidence.base import Evidence
from grader.core.facts.notebook import Ending, Isolation, NotebookRun
from grader.core.facts.retrain import RetrainFacts
from grader.core.machine import TRAININGS_PER_GPU
from grader.core.missing import Missing
from grader.core.outcome import Verdict
from grader.core.retrain_rule import Retraining
from grader.core.rubric import Profile
from grader.core.settings import Device, Settings
from grader.core.submission import Sources
from grader.ingest.classes import list_class
from grader.ingest.read import from_bytes, read_submission
from grader.pipeline.classroom.diff import Moved, compare
from grader.pipeline.classroom.grade_class import Graded, grade_class
from grader.pipeline.classroom.job import died, work
from grader.pipeline.classroom.stored import stored_known
from grader.pipeline.drawing.whole_class import publish_run
from grader.pipeline.judging.reports import reports_of
from grader.pipeline.plan.plan import Plan, Stage, Step, mark_sheet
from grader.pipeline.plan.product_key import key_of
from grader.pipeline.plan.providers import Phase, Provider, by_product
from grader.pipeline.plan.rubrics import parse
from grader.pipeline.stages import appetite, stage
from grader.pipeline.stages.request import Progress, Request
from grader.sandbox.warm import SOCKET
from grader.schedule.base import Ended, Needs
from grader.store.runs import Delivery, PhaseRecord, Spent, Store, now
from tests.facts import retrained

RUBRIC = b"""
id = "files"
title = "Files only"
[late]
free_days = 1
per_day = 0.1
[[criterion]]
id = "files"
check = "AR001"
points = 6
[[criterion]]
id = "choice"
check = "AR003"
points = 2
"""
NOTEBOOK = '{"cells": [{"source": "nn.Module MNIST loss.backward()", "cell_type": "code"}], "nbformat": 4}'


class Here:
    """A backend that runs jobs in this process, in order; `dies_on` stands for a process that died."""

    def __init__(self, dies_on: str = "") -> None:
        self.dies_on = dies_on
        self.ran: list[str] = []
        self.workers = 1

    def ready(self, jobs: int) -> AbstractContextManager[None]:
        return nullcontext()

    def map(
        self, function: Callable, jobs: Iterable, at_most: int = 0, needs: object = None
    ) -> Iterator[Ended]:
        for job in jobs:
            self.ran.append(job.id)
            if job.id == self.dies_on:
                yield Ended(
                    job=job, fault="the process that worked on it died (killed by signal 9)", died=True
                )
                continue
            try:
                yield Ended(job=job, result=function(job))
            except Exception as fault:
                yield Ended(job=job, fault=str(fault), fault_type=type(fault).__name__)


@pytest.fixture
def school(tmp_path: Path) -> Path:
    root = tmp_path / "class"
    for name in ("ann", "bob", "eve"):
        (root / name).mkdir(parents=True)
        (root / name / "README.md").write_text(f"# {name}\nw1", encoding="utf-8")
    (root / "ann" / "S4.ipynb").write_text(NOTEBOOK, encoding="utf-8")
    (root / "bob" / "S4.ipynb").write_text(NOTEBOOK[:40], encoding="utf-8")
    return root


def _request(school: Path, out: Path, rubric: bytes = RUBRIC, **more: object) -> Request:
    loaded = parse(rubric, "files.toml", catalogue())
    settings = Settings(execute=False, retrain=False)
    fields: dict = {
        "path": school,
        "loaded": loaded,
        "rubric_bytes": rubric,
        "settings": settings,
        "out": out,
    }
    return Request(**(fields | {"store": out / ".grader" / "store.sqlite"} | more))


def _grade(school: Path, out: Path, **more: object) -> Graded:
    return grade_class(_request(school, out, **more), Here())


def _verdicts(graded: Graded) -> dict[str, list[str]]:
    return {r.submission.id: [m.verdict.value for m in r.outcomes] for r in graded.reports}


def test_everybody_is_graded_and_has_a_page(school: Path, tmp_path: Path) -> None:
    graded = _grade(school, tmp_path / "out")
    assert _verdicts(graded) == {
        "ann": ["partial", "pass"],
        "bob": ["partial", "unknown"],
        "eve": ["partial", "skipped"],
    }
    for name in ("ann", "bob", "eve"):
        assert (
            json.loads((tmp_path / "out" / name / "result.json").read_text("utf-8"))["submission"]["id"]
            == name
        )
        assert "<html" in (tmp_path / "out" / name / "index.html").read_text("utf-8")
    assert graded.page.is_file()


def test_what_is_no_submission_is_named_and_costs_nobody(school: Path, tmp_path: Path) -> None:
    (school / "empty").mkdir()
    (school / "broken.zip").write_bytes(b"PK\x03\x04")
    (school / "notes.docx").write_bytes(b"x")
    graded = _grade(school, tmp_path / "out")
    assert set(_verdicts(graded)) == {"ann", "bob", "eve"}
    assert set(graded.refused) == {"empty", "broken", "notes.docx"}
    assert "holds no file" in graded.refused["empty"]


def test_what_was_passed_over_by_its_name_is_told_and_not_counted(school: Path, tmp_path: Path) -> None:
    """The sample class's `_make` stood among the submissions that a person has to look at."""
    (school / "_make").mkdir()
    (school / "_make" / "run.py").write_text("x = 1", encoding="utf-8")
    page = _grade(school, tmp_path / "out").page.read_text("utf-8")
    assert "<b>3</b> submissions" in page
    assert "Not among these submissions: _make; its name begins with a dot or an underscore" in page
    assert "could not be graded" not in page.lower()


def test_a_submission_named_like_the_class_page_costs_nobody(school: Path, tmp_path: Path) -> None:
    (school / "index.html").mkdir()
    (school / "index.html" / "README.md").write_text("# mine", encoding="utf-8")
    graded = _grade(school, tmp_path / "out")
    assert graded.page.is_file()
    assert set(_verdicts(graded)) == {"ann", "bob", "eve", "index.html"}


def test_a_dead_process_is_our_fault_and_costs_one_submission(school: Path, tmp_path: Path) -> None:
    graded = grade_class(_request(school, tmp_path / "out"), Here(dies_on="bob"))
    assert set(_verdicts(graded)) == {"ann", "eve"}
    assert "signal 9" in graded.refused["bob"]


def test_a_finished_phase_is_not_run_again(school: Path, tmp_path: Path) -> None:
    request = _request(school, tmp_path / "out")

    class Killed(Exception):
        pass

    class KilledAfterOne(Here):
        def map(
            self, function: Callable, jobs: Iterable, at_most: int = 0, needs: object = None
        ) -> Iterator[Ended]:
            for number, ended in enumerate(super().map(function, jobs)):
                if number == 1:
                    raise Killed
                yield ended

    with pytest.raises(Killed):
        grade_class(request, KilledAfterOne())
    second = Here()
    graded = grade_class(request, second)
    assert graded.resumed
    assert second.ran == ["bob", "eve"], "ann was finished before the kill"
    plain = _grade(school, tmp_path / "other")
    assert graded.reports == plain.reports


def test_an_unchanged_class_is_copied_without_a_job_and_a_changed_file_is_read(
    school: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = _grade(school, out)
    again = Here()
    assert grade_class(_request(school, out), again).reports == first.reports
    assert again.ran == []
    (school / "empty").mkdir()
    _grade(school, out)
    refused = Here()
    assert "holds no file" in grade_class(_request(school, out), refused).refused["empty"]
    assert refused.ran == []
    (school / "empty").rmdir()
    (school / "eve" / "README.md").write_text("# eve, second try", encoding="utf-8")
    third = Here()
    grade_class(_request(school, out), third)
    assert third.ran == ["eve"]


def test_another_option_or_rubric_copies_nothing(school: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _grade(school, out)
    other = Here()
    grade_class(_request(school, out, settings=Settings(execute=False, retrain=False, data="x")), other)
    assert other.ran == ["ann", "bob", "eve"]


def test_only_some_are_graded_again_and_the_class_stays_whole(school: Path, tmp_path: Path) -> None:
    (school / "empty").mkdir()
    out = tmp_path / "out"
    _grade(school, out)
    (school / "eve" / "README.md").write_text("# eve, second try", encoding="utf-8")
    some = Here()
    graded = grade_class(_request(school, out, only=("eve", "empty")), some)
    assert some.ran == ["eve"], "an empty folder is still empty"
    assert set(_verdicts(graded)) == {"ann", "bob", "eve"}
    assert graded.failed == ("empty",)
    page = graded.page.read_text("utf-8")
    assert all(f'href="{name}/index.html"' in page for name in ("ann", "bob", "eve"))


def test_a_second_call_for_others_keeps_what_the_first_found(school: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _grade(school, out)
    (school / "ann" / "S4.ipynb").unlink()
    _grade(school, out, only=("ann",))
    (school / "zed").mkdir()
    (school / "zed" / "README.md").write_text("# zed", encoding="utf-8")
    shutil.rmtree(school / "bob")
    graded = _grade(school, out, only=("zed",))
    assert _verdicts(graded) == {
        "ann": ["partial", "skipped"],
        "eve": ["partial", "skipped"],
        "zed": ["partial", "skipped"],
    }
    alone = _grade(school, out, only=("zed",), settings=Settings(execute=False, retrain=False, data="x"))
    assert (set(_verdicts(alone)), alone.absent, graded.absent) == ({"zed"}, 2, 0)


def test_a_run_that_goes_on_reads_what_was_handed_in_meanwhile(school: Path, tmp_path: Path) -> None:
    (school / "broken.zip").write_bytes(b"PK\x03\x04")

    class Killed(Exception):
        pass

    class KilledAtTheEnd(Here):
        def map(
            self, function: Callable, jobs: Iterable, at_most: int = 0, needs: object = None
        ) -> Iterator[Ended]:
            yield from super().map(function, jobs)
            raise Killed

    out = tmp_path / "out"
    with pytest.raises(Killed):
        grade_class(_request(school, out), KilledAtTheEnd())
    (school / "ann" / "S4.ipynb").unlink()
    with zipfile.ZipFile(school / "broken.zip", "w") as archive:
        archive.writestr("README.md", "# mended")
    going = Here()
    graded = grade_class(_request(school, out), going)
    assert graded.resumed
    assert going.ran == ["ann", "broken"]
    assert _verdicts(graded)["ann"] == ["partial", "skipped"]
    assert graded.refused == {}


def test_an_archive_that_was_still_being_copied_is_tried_again(school: Path, tmp_path: Path) -> None:
    archive = school / "aaa.zip"  # the first to be read
    with zipfile.ZipFile(archive, "w") as whole:
        whole.writestr("README.md", "# aaa")
    data = archive.read_bytes()
    archive.write_bytes(data[:50])

    class Copying(Here):
        def map(
            self, function: Callable, jobs: Iterable, at_most: int = 0, needs: object = None
        ) -> Iterator[Ended]:
            for ended in super().map(function, jobs):
                archive.write_bytes(data)
                yield ended

    out = tmp_path / "out"
    assert "aaa" in grade_class(_request(school, out), Copying()).refused
    assert "aaa" in _verdicts(_grade(school, out))


def test_pages_in_another_folder_follow_their_own_content(school: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    graded = _grade(school, out)
    store = Store(out / ".grader" / "store.sqlite")
    run, loaded = store.run(graded.run), _request(school, out).loaded
    publish_run(store, run, mark_sheet(loaded), other)
    decision = Decision(
        submission="eve", code="files", verdict=Verdict.PASS, credit=1.0, reason="by mail", who="prof", made=now()
    )  # fmt: skip
    store.decide(decision)
    publish_run(store, run, mark_sheet(loaded), out)
    publish_run(store, run, mark_sheet(loaded), other)
    assert "by mail" in (other / "eve" / "index.html").read_text("utf-8")


def test_what_a_phase_took_is_on_the_class_page_and_in_no_result(school: Path, tmp_path: Path) -> None:
    graded = _grade(school, tmp_path / "out")
    store = Store(tmp_path / "out" / ".grader" / "store.sqlite")
    assert all(store.durations(graded.run, name)["read"].wall > 0 for name in ("ann", "bob", "eve"))
    assert "Slowest" in graded.page.read_text("utf-8")
    for path in (tmp_path / "out").glob("*/result.json"):
        assert "seconds" not in path.read_text("utf-8")


def test_a_spent_budget_leaves_the_rest_for_the_same_command(
    school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    rubric = RUBRIC + b'[[criterion]]\nid = "retrained"\ncheck = "RT601"\npoints = 1\n'
    more = {"rubric": rubric, "settings": Settings(), "budget_seconds": 100.0}
    retrained: list[str] = []

    class Idle(Here):
        """Retrains nothing, and takes a minute for it."""

        def map(
            self, function: Callable, jobs: Iterable, at_most: int = 0, needs: object = None
        ) -> Iterator[Ended]:
            for job in jobs:
                if Phase.RETRAIN in job.stage.phases:
                    retrained.append(job.id)
                    clock[0] += 60.0
                lost = died(job, "idle") if not job.fresh else work(job)
                yield Ended(job=job, result=lost)

    clock = [0.0]
    monkeypatch.setattr(stage, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    graded = grade_class(_request(school, tmp_path / "out", **more), Idle())
    assert (graded.left, retrained) == (1, ["bob", "eve"]), "most open points first"
    graded = grade_class(_request(school, tmp_path / "out", **more), Idle())
    assert (graded.left, graded.resumed, retrained) == (0, True, ["bob", "eve", "ann"])


def test_who_is_not_trained_now_is_left_for_the_same_request(school: Path, tmp_path: Path) -> None:
    rubric = RUBRIC + b'[[criterion]]\nid = "retrained"\ncheck = "RT601"\npoints = 1\n'
    more = {"rubric": rubric, "settings": Settings()}
    retrained: list[str] = []

    class Idle(Here):
        def map(
            self, function: Callable, jobs: Iterable, at_most: int = 0, needs: object = None
        ) -> Iterator[Ended]:
            for job in jobs:
                retrained.extend([job.id] if Phase.RETRAIN in job.stage.phases else [])
                yield Ended(job=job, result=died(job, "idle") if not job.fresh else work(job))

    graded = grade_class(_request(school, tmp_path / "out", **more, train_only=("eve",)), Idle())
    assert (graded.left, retrained) == (2, ["eve"])
    graded = grade_class(_request(school, tmp_path / "out", **more), Idle())
    assert (graded.left, sorted(retrained)) == (0, ["ann", "bob", "eve"])


def test_time_left_counts_the_phases_that_follow(school: Path, tmp_path: Path) -> None:
    steps: list[Progress] = []
    rubric = RUBRIC + b'[[criterion]]\nid = "retrained"\ncheck = "RT601"\npoints = 1\n'
    request = _request(school, tmp_path / "out", rubric=rubric, settings=Settings(retrain=False))

    class Idle(Here):
        def map(
            self, function: Callable, jobs: Iterable, at_most: int = 0, needs: object = None
        ) -> Iterator[Ended]:
            for job in jobs:
                yield Ended(job=job, result=work(job) if job.fresh else died(job, "idle"))

    grade_class(request, Idle(), steps.append)
    assert {s.not_counted for s in steps if s.phase == "read"} == {("execute",)}
    assert {s.not_counted for s in steps if s.phase == "execute"} == {()}
    store = Store(request.store)
    run = store.run()
    for name in ("ann", "bob", "eve"):
        record = PhaseRecord(products={}, payloads={}, missing={}, notes=())
        store.finish_phase(run.id, name, "execute", record, spent=Spent(wall=50.0, cpu=40.0))
    store.close()
    steps.clear()
    for name in ("ann", "bob", "eve"):
        (school / name / "README.md").write_text(f"# {name}, second try", encoding="utf-8")
    grade_class(request, Idle(), steps.append)
    assert [s.seconds_left >= 150.0 for s in steps if s.phase == "read"] == [True] * 3


def test_a_crash_of_a_picture_costs_the_picture(
    school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One picture that could not be drawn ended the run of the whole class."""
    for name in ("grader.render.pictures_from_products.pictures_of", "grader.render.claims_table.claims_of"):
        monkeypatch.setattr(name, lambda *_, **__: 1 / 0)
    graded = _grade(school, tmp_path / "out")
    assert all((tmp_path / "out" / name / "index.html").is_file() for name in _verdicts(graded))
    assert "the pictures of ann cannot be shown" in caplog.text
    assert "the claims of ann cannot be shown" in caplog.text


def test_what_looks_alike_is_for_the_instructor_alone(tmp_path: Path) -> None:
    root = tmp_path / "class"
    for number in range(7):
        (root / f"s{number}").mkdir(parents=True)
        own = "the same words" if number < 2 else f"my own words, number {number}"
        text = f"# Session\n\nThis is {own}. " + "What I write here nobody else writes. " * number
        (root / f"s{number}" / "README.md").write_text(
            text * 20 if number > 1 else "x" * 500, encoding="utf-8"
        )
    out = tmp_path / "out"
    graded = _grade(root, out)
    found = json.loads((out / "_class" / "alike.json").read_text("utf-8"))
    assert [g["submissions"] for g in found["alike"]] == [["s0", "s1"]]
    assert "look alike" in graded.page.read_text("utf-8")
    for path in out.glob("s*/*"):
        assert "look alike" not in path.read_text("utf-8"), path
    shutil.rmtree(root)
    store = Store(out / ".grader" / "store.sqlite")
    store.connection.execute("DELETE FROM products WHERE product IN ('Traits', 'Cohort')")
    store.connection.execute("UPDATE runs SET finished = started")  # the page says when, to the minute
    before = graded.page.read_text("utf-8")
    publish_run(store, store.run(), mark_sheet(_request(root, out).loaded), out)
    assert graded.page.read_text("utf-8") == before, "an older store is compared from its bytes"


def test_what_could_not_be_compared_is_said_and_tried_again(
    school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("grader.pipeline.classroom.cohort_run.traits_of", lambda *_, **__: 1 / 0)
        page = _grade(school, out).page.read_text("utf-8")
    assert "grader failed to compare 3 with the others: ann, bob, eve" in page
    page = _grade(school, out).page.read_text("utf-8")
    assert "grader failed" not in page
    assert "Fewer than 6 submissions" in page


def test_a_class_is_compared_again_only_where_somebody_handed_in_anew(
    school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []

    def compare_class(traits: Mapping[str, Traits]) -> Cohort:
        compared.append(len(traits))
        return alike.compare_class(traits)

    monkeypatch.setattr("grader.pipeline.classroom.cohort_run.compare_class", compare_class)
    out = tmp_path / "out"
    page = _grade(school, out).page.read_text("utf-8")
    assert "Fewer than 6 submissions" in page
    _grade(school, out)
    assert compared == [3]
    (school / "eve" / "README.md").write_text("# other words\nw1", encoding="utf-8")
    assert "Fewer than 6 submissions" in _grade(school, out).page.read_text("utf-8")
    assert compared == [3, 3]


def test_nothing_is_drawn_again_when_nothing_changed(school: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _grade(school, out)
    before = {p: p.stat().st_mtime_ns for p in out.glob("*/index.html")}
    _grade(school, out)
    assert {p: p.stat().st_mtime_ns for p in out.glob("*/index.html")} == before


def test_a_changed_rubric_scores_again_without_the_submissions(school: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    graded = _grade(school, out)
    shutil.rmtree(school)
    store = Store(out / ".grader" / "store.sqlite")
    changed = parse(RUBRIC.replace(b"points = 6", b"points = 60"), "files.toml", catalogue())
    reports = publish_run(store, store.run(graded.run), mark_sheet(changed), out).reports
    assert [r.max_score for r in reports] == [62.0] * 3
    assert json.loads((out / "ann" / "result.json").read_text("utf-8"))["max_score"] == 62.0


def test_evidence_that_a_new_rubric_needs_is_read_from_the_stored_bytes(school: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    graded = _grade(school, out)
    shutil.rmtree(school)
    store = Store(out / ".grader" / "store.sqlite")
    more = RUBRIC + b'[[criterion]]\nid = "gradients"\ncheck = "BP101"\npoints = 1\n'
    reports = list(
        reports_of(store, store.run(graded.run), mark_sheet(parse(more, "files.toml", catalogue())), {})
    )
    assert {m.verdict.value for r in reports for m in r.outcomes if m.code == "BP101"} <= {
        "unknown",
        "skipped",
    }
    assert not [m for r in reports for m in r.outcomes if "not computed" in m.summary]


def test_bytes_that_the_store_lost_cost_one_submission(school: Path, tmp_path: Path) -> None:
    graded = _grade(school, tmp_path / "out")
    store = Store(tmp_path / "out" / ".grader" / "store.sqlite")
    (readme,) = (a for a in store.delivery(graded.run, "ann").submission.artefacts if a.path == "README.md")
    store.objects.remove(readme.sha256)
    more = RUBRIC + b'[[criterion]]\nid = "gradients"\ncheck = "BP101"\npoints = 1\n'
    loaded = parse(more, "files.toml", catalogue())
    reports = publish_run(store, store.run(graded.run), mark_sheet(loaded), tmp_path / "out").reports
    found = {r.submission.id: r.outcomes[-1] for r in reports}
    assert {name: m.verdict is Verdict.ERROR for name, m in found.items()} == {
        "ann": True,
        "bob": False,
        "eve": False,
    }
    assert "the stored bytes of README.md are missing or damaged" in found["ann"].summary


def test_an_override_survives_grading_again_and_shows_who_and_why(school: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _grade(school, out)
    store = Store(out / ".grader" / "store.sqlite")
    store.decide(
        Decision(
            submission="eve",
            code="files",
            verdict=Verdict.PASS,
            credit=1.0,
            reason="handed in by mail",
            who="prof",
            made=now(),
        )
    )
    store.close()
    graded = _grade(school, out)
    eve = next(r for r in graded.reports if r.submission.id == "eve")
    assert eve.outcomes[0].verdict is Verdict.PASS
    assert eve.outcomes[0].decided_by == "prof: handed in by mail (the check said partial)"
    assert eve.score == 6.0


def test_late_hand_in_costs_what_the_rubric_says(school: Path, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("id,path,late_days\nann,class/ann,3\nbob,class/bob,0\n", encoding="utf-8")
    graded = _grade(roster, tmp_path / "out")
    ann = next(r for r in graded.reports if r.submission.id == "ann")
    assert ann.adjustments[0].label == "3 days late: 20% of the points earned"
    assert ann.score == pytest.approx((4 + 2) * 0.8)


def test_compare_names_who_moved_and_why(school: Path, tmp_path: Path) -> None:
    before = _grade(school, tmp_path / "out").reports
    after = tuple(
        msgspec.structs.replace(r, score=0.0) if r.submission.id == "ann" else r
        for r in before
        if r.submission.id != "eve"
    )
    changes = {c.submission: c.headline for c in compare(before, after).changes}
    assert set(changes) == {"ann", "eve"}
    assert changes["eve"] == "only in the first run"
    assert compare(before, before) == Moved(changes=(), compared=3)


def test_downloads_of_platforms_are_read(tmp_path: Path) -> None:
    canvas = tmp_path / "canvas"
    canvas.mkdir()
    for name in (
        "doejane_LATE_12345_678901_README.md",
        "doejane_LATE_12345_678902_S4.ipynb",
        "poejoe_2222_33333_a.zip",
    ):
        (canvas / name).write_bytes(b"x")
    listing = list_class(canvas)
    assert [(e.id, len(e.paths), e.late_days) for e in listing.entries] == [
        ("doejane_12345", 2, 1.0),
        ("poejoe_2222", 1, 0.0),
    ]
    moodle = tmp_path / "moodle"
    (moodle / "Jane Doe_123_assignsubmission_file_").mkdir(parents=True)
    (moodle / "stray").mkdir()
    listing = list_class(moodle)
    assert [e.id for e in listing.entries] == ["Jane Doe_123"]
    assert [r[0] for r in listing.refused] == ["stray"]
    gradescope = tmp_path / "gradescope"
    (gradescope / "submission_99").mkdir(parents=True)
    (gradescope / "submission_metadata.yml").write_text(
        'submission_99:\n  :submitters:\n  - :name: "Jane Doe"\n    :sid: "1"\n', encoding="utf-8"
    )
    assert [e.id for e in list_class(gradescope).entries] == ["Jane Doe"]
    deeper = tmp_path / "deeper"
    (deeper / "ann" / "my work").mkdir(parents=True)
    (deeper / "ann" / "my work" / "README.md").write_bytes(b"x")
    (entry,) = list_class(deeper).entries
    assert entry.paths[0].endswith("my work")
    assert "one level deeper" in entry.note


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
@pytest.mark.slow
def test_kill_nine_and_the_same_command_goes_on(school: Path, tmp_path: Path) -> None:
    rubric = tmp_path / "files.toml"
    rubric.write_bytes(RUBRIC)
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "grader",
        "batch",
        str(school),
        "-r",
        str(rubric),
        "-o",
        str(out),
        "--no-exec",
        "-j1",
    ]
    first = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    store = out / ".grader" / "store.sqlite"
    deadline = time.monotonic() + 60
    while not store.exists() and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    plain = _grade(school, tmp_path / "other")
    for report in plain.reports:
        slug = report.submission.slug
        resumed = json.loads((out / slug / "result.json").read_text("utf-8"))
        whole = json.loads((tmp_path / "other" / slug / "result.json").read_text("utf-8"))
        assert resumed["outcomes"] == whole["outcomes"]


def test_a_run_on_drawn_digits_does_not_stand_for_one_on_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    submission = from_bytes("ann", {"S4.ipynb": NOTEBOOK.encode()}).submission
    found: set[str] = set()
    for place in (None, Path("mnist")):
        monkeypatch.setattr("grader.execute.digits.find", lambda _settings, _data, place=place: place)
        found |= {
            key_of(by_product()[name], submission, Settings(), Profile(), Retraining())
            for name in ("NotebookRun", "LogEvidence")
        }
    assert len(found) == 3, "what is only read is the same"


def test_what_another_version_stored_is_unknown_and_no_crash(school: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "s" / "store.sqlite")
    run, _ = store.begin("c", "r", RUBRIC, Settings(), "f")
    sources = read_submission(school / "ann")
    store.deliver(run.id, Delivery(submission=sources.submission))
    record = PhaseRecord(
        products={"Apples": "k"}, payloads={"k": msgspec.msgpack.encode({"x": 1})}, missing={}, notes=()
    )
    store.finish_phase(run.id, "ann", "read", record)

    class Apples(Evidence, frozen=True, kw_only=True):
        count: int

    provider = Provider(name="apples", target="x:y", product="Apples", phase=Phase.EXECUTE)
    steps = (Step(provider=provider, product=Apples, wanted_by=("test",)),)
    plan = Plan(steps=steps, criteria=(), retraining=Retraining())
    delivery = store.delivery(run.id, "ann")
    found = stored_known(store, run, delivery, plan=plan, profile=Profile()).get(Apples)
    assert isinstance(found, Missing)
    assert found.verdict is Verdict.UNKNOWN


def test_trainings_are_bounded_by_the_one_gpu_that_they_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl"):
        (tmp_path / name).touch()
    monkeypatch.setattr(appetite, "GPUS", f"{tmp_path}/nvidia[0-9]*")
    assert appetite.trainings_at_once(Settings()) == TRAININGS_PER_GPU
    assert appetite.trainings_at_once(Settings(device=Device.CPU)) == 0
    monkeypatch.setattr(appetite, "GPUS", f"{tmp_path}/none[0-9]*")
    assert appetite.trainings_at_once(Settings()) == 0


def _run_of_nothing(sources: Sources, settings: Settings) -> NotebookRun:
    isolation = Isolation(backend="none", isolated=False)
    return NotebookRun(artefact="S4.ipynb", ending=Ending.OK, isolation=isolation, data="synthetic")


def _below_in_each_epoch(run: NotebookRun, settings: Settings, wanted: Retraining) -> RetrainFacts:
    return retrained(*(9_930,) * max(rule.epochs for rule in wanted.rules))


def test_the_rubric_says_what_is_trained_and_a_kept_curve_never_stands_for_more(
    school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.execute.notebook.run_notebook", _run_of_nothing)
    monkeypatch.setattr("grader.execute.retrain.retrain", _below_in_each_epoch)
    out = tmp_path / "out"
    short = RUBRIC + (
        b'[[criterion]]\nid = "retrained"\ncheck = "RT601"\npoints = 1\nparams = { epochs = 5, seeds = 1 }\n'
    )
    longer = short.replace(b"epochs = 5", b"epochs = 12")
    graded = _grade(school, out, rubric=short, settings=Settings())
    assert {v[-1] for v in _verdicts(graded).values()} == {"fail"}
    store = Store(out / ".grader" / "store.sqlite")
    again = list(
        reports_of(store, store.run(graded.run), mark_sheet(parse(longer, "files.toml", catalogue())), {})
    )
    store.close()
    assert {r.outcomes[-1].summary for r in again} == {"needs 7 more epochs: 5 were run"}
    graded = _grade(school, out, rubric=longer, settings=Settings())
    assert {v[-1] for v in _verdicts(graded).values()} == {"fail"}, "the class is trained as the rubric asks"


@pytest.mark.skipif(sys.platform != "linux", reason="jobs start warm on Linux alone")
@pytest.mark.parametrize(("only", "warm"), [((), [True] * 3), (("ann",), [False])])
def test_the_jobs_of_a_class_start_warm_and_one_alone_does_not(
    only: tuple[str, ...], warm: list[bool], school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One alone would pay for the warm process what it saves."""
    found = []

    def run(sources: Sources, settings: Settings) -> NotebookRun:
        found.append(bool(os.environ.get(SOCKET)))
        return _run_of_nothing(sources, settings)

    monkeypatch.setattr("grader.execute.notebook.run_notebook", run)
    asked = RUBRIC + b'[[criterion]]\nid = "network"\ncheck = "NN401"\npoints = 1\n'
    _grade(school, tmp_path / "out", rubric=asked, settings=Settings(retrain=False), only=only)
    assert found == warm
    assert SOCKET not in os.environ


def test_workers_share_their_torch_where_a_class_trains_and_else_import_none() -> None:
    execute, retrain = (Stage(phases=(p,), products=frozenset()) for p in (Phase.EXECUTE, Phase.RETRAIN))
    idle = Stage(phases=(Phase.EXECUTE, Phase.RETRAIN), products=frozenset())
    assert appetite.needs_of(execute, Settings(), (execute, retrain)).loads == appetite.LOADED_TO_TRAIN
    for alone in (execute, idle):
        loads = appetite.needs_of(alone, Settings(), (alone,)).loads
        assert loads == appetite.LOADED
        code = (
            f"import importlib, sys\n[importlib.import_module(n) for n in {loads}]\n"
            "assert 'torch' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_kept_of_a_notebook_imports_nothing_large(
    school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class whose rubric changed is judged from what is kept: torch would be imported for nothing."""
    asked: list[tuple[str, ...]] = []

    class Asked(Here):
        def map(
            self, function: Callable, jobs: Iterable, at_most: int = 0, needs: object = None
        ) -> Iterator[Ended]:
            assert isinstance(needs, Needs)
            if needs.isolated:
                asked.append(needs.loads)
            return super().map(function, jobs, at_most, needs)

    monkeypatch.setattr("grader.execute.notebook.run_notebook", _run_of_nothing)
    for points in (b"1", b"2"):
        network = b'[[criterion]]\nid = "network"\ncheck = "NN401"\npoints = ' + points + b"\n"
        rubric = RUBRIC + b'[[criterion]]\nid = "log"\ncheck = "TR501"\npoints = 1\n' + network
        grade_class(_request(school, tmp_path / "out", rubric, settings=Settings(retrain=False)), Asked())
    assert asked == [appetite.LOADED, ()], "and what is loaded is no torch, since nothing is trained"
