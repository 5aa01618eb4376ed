"""The store keeps what it was given, whatever happens around it."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from grader.core.decision import Decision
from grader.core.faults import UsageFault
from grader.core.missing import Missing
from grader.core.outcome import Verdict
from grader.core.report import Note
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.store import database
from grader.store.carry_over import carry, forget_changed, graded_before, reuse
from grader.store.maintenance import check, prune
from grader.store.runs import Delivery, PhaseRecord, Spent, Store, now

SOURCES = from_bytes("ann", {"README.md": b"# w1"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "x" / "store.sqlite")


def _filled(store: Store, fingerprint: str = "f") -> int:
    run, _ = store.begin("class", "default.toml", b"id = 1", Settings(), fingerprint)
    store.objects.put(b"# w1")
    store.deliver(run.id, Delivery(submission=SOURCES.submission, late_days=2.0))
    record = PhaseRecord(
        products={"Apples": "key1"},
        payloads={"key1": b"payload"},
        missing={"Juice": Missing(reason="no press", verdict=Verdict.SKIPPED)},
        notes=(Note(what="basket", text="one apple"),),
    )
    store.finish_phase(run.id, "ann", "read", record)
    return run.id


def test_what_was_kept_comes_back(store: Store) -> None:
    run = _filled(store)
    again = Store(store.path)
    assert dict(again.deliveries(run)) == {"ann": Delivery(submission=SOURCES.submission, late_days=2.0)}
    assert again.finished_phases(run) == {("ann", "read")}
    (record,) = again.phase_records(run, "ann")
    assert record.products == {"Apples": "key1"}
    assert record.missing["Juice"].reason == "no press"
    assert record.notes[0].text == "one apple"
    assert again.payload("key1") == b"payload"
    assert again.payload("none") is None
    assert check(again).faults == ()


def test_what_is_committed_waits_for_the_disk(tmp_path: Path) -> None:
    """Asked of a process of its own: the tests of this one do not wait."""
    code = (
        "import sys; from pathlib import Path; from grader.store.database import connect\n"
        "print(connect(Path(sys.argv[1])).execute('PRAGMA synchronous').fetchone()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s.sqlite")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2"], "FULL"


def test_what_was_made_of_a_class_is_what_was_made_of_each(store: Store) -> None:
    run = _filled(store)
    second = PhaseRecord(products={"Pears": "key2"}, payloads={}, missing={}, notes=())
    store.finish_phase(run, "ann", "execute", second)
    sources = from_bytes("bea", {"README.md": b"# w2"})
    store.deliver(run, Delivery(submission=sources.submission))
    assert [(name, made) for name, _, made in store.all_made(run)] == [
        ("ann", {"Apples": "key1", "Pears": "key2"}),
        ("bea", {}),
    ]
    for name, sha256, made in store.all_made(run):
        assert made == store.made_as(run, name)
        assert sha256 == store.delivery(run, name).submission.sha256
    assert list(store.all_made(run + 1)) == []


def test_an_unfinished_run_goes_on_and_a_finished_one_does_not(store: Store) -> None:
    first, resumed = store.begin("c", "r", b"", Settings(), "same")
    assert not resumed
    again, resumed = store.begin("c", "r", b"", Settings(), "same")
    assert (again.id, resumed) == (first.id, True)
    other, resumed = store.begin("c", "r", b"", Settings(), "other")
    assert (other.id, resumed) == (first.id + 1, False)
    store.finish(first.id)
    third, resumed = store.begin("c", "r", b"", Settings(), "same")
    assert (third.id, resumed) == (first.id + 2, False)


def test_decisions_are_append_only(store: Store) -> None:
    made = Decision(
        submission="ann",
        code="AR001",
        verdict=Verdict.PASS,
        credit=1.0,
        reason="seen on paper",
        who="me",
        made=now(),
    )
    store.decide(made)
    assert store.decisions() == (made,)
    for attack in ("DELETE FROM overrides", "UPDATE overrides SET reason = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            store.connection.execute(attack)


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"precious notes" * 100)
    with pytest.raises(UsageFault, match="not a store of grader"):
        Store(path)
    assert path.read_bytes() == b"precious notes" * 100


def test_a_store_of_a_newer_grader_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    Store(path).connection.execute(f"PRAGMA user_version = {database.FORMAT + 1}")
    with pytest.raises(UsageFault, match="newer grader"):
        Store(path)


def test_an_older_format_is_upgraded_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.sqlite"
    Store(path).close()
    now = database.FORMAT
    monkeypatch.setattr(database, "FORMAT", now + 2)
    monkeypatch.setattr(
        database, "UPGRADES", {now: "CREATE TABLE two (x);", now + 1: "ALTER TABLE two ADD COLUMN y;"}
    )
    upgraded = Store(path)
    assert upgraded.connection.execute("SELECT x, y FROM two").fetchall() == []
    assert upgraded.connection.execute("PRAGMA user_version").fetchone() == (now + 2,)


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"

    def write(who: int) -> None:
        own = Store(path)
        run, _ = own.begin("c", "r", b"", Settings(), f"f{who}")
        for n in range(20):
            record = PhaseRecord(products={}, payloads={f"{who}-{n}": b"x"}, missing={}, notes=())
            own.finish_phase(run.id, f"s{n}", "read", record)
        own.close()

    threads = [threading.Thread(target=write, args=(w,)) for w in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    whole = Store(path)
    assert whole.connection.execute("SELECT COUNT(*) FROM phases").fetchone() == (80,)
    assert whole.connection.execute("SELECT COUNT(*) FROM products").fetchone() == (80,)
    assert len(whole.runs()) == 4


def test_a_new_store_opens_for_all_who_ask_at_once(tmp_path: Path) -> None:
    """SQLite refuses one of two that change the journal mode of a new file, busy handler or not."""
    opened: list[str] = []
    for n in range(15):
        together = threading.Barrier(4)

        def open_it(path: Path, together: threading.Barrier) -> None:
            together.wait()
            Store(path).close()
            opened.append(path.name)

        threads = [
            threading.Thread(target=open_it, args=(tmp_path / f"{n}.sqlite", together)) for _ in range(4)
        ]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert len(opened) == 60


def test_a_store_in_use_is_not_called_foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.sqlite"
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UsageFault, match=r"store\.sqlite: the store cannot be opened \(database is locked\)"):
        Store(path)
    holder.execute("ROLLBACK")
    Store(path).close()
    holder.close()


def test_rotten_and_missing_objects_are_named(store: Store) -> None:
    _filled(store)
    (digest,) = store.objects
    path = store.objects.root / digest[:2] / digest[2:]
    path.write_bytes(b"rot")
    assert any("damaged" in f for f in check(store).faults)
    path.unlink()
    assert any("missing" in f for f in check(store).faults)
    with pytest.raises(KeyError):
        store.objects.get(digest)


def test_pruning_forgets_old_runs_and_what_only_they_needed(store: Store) -> None:
    old = _filled(store)
    store.finish(old)
    store.decide(
        Decision(
            submission="ann", code="X", verdict=Verdict.PASS, credit=1.0, reason="r", who="w", made=now()
        )
    )
    new, _ = store.begin("c", "r", b"", Settings(), "g")
    removed = prune(store, keep=1)
    assert (removed.runs, removed.products, removed.objects) == (1, 1, 1)
    assert [r.id for r in store.runs()] == [new.id]
    assert len(store.decisions()) == 1, "decisions of persons are never forgotten"


def test_a_store_of_the_first_format_is_upgraded_and_keeps_all(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    old = sqlite3.connect(path, isolation_level=None)
    old.executescript((Path(__file__).parent / "schema_1.sql").read_text("utf-8"))
    old.execute("PRAGMA user_version = 1")
    old.execute(
        "INSERT INTO runs (class_name, rubric_name, rubric, settings, fingerprint, started) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        ("c", "r", b"", msgspec.msgpack.encode(Settings()), "f", "2026-01-01T00:00:00Z"),
    )
    empty = msgspec.msgpack.encode({})
    old.execute(
        "INSERT INTO phases (run, id, phase, products, missing, notes) VALUES (1, 'ann', 'read', ?, ?, ?)",
        (empty, empty, msgspec.msgpack.encode([])),
    )
    old.close()
    upgraded = Store(path)
    assert upgraded.finished_phases(1) == {("ann", "read")}
    assert upgraded.durations(1, "ann") == {}
    assert reuse(upgraded, 1, [("ann", "", 0.0)], "read") == set(), "nobody knows what decided an old row"
    fresh = Store(tmp_path / "fresh.sqlite")

    def columns(store: Store) -> dict[str, list[str]]:
        tables = [
            r[0] for r in store.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            t: [r[1] for r in store.connection.execute(f"PRAGMA table_info({t})")] for t in sorted(tables)
        }

    assert columns(upgraded) == columns(fresh)


def test_durations_stand_apart_and_are_kept_where_all_came_from_the_cache(store: Store) -> None:
    record = PhaseRecord(products={}, payloads={}, missing={}, notes=())
    first, _ = store.begin("c", "r", b"", Settings(), "f")
    store.finish_phase(first.id, "ann", "read", record, spent=Spent(wall=2.0, cpu=1.5))
    store.finish_phase(first.id, "bob", "read", record, spent=Spent(wall=4.0, cpu=3.5))
    store.finish_phase(first.id, "bob", "execute", record, spent=Spent(wall=60.0, cpu=50.0))
    store.finish(first.id)
    second, _ = store.begin("c", "r", b"", Settings(), "f")
    store.finish_phase(second.id, "ann", "read", record)
    assert store.durations(second.id, "ann") == {"read": Spent(wall=2.0, cpu=1.5)}
    assert list(store.durations(first.id, "bob")) == ["read", "execute"]
    assert store.mean_seconds() == {"read": 2.0, "execute": 60.0}


def test_a_phase_with_the_same_basis_is_copied_and_another_is_not(store: Store) -> None:
    first, _ = store.begin("c", "r", b"", Settings(), "f")
    store.deliver(first.id, Delivery(submission=SOURCES.submission))
    record = PhaseRecord(products={"A": "k"}, payloads={"k": b"x"}, missing={}, notes=())
    store.finish_phase(first.id, "ann", "read", record, basis="b1", spent=Spent(wall=1.0, cpu=1.0))
    store.finish(first.id)
    second, _ = store.begin("c", "r", b"", Settings(), "f")
    assert reuse(store, second.id, [("ann", "b2", 0.0), ("bob", "b1", 0.0)], "read") == set()
    assert reuse(store, second.id, [("ann", "b1", 3.0)], "read") == {"ann"}
    assert store.delivery(second.id, "ann").late_days == 3.0
    assert store.phase_records(second.id, "ann")[0].products == {"A": "k"}
    assert store.durations(second.id, "ann")["read"].wall == 1.0


def test_a_run_of_a_few_carries_the_rest_from_the_newest_of_its_kind(store: Store) -> None:
    first = _filled(store, "kind.whole")
    store.refuse(first, "broken", "no zip")
    store.refuse(first, "again", "no zip")
    store.finish(first)
    other, _ = store.begin("c", "r", b"", Settings(), "another.whole")
    store.refuse(other.id, "broken", "of another rubric")
    store.finish(other.id)
    begun, _ = store.begin("c", "r", b"", Settings(), "kind.killed")
    store.refuse(begun.id, "broken", "of a run that was killed")
    second, _ = store.begin("c", "r", b"", Settings(), "kind.again")
    carry(store, second, ["ann", "broken"])
    assert store.delivered(second.id) == ("ann",)
    assert store.finished_phases(second.id) == {("ann", "read")}
    assert store.refusals(second.id) == {"broken": "no zip"}
    store.refuse(second.id, "again", "still no zip")
    store.finish(second.id)
    third, _ = store.begin("c", "r", b"", Settings(), "kind.ann")
    carry(store, third, ["broken", "again"])
    assert store.refusals(third.id) == {"broken": "no zip", "again": "still no zip"}
    assert store.delivered(third.id) == ()


def test_what_changed_is_forgotten_and_what_nobody_can_tell_stays(store: Store) -> None:
    run, _ = store.begin("c", "r", b"", Settings(), "f")
    record = PhaseRecord(products={}, payloads={}, missing={}, notes=())
    for name, basis in (("changed", "b1"), ("same", "b1"), ("gone", "b1"), ("unsure", "")):
        store.finish_phase(run.id, name, "read", record, basis=basis, spent=Spent(wall=1.0, cpu=1.0))
        store.finish_phase(run.id, name, "execute", record)
    store.refuse(run.id, "no zip", "broken", "b1")
    forget_changed(store, run, {"changed": "b2", "same": "b1", "gone": "", "unsure": "b2", "no zip": "b2"})
    assert {name for name, _ in store.finished_phases(run.id)} == {"same", "gone", "unsure"}
    names = ("same", "changed", "gone", "unsure")
    assert {n for n in names if store.durations(run.id, n)} == {"same", "gone", "unsure"}
    assert store.refusals(run.id) == {}


def test_what_is_asked_for_each_submission_of_a_class_is_found_by_an_index(store: Store) -> None:
    """0.25 ms each at 500 submissions were 1.91 ms at 5,000: each question read the rows of all."""
    record = PhaseRecord(products={}, payloads={}, missing={}, notes=())
    first, _ = store.begin("c", "r", b"", Settings(), "f")
    store.deliver(first.id, Delivery(submission=SOURCES.submission))
    store.finish_phase(first.id, "ann", "read", record, basis="b1", spent=Spent(wall=1.0, cpu=1.0))
    store.finish(first.id)
    second, _ = store.begin("c", "r", b"", Settings(), "f")
    asked: list[str] = []
    store.connection.set_trace_callback(asked.append)
    assert reuse(store, second.id, [("ann", "b1", 0.0)], "read") == {"ann"}
    assert graded_before(store, second.id, ["ann"]) == {"ann"}
    store.connection.set_trace_callback(None)
    questions = [q for q in asked if "SELECT" in q]
    assert len(questions) == 6
    for question in questions:
        plan = [str(row[3]) for row in store.connection.execute(f"EXPLAIN QUERY PLAN {question}")]
        assert any("id=?" in step or "name=?" in step for step in plan), (question, plan)
        assert not [step for step in plan if step.startswith("SCAN")], (question, plan)
