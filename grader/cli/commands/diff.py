"""`grader diff RUN1 RUN2`: whose marks moved, and why."""

from pathlib import Path

import click

from grader.cli.options import store_options


@click.command(help="Say whose marks moved between two runs, and why.")
@click.argument("first", type=int)
@click.argument("second", type=int)
@store_options
def command(first: int, second: int, out: Path, store: Path | None) -> int:
    """Print a line a submission that moved and one a criterion; 1 if anything moved, else 0."""
    from grader.checks.catalogue import catalogue
    from grader.cli.options import open_store
    from grader.cli.output import echo_line
    from grader.pipeline.compare import compare
    from grader.pipeline.regrade import reports_of
    from grader.pipeline.rubrics import parse

    opened = open_store(out, store)
    try:
        sides = []
        for number in (first, second):
            run = opened.run(number)
            sides.append(tuple(reports_of(opened, run, parse(run.rubric, run.rubric_name, catalogue()))))
    finally:
        opened.close()
    moved = compare(*sides)
    for change in moved:
        click.echo(f"{change.submission!r}: {change.headline}")
        for line in change.reasons:
            echo_line(f"    {line}")
    click.echo(f"{len(moved)} of {len({r.submission.id for side in sides for r in side})} submissions moved")
    return 1 if moved else 0
