"""The reports and pages of a class's students: judged and drawn a block at a time, in several processes where
that is quicker.

A block reads the store and writes the pages of its students, which nobody else writes; what a killed process
leaves is drawn again.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from grader.core.faults import GraderFault, StoreFault, UsageFault
from grader.core.machine import usable_cores
from grader.core.progress import once
from grader.core.report import Report
from grader.core.spool import Ordered, Spool
from grader.pipeline.judging.reports import OUR_FAILURE, Judge, culprit, publish_one
from grader.pipeline.plan.plan import MarkSheet, mark_sheet
from grader.pipeline.plan.rubrics import LoadedRubric
from grader.render.class_rows import ClassRow
from grader.schedule.base import Ended
from grader.schedule.local import LocalProcesses
from grader.store.runs import Run, Store

_T = TypeVar("_T")

BLOCK: Final = 40
"""Students of one block: what a block costs besides, 3 ms, is shared by them."""
HELD: Final = 8
"""Pages between two looks for garbage: each takes 2 ms, for all that is held of a student is gone through."""
PAYS: Final = 8.0
"""Seconds that the rest must take at least for other processes to be started: each takes 1 to 2 CPU seconds
until it draws. At 26 ms a page that is drawn and 5 ms one that is not, 400 and 1,700 students take as long.
"""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """A run with the rubric that it is judged with."""

    run: Run
    loaded: LoadedRubric


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Some students of a run, to be judged and drawn."""

    store: str
    now: Judgement
    before: Judgement | None
    """With what they are judged besides, for a comparison."""
    out: str
    names: tuple[str, ...]


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a block: records by id, as msgpack, for they go from a process into a file."""

    reports: dict[str, bytes] = {}
    rows: dict[str, bytes] = {}
    """Of the class page."""
    before: dict[str, bytes] = {}
    failed: dict[str, str] = {}


class Students(msgspec.Struct, frozen=True, kw_only=True):
    """The reports of a class and its rows on the class page, sorted by id, on disk."""

    reports: Sequence[Report]
    rows: Sequence[ClassRow]
    before: Sequence[Report]
    failed: dict[str, str]


def draw(
    store: Store,
    run: Run,
    sheet: MarkSheet,
    out: Path,
    *,
    before: tuple[Run, MarkSheet] | None = None,
    workers: int = 0,
) -> Students:
    """Judge the students of a run and write their pages, at most `workers` at a time; 0 takes every core.

    `before` is a run and a rubric with which they are judged as well. Raises UsageFault where pages cannot be
    written, StoreFault where the store cannot be read.
    """
    folder = store.path.parent
    now, then = _Collected[Report](Report, folder), _Collected[Report](Report, folder)
    rows = _Collected[ClassRow](ClassRow, folder)
    failed: dict[str, str] = {}
    whole = Block(
        store=str(store.path),
        now=Judgement(run=run, loaded=sheet.loaded),
        before=None if before is None else Judgement(run=before[0], loaded=before[1].loaded),
        out=str(out),
        names=store.delivered(run.id),
    )
    here = partial(_drawn, store, run, sheet, before, out)
    parts = _in_blocks(whole, here, min(workers or usable_cores(), usable_cores()))
    with once():
        for part in parts:
            now.add(part.reports)
            rows.add(part.rows)
            then.add(part.before)
            failed |= part.failed
    return Students(
        reports=now.sorted(), rows=rows.sorted(), before=then.sorted(), failed=dict(sorted(failed.items()))
    )


class _Collected(Generic[_T]):
    """Records in the order in which blocks end, and whose each is."""

    def __init__(self, kind: type[_T], folder: Path) -> None:
        self._spool = Spool[_T](kind, folder=folder)
        self._ids: list[str] = []

    def add(self, packed: Mapping[str, bytes]) -> None:
        for name, data in packed.items():
            self._ids.append(name)
            self._spool.append_packed(data)

    def sorted(self) -> Sequence[_T]:
        return Ordered(self._spool, sorted(range(len(self._ids)), key=self._ids.__getitem__))


def _in_blocks(whole: Block, here: Callable[[Sequence[str]], Drawn], workers: int) -> Iterator[Drawn]:
    """Draw a class block by block: two blocks here, of which the second tells what one takes once everything
    is imported, and the others where that is quicker.
    """
    blocks = [whole.names[at : at + BLOCK] for at in range(0, len(whole.names), BLOCK)]
    took = 0.0
    for names in blocks[:2]:
        begin = time.monotonic()
        yield here(names)
        took = time.monotonic() - begin
    rest = blocks[2:]
    if workers > 1 and took * len(rest) > PAYS:
        yield from _in_processes([msgspec.structs.replace(whole, names=names) for names in rest], workers)
    else:
        yield from map(here, rest)


def _in_processes(blocks: Sequence[Block], workers: int) -> Iterator[Drawn]:
    """Draw blocks in processes; where one dies, the students of its block one by one."""
    alone: list[Block] = []
    backend = LocalProcesses(workers)
    for ended in backend.map(draw_block, blocks):
        if ended.result is not None:
            yield ended.result
        else:
            alone += [msgspec.structs.replace(ended.job, names=(name,)) for name in _costs(ended)]
    for ended in backend.map(draw_block, alone):
        if ended.result is not None:
            yield ended.result
        else:
            (name,) = _costs(ended)
            yield Drawn(failed={name: f"{OUR_FAILURE} while it drew its page ({ended.fault})"})


def _costs(ended: Ended[Block, Drawn]) -> tuple[str, ...]:
    """Return whom the end of a block costs. Raises what costs everybody."""
    faults: dict[str, type[GraderFault]] = {f.__name__: f for f in (UsageFault, StoreFault, GraderFault)}
    if ended.fault_type in faults:
        raise faults[ended.fault_type](ended.fault)
    return ended.job.names


def draw_block(block: Block) -> Drawn:
    """Judge and draw a block; what a process of its own does. Raises UsageFault and StoreFault as `draw`."""
    with Store(Path(block.store)) as store:
        now, old = block.now, block.before
        before = None if old is None else (old.run, _sheet(old.loaded))
        return _drawn(store, now.run, _sheet(now.loaded), before, Path(block.out), block.names)


def _sheet(loaded: LoadedRubric) -> MarkSheet:
    """The sheet of a rubric, made once a process."""
    if loaded.sha256 not in _sheets:
        _sheets[loaded.sha256] = mark_sheet(loaded)
    return _sheets[loaded.sha256]


_sheets: Final[dict[str, MarkSheet]] = {}


def _drawn(
    store: Store,
    run: Run,
    sheet: MarkSheet,
    before: tuple[Run, MarkSheet] | None,
    out: Path,
    names: Sequence[str],
) -> Drawn:
    failed: dict[str, str] = {}
    reports: dict[str, bytes] = {}
    rows: dict[str, bytes] = {}
    packed = msgspec.msgpack.Encoder().encode
    then = None if before is None else Judge(store, *before)
    for number, (report, held) in enumerate(Judge(store, run, sheet, then).judged(names, failed), start=1):
        name = report.submission.id
        with culprit(name, "drew its page", failed):
            publish_one(store, sheet, report, held, out)
            row = ClassRow.of(report, seconds={p: s.wall for p, s in store.durations(run.id, name).items()})
            reports[name], rows[name] = packed(report), packed(row)
        if number % HELD == 0:
            gc.collect(0)  # Jinja's macros are circles, in which a page would outlast a thousand others
    old = () if then is None else then.reports(names, {})
    return Drawn(
        reports=reports,
        rows=rows,
        before={report.submission.id: packed(report) for report in old},
        failed=failed,
    )
