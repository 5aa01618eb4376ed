"""What reading, replaying, judging and drawing cost where nothing is run: CPU seconds of all processes.

    python -m benchmarks static_hand_ins [--small 8] [--large 24] [--repeats 3] [--against PYTHONPATH]
    python -m benchmarks static_hand_ins --floor [--repeats 3]

`check --static` of two samples from a cold start, with everything compiled before; and a submission more of a
class of distinct hand-ins, pages included: the difference of two classes, for the start of a class costs as
much as ten hand-ins. `--against` names another checkout, measured in turn with this one: on a machine that
others share only the ratio says something. `--floor` measures what a cold check cannot do without, in the
place of a class: Python with click, msgspec and numpy, and a second check in the same process, which imports
nothing and remembers what it read.
"""

import argparse
import compileall
import sys
import tempfile
from pathlib import Path
from statistics import median

from make_class import ROOT, make_class
from process_tree import run

SAMPLES = ("perfect", "wrong-gradient")
LIBRARIES = "import click, msgspec, numpy"
AGAIN = """
import contextlib, io, sys, time
from grader.cli.app import main
sys.argv = ["grader", "check", "--static", *sys.argv[1:]]
for _ in range(2):
    before = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main()
print(time.process_time() - before)
"""


def cpu(checkout: Path, folder: Path, *arguments: str) -> float:
    """CPU seconds of one command of a checkout, which must not be the current folder."""
    environment = {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "grader", *arguments]
    cost = run(command, cwd=folder, environment=environment)
    if not cost.whole or cost.status not in (0, 1, 4):
        raise SystemExit(
            f"{' '.join(arguments)}: status {cost.status}, counted whole: {cost.whole}\n{cost.output}"
        )
    return cost.cpu


def floor(repeats: int) -> None:
    """Print the least and the median of a cold check and of its floor, each sample's in turn."""
    compileall.compile_dir(ROOT / "grader", quiet=2)
    environment = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as name:
        for sample in SAMPLES:
            path = str(ROOT / "submissions" / sample)
            rows = []
            for _ in range(repeats + 1):
                cold = cpu(ROOT, Path(name), "check", "--static", path)
                bare = run([sys.executable, "-c", LIBRARIES], cwd=Path(name), environment=environment)
                again = run([sys.executable, "-c", AGAIN, path], cwd=Path(name), environment=environment)
                if bare.status or again.status:
                    raise SystemExit(f"{bare.output}{again.output}")
                rows.append((cold, bare.cpu, float(again.output.split()[-1])))
            columns = [sorted(column) for column in zip(*rows[1:], strict=True)]
            told = (f"{column[0]:.2f} ({median(column):.2f})" for column in columns)
            names = ("cold", "Python and libraries", "a second check in its process")
            said = ", ".join(map(" ".join, zip(names, told, strict=True)))
            print(f"{sample}, the least CPU s (median): {said}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", type=int, default=8)
    parser.add_argument("--large", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--floor", action="store_true")
    given = parser.parse_args()
    if given.floor:
        floor(given.repeats)
        return
    checkouts = [ROOT, *([given.against.resolve()] if given.against else [])]
    for checkout in checkouts:
        compileall.compile_dir(checkout / "grader", quiet=2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = (given.small, given.large)
        for size in sizes:
            make_class(folder / f"class{size}", size, seed=1, broken_share=0.0)  # the one begins as the other
        for sample in SAMPLES:
            checks = [[cpu(c, folder, "check", "--static", str(ROOT / "submissions" / sample)) for c in checkouts]
                      for _ in range(given.repeats + 1)][1:]  # fmt: skip
            print(f"check --static, {sample}: {_told(checks)}", flush=True)
        more = []
        for number in range(given.repeats):
            spent = [
                [cpu(c, folder, "batch", f"class{size}", "--no-exec", "-j", "1", "-q", "-o", f"{number}-{at}-{size}")
                 for size in sizes] for at, c in enumerate(checkouts)
            ]  # fmt: skip
            more.append([(large - small) / (given.large - given.small) for small, large in spent])
        print(f"a hand-in more of a class of {given.large}, pages included: {_told(more)}")


def _told(rows: list[list[float]]) -> str:
    """Medians of each checkout in CPU seconds, and of the ratios of those that ran in turn."""
    said = ", ".join(f"{median(column):.3f}" for column in zip(*rows, strict=True))
    ratio = f", ratio {median(row[0] / row[1] for row in rows):.2f}" if len(rows[0]) > 1 else ""
    return f"{said} CPU s{ratio} ({len(rows)} runs)"


if __name__ == "__main__":
    main()
