"""What goes to the terminal while and after grading."""

import codecs
import io
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from grader.cli.screen import linked, watched
from grader.core.crash_log import printable
from grader.core.progress import listening
from grader.core.report import Report

if TYPE_CHECKING:
    from grader.pipeline.grade.publish import Written

LINE = 8_000
"""Characters of one line that quotes a submission."""


@contextmanager
def progress_line(*, enabled: bool) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows one line of progress on a terminal's stderr, and nothing elsewhere.

    What long work tells inside the block (`grader.core.progress`) goes the same way on a terminal, and is a
    line each elsewhere.
    """
    live = enabled and watched(sys.stderr)

    def show(text: str) -> None:
        if live:
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"\r\x1b[2K{printable(text)[:width]}", nl=False, err=True)

    def say(text: str) -> None:
        if live:
            show(text)
        elif enabled:
            click.echo(text, err=True)

    try:
        with listening(say):
            yield show
    finally:
        if live:
            click.echo("\r\x1b[2K", nl=False, err=True)


def speak_unicode() -> None:
    """Let no symbol end a run: pipes get UTF-8, a terminal of another encoding gets escapes for what it
    cannot show.

    On Windows a pipe is cp1252, which has no ∂ and no ✓, and a JSON or SARIF reader expects UTF-8.
    PYTHONIOENCODING is obeyed.
    """
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper) or _is_utf8(stream):
            continue
        if stream.isatty() or os.environ.get("PYTHONIOENCODING"):
            stream.reconfigure(errors="backslashreplace")
        else:
            stream.reconfigure(encoding="utf-8")


def unicode_wanted() -> bool:
    """Whether stdout can encode the symbols of a report."""
    return not isinstance(sys.stdout, io.TextIOWrapper) or _is_utf8(sys.stdout)


def _is_utf8(stream: io.TextIOWrapper) -> bool:
    return codecs.lookup(stream.encoding).name in ("utf-8", "utf-8-sig", "utf-16", "utf-32")


def echo_line(text: str, *, err: bool = False) -> None:
    """Print one line that quotes a submission: what would steer the terminal or begin a line of its own is
    written out.
    """
    from grader.render.escape import plain

    click.echo(plain(text, LINE).replace("\n", " "), err=err)


def color_wanted() -> bool:
    """Whether stdout is a terminal that has colours, and NO_COLOR (no-color.org) is not set."""
    return watched(sys.stdout) and not os.environ.get("NO_COLOR")


def echo_report(report: Report, written: "Written", *, as_json: bool, quiet: bool) -> None:
    """Print a report the way the options ask for."""
    from grader.render.result_json import encode
    from grader.render.terminal import print_report

    if as_json:
        click.echo(encode(report).decode("utf-8"), nl=False)
        return
    width = shutil.get_terminal_size().columns
    click.echo(print_report(report, width=width, color=color_wanted(), quiet=quiet, unicode=unicode_wanted()))
    click.echo(f"page    {linked(written.page)}\nresult  {linked(written.result)}")


def echo_copies(written: "Written", *, err: bool) -> None:
    """Print where the copies with findings are, why one is missing, and what makes a page of a notebook."""
    from importlib.util import find_spec

    from grader.core.distribution import install_hint

    for copy in written.copies:
        click.echo(f"copy    {linked(copy)}", err=err)
    for note in written.notes:
        echo_line(note, err=err)
    notebook = next((copy for copy in written.copies if copy.suffix == ".ipynb"), None)
    if notebook is None:
        if not written.copies and not written.notes:
            click.echo("no copies: nothing was found that speaks of a notebook or a workbook", err=err)
    elif find_spec("nbconvert") is None:
        click.echo(
            f"as a page: {install_hint('feedback')}, then the command of docs/how-to/feedback.md", err=err
        )
    else:
        click.echo(f"as a page: jupyter nbconvert --to grader {shlex.quote(str(notebook))}", err=err)
