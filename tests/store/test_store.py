"""The store keeps what it was given, whatever happens around it."""

import sqlite3
import threading
from pathlib import Path

import pytest

from grader.core.faults import UsageFault
from grader.core.outcome import Verdict
from grader.core.report import Note
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.store import database
from grader.store.runs import Delivery, Lost, Override, PhaseRecord, Store, now
from grader.store.upkeep import faults, prune

SOURCES = from_bytes("ann", {"README.md": b"# w1"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "x" / "store.sqlite")


def _filled(store: Store) -> int:
    run, _ = store.begin("class", "default.toml", b"id = 1", Settings(), "f")
    store.objects.put(b"# w1")
    store.deliver(run.id, Delivery(submission=SOURCES.submission, late_days=2.0))
    record = PhaseRecord(
        products={"Apples": "key1"},
        payloads={"key1": b"payload"},
        missing={"Juice": Lost(reason="no press", verdict=Verdict.SKIPPED)},
        notes=(Note(what="basket", text="one apple"),),
    )
    store.finish_phase(run.id, "ann", "read", record)
    return run.id


def test_what_was_kept_comes_back(store: Store) -> None:
    run = _filled(store)
    again = Store(store.path)
    assert again.deliveries(run) == {"ann": Delivery(submission=SOURCES.submission, late_days=2.0)}
    assert again.finished_phases(run) == {("ann", "read")}
    (record,) = again.phase_records(run, "ann")
    assert record.products == {"Apples": "key1"}
    assert record.missing["Juice"].reason == "no press"
    assert record.notes[0].text == "one apple"
    assert again.payload("key1") == b"payload"
    assert again.payload("none") is None
    assert faults(again) == ()


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
    made = Override(
        submission="ann",
        code="AR001",
        verdict=Verdict.PASS,
        credit=1.0,
        reason="seen on paper",
        who="me",
        made=now(),
    )
    store.override(made)
    assert store.overrides() == (made,)
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
    monkeypatch.setattr(database, "FORMAT", 3)
    monkeypatch.setattr(
        database, "UPGRADES", {1: "CREATE TABLE two (x);", 2: "ALTER TABLE two ADD COLUMN y;"}
    )
    upgraded = Store(path)
    assert upgraded.connection.execute("SELECT x, y FROM two").fetchall() == []
    assert upgraded.connection.execute("PRAGMA user_version").fetchone() == (3,)


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


def test_rotten_and_missing_objects_are_named(store: Store) -> None:
    _filled(store)
    (digest,) = store.objects
    path = store.objects.root / digest[:2] / digest[2:]
    path.write_bytes(b"rot")
    assert any("damaged" in f for f in faults(store))
    path.unlink()
    assert any("missing" in f for f in faults(store))
    with pytest.raises(KeyError):
        store.objects.get(digest)


def test_pruning_forgets_old_runs_and_what_only_they_needed(store: Store) -> None:
    old = _filled(store)
    store.finish(old)
    store.override(
        Override(
            submission="ann", code="X", verdict=Verdict.PASS, credit=1.0, reason="r", who="w", made=now()
        )
    )
    new, _ = store.begin("c", "r", b"", Settings(), "g")
    removed = prune(store, keep=1)
    assert (removed.runs, removed.products, removed.objects) == (1, 1, 1)
    assert [r.id for r in store.runs()] == [new.id]
    assert len(store.overrides()) == 1, "decisions of persons are never forgotten"
