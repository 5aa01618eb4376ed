"""`grader gradescope build|run`: an autograder for Gradescope, and what it starts for each submission."""

from pathlib import Path

import click

_VISIBILITIES = ("visible", "after_published", "after_due_date", "hidden")


@click.group(help="An autograder for Gradescope, with grader and your rubric in it.")
def command() -> None:
    """Group of the Gradescope commands."""


@command.command("build", help="Write autograder.zip, to be uploaded as the autograder of an assignment.")
@click.option(
    "-r", "--rubric", default="default", show_default=True, help="A rubric file or the name of one."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("autograder.zip"),
    show_default=True,
    help="The zip to write.",
)
@click.option(
    "--visibility", type=click.Choice(_VISIBILITIES), default="visible", help="When students see the tests."
)
@click.option(
    "--run-notebook", is_flag=True, help="Also run notebooks, where the image isolates; needs torch."
)
def build(rubric: str, out: Path, visibility: str, *, run_notebook: bool) -> int:
    """Check the rubric, and pack it with grader as it is installed here."""
    from grader.checks.catalogue import catalogue
    from grader.pipeline.grade.publish import write
    from grader.pipeline.plan.rubrics import available, find, load
    from grader.render.platforms.autograder import autograder

    loaded = load(rubric, catalogue())
    own = {path.name: path.read_bytes() for path in available()}
    data = autograder(find(rubric).read_bytes(), own, visibility=visibility, run_notebook=run_notebook)
    points = sum(c.points for c in loaded.rubric.criterion if not c.bonus)
    click.echo(f"{write(out, data)}: {loaded.path}, {points:g} points; set them as Autograder Points")
    return 0


@command.command("run", help="Grade /autograder/submission and write results.json; run_autograder calls it.")
@click.option(
    "-r", "--rubric", default="default", show_default=True, help="A rubric file or the name of one."
)
@click.option(
    "--root", type=click.Path(path_type=Path), default=Path("/autograder"), show_default=True,
    help="Where Gradescope put everything.",
)  # fmt: skip
@click.option("--visibility", type=click.Choice(_VISIBILITIES), default="visible", show_default=True)
@click.option("--run-notebook", is_flag=True, help="Also run the notebook, where something isolates it.")
def run(rubric: str, root: Path, visibility: str, *, run_notebook: bool) -> int:
    """Write results.json, what the rubric hides for instructors alone; whatever fails leaves none."""
    from grader.checks.catalogue import catalogue
    from grader.core.settings import Settings
    from grader.ingest.read import read_submission
    from grader.pipeline.grade.grade_one import grade_one
    from grader.pipeline.grade.publish import write
    from grader.pipeline.plan.rubrics import load
    from grader.render.platforms.gradescope import to_results
    from grader.render.summary import for_student
    from grader.score.marks import student_view

    rules = catalogue()
    loaded = load(rubric, rules)
    settings = Settings(execute=run_notebook, retrain=False)
    report, _ = grade_one(read_submission(root / "submission"), loaded, rules, settings)
    view = for_student(student_view(report, loaded.rubric))
    hidden = [marked for marked in report.outcomes if marked.hidden]
    text = to_results(view, visibility, score=report.score, hidden=hidden)
    written = write(root / "results" / "results.json", text.encode("utf-8"))
    click.echo(f"{report.score:g} of {report.max_score:g} points, {report.pending_points:g} open: {written}")
    return 0
