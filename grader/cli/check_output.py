"""What `grader check` prints: for people, for GitHub, for code scanning."""

import os
import shutil
from pathlib import Path

import click

from grader.cli.output import color_wanted, unicode_wanted
from grader.core.report import Report
from grader.pipeline.grade.self_check import HONEST_LINE

STEPS_SHOWN = 5


def echo_check(report: Report, form: str, *, executed: bool, page: Path | None) -> None:
    """Print one report in the wanted form."""
    if form == "json":
        from grader.render.result_json import encode

        click.echo(encode(report).decode("utf-8"), nl=False)
    elif form == "github":
        _github(report)
    elif form == "sarif":
        click.echo(sarif_of(report), nl=False)
    else:
        _text(report, executed=executed, page=page)


def sarif_of(report: Report) -> str:
    """Return the SARIF log of one report, with each check's page as help."""
    from grader.checks.catalogue import catalogue
    from grader.render.sarif import to_sarif

    return to_sarif(report, {r.code: r.doc for r in catalogue().values()}, _prefix())


def _text(report: Report, *, executed: bool, page: Path | None) -> None:
    from grader.render.summary import next_steps
    from grader.render.terminal import print_report

    width = shutil.get_terminal_size().columns
    click.echo(
        print_report(
            report, width=width, color=color_wanted(), unicode=unicode_wanted(), steps_last=STEPS_SHOWN
        )
    )
    if not next_steps(report):
        open_points = f"; {report.pending_points:g} points are open" if report.pending_points else ""
        click.echo(f"\nNothing left to do{open_points}.")
    if executed:
        click.echo(f"\n{HONEST_LINE}")
    if page is not None:
        click.echo(f"page  {page}")


def _github(report: Report) -> None:
    from grader.render.github import annotations, classroom_points, summary

    # First, since GitHub shows only ten notices of a step.
    click.echo(classroom_points(report), nl=False)
    click.echo(annotations(report, _prefix()), nl=False)
    for variable, text in (
        ("GITHUB_STEP_SUMMARY", summary(report)),
        (
            "GITHUB_OUTPUT",
            f"score={report.score:g}\nmax-score={report.max_score:g}\nverdict={report.verdict.value}\n",
        ),
    ):
        target = os.environ.get(variable)
        if target:
            with Path(target).open("a", encoding="utf-8") as handle:
                handle.write(text)


def _prefix() -> str:
    return os.environ.get("GRADER_PREFIX", "").strip("/")
