"""`grader diff RUN1 RUN2`: whose marks moved, and why."""

from pathlib import Path

import click

from grader.cli.options import store_options


@click.command(
    help="Say whose marks moved between two runs, and why. Without numbers: from the run before to the one "
    "that the pages show."
)
@click.argument("first", type=int, required=False)
@click.argument("second", type=int, required=False)
@store_options
def command(first: int | None, second: int | None, out: Path, store: Path | None) -> int:
    """Print a line a submission that moved and one a criterion; 1 if anything moved, else 0."""
    from grader.cli.class_output import echo_moved
    from grader.cli.options import judged, open_store
    from grader.core.faults import UsageFault

    with open_store(out, store) as opened:
        second = opened.run().id if second is None else second
        if first is None:
            others = [run for run in opened.runs() if run.id != second]
            if not others:
                raise UsageFault(f"{opened.path}: there is one run, and nothing to compare it with")
            first = max(others, key=lambda run: (run.shown, run.id)).id
        sides = [judged(opened, number)[1] for number in (first, second)]
    return 1 if echo_moved(*sides) else 0
