"""Writes what an instructor opens: the page of the class, and what looks alike as data."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from grader.cohort.alike import Alike, Cohort
from grader.core.report import Report
from grader.pipeline.grade.publish import write
from grader.render import strings
from grader.render.pictures.picture import DataTable
from grader.store.runs import Spent


def publish_class(
    reports: Sequence[Report],
    refused: Mapping[str, str],
    out: Path,
    spent: Mapping[str, Mapping[str, Spent]],
    cohort: Cohort,
) -> Path:
    """Write the page of the class under `out`, and what looks alike as data in `_class/alike.json`.

    `refused` maps what could not be graded at all to its reason, `spent` a submission to its phases' seconds.
    """
    from grader.render.class_page import ClassRow, render, rows_from

    seconds = {name: {p: s.wall for p, s in phases.items()} for name, phases in spent.items()}
    ungraded = [ClassRow.ungraded(name, name, reason) for name, reason in sorted(refused.items())]
    page = render([*rows_from(reports, seconds), *ungraded], tables=tables_of(cohort), note=cohort.note)
    data = msgspec.json.format(msgspec.json.encode({"format": 1, **msgspec.to_builtins(cohort)}), indent=1)
    write(out / "_class" / "alike.json", data + b"\n")
    return write(out / "index.html", page.encode("utf-8"))


def tables_of(cohort: Cohort) -> tuple[DataTable, ...]:
    """Return the tables of the class page; none where nothing looks alike."""
    return tuple(
        DataTable(
            caption=caption, columns=strings.COHORT_COLUMNS, rows=tuple(_row(group) for group in groups)
        )
        for caption, groups in (
            (strings.COHORT_ALIKE, cohort.alike),
            (strings.COHORT_MISTAKES, cohort.mistakes),
        )
        if groups
    )


def _row(group: Alike) -> tuple[str, ...]:
    agree = "; ".join(
        f"{' | '.join(dict.fromkeys(e.places))}: {' '.join(e.text.split())}"
        if e.text
        else " | ".join(dict.fromkeys(e.places))
        for e in group.examples
    )
    return (", ".join(group.submissions), group.what, group.how, agree)
