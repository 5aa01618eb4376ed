"""What a person at a terminal sees and a pipe does not: tables, a page of text, a bar, links.

rich does this, and is imported here alone, inside functions, so that no command pays for it that writes to a
pipe. Whatever quotes a submission enters as `Text`, never as rich's markup, and has lost its control
characters before.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from grader.core.crash_log import printable

if TYPE_CHECKING:
    from rich.console import Console

CELL = 400
"""Characters of one cell of a table; its rest stands on the page."""


def watched(stream: IO[str]) -> bool:
    """Whether a person looks at a stream, on a terminal that can move its cursor (`TERM=dumb` cannot)."""
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: frozenset[int] = frozenset()
) -> None:
    """Print a table as wide as the terminal; `numbers` are the columns that are aligned at their ends."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from grader.render.escape import plain

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        table.add_column(name, justify="right" if index in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell, CELL)) for cell in row))
    _console(sys.stdout).print(table)


def print_markdown(text: str) -> None:
    """Print a page of our own docs with its headings, lists and code."""
    from rich.markdown import Markdown

    _console(sys.stdout).print(Markdown(text, code_theme="ansi_dark", hyperlinks=True))


def linked(path: Path) -> str:
    """Return a path that a terminal opens when it is clicked (OSC 8); elsewhere, and with NO_COLOR, the path
    alone.
    """
    if not watched(sys.stdout) or os.environ.get("NO_COLOR"):
        return str(path)
    return f"\x1b]8;;{path.resolve().as_uri()}\x1b\\{path}\x1b]8;;\x1b\\"


@contextmanager
def bar() -> "Iterator[Bar]":
    """Yield a bar that shows how far a class is: what is done, of how many, and what else there is to say."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.text import Text

    class Told(TextColumn):
        """Text of a submission, as text and not as markup."""

        def render(self, task):  # type: ignore[no-untyped-def]
            """Return what the last call said."""
            return Text(str(task.fields.get("told", "")), overflow="ellipsis", no_wrap=True)

    progress = Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), Told(""),
        console=_console(sys.stderr), transient=True, expand=True,
        auto_refresh=False,  # a thread would draw it ten times a second, and no worker be forked beside one
    )  # fmt: skip
    task = progress.add_task("", total=None)

    with progress:
        yield Bar(lambda **fields: progress.update(task, refresh=True, **fields))


class Bar:
    """One line that is drawn over and over."""

    def __init__(self, update: Callable[..., None]) -> None:
        self._update = update

    def count(self, phase: str, done: int, total: int, told: str) -> None:
        """Say how many of a phase are done."""
        self._update(description=phase, completed=done, total=total, told=printable(told))

    def say(self, told: str) -> None:
        """Say what long work is at, beside the count."""
        self._update(told=printable(told))


def _console(stream: IO[str]) -> "Console":
    from rich.console import Console

    return Console(file=stream, markup=False, emoji=False, highlight=False, soft_wrap=False)
