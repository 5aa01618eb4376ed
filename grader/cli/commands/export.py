"""`grader export`: marks for other programs."""

from pathlib import Path

import click

from grader.cli.options import store_options


@click.command(help="Write the marks of a run as CSV, JSON or JUnit XML.")
@click.argument("run", type=int, required=False)
@click.option(
    "--format", "form", type=click.Choice(["csv", "json", "junit"]), default="csv", show_default=True
)
@click.option("--to", type=click.Path(path_type=Path), help="A file (default: the terminal).")
@click.option("--final", is_flag=True, help="Refuse while points of anybody are open.")
@store_options
def command(
    run: int | None, form: str, to: Path | None, out: Path, store: Path | None, *, final: bool
) -> int:
    """Judge from the store and write one file; with `final` nothing is written while points are open (4)."""
    from grader.cli.class_output import echo_not_final
    from grader.cli.exit_status import NEEDS_A_PERSON
    from grader.cli.options import judged, open_store
    from grader.pipeline.grade.publish import write
    from grader.render.exports import FORMATS

    with open_store(out, store) as opened:
        _, reports = judged(opened, run)
    if final and echo_not_final(reports, out):
        return NEEDS_A_PERSON
    text = FORMATS[form](reports)
    if to is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"{len(reports)} submissions in {write(to, text.encode('utf-8'))}")
    return 0
