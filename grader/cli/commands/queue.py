"""`grader queue`: what waits for a person."""

import sys
from pathlib import Path

import click

from grader.cli.options import store_options


@click.command(help="List what waits for a person, worst first, with the command that decides each.")
@click.argument("run", type=int, required=False)
@store_options
def command(run: int | None, out: Path, store: Path | None) -> int:
    """Print unknown and error outcomes, most points first; 4 if there is any, else 0."""
    from grader.cli.exit_status import DONE, NEEDS_A_PERSON
    from grader.cli.options import judged, open_store
    from grader.cli.output import echo_line
    from grader.cli.screen import print_table, watched
    from grader.core.outcome import Verdict
    from grader.render.class_rows import decide

    with open_store(out, store) as opened:
        _, reports = judged(opened, run)
    waiting = [
        (m.verdict.severity, -m.max_points, r.submission.id, m)
        for r in reports
        for m in r.outcomes
        if m.verdict in (Verdict.ERROR, Verdict.UNKNOWN)
    ]
    waiting.sort(key=lambda w: (*w[:3], w[3].criterion))
    where = "" if str(out) == "reports" else str(out)
    if waiting and watched(sys.stdout):
        rows = [(m.verdict.value, f"{m.max_points:g}", name, m.code, m.summary) for _, _, name, m in waiting]
        print_table(("", "points", "submission", "check", "what to look at"), rows, numbers=frozenset({1}))
        for _, _, name, m in waiting:
            click.echo(decide(name, m.criterion, where))
    else:
        for _, _, name, m in waiting:
            echo_line(f"{m.verdict.value:7} {m.max_points:5g} points  {name!r} {m.code}: {m.summary}")
            click.echo(f"        {decide(name, m.criterion, where)}")
    click.echo(f"{len(waiting)} outcomes wait for a person")
    return NEEDS_A_PERSON if waiting else DONE
