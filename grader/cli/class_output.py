"""What goes to the terminal while a class is graded, and after."""

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from grader.cli.options import echo_refused
from grader.cli.output import echo_line, progress_line, unicode_wanted
from grader.cli.screen import bar, linked, print_table, watched
from grader.core.progress import listening
from grader.core.report import Report
from grader.pipeline.classroom.diff import compare
from grader.pipeline.classroom.grade_class import Graded
from grader.pipeline.stages.request import Progress

_OPEN_SHOWN = 20
"""Submissions that are named where marks are not final yet."""


@contextmanager
def class_progress(*, enabled: bool = True) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows progress: one live line on a terminal, a line a submission elsewhere."""
    if enabled and watched(sys.stderr):
        with bar() as line, listening(line.say):
            yield lambda step: line.count(
                step.phase, step.done, step.total, f"about {_left(step)} left, {step.id}"
            )
        return
    with progress_line(enabled=enabled):

        def show(step: Progress) -> None:
            if enabled:
                text = f"{step.phase} {step.done}/{step.total} {step.id!r} (about {_left(step)} left)"
                click.echo(text, err=True)

        yield show


def _left(step: Progress) -> str:
    left = _duration(step.seconds_left)
    return left + (f" and {' and '.join(step.not_counted)}" if step.not_counted else "")


def echo_class(graded: Graded, context: click.Context) -> None:
    """Print a line a submission, what was refused, and the exact command that retries what failed or was
    left.
    """
    echo_reports(graded.reports)
    echo_refused(graded.refused)
    for notice in graded.notices:
        echo_line(notice)
    if graded.left:
        click.echo(
            f"the budget is spent, {graded.left} were not retrained; to go on: {command_again(context)}"
        )
    if graded.failed:
        click.echo(
            f"{len(graded.failed)} could not be graded in full; to try them again: "
            f"{command_again(context, only=graded.failed)}"
        )
    if graded.absent:
        click.echo(
            f"{graded.absent} of the class are not on the page: they were never graded with this "
            "rubric and these options"
        )
    click.echo(f"class page  {linked(graded.page)}")


def echo_reports(reports: Sequence[Report]) -> None:
    """Print a line a submission, those who need a person first; a table where somebody looks."""
    from grader.render.terminal import class_cells, class_lines

    if reports and watched(sys.stdout) and unicode_wanted():
        columns = ("result", "submission", "points", "open", "most costly")
        print_table(columns, class_cells(reports), numbers=frozenset({2, 3}))
        return
    for line in class_lines(reports, unicode=unicode_wanted()):
        click.echo(line)


def echo_not_final(reports: Sequence[Report], out: Path) -> bool:
    """Say on stderr whose points are open, and what decides them; False where all marks are final."""
    waiting = [r for r in reports if r.pending_points]
    for report in waiting[:_OPEN_SHOWN]:
        click.echo(f"{report.submission.id!r}: {report.pending_points:g} points open", err=True)
    if len(waiting) > _OPEN_SHOWN:
        click.echo(f"and {len(waiting) - _OPEN_SHOWN} more", err=True)
    if waiting:
        where = f" -o {shlex.quote(str(out))}"
        click.echo(
            f"grader: the marks of {len(waiting)} of {len(reports)} are not final, nothing is written; "
            f"`grader queue{where}` lists what waits for a person, `grader override --help` says how to "
            "decide it, one by one or for all",
            err=True,
        )
    return bool(waiting)


def echo_moved(before: Sequence[Report], after: Sequence[Report]) -> bool:
    """Print whose marks moved between two gradings, and why; False where nobody's did."""
    moved = compare(before, after)
    for change in moved.changes:
        click.echo(f"{change.submission!r}: {change.headline}")
        for line in change.reasons:
            echo_line(f"    {line}")
    click.echo(f"{len(moved.changes)} of {moved.compared} submissions moved")
    return bool(moved.changes)


def command_again(context: click.Context, **changed: object) -> str:
    """Return the command that was given, as one may paste it into a shell, with some options changed."""
    words = ["grader", context.info_name or ""]
    values = {**context.params, **changed}
    for param in context.command.params:
        value = values.get(param.name or "")
        if isinstance(param, click.Argument):
            words.append(str(value))
        elif value and value != param.default:
            option = max(param.opts, key=len)
            for each in value if isinstance(value, tuple) else (value,):
                words += [option] if each is True else [option, str(each)]
    return shlex.join(words)


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
