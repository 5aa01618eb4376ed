"""Judged reports in the store, each under a key of all that decides it: an unchanged class is not judged
again, and one that is scored with another rubric is not judged once more with the rubric before.

Kept is what the checks and the rubric say. Decisions of persons come after, and are in no key.
"""

from typing import Final

import msgspec

from grader.core.memory import code_of, key
from grader.core.missing import Missing
from grader.core.outcome import Verdict
from grader.core.report import Report
from grader.pipeline.classroom.fingerprint import plugged
from grader.pipeline.classroom.stored import Held
from grader.pipeline.grade.products import Known
from grader.pipeline.grade.provenance import provenance
from grader.pipeline.plan.plan import MarkSheet
from grader.pipeline.plan.providers import EXECUTING
from grader.store.database import unpacked
from grader.store.runs import Run, Store

PRODUCT: Final = "Report"
TOGETHER: Final = 40
"""Reports that are written in one transaction: each alone took 1 ms, and the wait for the disk."""


class KeptReports:
    """The reports of one run with one rubric."""

    def __init__(self, store: Store, run: Run, sheet: MarkSheet) -> None:
        self._store = store
        self._run = run
        self._executing = sheet.plan.named(EXECUTING)
        self._same_for_all = key(
            rubric=sheet.loaded.sha256,
            settings=run.settings,
            # Versions, platform and options, which the report tells.
            provenance=provenance(run.settings),
            code=code_of(__name__, "grader.pipeline.grade.grade_one"),
            plugged=plugged(),
        )
        self._made: dict[str, bytes] = {}

    def key_of(self, held: Held) -> str:
        """Return the key of a submission's report; empty while a phase of it is still to come, since what is
        judged meanwhile is soon judged otherwise.
        """
        if not self.whole(held):
            # What a finished run never computed is told with its number.
            return self._key(held, self._run.id) if self._run.finished else ""
        return self._key(held, 0)

    def whole(self, held: Held) -> bool:
        """Whether every phase of a submission has ended: then a report says nothing of its run."""
        recorded = {name for r in held.records for name in (*r.products, *r.missing)}
        return bool(held.records) and self._executing <= recorded

    def _key(self, held: Held, run: int) -> str:
        return key(all=self._same_for_all, delivery=held.delivery, records=held.records, run=run)

    def get(self, name: str) -> Report | None:
        """Return the report under a key; None for an empty key, or where none is kept that can be read."""
        if name in self._made:
            return unpacked(self._made[name], Report)
        return self._store.kept(name, Report) if name else None

    def keep(self, name: str, report: Report, known: Known, held: Held) -> Report:
        """Return a report that was judged now as it comes back from the store, and keep it where it has a
        key, unless something went wrong that may go well the next time.
        """
        payload = msgspec.msgpack.encode(report)
        if name and self._lasts(report, known, held):
            self._made[name] = payload
            if len(self._made) >= TOGETHER:
                self.write()
        return unpacked(payload, Report)

    def _lasts(self, report: Report, known: Known, held: Held) -> bool:
        missing = _missing(known)
        promised = self._executing & {name for record in held.records for name in record.products}
        verdicts = {m.verdict for m in report.outcomes} | {m.verdict for m in missing.values()}
        return Verdict.ERROR not in verdicts and not promised & missing.keys()

    def write(self) -> None:
        """Write down what was kept since the last time."""
        if self._made:
            self._store.keep_all(PRODUCT, self._made)
            self._made = {}


def _missing(known: Known) -> dict[str, Missing]:
    """What could not be had, of several networks as well, under the names that the store has for it."""
    found = known.missing()
    for model, inner in known.models.items():
        found |= {f"{model}/{product}": why for product, why in inner.missing().items()}
    return found
