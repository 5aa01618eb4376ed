"""`grader assign`: numbers of each student's own, a sheet to begin with, and the rubric that knows them."""

from pathlib import Path

import click

from grader.cli.options import rubric_option


@click.command(help="Give each student of a roster numbers of its own: sheets, and a rubric that knows them.")
@click.option(
    "--roster",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="A CSV file with a row a student: yours, or the worksheet of your platform.",
)
@click.option("--seed", type=int, required=True, help="The same seed gives everybody the same numbers again.")
@click.option("--column", default="", metavar="NAME", help="Column that names the submission (default: id).")
@rubric_option
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="A new folder for what is written."
)
def command(roster: Path, seed: int, column: str, rubric: str, out: Path) -> int:
    """Write OUT/rubric.toml for grading, and OUT/students/NAME.xlsx and NAME.toml to hand out."""
    from grader.checks.catalogue import catalogue
    from grader.cli.assign_output import students_of
    from grader.core.faults import UsageFault
    from grader.ingest.slug import slug
    from grader.pipeline.grade.publish import write
    from grader.pipeline.plan.own_numbers import drawn, text_for, text_with
    from grader.pipeline.plan.rubrics import find, load, parse
    from grader.render.own_sheet import own_sheet

    if out.exists() and any(out.iterdir()):
        raise UsageFault(f"{out}: is not empty; numbers that were handed out are not written over")
    rules = catalogue()
    loaded = load(rubric, rules).rubric
    if loaded.student:
        raise UsageFault(f"{rubric}: has numbers of each student's own already; take the rubric without them")
    names = students_of(roster, column)
    text = find(rubric).read_text("utf-8")
    own = {name: drawn(loaded.profile, seed, name) for name in names}
    whole = text_with(text, own).encode("utf-8")
    parse(whole, "the new rubric", rules)
    write(out / "rubric.toml", whole)
    for name, numbers in own.items():
        write(out / "students" / f"{slug(name)}.xlsx", own_sheet(numbers))
        write(out / "students" / f"{slug(name)}.toml", text_for(text, numbers).encode("utf-8"))
    click.echo(
        f"wrote numbers of {len(own)} students into {out}; "
        f"grade with: grader batch CLASS -r {out / 'rubric.toml'}"
    )
    return 0
