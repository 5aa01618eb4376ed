"""`grader plan PATH`: what would run, and why."""

from pathlib import Path

import click


@click.command(help="Show what grading PATH would compute, and which check wants it. Runs nothing.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "-r", "--rubric", default="default", show_default=True, help="A rubric file or the name of one."
)
def command(path: Path, rubric: str) -> None:
    """Print the artefacts, the steps in their order, and the criteria."""
    from grader.checks.catalogue import catalogue
    from grader.cli.output import echo_line
    from grader.ingest.read import read_submission
    from grader.pipeline.plan.plan import make_plan
    from grader.pipeline.plan.rubrics import load

    rules = catalogue()
    loaded = load(rubric, rules)
    submission = read_submission(path).submission
    plan = make_plan(loaded.rubric, rules)
    click.echo(f"{submission.id}: {len(submission.artefacts)} files")
    for a in submission.artefacts:
        mark = "main " if a.main else ""
        echo_line(f"  {mark}{a.kind.value:9} {a.path!r}{f'  ({a.note})' if a.note else ''}")
    for doubt in submission.doubts:
        echo_line(f"  ? {doubt}")
    click.echo(f"rubric {loaded.rubric.id}: {len(plan.steps)} steps")
    for step in plan.steps:
        click.echo(f"  {step.provider.phase.value:8} {step.provider.name:10} for {', '.join(step.wanted_by)}")
    for each in plan.models:
        click.echo(f"and of {each.model.called}: {', '.join(s.provider.name for s in each.plan.steps)}")
    click.echo(f"then {len(plan.criteria)} criteria: {', '.join(sorted({c.check for c in plan.criteria}))}")
