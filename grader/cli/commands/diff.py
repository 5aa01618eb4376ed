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
    from grader.cli.options import judged, open_store
    from grader.cli.output import echo_line
    from grader.pipeline.classroom.diff import compare

    with open_store(out, store) as opened:
        sides = [judged(opened, number)[1] for number in (first, second)]
    moved = compare(*sides)
    for change in moved:
        click.echo(f"{change.submission!r}: {change.headline}")
        for line in change.reasons:
            echo_line(f"    {line}")
    click.echo(f"{len(moved)} of {len({r.submission.id for side in sides for r in side})} submissions moved")
    return 1 if moved else 0
