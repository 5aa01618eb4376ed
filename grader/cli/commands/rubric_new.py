"""`grader rubric new` and `grader rubric test`: make a rubric of your own, and try it on samples."""

import re
from pathlib import Path

import click


@click.command(help="Write a new rubric, copied from one that comes with grader.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--from", "source", default="default", show_default=True, help="The rubric to start from.")
def new(file: Path, source: str) -> int:
    """Copy the text with its comments; the id becomes the file's name."""
    from grader.checks.catalogue import catalogue
    from grader.core.faults import UsageFault
    from grader.pipeline.grade.publish import write
    from grader.pipeline.plan.rubrics import find, load

    load(source, catalogue())
    if file.exists():
        raise UsageFault(f"{file}: exists already; choose another name")
    text = find(source).read_text("utf-8")
    named = re.sub(r'^id = ".*"$', f'id = "{file.stem}"', text, count=1, flags=re.MULTILINE)
    write(file, named.encode("utf-8"))
    click.echo(f"wrote {file}; next: grader rubric check {file}")
    return 0


@click.command(help="Grade samples with a rubric and compare with expected verdicts.")
@click.argument("file", type=click.Path())
@click.option("--on", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--expect", type=click.Path(path_type=Path), help="Table of verdicts (default: print one).")
@click.option("--execute", is_flag=True, help="Run the samples' notebooks, too.")
def test(file: str, folder: Path, expect: Path | None, *, execute: bool) -> int:
    """1 with a line a difference, else 0."""
    from grader.checks.catalogue import catalogue
    from grader.core.settings import Settings
    from grader.pipeline.grade.rubric_samples import as_table, differences, expected_table, grade_samples
    from grader.pipeline.plan.rubrics import load

    loaded = load(file, catalogue())
    reports = grade_samples(folder, loaded, Settings(execute=execute, retrain=False))
    if expect is None:
        click.echo(as_table(reports), nl=False)
        return 0
    wrong = differences(reports, expected_table(expect))
    for d in wrong:
        click.echo(f"{d.submission} {d.criterion}: expected {d.expected}, found {d.found}")
    click.echo(f"{len(reports)} samples, {len(wrong)} differences")
    return 1 if wrong else 0
