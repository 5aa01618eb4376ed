"""`grader store check|prune|path`: the file behind a class."""

from pathlib import Path

import click

from grader.cli.options import store_options


@click.group(help="Look after the store of a class: the database and the submitted bytes.")
def command() -> None:
    """Group of the store commands."""


@command.command("path", help="Print where the store is.")
@store_options
def path(out: Path, store: Path | None) -> None:
    """One line."""
    from grader.cli.options import open_store

    opened = open_store(out, store)
    click.echo(opened.path)
    opened.close()


@command.command("check", help="Check that the database is whole and every object has its hash.")
@store_options
def check(out: Path, store: Path | None) -> int:
    """3 with one line a fault, else 0."""
    from grader.cli.options import open_store
    from grader.cli.output import echo_line
    from grader.store.maintenance import check as checked

    with open_store(out, store) as opened:
        found = checked(opened)
    for fault in found.faults:
        echo_line(fault)
    counts = (("runs", found.runs), ("objects", found.objects), ("decisions", found.decisions))
    told = ", ".join(f"{n} {what}" if n >= 0 else f"{what} unreadable" for what, n in counts)
    click.echo(f"{told}, {len(found.faults)} faults")
    if found.faults:
        click.echo(
            f"To go on: keep what `grader store decisions --store {opened.path}` prints, move the "
            "store away, grade the "
            "class again and give those commands; `grader queue`, `report` and `export` "
            "still read what is whole."
        )
    return 3 if found.faults else 0


@command.command("decisions", help="Print the decisions of persons as the commands that make them again.")
@store_options
def decisions(out: Path, store: Path | None) -> None:
    """One line each, oldest first."""
    import shlex

    from grader.cli.options import open_store
    from grader.cli.output import echo_line
    from grader.cli.override_output import command_of

    with open_store(out, store) as opened:
        for d in opened.decisions():
            echo_line(shlex.join(command_of(d, out)))


@command.command("prune", help="Forget old runs, and what only they needed.")
@click.option("--keep", default=3, show_default=True, type=click.IntRange(min=1), help="Runs to keep.")
@store_options
def prune(keep: int, out: Path, store: Path | None) -> None:
    """Remove the runs and what only they needed; decisions of persons stay."""
    from grader.cli.options import open_store
    from grader.store.maintenance import prune as forget

    with open_store(out, store) as opened:
        removed = forget(opened, keep)
    click.echo(f"forgot {removed.runs} runs, {removed.products} products, {removed.objects} objects")
