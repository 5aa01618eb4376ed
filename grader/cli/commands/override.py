"""`grader override`: a person's decision over a check's."""

import getpass
from pathlib import Path

import click

from grader.cli.options import store_options


@click.command(
    help="Decide a criterion of a submission yourself, for all that wait for one reason, or from a list. "
    "Kept over re-grading, shown with who, when and why."
)
@click.argument("submission", default="")
@click.argument("code", default="")
@click.option("--verdict", type=click.Choice(["pass", "partial", "fail", "unknown"]))
@click.option("--credit", type=click.FloatRange(0, 1), help="Share of the points; needed for partial.")
@click.option("--points", type=float, help="Points in the place of a verdict, which follows from them.")
@click.option("--comment", default="", help="For the student, beside or without a decision.")
@click.option("--reason", default="", help="One sentence; the student sees it. Needed for a decision.")
@click.option("--who", default="", help="Whose decision it is (default: your user name).")
@click.option("--all", "everybody", is_flag=True, help="Every outcome that --where names.")
@click.option("--where", default="", metavar="WHAT", help="For instance 'skipped:no-notebook' or 'unknown'.")
@click.option(
    "--from", "listed", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="CSV",
    help="Columns submission, criterion, reason, and verdict (with credit), points or comment.",
)  # fmt: skip
@store_options
def command(submission: str, code: str, out: Path, store: Path | None, **options: object) -> int:
    """Append the decisions, all or none, and draw the run again that the pages show."""
    from grader.checks.catalogue import catalogue
    from grader.cli.options import echo_refused, judged, open_store
    from grader.cli.override_output import echo_decisions, kind_of, wish_of
    from grader.pipeline.classroom.decide import decisions_of, wishes_in, wishes_where
    from grader.pipeline.classroom.rescore import sheet_of
    from grader.pipeline.drawing.whole_class import publish_run
    from grader.store.runs import now

    kind = kind_of(submission, code, options)
    wish = wish_of(submission, code, str(options["who"]) or getpass.getuser(), options)
    with open_store(out, store) as opened:
        run = opened.run()
        sheet = sheet_of(run, catalogue())
        if kind == "where":
            wishes = wishes_where(judged(opened, run.id)[1], str(options["where"]), wish)
        else:
            wishes = {"": wish} if kind == "one" else wishes_in(Path(str(options["listed"])), wish.who)
        ids = opened.delivered(run.id)
        made = decisions_of(wishes, sheet.loaded.rubric, ids, now())
        opened.decide(*made)
        published = publish_run(opened, run, sheet, out)
    echo_refused(published.failed)
    echo_decisions(made, run, out)
    return 0
