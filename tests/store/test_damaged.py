"""A store that rotted is named, part by part, and never a fault of grader itself."""

import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from grader.cli.crash import guarded
from grader.core.decision import Decision
from grader.core.faults import StoreFault
from grader.core.missing import Missing
from grader.core.outcome import Verdict
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.store.maintenance import check
from grader.store.runs import Delivery, PhaseRecord, Store, now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        run, _ = store.begin("class", "r.toml", b"id", Settings(), "a.b")
        for number in range(60):
            name = f"student{number:03}"
            sources = from_bytes(name, {"README.md": name.encode()})
            store.objects.put(sources.items[0].data)
            store.deliver(run.id, Delivery(submission=sources.submission))
            lost = {"NetworkFacts": Missing(reason="no notebook " * 40, verdict=Verdict.SKIPPED)}
            record = PhaseRecord(
                products={"ClaimEvidence": f"key{number}"},
                payloads={f"key{number}": b"claims"},
                missing=lost,
                notes=(),
            )
            store.finish_phase(run.id, name, "read", record)
        store.decide(
            Decision(
                submission="student000",
                code="BP101",
                verdict=Verdict.PASS,
                credit=1.0,
                reason="seen",
                who="ann",
                made=now(),
            )
        )
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def test_a_whole_store_has_no_fault(path: Path) -> None:
    with Store(path) as store:
        found = check(store)
    assert found.faults == ()
    assert (found.runs, found.objects, found.decisions) == (1, 60, 1)


@pytest.mark.parametrize("page", range(2, 12))
def test_a_damaged_page_is_told_and_ends_nothing(path: Path, page: int) -> None:
    """`grader store check`, whose work is to tell, ended as "a fault of grader itself (DatabaseError)"."""
    data = bytearray(path.read_bytes())
    data[4096 * page : 4096 * (page + 2)] = b"\xff" * 8192
    path.write_bytes(data)
    with Store(path) as store:
        found = check(store)
    assert found.faults


def test_a_damaged_record_is_named_with_its_owner(path: Path) -> None:
    with Store(path) as store:
        store.connection.execute("UPDATE phases SET missing = x'c1' WHERE id = 'student007'")
        store.connection.execute("UPDATE deliveries SET submission = x'00' WHERE id = 'student008'")
        store.connection.execute("UPDATE products SET payload = x'00' WHERE key = 'key9'")
        faults = check(store).faults
        assert store.payload("key9") is None
    assert len(faults) == 3
    assert any("student007, read: its reasons cannot be read" in f for f in faults)
    assert any("student008: what was handed in cannot be read" in f for f in faults)
    assert any("product ClaimEvidence key9 is damaged" in f for f in faults)


NO_TEXT = "x'81a161a1a0'"
"""MessagePack of a map whose value is a text that is no UTF-8: msgspec raises UnicodeDecodeError for it."""


@pytest.mark.parametrize(
    ("damage", "read"),
    [
        (f"UPDATE deliveries SET submission = {NO_TEXT}", lambda s: dict(s.deliveries(1))),
        ("UPDATE deliveries SET submission = 'text'", lambda s: dict(s.deliveries(1))),
        ("UPDATE deliveries SET late_days = 'late'", lambda s: dict(s.deliveries(1))),
        (f"UPDATE phases SET products = {NO_TEXT}", lambda s: s.phase_records(1, "student007")),
        (f"UPDATE runs SET settings = {NO_TEXT}", lambda s: s.runs()),
        (
            "INSERT INTO durations VALUES (1, 'student007', 'read', 'long', 1)",
            lambda s: s.durations(1, "student007"),
        ),
        (
            "INSERT INTO overrides VALUES (9, 'a', 'b', 'passed', 1, 'c', 'd', 'e', NULL, '')",
            lambda s: s.decisions(),
        ),
    ],
)
def test_a_record_that_fuzzing_damaged_is_a_fault_of_the_store(
    path: Path, damage: str, read: Callable[[Store], object]
) -> None:
    """A text that is no UTF-8, a column of another type and a verdict that there is none of ended `report` as
    a fault of grader itself.
    """

    def command() -> None:
        with Store(path) as store:
            read(store)

    command()
    with Store(path) as store:
        store.connection.execute(damage)
        assert check(store).faults or "durations" in damage or "late" in damage
    with pytest.raises(StoreFault, match="the store cannot be used"):
        command()


def test_a_damaged_product_is_replaced_when_it_is_made_again(path: Path) -> None:
    with Store(path) as store:
        store.connection.execute("UPDATE products SET payload = x'00' WHERE key = 'key9'")
        store.keep("key9", "ClaimEvidence", b"claims")
        assert store.payload("key9") == b"claims"
        row = store.connection.execute("SELECT payload FROM products WHERE key = 'key9'").fetchone()
        assert zlib.decompress(row[0]) == b"claims"


def test_a_command_on_a_damaged_store_says_which_and_what_to_do(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(path) as store:
        store.connection.execute("UPDATE deliveries SET submission = x'00' WHERE id = 'student008'")

    def command() -> None:
        with Store(path) as store:
            dict(store.deliveries(1))

    with pytest.raises(StoreFault, match="the store cannot be used"):
        command()
    assert guarded(command) == 3
    told = capsys.readouterr().err
    assert str(path) in told
    assert "grader store check" in told
    assert "fault of grader itself" not in told
    assert isinstance(msgspec.DecodeError(), Exception)
