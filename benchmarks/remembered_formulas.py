"""How many formulas of the workbooks of a class were decided for an earlier one, and what that saves of their
replay.

    python -m benchmarks remembered_formulas FOLDER [--repeats 3]

All workbooks below FOLDER, replayed one after another in this process: once counted, then each with and without
what is remembered in turn. `make_class` makes such a folder. Says too how many books are equal to an earlier one in
all that is read of them, which is what remembering whole answers could save.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from grader.core.evidence.workbook import Book
from grader.core.rubric import CLASS_PROFILE
from grader.execute.replay.book.replay_book import replay_book
from grader.execute.replay.table.layout import Symbol
from grader.execute.replay.table.random_settings import Match, Points
from grader.extract.workbook.read import read_book
from grader.sandbox.reader import own_work


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    files = sorted(f for f in given.folder.rglob("*") if f.suffix.lower() in (".xlsx", ".ods"))
    with own_work(1 << 30):
        books = [read_book(f.read_bytes(), f.name, "") for f in files]
    books = [book for book in books if book.tables]
    contents = {msgspec.msgpack.encode(msgspec.structs.replace(book, artefact="")) for book in books}
    asked, evaluated = _counted(books)
    print(
        f"{len(books)} workbooks, {len(books) - len(contents)} equal to an earlier one; of {asked:,} "
        f"formulas asked for, {1 - evaluated / asked:.1%} were decided before"
    )
    spent = [_least(book, given.repeats) for book in books]
    remembered, anew = (sum(column) / len(books) for column in zip(*spent, strict=True))
    print(f"replay of a workbook: {remembered:.3f} CPU s for {anew:.3f}, ratio {remembered / anew:.2f}")


def _counted(books: Sequence[Book]) -> tuple[int, int]:
    """How many formulas were asked for, and how many of them evaluated."""
    counts = [0, 0]
    decide, decided = Points.decide, Points._decided  # noqa: SLF001

    def asked(self: Points, quantity: str, symbol: Symbol, alike: object) -> tuple[Match, str]:
        counts[0] += 1
        return decide(self, quantity, symbol, alike)

    def evaluated(self: Points, quantity: str, symbol: Symbol) -> tuple[Match, str]:
        counts[1] += 1
        return decided(self, quantity, symbol)

    Points.decide, Points._decided = asked, evaluated  # noqa: SLF001
    try:
        for book in books:
            replay_book(book, CLASS_PROFILE)
    finally:
        Points.decide, Points._decided = decide, decided  # noqa: SLF001
    return counts[0], counts[1]


def _least(book: Book, repeats: int) -> tuple[float, float]:
    """The least CPU seconds of the replay of a book with what is remembered and without, tried in turn."""
    decide = Points.decide
    spent: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * repeats):
        if number % 2:
            Points.decide = lambda self, quantity, symbol, _: self._decided(quantity, symbol)
        begin = time.process_time()
        replay_book(book, CLASS_PROFILE)
        spent[number % 2].append(time.process_time() - begin)
        Points.decide = decide
    return min(spent[0]), min(spent[1])


if __name__ == "__main__":
    main()
