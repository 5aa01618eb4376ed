"""Twenty five-cell notebooks that import torch: facts and pages by grader beside bare execution by nbclient, in turn.

    pip install nbclient ipykernel
    python benchmarks/execute.py --count 20 --repeats 3          (as root, on a machine with cgroup v1: it counts CPU time by cpuacct)

Printed are CPU seconds (user + system, of everything that either started) and their ratio pair by pair. nbclient only executes; grader
isolates, executes, exports the network, reads its facts, judges and writes the pages. Every turn gets new notebooks and an empty cache.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CELLS = (
    "import torch\nfrom torch import nn\nimport torch.nn.functional as F",
    "def sigmoid(x):\n    return 1 / (1 + torch.exp(-x))\nsigmoid(torch.tensor(0.5))",
    (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.c = nn.Conv2d(1, {width}, 3)\n"
        "        self.b = nn.BatchNorm2d({width})\n        self.d = nn.Dropout(0.1)\n        self.o = nn.Conv2d({width}, 10, 1)\n"
        "    def forward(self, x):\n        x = self.d(F.relu(self.b(self.c(x))))\n        x = F.adaptive_avg_pool2d(self.o(x), 1)\n"
        "        return F.log_softmax(x.flatten(1), dim=1)"
    ),
    (
        "model = Net()\nopt = torch.optim.SGD(model.parameters(), lr=0.1)\nx = torch.randn(32, 1, 28, 28)\ny = torch.randint(0, 10, (32,))\n"
        "loss = F.nll_loss(model(x), y)\nloss.backward()\nopt.step()"
    ),
    "print(sum(p.numel() for p in model.parameters()))",
)


def make(folder: Path, count: int, first: int) -> None:
    for number in range(count):
        cells = [
            {
                "cell_type": "code",
                "source": s.replace("{width}", str(first + number)),
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for s in CELLS
        ]
        where = folder / f"s{number:02}"
        where.mkdir(parents=True)
        notebook = {
            "cells": cells,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "p"}},
            "nbformat": 4,
            "nbformat_minor": 4,
        }
        (where / "S4.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


ACCOUNTS = Path("/sys/fs/cgroup/cpuacct")
MEANT = (0, 1, 4)
"""Exit statuses of a class that was graded to its end."""


def cpu_seconds(arguments: list[str], cache: Path) -> tuple[float, float]:
    """Return (CPU, wall) seconds of a command with all that it started.

    Counted by a cgroup of its own. The usual sum over children that were waited for misses most of a sandbox: its first process
    ignores the signals of its children when it is killed, and the kernel then drops their time.
    """
    group = ACCOUNTS / f"grader-bench-{os.getpid()}-{time.monotonic_ns()}"
    group.mkdir()
    join = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    begin = time.monotonic()
    try:
        status = subprocess.run(
            [*join, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            check=False,
        ).returncode
        if status not in MEANT:
            raise SystemExit(f"{arguments[:4]} ended with {status}")
        wall = time.monotonic() - begin
        return int((group / "cpuacct.usage").read_text()) / 1e9, wall
    finally:
        while (group / "cgroup.procs").read_text():
            time.sleep(0.1)
        group.rmdir()


BARE = """
import sys, nbformat
from pathlib import Path
from nbclient import NotebookClient
for path in sorted(Path(sys.argv[1]).glob("*/S4.ipynb")):
    NotebookClient(nbformat.read(path, 4), timeout=120).execute()
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    ratios: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(given.repeats):
            school, cache = Path(folder) / f"class{turn}", Path(folder) / f"cache{turn}"
            make(school, given.count, 4 + turn)
            bare, bare_wall = cpu_seconds([sys.executable, "-c", BARE, str(school)], cache)
            out = str(Path(folder) / f"out{turn}")
            command = [
                sys.executable,
                "-m",
                "grader",
                "batch",
                str(school),
                "-o",
                out,
                "--no-retrain",
                "-j",
                str(given.jobs),
            ]
            ours, ours_wall = cpu_seconds(command, cache)
            ratios.append(ours / bare)
            print(
                f"nbclient {bare:6.1f} CPU s ({bare_wall:5.1f} wall)   grader {ours:6.1f} CPU s ({ours_wall:5.1f} wall)   ratio {ours / bare:.2f}"
            )
    print(
        f"median ratio {statistics.median(ratios):.2f} over {len(ratios)} pairs, {given.count} notebooks each"
    )


if __name__ == "__main__":
    main()
