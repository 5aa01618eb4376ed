"""`grader export`: marks for other programs, and for the platform that the class came from."""

from pathlib import Path

import click

from grader.cli.options import store_options

FORMATS = ("csv", "json", "junit", "xlsx", "canvas", "moodle", "gradescope")


@click.command(
    help="Write the marks of a run: as a file, or merged into the worksheet that your platform exported."
)
@click.argument("run", type=int, required=False)
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("--to", type=click.Path(path_type=Path), help="A file (default: the terminal).")
@click.option(
    "--roster",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The platform's own worksheet; with --format csv any list with a column that says who it is.",
)
@click.option(
    "--column", default="", metavar="NAME", help="Column of the roster: of marks; with csv, of who it is."
)
@click.option(
    "--with-open", is_flag=True, help="Also marks of which points are open: they count as none there."
)
@click.option("--scale", is_flag=True, help="Convert to the maximum of the platform's column.")
@click.option("--final", is_flag=True, help="Refuse while points of anybody are open.")
@store_options
def command(run: int | None, form: str, out: Path, store: Path | None, **options: object) -> int:
    """Judge from the store and write one file; with `final` nothing is written while points are open (4)."""
    from grader.cli.class_output import echo_not_final
    from grader.cli.exit_status import DONE, NEEDS_A_PERSON
    from grader.cli.export_output import deliver, merged
    from grader.cli.options import judged, open_store

    to = Path(str(options["to"])) if options["to"] else None
    roster = Path(str(options["roster"])) if options["roster"] else None
    with open_store(out, store) as opened:
        _, reports = judged(opened, run)
    if options["final"] and echo_not_final(reports, out):
        return NEEDS_A_PERSON
    if roster is None:
        deliver(form, reports, to)
        return DONE
    whole = merged(
        form,
        roster,
        reports,
        to,
        column=str(options["column"]),
        with_open=bool(options["with_open"]),
        scale=bool(options["scale"]),
    )
    return DONE if whole else NEEDS_A_PERSON
