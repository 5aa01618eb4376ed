"""`grader batch CLASS`: every submission of a folder."""

from pathlib import Path

import click

from grader.cli.options import run_options, settings_from


@click.command(help="Grade every folder and zip in CLASS and write a page for each and one for the class.")
@click.argument("class_folder", metavar="CLASS", type=click.Path(path_type=Path))
@click.option(
    "-r", "--rubric", default="default", show_default=True, help="A rubric file or the name of one."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Where reports go.",
)
@run_options
def command(class_folder: Path, rubric: str, out: Path, **options: object) -> int:
    """Print a line a submission, then where the pages are; returns the exit status of the worst."""
    from grader.checks.catalogue import catalogue
    from grader.cli.output import progress_line
    from grader.cli.status import DONE, NEEDS_A_PERSON, worst_status
    from grader.pipeline.batch import grade_class
    from grader.pipeline.rubrics import load
    from grader.render.terminal import class_lines

    rules = catalogue()
    loaded = load(rubric, rules)
    with progress_line(enabled=True) as progress:
        graded = grade_class(class_folder, loaded, rules, settings_from(options), out=out, progress=progress)
    for line in class_lines(graded.reports):
        click.echo(line)
    for name, reason in graded.refused:
        click.echo(f"not graded: {name!r}: {reason}", err=True)
    click.echo(f"class page  {graded.page}")
    return max(worst_status(graded.reports), NEEDS_A_PERSON if graded.refused else DONE)
