"""Pages follow what they show: from whatever was drawn before, a class scored with a rubric has byte for byte
the pages of a class that was only ever graded with it.
"""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grader.checks.catalogue import catalogue
from grader.core.decision import Decision
from grader.core.faults import UsageFault
from grader.core.memory import digest, write_whole
from grader.core.outcome import Verdict
from grader.core.progress import listening, once, tell
from grader.core.report import Report
from grader.core.settings import Settings
from grader.core.spool import Spool
from grader.core.submission import Submission
from grader.ingest.limits import REPORT_MARKER
from grader.pipeline.classroom.grade_class import grade_class
from grader.pipeline.drawing import students
from grader.pipeline.drawing.students import Block, Drawn, Judgement, draw
from grader.pipeline.drawing.whole_class import publish_run
from grader.pipeline.grade import publish
from grader.pipeline.grade.grade_one import report_on
from grader.pipeline.judging import kept_reports, reports
from grader.pipeline.plan.plan import mark_sheet
from grader.pipeline.plan.rubrics import LoadedRubric, find, parse
from grader.pipeline.stages.request import Request
from grader.schedule.base import Ended
from grader.store.carry_over import share_facts
from grader.store.runs import Run, Store
from tests.pipeline.test_batch import Here

SAMPLES = Path(__file__).parents[2] / "submissions"
DEFAULT = find("default").read_text("utf-8")
RUBRICS = {
    "default": DEFAULT,
    "points": DEFAULT.replace("points = 10", "points = 12").replace("points = 5", "points = 1"),
    "limits": DEFAULT.replace("parameters = 20000", "parameters = 9000").replace(
        "accuracy = 99.4", "accuracy = 98.0"
    ),
    "several": DEFAULT.replace('check = "AR001"\npoints = ', 'check = "AR001"\npoints = 1')
    .replace("points = 5", "points = 7")
    .replace("accuracy = 99.4", "accuracy = 99.0")
    .replace("[profile]", 'missing = "zero"\ncap = 90\n\n[profile]'),
    "hidden": DEFAULT.replace('id = "workbook-forward"', 'id = "workbook-forward"\nhidden = true'),
}
NAMES = ("over-budget", "perfect", "wrong-gradient")


def _loaded(rubric: str) -> LoadedRubric:
    return parse(rubric.encode(), "a.toml", catalogue())


def _graded(out: Path, rubric: str) -> Path:
    school = out.parent / f"class of {out.name}"
    for name in NAMES:
        shutil.copytree(SAMPLES / name, school / name)
    request = Request(
        path=school,
        loaded=_loaded(rubric),
        rubric_bytes=rubric.encode(),
        settings=Settings(execute=False, retrain=False),
        out=out,
        store=out / ".grader" / "store.sqlite",
    )
    grade_class(request, Here())
    with Store(request.store) as store:  # whatever the clock says here is on the class page
        store.connection.execute("UPDATE durations SET wall = 1.0, cpu = 1.0")
    _scored(out, rubric)
    return out


def _scored(out: Path, rubric: str) -> None:
    loaded = _loaded(rubric)
    with Store(out / ".grader" / "store.sqlite") as store:
        run = store.runs()[0]
        shown = store.run()
        before = (shown, mark_sheet(_loaded(shown.rubric.decode())))
        if rubric.encode() != run.rubric:
            run = share_facts(store, run, loaded.path, rubric.encode())
        published = publish_run(store, run, mark_sheet(loaded), out, before=before)
        assert published.failed == {}


def _pages(out: Path) -> dict[str, str]:
    """Digests of all pages; the number and the hour of the run are left out of those of the class."""
    found = {p.relative_to(out).as_posix(): p for p in sorted(out.glob("*/*")) if p.parent.name != ".grader"}
    pages = {
        name: digest(path.read_bytes())
        for name, path in found.items()
        if path.suffix != ".json" or "result" in name
    }
    whole = (out / "index.html").read_text("utf-8")
    return pages | {"index.html": re.sub(r"Run \d+ · Graded [-\d]+ [:\d]+ UTC", "", whole)}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    @cache
    def made(rubric: str) -> Path:
        return _graded(tmp_path_factory.mktemp("fresh") / rubric, RUBRICS[rubric])

    return made


def test_rubrics_of_this_file_differ() -> None:
    assert len(set(RUBRICS.values())) == len(RUBRICS)


class Step(NamedTuple):
    """What somebody does with a class that was graded."""

    rubric: str
    killed_after: int | None = None
    """At the writing of which file the process is killed."""
    other_version: bool = False
    """Whether another version of grader does it, which judges otherwise."""
    decides: bool = False
    """Whether a person decides something about one of them before."""


RULING = Decision(
    submission="wrong-gradient",
    code="derivation",
    verdict=Verdict.PASS,
    credit=1.0,
    reason="told at the board",
    who="prof",
    comment="well done",
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(begin="default", steps=[Step("points", 3)], end="default")
@example(begin="default", steps=[Step("points"), Step("points", 0, other_version=True)], end="points")
@example(begin="points", steps=[Step("limits", 2, decides=True), Step("points")], end="limits")
@given(
    begin=st.sampled_from(sorted(RUBRICS)),
    steps=st.lists(
        st.builds(
            Step,
            st.sampled_from(sorted(RUBRICS)),
            st.none() | st.integers(0, 12),
            st.booleans(),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
    end=st.sampled_from(sorted(RUBRICS)),
)
def test_pages_are_those_of_a_class_that_was_only_ever_graded_so(
    fresh: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
    begin: str,
    steps: list[Step],
    end: str,
) -> None:
    """Whatever was drawn in between, by whatever version, and wherever a drawing was killed: a page of which
    the half was written was taken for that of the rubric before.
    """
    out = tmp_path_factory.mktemp("kept") / "out"
    shutil.copytree(fresh(begin), out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_reports, "TOGETHER", 1)  # those before a kill are kept
        for step in steps:
            if step.decides:
                _decide(out)
            with _other_version() if step.other_version else nullcontext():
                _killed(lambda step=step: _scored(out, RUBRICS[step.rubric]), step.killed_after)
    _scored(out, RUBRICS[end])
    expected = fresh(end)
    if any(step.decides for step in steps):
        expected = tmp_path_factory.mktemp("ruled") / "out"
        shutil.copytree(fresh(end), expected)
        _decide(expected)
        _scored(expected, RUBRICS[end])
        assert _pages(expected) != _pages(fresh(end))
    assert _pages(out) == _pages(expected)


def _decide(out: Path) -> None:
    with Store(out / ".grader" / "store.sqlite") as store:
        store.decide(RULING)


@contextmanager
def _other_version() -> Iterator[None]:
    """A version of grader whose checks say something else."""

    def judged(*known: Any, **more: Any) -> Report:
        found = report_on(*known, **more)
        outcomes = tuple(msgspec.structs.replace(m, summary=f"{m.summary} (older)") for m in found.outcomes)
        return msgspec.structs.replace(found, outcomes=outcomes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reports, "report_on", judged)
        patch.setattr(kept_reports, "code_of", lambda *_: "older")
        yield


def _killed(work: Callable[[], None], after: int | None) -> None:
    """Do some work, and end it at a step after so many: where a file is written, drawings are kept, or a folder
    is to say what it shows.
    """
    left = [after]

    def counted(step: Callable[..., None]) -> Callable[..., None]:
        def taken(*given: Any) -> None:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] = None if left[0] is None else left[0] - 1
            step(*given)

        return taken

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((publish, "write_whole"), (publish, "_end"), (publish._Drawings, "end")):
            patch.setattr(owner, name, counted(getattr(owner, name)))
        try:
            work()
        except KeyboardInterrupt:
            assert after is not None


def test_what_points_do_not_change_is_not_drawn_again(
    fresh: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _pages(fresh("points"))
    out = tmp_path / "out"
    shutil.copytree(fresh("default"), out)
    before = {p: p.stat().st_mtime_ns for p in out.glob("*/*.html")}
    for name in (
        "grader.render.pictures_from_products.pictures_of",
        "grader.render.claims_table.claims_of",
        "grader.render.student_parts.words_of",
        "grader.render.files.from_products.book_of",
        "grader.pipeline.grade.file_views._pages",
        "grader.pipeline.drawing.students.LocalProcesses",
    ):
        monkeypatch.setattr(name, lambda *_, **__: pytest.fail("drawn again"))
    _scored(out, RUBRICS["points"])
    drawn = {p.name for p, at in before.items() if p.stat().st_mtime_ns != at and p.parent.name in NAMES}
    assert drawn == {"index.html"}
    assert _pages(out) == whole


def test_a_folder_says_what_it_shows_once_all_is_written(tmp_path: Path) -> None:
    submission = Submission(id="ann", slug="ann", artefacts=(), sha256="")
    marker = tmp_path / "ann" / REPORT_MARKER
    for before in ("", "another grader wrote this folder, and said more of it than we do\n", publish._OURS):
        write_whole(marker, before.encode())
        publish._begin(marker)
        assert publish.shown(submission, tmp_path).shows == ""
        write_whole(marker.parent / "index.html", b"page")
        publish._end(marker, "abc", "", ["index.html"])
        assert publish.shown(submission, tmp_path).shows == "abc"
        (marker.parent / "index.html").unlink()
        assert publish.shown(submission, tmp_path).shows == "", "not all lies there"
    marker.unlink()
    publish._begin(marker)
    assert not marker.exists()


@pytest.mark.parametrize("names", ["a backup by hard links", "a link out of the folder"])
def test_a_marker_with_another_name_is_left_to_it(names: str, tmp_path: Path) -> None:
    marker, other = tmp_path / "out" / REPORT_MARKER, tmp_path / "other"
    marker.parent.mkdir()
    before = f"{publish._OURS}\n{publish._SHOWS}a key\n{publish._PAGES}\nindex.html\n"
    other.write_text(before, "utf-8")
    if names == "a link out of the folder":
        marker.symlink_to(other)
    else:
        marker.hardlink_to(other)
    publish._begin(marker)
    assert marker.read_text("utf-8") == publish._OURS
    publish._end(marker, "another", "", ["index.html"])
    assert "another" in marker.read_text("utf-8")
    assert not marker.is_symlink()
    assert other.read_text("utf-8") == before


def test_several_processes_draw_the_same_pages(
    fresh: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(students, "PAYS", -1.0)
    monkeypatch.setattr(students, "BLOCK", 1)
    monkeypatch.setattr(students, "usable_cores", lambda: 2)
    out = tmp_path / "out"
    shutil.copytree(fresh("default"), out)
    with Store(out / ".grader" / "store.sqlite") as store:
        run = store.runs()[0]
        sheets = {n: mark_sheet(_loaded(RUBRICS[n])) for n in ("default", "points")}
        again = share_facts(store, run, "a.toml", RUBRICS["points"].encode())
        found = publish_run(store, again, sheets["points"], out, before=(run, sheets["default"]))
        assert found.failed == {}
        assert (
            [r.submission.id for r in found.reports] == [r.submission.id for r in found.before] == list(NAMES)
        )
        assert list(found.reports) == list(draw(store, again, sheets["points"], out).reports)
        assert list(found.before) == list(draw(store, run, sheets["default"], tmp_path / "other").reports)
    assert _pages(out) == _pages(fresh("points"))


class _Dying:
    """Processes of which one dies whenever it comes to a student."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(self, function: Callable[[Block], Drawn], jobs: Iterable[Block]) -> Iterator[Ended[Block, Drawn]]:
        for job in reversed(list(jobs)):
            if "perfect" in job.names:
                yield Ended(job=job, fault="the process died (killed by signal 9)", died=True)
            else:
                yield Ended(job=job, result=function(job))


def test_a_process_that_dies_costs_one_student(
    fresh: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(students, "LocalProcesses", _Dying)
    out = tmp_path / "out"
    shutil.copytree(fresh("default"), out)
    path = out / ".grader" / "store.sqlite"
    with Store(path) as store:
        now = Judgement(run=store.runs()[0], loaded=_loaded(RUBRICS["points"]))
    block = Block(store=str(path), now=now, before=None, out=str(out), names=NAMES)
    drawn = list(students._in_processes([block], 2))
    assert {name for part in drawn for name in part.reports} == {"over-budget", "wrong-gradient"}
    assert {name: why for part in drawn for name, why in part.failed.items()} == {
        "perfect": "grader failed while it drew its page (the process died (killed by signal 9))"
    }
    assert all((out / name / "index.html").is_file() for name in NAMES)


class _Unwritable(_Dying):
    def map(self, function: Callable[[Block], Drawn], jobs: Iterable[Block]) -> Iterator[Ended[Block, Drawn]]:
        yield Ended(job=next(iter(jobs)), fault="out/: cannot be written", fault_type="UsageFault")


def test_what_concerns_everybody_ends_the_drawing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(students, "LocalProcesses", _Unwritable)
    run = Run(
        **dict.fromkeys(("class_name", "rubric_name", "fingerprint", "started", "finished"), ""),
        id=1, rubric=b"", settings=Settings(),
    )  # fmt: skip
    now = Judgement(run=run, loaded=_loaded(RUBRICS["points"]))
    block = Block(store="", now=now, before=None, out=str(tmp_path), names=NAMES)
    with pytest.raises(UsageFault, match="cannot be written"):
        list(students._in_processes([block], 2))


def test_what_several_processes_tell_is_told_once() -> None:
    heard: list[str] = []
    with listening(heard.append), once():
        for text in ("one", "two", "one"):
            tell(text)
    assert heard == ["one", "two"]


def test_a_packed_record_is_as_good_as_another() -> None:
    spool = Spool[list[int]](list[int], [[1]])
    spool.append_packed(b"\x92\x02\x03")
    assert list(spool) == [[1], [2, 3]]
