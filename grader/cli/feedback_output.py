"""What `grader feedback` writes, and what it says of those who get none."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from grader.render.platforms.feedback import Archive, Handed
    from grader.store.runs import Store


def names_in(class_path: Path | None) -> Mapping[str, tuple[str, ...]]:
    """Return what each submission is called in the platform's download, by its id; nothing without one."""
    from grader.ingest.classes import list_class

    if class_path is None:
        return {}
    with tempfile.TemporaryDirectory() as scratch:
        entries = list_class(class_path, Path(scratch)).entries
        return {e.id: tuple(Path(p).name for p in e.paths) for e in entries}


def hand_out(
    opened: "Store",
    number: int | None,
    form: str,
    out: Path,
    names: Mapping[str, tuple[str, ...]],
    *,
    copies: bool = False,
) -> bool:
    """Draw the feedback of a run and write its archive; False where somebody is left out. `copies`: with the
    students' own files and the findings in them.
    """
    from grader.checks.catalogue import catalogue
    from grader.cli.export_output import say
    from grader.cli.options import echo_refused
    from grader.cli.output import echo_line
    from grader.core.faults import UsageFault
    from grader.pipeline.classroom.feedback import feedback_of
    from grader.pipeline.plan.plan import mark_sheet
    from grader.pipeline.plan.rubrics import parse
    from grader.render.platforms.feedback import Handed, archive

    if copies and form == "gradescope":
        raise UsageFault("Gradescope takes no files back: leave --annotate out, or pack --for folder")
    run = opened.run(number)
    sheet = mark_sheet(parse(run.rubric, run.rubric_name, catalogue()))
    failed: dict[str, str] = {}
    waiting: list[str] = []

    def handed() -> "Iterator[Handed]":
        for one in feedback_of(opened, run, sheet, failed, beside=form == "folder", copies=copies):
            for note in one.notes:
                echo_line(f"{one.report.submission.id}: {note}", err=True)
            if one.report.pending_points:
                waiting.append(one.report.submission.id)
            yield Handed(report=one.report, score=one.score, files=one.files)

    made = archive(form, handed(), names)
    _write(made, out)
    echo_refused(failed)
    for who, reason in made.unplaced.items():
        say(f"not in it: {who!r}: {reason}")
    if waiting:
        say(f"{len(waiting)} of the pages tell of open points; `grader queue` lists them")
    click.echo(f"{made.students} students in {out}, from run {run.id} of {run.started}")
    return not made.unplaced and not failed


def _write(made: "Archive", out: Path) -> None:
    """Write a zip; a name without `.zip` is a folder."""
    from grader.pipeline.grade.publish import write

    if out.suffix.lower() == ".zip":
        write(out, made.packed())
        return
    for path, data in made.files.items():
        write(out / path, data)
        if path in made.executable:
            (out / path).chmod(0o755)
