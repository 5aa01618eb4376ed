"""Records on disk are those that were added, in their order, whatever else is read meanwhile."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from grader.core import spool
from grader.core.report import Note, Report
from grader.core.spool import Ordered, Spool, only
from tests.render.samples import everyone, hostile


@pytest.fixture(params=[0, 4 * 2**20], ids=["in a file", "in memory"])
def limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Bytes from which a spool takes a file; 0 never takes one."""
    monkeypatch.setattr(spool, "_IN_MEMORY", request.param or 64)
    return int(request.param)


def test_reports_come_back_as_they_were(limit: int, tmp_path: Path) -> None:
    reports = (*everyone(), hostile())
    held = Spool[Report](Report, reports, tmp_path)
    assert held == reports
    assert tuple(held) == reports
    assert list(tmp_path.iterdir()) == [], "nothing of it has a name"


def test_one_is_read_while_others_are_added(limit: int) -> None:
    notes = [Note(what=f"n{k}", text="x" * k) for k in range(40)]
    held: Spool[Note] = Spool(Note)
    for number, note in enumerate(notes):
        held.append(note)
        assert held[0] == notes[0]
        assert held[-1] == note
        assert held[number // 2] == notes[number // 2]
    assert held[3:9] == tuple(notes[3:9])
    assert held != notes[:-1]
    with pytest.raises(IndexError):
        held[40]


class _Spoken(msgspec.Struct):
    what: str


def test_some_fields_of_records_are_read_alone(limit: int) -> None:
    notes = [Note(what=f"n{k}", text="x" * k) for k in range(9)]
    spoken = [_Spoken(what=note.what) for note in notes]
    held: Spool[Note] = Spool(Note, notes)
    assert list(only(notes, _Spoken)) == list(only(tuple(notes), _Spoken)) == spoken
    assert only(held, _Spoken) == spoken
    assert only(held, _Spoken)[-1] == spoken[-1]
    assert only(Ordered(held, (4, 2)), _Spoken) == only(Ordered(notes, (4, 2)), _Spoken) == spoken[4:1:-2]
    assert list(only(Ordered(only(held, _Spoken), (1,)), _Spoken)) == spoken[1:2]
    assert held == notes


def test_what_cannot_be_kept_leaves_the_rest() -> None:
    held: Spool[Note] = Spool(Note, [Note(what="a", text="b")])
    with pytest.raises(UnicodeEncodeError):
        held.append(Note(what="half", text="\ud800"))
    held.append(Note(what="c", text="d"))
    assert [note.what for note in held] == ["a", "c"]


@pytest.mark.parametrize("records", [("b", "a", "c", "a"), Spool(str, ("b", "a", "c", "a"))], ids=["t", "s"])
def test_an_order_of_their_own(records: Sequence[str]) -> None:
    some = Ordered(records, (2, 0))
    assert (len(some), some[0], some[-1], some[:1]) == (2, "c", "b", ("c",))
    assert some == Ordered(("c", "b"), (0, 1))
