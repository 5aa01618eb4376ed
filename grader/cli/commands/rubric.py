"""`grader rubric list|show|check`: the mark sheets."""

import click
import msgspec

from grader.cli.commands.rubric_new import new, test


@click.group(help="Look at rubrics: the ones that come with grader, or your own file.")
def command() -> None:
    """Group of the rubric commands."""


command.add_command(new)
command.add_command(test)


@command.command("list", help="List the rubrics that come with grader.")
def list_() -> None:
    """One line a rubric."""
    from grader.checks.catalogue import catalogue
    from grader.pipeline.plan.rubrics import available, load

    for path in available():
        rubric = load(str(path), catalogue()).rubric
        click.echo(f"{path.stem:16} {sum(c.points for c in rubric.criterion):6g} points  {rubric.title}")


@command.command("show", help="Show a rubric's criteria, points and thresholds.")
@click.argument("name", default="default")
@click.option("--json", "as_json", is_flag=True, help="The whole rubric as JSON.")
def show(name: str, as_json: bool) -> None:
    """One line a criterion."""
    from grader.checks.catalogue import catalogue
    from grader.pipeline.plan.rubrics import load

    rules = catalogue()
    rubric = load(name, rules).rubric
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rubric), indent=2).decode())
        return
    click.echo(rubric.title)
    for c in rubric.criterion:
        settings = ", ".join(f"{k} = {v}" for k, v in sorted({**c.params, **c.policy}.items()))
        click.echo(
            f"  {c.points:5g}  {c.check}  "
            f"{c.title or rules[c.check].title}{f'  ({settings})' if settings else ''}"
        )
    click.echo(f"  {sum(c.points for c in rubric.criterion):5g}  in all")


@command.command("check", help="Check a rubric file; reports every fault at once.")
@click.argument("file", type=click.Path())
def check(file: str) -> None:
    """Exit status 2 with one line a fault."""
    from grader.checks.catalogue import catalogue
    from grader.pipeline.plan.rubrics import load

    rubric = load(file, catalogue()).rubric
    points = sum(c.points for c in rubric.criterion)
    click.echo(f"{file}: {len(rubric.criterion)} criteria, {points:g} points, no fault")


@command.command("schema", help="Print the JSON schema of rubric files, for your editor.")
def schema() -> None:
    """2020-12, with every check's own thresholds."""
    import json

    from grader.checks.catalogue import catalogue
    from grader.pipeline.plan.rubric_schema import rubric_schema

    click.echo(json.dumps(rubric_schema(catalogue()), indent=2, ensure_ascii=False))
