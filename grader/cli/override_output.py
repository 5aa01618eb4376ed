"""What `grader override` is asked for, and what it says of what it did."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.output import echo_line
from grader.core.decision import Decision
from grader.core.faults import UsageFault
from grader.core.outcome import Verdict
from grader.pipeline.classroom.decide import Wish

if TYPE_CHECKING:
    from grader.store.runs import Run

_SHOWN = 20


def kind_of(submission: str, code: str, options: Mapping[str, object]) -> str:
    """Return `one`, `where` or `list`; UsageFault for a mixture or half of one."""
    if bool(options["everybody"]) != bool(options["where"]):
        raise UsageFault("--all and --where go together: --all --where 'skipped:no-notebook'")
    ways = [bool(submission or code), bool(options["where"]), options["listed"] is not None]
    if sum(ways) != 1 or bool(submission) != bool(code):
        raise UsageFault("say SUBMISSION and CODE, or --all --where WHAT, or --from CSV")
    given = [n for n in ("verdict", "credit", "points", "comment", "reason") if options[n] not in ("", None)]
    if ways[2] and given:
        raise UsageFault(f"--{given[0]} stands in the columns of the list")
    return ("one", "where", "list")[ways.index(True)]


def wish_of(submission: str, code: str, who: str, options: Mapping[str, object]) -> Wish:
    """Return what the options ask for, about one criterion or as a pattern for many."""

    def said(name: str) -> str:
        return "" if options[name] is None else str(options[name])

    return Wish(
        submission=submission,
        criterion=code,
        verdict=said("verdict"),
        credit=said("credit"),
        points=said("points"),
        comment=said("comment"),
        reason=said("reason"),
        who=who,
    )


def command_of(d: Decision, out: Path) -> list[str]:
    """Return the words of the command that makes a decision again."""
    words = ["grader", "override", d.submission, d.code]
    words += ["--verdict", d.verdict.value] if d.verdict else []
    words += ["--credit", f"{d.credit:g}"] if d.verdict is Verdict.PARTIAL else []
    words += ["--points", f"{d.points:g}"] if d.points is not None else []
    words += ["--comment", d.comment] if d.comment else []
    words += ["--reason", d.reason] if d.reason else []
    return [*words, "--who", d.who, "-o", str(out)]


def echo_decisions(made: Sequence[Decision], run: "Run", out: Path) -> None:
    """Print a line a decision, and which run shows it."""
    for d in made[:_SHOWN]:
        told = [d.verdict.value] if d.verdict else []
        told += [f"{d.points:g} points"] if d.points is not None else []
        told += ["a comment"] if d.comment else []
        echo_line(f"{d.submission} {d.code}: {' and '.join(told)}, decided by {d.who}")
    if len(made) > _SHOWN:
        click.echo(f"and {len(made) - _SHOWN} more")
    click.echo(f"{run}: the pages under {out} show it; after other changes: grader report -o {out}")
