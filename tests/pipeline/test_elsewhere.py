"""A class whose jobs run on other machines leaves the store of one machine; what is shared is worked on once."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.checks.catalogue import catalogue
from grader.core.bucket import Place, place_of
from grader.core.faults import NodeFault
from grader.core.progress import listening
from grader.core.settings import Settings
from grader.pipeline.classroom.grade_class import Graded, grade_class
from grader.pipeline.classroom.job import Job
from grader.pipeline.elsewhere import errand, node_health, object_folder
from grader.pipeline.elsewhere.errand import work_elsewhere
from grader.pipeline.elsewhere.object_folder import ObjectFolder
from grader.pipeline.plan.rubrics import load
from grader.pipeline.stages.request import Afield, Request
from grader.pipeline.stages.turns import Turns
from grader.schedule.base import LATER, Ended
from grader.schedule.dispatch import Dispatch
from grader.store.runs import Store
from tests.pipeline.test_batch import Here
from tests.ray.whole_store import content, pages
from tests.schedule.pretend import Pretend, node

README = (
    b"# Part 1\nh1 = w1*i1 + w2*i2\n\xe2\x88\x82E/\xe2\x88\x82w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1\n"
)


@pytest.fixture
def school(tmp_path: Path) -> Path:
    root = tmp_path / "class"
    for name in ("ann", "bob", "eve", "kim"):
        (root / name / "sub folder").mkdir(parents=True)
        (root / name / "README.md").write_bytes(README + f"by {name}\n".encode())
        (root / name / "sub folder" / "notes.md").write_text("the same notes of all\n", "utf-8")
    with zipfile.ZipFile(root / "zoe.zip", "w") as archive:
        archive.writestr("README.md", README)
    (root / "mal.zip").write_bytes(b"PK\x03\x04")
    (root / "none").mkdir()
    (root / "kim" / "link.md").symlink_to("README.md")
    return root


def _graded(school: Path, out: Path, backend: Any, folder: Place | None = None, **more: Any) -> Graded:
    loaded = load("default", catalogue())
    fields: dict[str, Any] = {
        "path": school,
        "loaded": loaded,
        "rubric_bytes": b"id",
        "settings": Settings(execute=False, retrain=False),
        "out": out,
        "store": out / ".grader" / "store.sqlite",
        "afield": Afield(folder=folder, cache="") if folder else None,
    }
    if folder:
        ObjectFolder(folder).mark()
    return grade_class(Request(**(fields | more)), backend)


@pytest.mark.parametrize("where", ["beside the store", "apart", "in a bucket"])
def test_jobs_on_other_machines_leave_the_store_of_one(school: Path, tmp_path: Path, where: str) -> None:
    here, far = tmp_path / "here", tmp_path / "far"
    _graded(school, here, Here())
    folder: Place = far / ".grader" if where == "beside the store" else tmp_path / "shared"
    if where == "in a bucket":
        pytest.importorskip("fsspec")
        folder = place_of(f"memory://class/{tmp_path.name}")
    cluster = Pretend(node("a"), node("b"), gone={4: "a"})
    with listening(lambda _: None):
        graded = _graded(school, far, Dispatch(cluster), folder)
    assert {"mal", "none"} <= graded.refused.keys()
    assert str(school / "mal.zip") in graded.refused["mal"], "in the driver's own paths"
    assert content(far) == content(here)
    assert pages(far) == pages(here)
    assert list(folder.glob("parcels/*")) == [], "what arrived is forgotten"
    assert list(folder.glob("objects/??/*")), "submitted bytes came through it"
    assert all(job.folder == str(folder) and job.parcel for _, _, jobs in cluster.sent for job in jobs)
    assert "kim" not in {job.id for _, _, jobs in cluster.sent for job in jobs}, (
        "links are read on this machine"
    )
    with Store(far / ".grader" / "store.sqlite") as store:
        (run,) = store.runs()
        for _, delivery in store.deliveries(run.id):
            assert all(store.objects.get(a.sha256) is not None for a in delivery.submission.artefacts)


def test_what_a_machine_had_finished_is_not_computed_again(
    school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver is killed before it kept anything: products lie under their keys in the folder."""
    made: Counter[str] = Counter()
    real = errand.work_from

    def counting(job: Job, shelf: Any) -> Any:
        done = real(job, shelf)
        made[job.id] += len(done.record.payloads)
        return done

    monkeypatch.setattr(errand, "work_from", counting)

    class Killed(Exception):
        pass

    class Deaf(Dispatch):
        def map(self, *given: Any, **more: Any) -> Iterator[Any]:
            next(super().map(*given, **more))
            raise Killed
            yield

    with pytest.raises(Killed):
        _graded(school, tmp_path / "out", Deaf(Pretend(node("a"))), tmp_path / "shared")
    first = Counter(made)
    made.clear()
    _graded(school, tmp_path / "out", Dispatch(Pretend(node("a"))), tmp_path / "shared")
    assert first["ann"] > 5
    assert made["ann"] == 0


def test_a_large_result_stays_in_the_folder_until_it_is_kept(
    school: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errand, "SMALL", 0)
    here, far = tmp_path / "here", tmp_path / "far"
    _graded(school, here, Here())
    _graded(school, far, Dispatch(Pretend(node("a"))), far / ".grader")
    assert content(far) == content(here)


def test_a_machine_that_does_not_see_the_folder_says_so_before_it_judges_anything(tmp_path: Path) -> None:
    folder = ObjectFolder(tmp_path / "shared")
    job: Any = type("J", (), {"folder": str(folder.root), "parcel": "", "paths": ()})
    with pytest.raises(NodeFault, match="cannot be read there"):
        work_elsewhere(job)
    assert folder.mark() == folder.mark() == folder.marked(), "a second driver does no harm"
    with pytest.raises(NodeFault, match="a hand-in cannot be read"), folder.unpacked("no such", ["x"]):
        pass
    name = folder.pack([], "me-1")
    (folder.root / "parcels" / name).write_bytes(b"half")
    with pytest.raises(NodeFault, match="did not arrive whole"), folder.unpacked(name, ["x"]):
        pass


def test_a_hand_in_of_two_commands_is_there_for_both_and_one_that_was_killed_leaves_none(
    school: Path, tmp_path: Path
) -> None:
    """The slower one found nothing, took that for a lost folder, and left each node for good."""
    folder, paths = ObjectFolder(tmp_path / "shared"), [str(school / "ann")]
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    mine, other = object_folder.sender_of(tmp_path / "store"), object_folder.sender_of(tmp_path / "other")
    same, dead = f"{mine.partition('-')[0]}-{os.getppid()}", f"{mine.partition('-')[0]}-{ended.pid}"
    packed = {who: folder.pack(paths, who) for who in (mine, other, same, dead)}
    folder.arrived(packed[mine])
    folder.forget_those_of_the_dead(mine)
    assert {p.name for p in folder.root.glob("parcels/*")} == {packed[other], packed[same]}
    for who in (other, same):
        with folder.unpacked(packed[who], paths) as (place,):
            assert (Path(place) / "README.md").exists()


@pytest.mark.parametrize("where", ["folder", "no links", "bucket"])
def test_two_commands_that_begin_at_the_same_moment_leave_one_mark(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each believed in the word that it had left, and no node saw the first one's."""
    if where == "bucket":
        pytest.importorskip("fsspec")
    folder = ObjectFolder(place_of(f"local://{tmp_path}/b") if where == "bucket" else tmp_path / "shared")
    if where == "no links":
        monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(PermissionError()))
    first = folder.mark()
    assert first
    # The second looked for a mark just before the first one's was there.
    real, answers = ObjectFolder.marked, iter([""])
    monkeypatch.setattr(ObjectFolder, "marked", lambda self: next(answers, real(self)))
    assert ObjectFolder(folder.root).mark() == first


def test_a_result_that_rotted_in_the_folder_is_none(tmp_path: Path) -> None:
    folder = ObjectFolder(tmp_path)
    folder.keep("ab" + "0" * 62, b"result")
    assert folder.payload("ab" + "0" * 62) == b"result"
    (path,) = (tmp_path / "products" / "ab").iterdir()
    path.write_bytes(path.read_bytes()[:-3] + b"xyz")
    assert folder.payload("ab" + "0" * 62) is None
    assert folder.payload("") is None


def test_a_hand_in_is_unpacked_under_its_own_names(school: Path, tmp_path: Path) -> None:
    folder = ObjectFolder(tmp_path / "shared")
    paths = [str(school / "ann"), str(school / "zoe.zip")]
    with folder.unpacked(folder.pack(paths, "me-1"), paths) as places:
        for path, place in zip(map(Path, paths), map(Path, places), strict=True):
            assert place.name == path.name
            inside = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
            for file in inside:
                assert (place / file.relative_to(path)).read_bytes() == file.read_bytes()
    assert not Path(places[0]).exists()
    with pytest.raises(OSError, match="no ordinary file"):
        folder.pack([str(school / "kim")], "me-1")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"code": "other"}, "another version of grader"),
        ({"packages": {"python": "3.99", "numpy": "1"}}, " there and "),
    ],
)
def test_a_node_that_differs_in_what_decides_results_is_refused(change: dict[str, Any], why: str) -> None:
    import msgspec

    ours = node_health.likeness(Settings())
    assert "refusal" not in node_health.examine(Settings(), ours)
    assert why in node_health.examine(Settings(), msgspec.structs.replace(ours, **change))["refusal"]


def test_a_node_without_digits_runs_nothing_where_the_driver_has_them(tmp_path: Path) -> None:
    import msgspec

    ours = msgspec.structs.replace(node_health.likeness(Settings(data=str(tmp_path))), digits=True)
    found = node_health.examine(Settings(data=str(tmp_path)), ours, str(tmp_path), "word")
    assert found["object folder"] == "NOT seen"
    assert "does not see" in found["refusal"]
    assert "MNIST" in found["unfit"] or "isolate" in found["unfit"]


# -- turns


def _jobs(*names: str) -> list[Any]:
    return [type("J", (), {"id": name})() for name in names]


def _order(jobs: list[Any], parts: dict[str, tuple[str, ...]], together: int) -> list[set[str]]:
    """What runs at the same time, where so many may."""
    turns = Turns(jobs, parts)
    asked, running, seen = iter(turns), [], []
    while True:
        while len(running) < together:
            job = next(asked, None)
            if job is None or job is LATER:
                break
            running.append(job)
        if not running:
            return seen
        seen.append({job.id for job in running})
        turns.ended(running.pop(0))


def test_what_two_share_is_not_worked_on_at_the_same_time_for_the_first_time() -> None:
    parts = {"a": ("x",), "b": ("x", "y"), "c": ("y",), "d": ("z",)}
    seen = _order(_jobs("a", "b", "c", "d"), parts, together=4)
    assert seen[0] == {"a", "c", "d"}
    assert set().union(*seen) == {"a", "b", "c", "d"}
    first = {"x": False, "y": False}
    for running in seen:
        assert not {"a", "b"} <= running or first["x"]
        first["x"] |= "a" not in running
    assert Turns(_jobs("a", "b", "c", "d"), parts).shared == 2


def test_after_the_first_all_others_go_on_together() -> None:
    names = [f"s{n}" for n in range(9)]
    seen = _order(_jobs(*names), dict.fromkeys(names, ("book",)), together=4)
    assert seen[0] == {"s0"}
    assert len(seen[1]) == 4


def test_nothing_waits_where_nothing_is_shared() -> None:
    assert _order(_jobs("a", "b"), {"a": ("x", "x"), "b": ("y",)}, 2)[0] == {"a", "b"}


def test_the_same_workbook_in_a_class_is_read_once(school: Path, tmp_path: Path) -> None:
    samples = Path(__file__).parents[2] / "submissions"
    for name in ("ann", "bob", "eve"):
        shutil.copy(next((samples / "perfect").glob("*.xlsx")), school / name / "book.xlsx")
    made: Counter[str] = Counter()

    class Counting(Here):
        def map(
            self, function: Callable, jobs: Iterable, at_most: int = 0, needs: object = None
        ) -> Iterator[Ended]:
            for ended in super().map(function, jobs):
                if ended.result is not None:
                    made.update(
                        name
                        for name, key in ended.result.record.products.items()
                        if key in ended.result.record.payloads
                    )
                yield ended

    told: list[str] = []
    with listening(told.append):
        _graded(school, tmp_path / "out", Counting())
    assert made["WorkbookEvidence"] == 1
    assert any("worked on once" in line for line in told)
