"""What measures grader beside others counts all that it costs, and writes a table that nobody wrote by hand."""

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BUSY = "import time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
PARTS: dict[str, Any] = {
    "static": {"size": 48, "each": 0.4, "unchanged": 0.01, "cold": 0.9, "peak": 90, "load": [1.0, 2.5]},
    "notebooks": {
        "size": 8,
        "imports": "torch",
        "ours1": [2.0, 400.0],
        "ours2": [2.1, 450.0],
        "nbclient": [5.0, 300.0],
        "otter": [8.0, 380.0],
        "missing": "nbgrader ended with 1: no",
    },
    "training": {
        "kernels": "native",
        "17962": [90.0, 45.0, 2.0],
        "11924": [60.0, 20.0, 3.0],
        "19944": [80.0, 20.0, 4.0],
    },
    "reference": {"missing": "no MNIST: `grader data fetch`"},
}


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The scripts find one another by name, as they do when they are started."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    names = ("broken_hand_ins", "other_graders", "process_tree", "reference_seeds", "side_by_side")
    return SimpleNamespace(**{name: importlib.import_module(name) for name in names})


def test_what_nobody_waits_for_is_counted_where_a_group_can_be_made(scripts: SimpleNamespace) -> None:
    """A sandbox is reaped inside itself: by getrusage 136 CPU seconds of a class were 18."""
    leaves = (
        f"import os, subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {BUSY!r}])\nos._exit(0)"
    )
    wait = "import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', sys.argv[1]])\ntime.sleep(2)"
    cost = scripts.process_tree.run([sys.executable, "-c", wait, leaves])
    assert (cost.status, cost.output) == (0, "")
    if not cost.whole:
        pytest.skip("this machine lets us make no control group: run as root")
    assert cost.cpu > 0.4


def test_nothing_runs_while_memory_is_read(scripts: SimpleNamespace) -> None:
    """A fork between the readings of two processes counted its pages twice."""
    tree = scripts.process_tree
    with tree.cpu_group() as group:
        if group is None:
            pytest.skip("this machine lets us make no control group: run as root")
        process = subprocess.Popen(tree.inside(group, [sys.executable, "-c", "while True: pass"]))
        try:
            while tree.used(process.pid)[1] < 0.1:
                time.sleep(0.02)
            with group.still() as held:
                if not held:
                    pytest.skip("this machine lets us freeze no control group")
                before = tree.used(process.pid)
                time.sleep(0.3)
                assert tree.used(process.pid) == before
            while tree.used(process.pid) == before:  # it goes on
                time.sleep(0.02)
        finally:
            process.kill()
            process.wait()


def test_without_a_group_the_cost_says_so(scripts: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts.process_tree, "GROUPS", Path("/nowhere"))
    cost = scripts.process_tree.run([sys.executable, "-c", BUSY])
    assert not cost.whole
    assert cost.cpu > 0.3
    assert "as far as seen" in scripts.side_by_side.machine(counted=False)


def test_a_class_has_no_two_networks_alike_within_twenty_four(
    scripts: SimpleNamespace, tmp_path: Path
) -> None:
    scores = scripts.broken_hand_ins.make_class(tmp_path, 24, "import math")
    cells = [
        json.loads((tmp_path / "class" / name / "S4.ipynb").read_text("utf-8"))["cells"] for name in scores
    ]
    assert len({"".join(book[1]["source"]) for book in cells}) == 24
    assert len({"".join(book[0]["source"]) for book in cells}) == 24
    assert all("import math" in "".join(book[0]["source"]) for book in cells)
    assert sorted(set(scores.values())) == [2.0, 3.0]


def test_the_table_says_what_was_measured_and_why_something_was_not(scripts: SimpleNamespace) -> None:
    text = scripts.side_by_side.block(PARTS, "A processor, 2 cores")
    assert "A processor, 2 cores, 1-minute load 1.0 to 2.5.\n" in text
    assert "(48 distinct ones) | 0.40 CPU s |" in text
    assert "| 2.00 CPU s | nbclient 5.00 (0.40 of it); otter 8.00 (0.25 of it) |" in text
    assert "| (notebooks) | *nbgrader ended with 1: no* |" in text
    assert "| 450 MiB | nbclient 300; otter 380 |" in text
    assert "the student's loop 60.0 (3.00 times as long)" in text
    assert "| *no MNIST: `grader data fetch`* |" in text
    assert len({row.count("|") for row in text.splitlines() if row.startswith("|")}) == 1
    half = scripts.side_by_side.table({"static": PARTS["static"]})
    assert half.count("*not measured here*") == 3


def test_the_table_takes_its_place_and_nothing_else(scripts: SimpleNamespace) -> None:
    new = scripts.side_by_side.block(PARTS, "A processor")
    page = f"before\n{scripts.side_by_side.BEGIN}\nold\n{scripts.side_by_side.END}\nafter\n"
    written = scripts.side_by_side.replaced(page, new)
    assert written == f"before\n{new}\nafter\n"
    assert scripts.side_by_side.replaced(written, new) == written
    with pytest.raises(ValueError, match="no place for the table"):
        scripts.side_by_side.replaced("a page without marks", new)


def test_what_is_declared_for_torchvision_outlives_the_collection_of_garbage(
    scripts: SimpleNamespace, tmp_path: Path
) -> None:
    """In a kernel garbage was collected while torchvision was imported, and the declared operators with it: no
    notebook that imports it ran beside ours.
    """
    operators = tmp_path / "torchvision_ops.py"
    operators.write_text("held = []\ndef declare():\n    held.append({'declared'})\n", "utf-8")
    hook = scripts.other_graders.HOOK.format(module=str(operators))
    look = (
        "import importlib.util, gc\n"
        "for _ in 'ab': importlib.util.find_spec('torchvision')\n"
        "gc.collect()\nprint([found for found in gc.get_objects() if found == [{'declared'}]])"
    )
    command = [sys.executable, "-I", "-S", "-c", hook + look]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[[{'declared'}]]", done.stdout


def test_a_stop_of_the_seeds_loses_none_that_is_done(scripts: SimpleNamespace, tmp_path: Path) -> None:
    seeds, file = scripts.reference_seeds, tmp_path / "seeds.jsonl"
    run = seeds.Run(3, 99.41, 99.43, 4, 9_826, 44)
    first = seeds.Kept(file, "compact")
    first.add(19.5)
    first.add(run)
    seeds.Kept(file, "small").add(seeds.Run(3, 99.1, 99.1, 6, 7_706, 50))
    again = seeds.Kept(file, "compact")
    assert (again.runs, again.plain) == ({3: run}, [19.5])


def test_the_p_value_is_that_of_students_t(scripts: SimpleNamespace) -> None:
    tail, p_value = scripts.reference_seeds._tail, scripts.reference_seeds.p_value
    for score, freedom, area in ((2.04523, 29, 0.025), (1.69913, 29, 0.05), (2.26216, 9, 0.025), (0, 9, 0.5)):
        assert tail(score, freedom) == pytest.approx(area, rel=1e-4)
    values = [99.38, 99.42, 99.44, 99.46, 99.40]
    assert p_value(values) == pytest.approx(1 - p_value([198.8 - value for value in values]), rel=1e-9)
    assert p_value(values) < 0.5 < p_value([value - 0.05 for value in values])
    assert p_value([99.41, 99.41]) == 0


def test_a_stop_of_a_part_keeps_what_it_had(
    scripts: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(_sizes: object) -> Iterator[dict[str, Any]]:
        yield {"ours1": [2.0, 400.0]}
        raise OSError("no space")

    bench, sizes = scripts.side_by_side, SimpleNamespace(data="")
    monkeypatch.setitem(bench.PARTS, "notebooks", steps)
    late = time.monotonic() + 60
    assert list(bench.measured("notebooks", sizes, late)) == [
        {"ours1": [2.0, 400.0]},
        {"ours1": [2.0, 400.0], "missing": "failed: no space"},
    ]
    (over,) = bench.measured("notebooks", sizes, time.monotonic() - 1)
    assert "the time was over" in over["missing"]
    (without,) = bench.measured("training", sizes, late)
    assert "grader data fetch" in without["missing"]
