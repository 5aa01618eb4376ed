"""`grader feedback`: each student's page, packed as the platform uploads it to all of them at once."""

from pathlib import Path

import click

from grader.cli.options import annotate_option

_FORMS = ("moodle", "canvas", "gradescope", "folder")


@click.command(help="Pack the students' pages as your platform uploads them to a whole class.")
@click.argument("class_path", metavar="[CLASS]", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--for", "form", type=click.Choice(_FORMS), required=True, help="Whose layout.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The archive to write.")
@click.option("--run", type=int, help="A run by its number (default: the newest).")
@click.option(
    "--reports", type=click.Path(path_type=Path), default=Path("reports"), show_default=True,
    help="Where the reports are.",
)  # fmt: skip
@annotate_option
@click.option(
    "--store", type=click.Path(path_type=Path), help="Store file (default: REPORTS/.grader/store.sqlite)."
)
def command(
    class_path: Path | None, form: str, out: Path, run: int | None, reports: Path, store: Path | None,
    *, annotate: bool,
) -> int:  # fmt: skip
    """Write one archive; 4 where somebody is not in it. CLASS is the download, for the names in it."""
    from grader.cli.exit_status import DONE, NEEDS_A_PERSON
    from grader.cli.feedback_output import hand_out, names_in
    from grader.cli.options import open_store

    names = names_in(class_path)
    with open_store(reports, store) as opened:
        whole = hand_out(opened, run, form, out, names, copies=annotate)
    return DONE if whole else NEEDS_A_PERSON
