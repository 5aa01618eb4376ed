"""`grader report [RUN]`: score and draw a stored run again."""

from pathlib import Path

import click

from grader.cli.options import store_options


@click.command(
    help="Score and draw a stored run again, for instance after its rubric changed. Touches no submission."
)
@click.argument("run", type=int, required=False)
@click.option("-r", "--rubric", default="", help="A rubric file or name (default: the run's own).")
@store_options
def command(run: int | None, rubric: str, out: Path, store: Path | None) -> int:
    """Judge from the store and write the pages."""
    from grader.checks.catalogue import catalogue
    from grader.cli.class_output import echo_reports
    from grader.cli.exit_status import worst_status
    from grader.cli.options import echo_refused, open_store
    from grader.cli.output import progress_line
    from grader.pipeline.classroom.reports import publish_run
    from grader.pipeline.plan.plan import mark_sheet
    from grader.pipeline.plan.rubrics import load, parse

    with open_store(out, store) as opened:
        found = opened.run(run)
        loaded = load(rubric, catalogue()) if rubric else parse(found.rubric, found.rubric_name, catalogue())
        with progress_line(enabled=True):
            published = publish_run(opened, found, mark_sheet(loaded), out)
    echo_refused(published.failed)
    echo_reports(published.reports)
    click.echo(
        f"run {found.id} of {found.started}, judged with {loaded.path}\nclass page  {out / 'index.html'}"
    )
    return worst_status(published.reports, published.failed.values())
