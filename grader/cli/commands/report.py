"""`grader report [RUN]`: score and draw a stored run again."""

from pathlib import Path

import click

from grader.cli.options import store_options


@click.command(
    help="Score and draw a stored run again, for instance after its rubric changed. Touches no submission. "
    "Another rubric makes a run of its own, which shares the facts; who moved is told at the end."
)
@click.argument("run", type=int, required=False)
@click.option("-r", "--rubric", default="", help="A rubric file or name (default: the run's own).")
@store_options
def command(run: int | None, rubric: str, out: Path, store: Path | None) -> int:
    """Judge from the store, write the pages, and say whose marks moved."""
    from grader.cli.class_output import echo_moved, echo_reports
    from grader.cli.exit_status import worst_status
    from grader.cli.options import echo_refused, open_store
    from grader.cli.output import echo_line, progress_line
    from grader.pipeline.classroom.rescore import score_again

    with open_store(out, store) as opened, progress_line(enabled=True):
        again = score_again(opened, opened.run(run), rubric, out)
    echo_refused(again.published.failed)
    echo_reports(again.published.reports)
    for notice in again.published.notices:
        echo_line(notice)
    click.echo(f"{again.run}\nclass page  {out / 'index.html'}")
    if again.before is not None:
        echo_moved(again.before, again.published.reports)
    return worst_status(again.published.reports, again.published.failed.values())
