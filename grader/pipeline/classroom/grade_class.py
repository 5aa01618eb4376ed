"""Grades a class: phases for everybody, cheap first; each finished phase is kept; one bad submission costs
nobody else anything.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from grader.core.faults import UsageFault
from grader.core.machine import usable_cores
from grader.core.outcome import Verdict
from grader.core.progress import tell
from grader.core.report import Report
from grader.core.spool import only
from grader.ingest.classes import list_class
from grader.ingest.forms.entries import Listing
from grader.pipeline.drawing.whole_class import Published, publish_run
from grader.pipeline.plan.plan import mark_sheet
from grader.pipeline.plan.providers import Phase
from grader.pipeline.stages.appetite import NEEDS
from grader.pipeline.stages.handed_in import HandedIn
from grader.pipeline.stages.request import Progress, Request
from grader.pipeline.stages.stage import Going, label_of, run_stage
from grader.schedule.base import Backend
from grader.store.carry_over import carry, forget_changed
from grader.store.runs import Run, Store


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a class."""

    run: int
    resumed: bool
    reports: Sequence[Report]
    refused: dict[str, str]
    page: Path
    notices: tuple[str, ...] = ()
    """What concerns the whole class, for the instructor."""
    failed: tuple[str, ...] = ()
    """Submissions that nobody could read, or on which grader failed: those to try again, sorted."""
    left: int = 0
    """How many were not retrained, because the budget was spent or only others were wanted."""
    absent: int = 0
    """How many of the class stand on no page, because only others were ever graded with this rubric and these
    options.
    """


def grade_class(
    request: Request, backend: Backend, progress: Callable[[Progress], None] = lambda _: None
) -> Graded:
    """Run every phase that the rubric needs over the class, and publish after each.

    The same call after a kill goes on where it stopped: finished phases are in the store, and products in its
    cache.
    """
    scratch = request.store.parent / "unpacked"
    try:
        return _grade(request, list_class(request.path, scratch), backend, progress)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _grade(
    request: Request, whole: Listing, backend: Backend, progress: Callable[[Progress], None]
) -> Graded:
    for note in whole.notes:
        tell(note)
    listing = _chosen(whole, request.only)
    sheet = mark_sheet(request.loaded, request.settings)
    handed_in = {e.id: HandedIn.of(e, request) for e in listing.entries}
    # By now the readers are imported and the digests of their code are computed.
    with backend.ready(len(listing.entries)), Store(request.store) as store:
        run, resumed = _begun(store, request, listing)
        if resumed:
            forget_changed(store, run, {name: found.basis for name, found in handed_in.items()})
        others = [e.id for e in whole.entries if e.id not in request.only] if request.only else []
        # The rest of the class stays on the page and in the marks.
        carry(store, run, others)
        for name, reason in listing.refused:
            store.refuse(run.id, name, reason)
        going = Going(
            request=request,
            sheet=sheet,
            store=store,
            run=run,
            entries=listing.entries,
            handed_in=handed_in,
            backend=backend,
            progress=progress,
            means=store.mean_seconds(),
            pending={},
        )
        published = Published()
        left = 0
        for number, stage in enumerate(sheet.stages):
            left += run_stage(going, stage, tuple(label_of(s) for s in sheet.stages[number + 1 :]))
            published = publish_run(store, run, sheet, request.out, workers=backend.workers)
            if number + 1 < len(sheet.stages):
                going.pending.update({r.submission.id: r.pending_points for r in published.reports})
        if not left:
            store.finish(run.id)
        while carry(store, run, others, finished=True):  # another command has graded them beside this one
            published = publish_run(store, run, sheet, request.out, workers=backend.workers)
        refused = store.refusals(run.id) | published.failed
        everybody = {e.id for e in whole.entries}
        graded, by_us = _graded(published.reports)
        return Graded(
            run=run.id,
            resumed=resumed,
            reports=published.reports,
            refused=refused,
            page=request.out / "index.html",
            notices=published.notices,
            failed=tuple(sorted(by_us | (refused.keys() & everybody))),
            left=left,
            absent=len(everybody - graded - refused.keys()),
        )


def _begun(store: Store, request: Request, listing: Listing) -> tuple[Run, bool]:
    """The run of this class, and whether it goes on with an unfinished one."""
    return store.begin(
        request.path.resolve().name,
        request.loaded.path,
        request.rubric_bytes,
        request.settings,
        _fingerprint(request, listing),
    )


class _Named(msgspec.Struct):
    id: str


class _Ruled(msgspec.Struct):
    verdict: Verdict


class _Standing(msgspec.Struct):
    submission: _Named
    outcomes: tuple[_Ruled, ...]


def _graded(reports: Sequence[Report]) -> tuple[set[str], set[str]]:
    """Return the ids of reports, and of those in which grader failed."""
    graded: set[str] = set()
    by_us: set[str] = set()
    for report in only(reports, _Standing):
        graded.add(report.submission.id)
        if any(m.verdict is Verdict.ERROR for m in report.outcomes):
            by_us.add(report.submission.id)
    return graded, by_us


def workers_for(wanted: int) -> int:
    """Return a number of workers bounded by the cores and the memory of this machine; `wanted` 0 takes the
    bound.
    """
    cores = bound = usable_cores()
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        bound = max(1, min(cores, memory // NEEDS[Phase.EXECUTE].memory))
    return min(wanted, bound) if wanted else bound


def _chosen(listing: Listing, only: tuple[str, ...]) -> Listing:
    if not only:
        return listing
    have = {e.id for e in listing.entries}
    missing = [i for i in only if i not in have]
    if missing:
        raise UsageFault(f"--only {missing[0]}: no such submission; there are {', '.join(sorted(have)[:20])}")
    return Listing(
        form=listing.form, entries=tuple(e for e in listing.entries if e.id in only), refused=listing.refused
    )


def _fingerprint(request: Request, listing: Listing) -> str:
    """What a run must share to go on with another: before the dot class, rubric and options, behind it the
    entries.
    """
    kind = (
        # How phases are grouped: a run that an older version left half done is not mixed with this one's.
        "3",
        str(request.path.resolve()),
        request.loaded.sha256,
        msgspec.json.encode(request.settings).decode(),
    )
    parts = (kind, [f"{e.id} {e.paths} {e.late_days}" for e in listing.entries])
    return ".".join(
        hashlib.sha256("\n".join(part).encode("utf-8", "surrogatepass")).hexdigest() for part in parts
    )
