"""`grader retrain PATH`: train the submitted network ourselves and say fairly whether it reaches its goal."""

from pathlib import Path

import click

from grader.cli.options import data_option, rubric_option
from grader.core.facts.retrain import RecipeUsed
from grader.core.settings import Device, Settings


def exact_alone(_context: click.Context, _parameter: click.Parameter, mode: str) -> None:
    """Take what scripts of before say for what there is, and refuse the mode that is gone."""
    if mode != "exact":
        raise click.BadParameter("there is no mode fast any more: nobody was judged by it. Leave --mode out.")


@click.command(help="Train the network of one submission from fresh weights and apply the rubric's rule.")
@click.argument("path", type=click.Path(path_type=Path))
@rubric_option
@click.option(
    "--model", "name", default="", metavar="ID", help="The [[model]] (default: the main notebook's)."
)
@click.option(
    "--recipe", type=click.Choice([r.value for r in RecipeUsed]), default="student", show_default=True
)
@click.option("--seeds", type=click.IntRange(1, 20), help="At most so many runs (default: the rubric's).")
@click.option("--epochs", type=click.IntRange(1, 100), help="At most so many each (default: the rubric's).")
@click.option("--device", type=click.Choice([d.value for d in Device]), default="auto", show_default=True)
@click.option(
    "--mode", type=click.Choice(["exact", "fast"]), default="exact", hidden=True, callback=exact_alone
)
@data_option
@click.option(
    "--cache", default="", metavar="DIR", help="Keep and resume runs here (default: the user's cache)."
)
@click.option("-q", "--quiet", is_flag=True, help="No line an epoch.")
@click.option("--unsafe-no-sandbox", is_flag=True, help="Run student code without isolation.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def command(
    path: Path, rubric: str, name: str, recipe: str, *, as_json: bool, quiet: bool, **options: object
) -> None:
    """Exit status 0 whatever the verdict; 2 where nothing could be trained."""
    import msgspec

    from grader.checks.catalogue import catalogue
    from grader.cli.options import runs_folder
    from grader.cli.output import progress_line
    from grader.cli.retrain_output import echo_facts, model_of, only, rule_of
    from grader.core.faults import Unavailable, UsageFault
    from grader.core.progress import tell
    from grader.execute.engine.runs.wish import Wish
    from grader.execute.epochs import EpochLines
    from grader.execute.notebook import run_notebook
    from grader.execute.retrain import retrain_as
    from grader.ingest.read import read_submission
    from grader.pipeline.plan.rubrics import load

    asked = load(rubric, catalogue()).rubric
    settings = Settings(
        data=str(options["data"]),
        device=Device(str(options["device"])),
        unsafe_no_sandbox=bool(options["unsafe_no_sandbox"]),
        cache=str(options["cache"]) or runs_folder(),
    )
    model = model_of(asked, name)
    rule = rule_of(asked, model, {"seeds": options["seeds"], "epochs": options["epochs"]})
    wish = Wish(RecipeUsed(recipe), rule, EpochLines(rule.epochs, tell))
    try:
        with progress_line(enabled=not quiet):
            one = only(model, read_submission(path), asked)
            run = run_notebook(one.sources, settings, one.execution)
            facts = retrain_as(run, settings, wish, one.logs, asked.data)
    except Unavailable as reason:
        raise UsageFault(f"{path}: {reason.reason}") from reason
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(facts), indent=1).decode())
    else:
        echo_facts(facts, rule)
