"""Our replay beside other engines: time and losses for six learning rates on the same books.

    python -m benchmarks.workbooks BOOK.xlsx ...

Other engines are used where they are installed: `ironcalc`, `formulas`, LibreOffice (`soffice`). Each recalculates the book
once for each learning rate; the deviation is of the last E_total from ours, largest over the rates.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from grader.core.facts.replay import BookFacts
from grader.core.rubric import Profile
from grader.execute.replay.book.replay_book import replay_book
from grader.extract.workbook.child import read

RATES = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)


class Target(NamedTuple):
    """The cells of a book that matter here, in A1 notation."""

    path: Path
    sheet: str
    eta: str
    last_loss: str


def ours(path: Path) -> tuple[BookFacts, float]:
    """Read and replay everything (six rates, random settings, diagnosis), seconds of both together."""
    start = time.perf_counter()
    facts = replay_book(read(path.read_bytes(), path.name), Profile())
    return facts, time.perf_counter() - start


def target_of(path: Path, facts: BookFacts) -> Target:
    """The first table's learning rate and last loss."""
    table = facts.tables[0]
    column = next(q.column for q in table.quantities if q.quantity == "E_total")
    return Target(path, table.sheet, table.eta_cell, f"{column}{table.header_row + table.iterations}")


def ironcalc(target: Target) -> list[float]:
    import ironcalc as engine
    from openpyxl.utils.cell import coordinate_to_tuple

    model = engine.load_from_xlsx(str(target.path), "en", "UTC", "en")
    sheet = [s.name if hasattr(s, "name") else s["name"] for s in model.get_worksheets_properties()].index(
        target.sheet
    )
    losses = []
    for rate in RATES:
        model.update_cell_with_number(sheet, *coordinate_to_tuple(target.eta), rate)
        model.evaluate()
        losses.append(float(model.get_cell_value(sheet, *coordinate_to_tuple(target.last_loss))))
    return losses


def formulas(target: Target) -> list[float]:
    import formulas as engine

    model = engine.ExcelModel().loads(str(target.path)).finish()
    prefix = f"'[{target.path.name}]{target.sheet.upper()}'!"
    runs = (model.calculate(inputs={prefix + target.eta: rate}) for rate in RATES)
    return [float(solution[prefix + target.last_loss].value[0, 0]) for solution in runs]


def libreoffice(target: Target) -> list[float]:
    import openpyxl

    losses = []
    with tempfile.TemporaryDirectory() as folder:
        for rate in RATES:
            book = openpyxl.load_workbook(
                target.path
            )  # saving drops stored values, so that they are recalculated
            book[target.sheet][target.eta] = rate
            source = Path(folder) / "in.xlsx"
            book.save(source)
            profile = f"-env:UserInstallation=file://{folder}/profile"
            command = [
                "soffice",
                "--headless",
                profile,
                "--convert-to",
                "xlsx",
                "--outdir",
                f"{folder}/out",
                str(source),
            ]
            subprocess.run(command, capture_output=True, check=True, timeout=300)
            done = openpyxl.load_workbook(f"{folder}/out/in.xlsx", data_only=True)
            losses.append(float(done[target.sheet][target.last_loss].value))
    return losses


def main() -> None:
    installed = (("ironcalc", ironcalc), ("formulas", formulas))
    engines: dict[str, Callable[[Target], list[float]]] = {
        name: engine for name, engine in installed if importlib.util.find_spec(name)
    }
    if shutil.which("soffice"):
        engines["libreoffice"] = libreoffice
    print(f"{'book':28} {'engine':12} {'seconds':>8} {'deviation':>10}")
    for path in map(Path, sys.argv[1:]):
        facts, seconds = ours(path)
        print(f"{path.name[:28]:28} {'grader':12} {seconds:8.2f} {'':>10}")
        if not facts.tables or not facts.tables[0].eta_cell:
            continue
        target = target_of(path, facts)
        expected = [one.losses[-1] for one in facts.sweep]
        for name, engine in engines.items():
            start = time.perf_counter()
            try:
                losses = engine(target)
            except Exception as fault:
                print(
                    f"{'':28} {name:12} {time.perf_counter() - start:8.2f} {type(fault).__name__}: {str(fault)[:50]}"
                )
                continue
            gap = max(abs(a - b) for a, b in zip(expected, losses, strict=True))
            print(f"{'':28} {name:12} {time.perf_counter() - start:8.2f} {gap:10.1e}")


if __name__ == "__main__":
    main()
