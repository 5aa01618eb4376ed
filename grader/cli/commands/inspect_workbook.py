"""`grader inspect workbook`: tables, wrong cells, sweep and charts of workbooks, judged as mathematics
only.
"""

import hashlib
import sys
from pathlib import Path

import click
import msgspec

from grader.cli.output import echo_line
from grader.core.facts.replay import BookFacts
from grader.render.inspect_json import book_row, cells_of


@click.command(name="workbook")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON array with an object for every file.")
def command(files: tuple[str, ...], as_json: bool) -> None:
    """Replay .xlsx and .ods workbooks and name the wrong cells; `-` is standard input. Knows no rubric: the
    class error is wrong here.
    """
    books = _read(files)
    if as_json:
        click.echo(
            msgspec.json.format(msgspec.json.encode([book_row(book) for book in books]), indent=1).decode()
        )
        return
    for book in books:
        echo_line(f"{book.artefact}: {book.verdict.value}" + (f": {book.problem}" if book.problem else ""))
        for table in book.tables:
            eta = (
                f"η = {table.eta:g} in {table.eta_cell or 'the formulas'}"
                if table.eta_known
                else "η not found"
            )
            echo_line(
                f"  table {table.sheet}!{table.first_column}{table.header_row}: "
                f"{table.iterations} iterations, {eta}"
            )
        for fault in book.faults:
            echo_line(f"  {fault.severity.value}: {cells_of(fault)}: {fault.message}")
        for one in book.sweep:
            shown = ", ".join(one.sources) or "not shown in this book"
            echo_line(
                f"  η = {one.eta:g}: {shown}; own formulas differ from the reference by "
                f"{one.max_deviation:.1e}"
            )


def _read(names: tuple[str, ...]) -> list[BookFacts]:
    """Read in a second thread, which waits for child processes, while this one loads NumPy and replays."""
    from concurrent.futures import ThreadPoolExecutor

    from grader.extract.workbook.read import read_book

    data = [("standard input" if name == "-" else name, _bytes(name)) for name in names]
    with ThreadPoolExecutor(1) as pool:
        reading = [
            pool.submit(read_book, content, name, hashlib.sha256(content).hexdigest())
            for name, content in data
        ]
        from grader.core.rubric import Profile
        from grader.execute.replay.book.replay_book import replay_book

        return [replay_book(book.result(), Profile()) for book in reading]


def _bytes(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{name}: {error.strerror or error}") from error
