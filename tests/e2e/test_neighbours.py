"""Rubrics about neighbouring assignments of Part 2: samples of each, run in a sandbox, and what every criterion
must say. Nothing is trained again.

After a wanted change print the table of a rubric anew, and read what moved:

    python -m tests.e2e.test_neighbours NAME > tests/e2e/neighbours/NAME.toml
"""

import json
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.core.assigned_data import DataSet
from grader.core.report import Report
from grader.core.settings import Settings
from grader.execute import measure
from grader.ingest.read import from_bytes
from grader.pipeline.grade.grade_one import grade_one
from grader.pipeline.grade.rubric_samples import as_table, differences, expected_table
from grader.pipeline.plan.rubrics import load
from grader.sandbox.api import Job, Listener, RunResult, unheard
from tests.generate.training_notebook import HEAD, Epoch, network, notebook, parameters
from tests.sandbox.warm import WarmWorker

TABLES = Path(__file__).parent / "neighbours"
NAMES = sorted(path.stem for path in TABLES.glob("*.toml"))
QUIET = Settings(retrain=False, data="/nowhere")

Samples = dict[str, dict[str, bytes]]


def readme(width: int, best: float, epochs: int) -> bytes:
    return (
        f"# Digits\n\nThe model has {parameters(width):,} parameters and was trained for {epochs} epochs.\n"
        f"The best test accuracy is {best:.2f}%.\n"
    ).encode()


def handed_in(rows: list[Epoch], width: int, data: str = "MNIST") -> dict[str, bytes]:
    best = max(row.right for row in rows) / 100
    return {"README.md": readme(width, best, len(rows)), "S.ipynb": notebook(rows, width=width, data=data)}


def rising(*last: int, epochs: int = 15, first: int = 9_790) -> list[Epoch]:
    """A log that rises to its `last` epochs."""
    before = epochs - len(last)
    steps = [first + (9_938 - first) * n // max(before, 1) for n in range(before)]
    return [Epoch(95.0 + 4 * n / epochs, right) for n, right in enumerate((*steps, *last))]


def session_seven() -> Samples:
    return {
        "consistent": handed_in(rising(9_941, 9_943, 9_942), 21),
        "exactly": handed_in(rising(9_940, 9_940, 9_940), 21),
        "one-time": handed_in(rising(9_941, 9_938, 9_942), 21),
        "sixteen-epochs": handed_in(rising(9_941, 9_943, 9_942, epochs=16), 21),
        "too-large": handed_in(rising(9_941, 9_943, 9_942), 26),
    }


def one_epoch() -> Samples:
    return {
        "first-epoch": handed_in([Epoch(95.42, 9_812)], 32),
        "later": handed_in([Epoch(91.10, 9_402), Epoch(96.31, 9_730)], 32),
        "running-short": handed_in([Epoch(93.80, 9_745), Epoch(97.2, 9_801)], 32),
        "too-large": handed_in([Epoch(96.20, 9_833), Epoch(97.4, 9_850)], 56),
    }


def fashion() -> Samples:
    rows = [Epoch(80.0 + n, 8_400 + 80 * n) for n in range(9)]
    return {
        "right": handed_in(rows, 48, "FashionMNIST"),
        "short": handed_in([Epoch(70.0 + n, 7_900 + 80 * n) for n in range(9)], 48, "FashionMNIST"),
        "digits": handed_in(rows, 48, "MNIST"),
        "too-large": handed_in(rows, 80, "FashionMNIST"),
    }


TITLES = {"BN": "Batch Normalization", "GN": "Group Normalization", "LN": "Layer Normalization"}
WIDTH = 8


def stated(norm: str, right: int) -> str:
    size = parameters(WIDTH, 3)
    return f"## {TITLES[norm]}\n\nThe model has {size:,} parameters.\nThe best test accuracy is {right / 100:.2f}%.\n"


def of_cifar(right: int, norm: str = "BN", **how: Any) -> bytes:
    rows = [Epoch(60.0 + 2 * n, right - 150 * (2 - n)) for n in range(3)]
    how.setdefault("net", network(WIDTH, 3, norm))
    return notebook(rows, data="CIFAR10", channels=3, **how)


def three_networks() -> Samples:
    """The same hand-in in the forms that a class brings, and with one fault each."""
    right = {"BN": 7_712, "GN": 7_405, "LN": 7_118}
    named = {f"S8_{norm}.ipynb": of_cifar(best, norm) for norm, best in right.items()}
    text = "# Session 8\n\n" + "\n".join(stated(norm, best) for norm, best in right.items())
    whole = {"README.md": text.encode(), **named}
    model = HEAD + "\n".join(network(WIDTH, 3, norm, f"Net_{norm}") for norm in right)
    imports = {
        f"{number}/S8_{norm}.ipynb": of_cifar(
            best, net=f"import sys; sys.path.append('..')\nfrom model import Net_{norm}", made=[f"Net_{norm}"]
        )
        for number, (norm, best) in enumerate(right.items())
    }
    star = of_cifar(7_712, net="from model import *", made=[f"Net_{norm}" for norm in right])
    return {
        "three-notebooks": whole,
        "imported": {"README.md": text.encode(), "model.py": model.encode(), **imports},
        "one-notebook": {"README.md": text.encode(), "model.py": model.encode(), "S8.ipynb": star},
        "one-missing": {name: data for name, data in whole.items() if "LN" not in name},
        "one-short": whole | {"S8_GN.ipynb": of_cifar(6_950, "GN")},
        "other-norm": whole | {"S8_LN.ipynb": of_cifar(right["LN"], "BN")},
        "other-count": whole | {"README.md": text.replace("1,530", "1,940", 1).encode()},
        "swapped": whole | {"README.md": text.replace("77.12", "71.18", 1).encode()},
        "unnamed": {"README.md": text.encode()} | {f"{n}.ipynb": d for n, d in enumerate(named.values())},
    }


SAMPLES = {
    "era-v1-s8": three_networks,
    "tsai-s7": session_seven,
    "era-v3-s5": one_epoch,
    "fashion-small": fashion,
}


def code_of(saved: bytes) -> list[str]:
    return [cell["source"] for cell in json.loads(saved)["cells"]]


def asked_by_code(settings: Settings, seed: bytes, data: DataSet) -> measure.Query:
    """The images that a network is asked about, the same for the same code whatever outputs are saved."""
    return measured(settings, "".join(code_of(seed)).encode(), data)


measured = measure.query


class Once(WarmWorker):
    """Runs each code once: samples that differ in what they say and in their saved outputs run the same."""

    def __init__(self) -> None:
        super().__init__()
        self._ran: dict[bytes, RunResult] = {}

    def run(self, job: Job, listen: Listener = unheard) -> RunResult:
        """Return what that code gave before, or run it."""
        cells = code_of(job.files[job.entry])
        modules = {name: data for name, data in job.files.items() if name.endswith(".py")}
        code = msgspec.msgpack.encode((cells, modules, job.options, job.data, job.limits))
        if code not in self._ran:
            self._ran[code] = super().run(job, listen)
        return self._ran[code]


def reports(name: str) -> tuple[Report, ...]:
    rules = catalogue()
    loaded = load(name, rules)
    with (
        mock.patch("grader.sandbox.choose.choose", return_value=Once()),
        mock.patch.object(measure, "query", asked_by_code),
    ):
        return tuple(
            grade_one(from_bytes(sample, files, single=False), loaded, rules, QUIET)[0]
            for sample, files in sorted(SAMPLES[name]().items())
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_samples_of_a_neighbour(name: str) -> None:
    wrong = differences(reports(name), expected_table(TABLES / f"{name}.toml"))
    assert not wrong, "\n".join(f"{d.submission} {d.criterion}: {d.expected}, found {d.found}" for d in wrong)


def test_every_table_has_its_samples() -> None:
    assert sorted(SAMPLES) == NAMES


if __name__ == "__main__":
    print(as_table(reports(sys.argv[1])), end="")
