"""`grader reproduce PATH`: run the student's own notebook whole and score its weights after every epoch."""

from pathlib import Path

import click

from grader.cli.options import data_option, rubric_option
from grader.core.settings import Settings


@click.command(
    help="Run the notebook of one submission whole, without the true test digits, and score every epoch."
)
@click.argument("path", type=click.Path(path_type=Path))
@rubric_option
@data_option
@click.option(
    "--budget",
    type=click.FloatRange(0.1, 24 * 60),
    default=60.0,
    show_default=True,
    metavar="MINUTES",
    help="Time for all cells; the epochs done by then are kept.",
)
@click.option("--no-canary", is_flag=True, help="Mark no digits of its test split.")
@click.option("--cache", default="", metavar="DIR", help="Keep finished runs here and use them again.")
@click.option("--unsafe-no-sandbox", is_flag=True, help="Run student code without isolation.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def command(path: Path, rubric: str, data: str, budget: float, *, as_json: bool, **options: object) -> None:
    """Exit status 0 whatever comes out; 2 where nothing could be run."""
    import msgspec

    from grader.checks.catalogue import catalogue
    from grader.cli.reproduce_output import EpochLines, echo_facts
    from grader.core.faults import Unavailable, UsageFault
    from grader.execute.notebook import run_notebook
    from grader.execute.reproduce import reproduce_as
    from grader.ingest.read import read_submission
    from grader.pipeline.plan.rubrics import load

    asked = load(rubric, catalogue()).rubric
    settings = Settings(
        data=data,
        reproduce=True,
        reproduce_minutes=budget,
        canary=not options["no_canary"],
        cache=str(options["cache"]),
        unsafe_no_sandbox=bool(options["unsafe_no_sandbox"]),
    )
    try:
        sources = read_submission(path)
        run = run_notebook(sources, settings, asked.execution)
        facts = reproduce_as(sources, run, settings, EpochLines(budget), asked.data)
    except Unavailable as reason:
        raise UsageFault(f"{path}: {reason.reason}") from reason
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(facts), indent=1).decode())
    else:
        echo_facts(facts, asked)
