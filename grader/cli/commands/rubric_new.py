"""`grader rubric new` and `grader rubric test`: make a rubric of your own, and try it on samples."""

import re
import sys
from pathlib import Path

import click

from grader.cli.rubric_questions import question_options, tables, wanted


@click.command(help="Write a new rubric, copied from one that comes with grader; asks for what is yours.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--from", "source", default="default", show_default=True, help="The rubric to start from.")
@click.option(
    "--ask/--no-ask",
    default=None,
    help="Ask for network, data and limits (default: at a terminal, without options).",
)
@question_options
def new(file: Path, source: str, *, ask: bool | None, **options: str | None) -> int:
    """Copy the text with its comments; the id becomes the file's name."""
    from grader.checks.catalogue import catalogue
    from grader.core.faults import UsageFault
    from grader.pipeline.grade.publish import write
    from grader.pipeline.plan.rubric_text import changed
    from grader.pipeline.plan.rubrics import find, load

    rubric = load(source, catalogue()).rubric
    if file.exists():
        raise UsageFault(f"{file}: exists already; choose another name")
    given = {f"--{name.replace('_', '-')}": value for name, value in options.items() if value is not None}
    asking = sys.stdin.isatty() and sys.stdout.isatty() and not given if ask is None else ask
    values = tables(wanted(rubric, given, ask=asking))
    text = find(source).read_text("utf-8")
    text = re.sub(r'^id = ".*"$', f'id = "{file.stem}"', text, count=1, flags=re.MULTILINE)
    write(file, changed(text, rubric, values, catalogue()).encode("utf-8"))
    if "network" in values:
        click.echo("[profile] has some values for the new network: put the course's own there")
    click.echo(f"wrote {file}; next: grader rubric check {file}")
    return 0


@click.command(help="Show what each check asks for, grade samples, and compare with expected verdicts.")
@click.argument("file", type=click.Path())
@click.option(
    "--on",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of samples (default: only show what each check asks for).",
)
@click.option("--expect", type=click.Path(path_type=Path), help="Table of verdicts (default: print one).")
@click.option("--execute", is_flag=True, help="Run the samples' notebooks, too.")
def test(file: str, folder: Path | None, expect: Path | None, *, execute: bool) -> int:
    """1 with a line a difference, else 0."""
    from grader.checks.catalogue import catalogue
    from grader.core.settings import Settings
    from grader.pipeline.grade.rubric_samples import as_table, differences, expected_table, grade_samples
    from grader.pipeline.plan.rubric_asks import asks
    from grader.pipeline.plan.rubrics import load

    loaded = load(file, catalogue())
    for line in asks(loaded.rubric, catalogue()):
        click.echo(f"# {line}")
    if folder is None:
        return 0
    reports = grade_samples(folder, loaded, Settings(execute=execute, retrain=False))
    if expect is None:
        click.echo(as_table(reports), nl=False)
        return 0
    wrong = differences(reports, expected_table(expect))
    for d in wrong:
        click.echo(f"{d.submission} {d.criterion}: expected {d.expected}, found {d.found}")
    click.echo(f"{len(reports)} samples, {len(wrong)} differences")
    return 1 if wrong else 0
