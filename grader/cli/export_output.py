"""What `grader export` writes, and what it says of those whom it could not place."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from grader.core.faults import UsageFault
from grader.core.report import Report

_SHOWN = 20
"""Names that are listed; a class of 300 without marks is told by its number."""
_WHERE = {
    "canvas": "Canvas's gradebook (Grades, Export)",
    "moodle": "Moodle's grading worksheet (Actions, Download grading worksheet)",
    "gradescope": "Gradescope's grades (Review Grades, Download Grades)",
}


def deliver(form: str, reports: Sequence[Report], to: Path | None) -> None:
    """Write a file of ours; UsageFault where the form needs the platform's worksheet, or a file."""
    from grader.pipeline.grade.publish import write
    from grader.render.exports import FORMATS
    from grader.render.marks_workbook import to_workbook
    from grader.render.platforms.worksheet import for_excel

    if form in _WHERE:
        raise UsageFault(
            f"--format {form} needs --roster FILE: {_WHERE[form]}, which the marks are merged into"
        )
    if form == "xlsx":
        if to is None:
            raise UsageFault("--format xlsx needs --to FILE: a workbook is nothing for a terminal")
        data = to_workbook(reports)
    else:
        text = FORMATS[form](reports)
        if to is None:
            click.echo(text, nl=False)
            return
        data = for_excel(text) if form == "csv" else text.encode("utf-8")
    click.echo(f"{len(reports)} submissions in {write(to, data)}")


def merged(
    form: str,
    roster: Path,
    reports: Sequence[Report],
    to: Path | None,
    *,
    column: str,
    with_open: bool,
    scale: bool,
) -> bool:
    """Write the roster with the marks in it, and say who has none; False where a submission has no row."""
    from grader.pipeline.grade.publish import write
    from grader.render.platforms.gradebooks import WORKSHEETS, fill

    if form not in WORKSHEETS:
        raise UsageFault(f"--roster goes with --format {', '.join(WORKSHEETS)}, not with {form}")
    filled = fill(
        form, roster.read_bytes(), str(roster), reports, column=column, with_open=with_open, scale=scale
    )
    if to is None:
        click.echo(filled.data.decode("utf-8-sig"), nl=False)
    else:
        write(to, filled.data)
    told = f" in {to}" if to is not None else ""
    say(f"{len(filled.marked)} of {filled.rows} rows have a mark{told}")
    if filled.left_open:
        say(
            f"{len(filled.left_open)} cells are left as they were, since points are open "
            f"(`grader queue` lists them, --with-open writes the rest): {_listed(filled.left_open)}"
        )
    if filled.kept:
        say(f"not overwritten: {_listed(f'{who} ({said})' for who, said in filled.kept.items())}")
    if filled.without:
        say(f"{len(filled.without)} rows without a submission: {_listed(filled.without)}")
    for who, reason in filled.unplaced.items():
        say(f"not placed: {who!r}: {reason}")
    return not filled.unplaced


def say(text: str) -> None:
    """Print one line on stderr that quotes names of students."""
    from grader.render.escape import plain

    click.echo(plain(text, 8_000).replace("\n", " "), err=True)


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + rest
