"""What reading, replaying, judging and drawing cost where nothing is run: CPU seconds of all processes.

    python -m benchmarks static_hand_ins [--small 8] [--large 24] [--repeats 3] [--against PYTHONPATH]

`check --static` of two samples from a cold start, with everything compiled before; and a submission more of a
class of distinct hand-ins, pages included: the difference of two classes, for the start of a class costs as
much as ten hand-ins. `--against` names another checkout, measured in turn with this one: on a machine that
others share only the ratio says something.
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", type=int, default=8)
    parser.add_argument("--large", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--against", type=Path)
    given = parser.parse_args()
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
