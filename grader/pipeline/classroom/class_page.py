"""Writes what an instructor opens: the page of the class, its marks, and what looks alike as data."""

import gc
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from grader.cohort.alike import Alike, Cohort
from grader.core.report import Report, RubricRef
from grader.core.spool import Spool, only
from grader.core.submission import Kind, Submission
from grader.ingest.forms.folders import HIDDEN
from grader.pipeline.grade.publish import write
from grader.render import strings
from grader.render.class_rows import ClassRow, Head, Similar, SimilarGroup
from grader.render.pictures.picture import DataTable
from grader.store.runs import Run


class _OfRubric(msgspec.Struct):
    rubric: RubricRef


class _HandedIn(msgspec.Struct):
    submission: Submission


def publish_class(
    reports: Sequence[Report],
    graded: Iterable[ClassRow],
    refused: Mapping[str, str],
    out: Path,
    cohort: Cohort,
    run: Run,
    notices: Sequence[str] = (),
) -> Path:
    """Write the page of the class under `out`; in `_class/` the marks as CSV, and what looks alike as data.

    `graded` are the rows of the reports. `refused` maps what could not be graded at all to its reason; what
    was passed over by its name is no submission, and is named beside the table.
    """
    from grader.render.class_page import pages, part_name
    from grader.render.exports import to_csv

    aside = sorted(name for name, reason in refused.items() if reason == HIDDEN)
    ungraded = [ClassRow.ungraded(n, n, reason) for n, reason in sorted(refused.items()) if n not in aside]
    told = [strings.CLASS_ASIDE.format(names=", ".join(aside), why=HIDDEN)] if aside else []
    rows = Spool[ClassRow](ClassRow, graded, out)
    for row in ungraded:
        rows.append(row)
    head = _head(run, reports)
    drawn = pages(
        rows,
        head=head,
        similar=similar_of(cohort),
        tables=typed_by(reports),
        notices=(*notices, *told),
        note=cohort.note,
    )
    data = msgspec.json.format(msgspec.json.encode({"format": 1, **msgspec.to_builtins(cohort)}), indent=1)
    write(out / "_class" / "alike.json", data + b"\n")
    write(out / _MARKS, to_csv(reports).encode("utf-8-sig"))
    (_, index), number = next(drawn), 2
    gc.freeze()  # what is older than the pages is not looked through for each of them
    for name, part in drawn:
        write(out / "_class" / name, part.encode("utf-8"))
        number += 1
        gc.collect()  # Jinja's macros are circles, in which megabytes of text would outlast their page
    gc.unfreeze()
    while (old := out / "_class" / part_name(number)).is_file():
        old.unlink()  # of a class that was larger
        number += 1
    return write(out / "index.html", index.encode("utf-8"))


_MARKS = "_class/marks.csv"


def _head(run: Run, reports: Sequence[Report]) -> Head:
    names = sorted({said.rubric.title or said.rubric.id for said in only(reports, _OfRubric)})
    return Head(
        rubric=", ".join(names) or run.rubric_name,
        run=f"{run.id}",
        graded=f"{(run.finished or run.started).replace('T', ' ')[:16]} UTC",
        exports=((strings.CLASS_MARKS_FILE, _MARKS), (strings.CLASS_ALIKE_FILE, "_class/alike.json")),
        commands=tuple(
            f"grader export --format {form} --roster FILE" for form in ("canvas", "moodle", "gradescope")
        ),
    )


def similar_of(cohort: Cohort) -> tuple[SimilarGroup, ...]:
    """Return what looks alike for the class page; none where nothing does."""
    return tuple(
        SimilarGroup(caption=caption, members=tuple(_similar(group) for group in groups))
        for caption, groups in (
            (strings.COHORT_ALIKE, cohort.alike),
            (strings.COHORT_MISTAKES, cohort.mistakes),
        )
        if groups
    )


def typed_by(reports: Sequence[Report]) -> tuple[DataTable, ...]:
    """Return the table of what students typed into the platform, with the links in it; none for nothing."""
    rows = [
        (report.submission.id, artefact.note)
        for report in only(reports, _HandedIn)
        for artefact in report.submission.artefacts
        if artefact.kind is Kind.NOTE
    ]
    if not rows:
        return ()
    return (DataTable(caption=strings.CLASS_TYPED, columns=strings.CLASS_TYPED_COLUMNS, rows=tuple(rows)),)


def _similar(group: Alike) -> Similar:
    return Similar(
        names=group.submissions,
        what=group.what,
        how=group.how,
        passages=tuple((e.places, " ".join(e.text.split())) for e in group.examples),
    )
