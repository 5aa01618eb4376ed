"""What goes to the terminal while a class is graded, and after."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from grader.cli.output import progress_line
from grader.core.outcome import Verdict
from grader.pipeline.batch import Graded, Progress


@contextmanager
def class_progress(*, enabled: bool = True) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows progress: one live line on a terminal, a line a submission elsewhere."""
    live = sys.stderr.isatty()
    with progress_line(enabled=enabled) as line:

        def show(step: Progress) -> None:
            left = _duration(step.seconds_left)
            if live:
                line(f"{step.phase}: {step.done} of {step.total}, about {left} left, {step.id}")
            elif enabled:
                click.echo(f"{step.phase} {step.done}/{step.total} {step.id!r} (about {left} left)", err=True)

        yield show


def echo_class(graded: Graded, class_path: Path) -> None:
    """Print a line a submission, what was refused, and the exact command that retries what failed by our fault."""
    from grader.render.terminal import class_lines

    for line in class_lines(graded.reports):
        click.echo(line)
    for name, reason in graded.refused.items():
        click.echo(f"not graded: {name!r}: {reason}", err=True)
    ours = [r.submission.id for r in graded.reports if any(m.verdict is Verdict.ERROR for m in r.outcomes)]
    if ours:
        only = " ".join(f"--only {shlex.quote(i)}" for i in ours)
        click.echo(
            f"grader failed on {len(ours)}; to try them again: grader batch {shlex.quote(str(class_path))} {only}"
        )
    click.echo(f"class page  {graded.page}")


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
