"""The table of the README: grader beside nbclient, nbgrader, otter and a student's own training loop, on this
machine.

    make bench                                  # or
    python -m benchmarks side_by_side [--write README.md] [--only static notebooks training reference] [--minutes 30]

Every class is made of distinct submissions. nbgrader, otter and a kernel are installed into an environment that is
thrown away; where that fails, their columns say so. MNIST is looked for as `grader` looks for it (`--data`); without
it nothing is trained. What is finished is kept in build/bench.json at once, so that a stop loses nothing and `--only`
measures one part again and leaves the others. What would begin after the half hour is not begun, and the table
says so. CPU seconds are those of a
control group, everything that a sandbox starts included, or the table says that this machine lets us make none.
"""

import argparse
import compileall
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import batch
import broken_hand_ins
import make_class
import other_graders
from process_tree import Cost, cpu_group, run
from reference_seeds import plain_seconds, processor, train_seed

from reference.recipe import RECIPES

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "bench.json"
BEGIN, END = "<!-- make bench writes from here -->", "<!-- to here -->"
TORCHVISION = "from torchvision import datasets, transforms"
NETWORKS = (17_962, 11_924, 19_944)
SMALLEST = "compact"
"""The reference network that is to reach 99.40 % in four epochs with fewer than 10,000 parameters."""

Found = dict[str, Any]
"""What one part came to so far: numbers and sentences by name."""
Steps = Iterator[Found]
"""The same after each step of a part."""


class Sizes(argparse.Namespace):
    """How much is measured."""

    static: int
    notebooks: int
    digits: int
    repeats: int
    data: str
    others: str


def of_static(sizes: Sizes) -> Steps:
    """Reading, replaying and drawing a class without running anything, and one submission cold, by grader
    compiled as an installed one is: a checkout may never be.
    """
    compileall.compile_dir(ROOT / "grader", quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "class")
        make_class.make_class(made, sizes.static, seed=1, broken_share=0)
        cost = _grader("batch", made, "-o", Path(folder, "out"), "--no-exec", "--no-retrain", "-j", "1")
        again = _grader("batch", made, "-o", Path(folder, "out"), "--no-exec", "--no-retrain", "-j", "1")
        one = _grader("check", "--static", make_class.SAMPLES / "perfect")
    yield {
        "size": sizes.static,
        "each": cost.cpu / sizes.static,
        "unchanged": again.cpu / sizes.static,
        "cold": one.cpu,
        "peak": cost.peak_mib,
    }


def of_notebooks(sizes: Sizes) -> Steps:
    """Executing a class of notebooks that import torch: ours, nbclient, nbgrader with feedback, otter."""
    with tempfile.TemporaryDirectory() as folder:
        found: Found = {"size": sizes.notebooks}
        try:
            programs = other_graders.installed(Path(sizes.others or Path(folder, "others")))
        except other_graders.Unavailable as reason:
            programs, found["missing"] = None, str(reason)
        vision = programs is None or other_graders.imports_torchvision(programs)
        found["imports"] = "torch and torchvision" if vision else "torch"
        root = Path(folder, "class")
        earned = broken_hand_ins.make_class(root, sizes.notebooks, TORCHVISION if vision else "")
        for jobs in (1, 2):
            cost, answers = batch.ours(root, Path(folder, f"out{jobs}"), "-j", str(jobs))
            other_graders.right("grader", answers, earned)
            found[f"ours{jobs}"] = _each(cost, sizes.notebooks)
            yield found
        for name, measure in other_graders.COSTS.items() if programs is not None else ():
            try:
                found[name] = _each(measure(programs, root, earned), sizes.notebooks)
            except other_graders.Unavailable as reason:
                found["missing"] = f"{found.get('missing', '')} {reason}".strip()
            yield found


def of_training(sizes: Sizes) -> Steps:
    """An epoch of three networks of real READMEs, beside the student's loop, in CPU seconds of one thread."""
    import training

    measure, ways = training.one_thread(), (training.WAYS[0], training.WAYS[-1])  # with the best kernels here
    found: Found = {"digits": sizes.digits, "repeats": sizes.repeats, "kernels": ways[1]}
    for parameters in NETWORKS:
        found[str(parameters)] = training.paired(
            measure, parameters, Path(sizes.data), sizes.digits, sizes.repeats, ways
        )
        yield found


def of_reference(sizes: Sizes) -> Steps:
    """Seed 0 of a small reference network, beside as many epochs of a plain DataLoader loop of it."""
    plain = plain_seconds(SMALLEST, sizes.data) * RECIPES[SMALLEST].epochs
    yield {**train_seed(0, SMALLEST, sizes.data)._asdict(), "plain": plain}


PARTS: dict[str, Callable[[Sizes], Steps]] = {
    "static": of_static,
    "notebooks": of_notebooks,
    "training": of_training,
    "reference": of_reference,
}


def _grader(*words: object) -> Cost:
    return run([sys.executable, "-m", "grader", *map(str, words)], cwd=ROOT, limit=900)


def _each(cost: Cost, size: int) -> list[float]:
    """CPU seconds a notebook, and the peak memory in MiB."""
    return [cost.cpu / size, cost.peak_mib]


def table(parts: dict[str, Found]) -> str:
    """The rows that `parts` can fill, as Markdown."""
    rows = [("", "grader", "beside it", "goal"), ("---",) * 4]
    for name in PARTS:
        found = parts.get(name, {"missing": "not measured here"})
        rows += _ROWS[name](found)
        if "missing" in found:
            rows.append((f"({name})", f"*{found['missing']}*", "", ""))
    return "\n".join(re.sub(r" +", " ", f"| {' | '.join(row)} |") for row in rows)


Row = tuple[str, str, str, str]


def _static_rows(found: Found) -> Iterator[Row]:
    if "each" not in found:
        return
    size = found["size"]
    yield (
        f"a submission read, replayed and drawn, nothing run ({size} distinct ones)",
        f"{found['each']:.2f} CPU s",
        "",
        "0.3",
    )
    yield "the same class again, unchanged", f"{found['unchanged']:.3f} CPU s each", "", ""
    yield "`grader check --static` of one, cold", f"{found['cold']:.2f} CPU s", "", "0.5"


def _notebook_rows(found: Found) -> Iterator[Row]:
    if "ours1" not in found:
        return
    ours, _ = found["ours1"]
    others = {name: found[name] for name in ("nbclient", "nbgrader", "otter") if name in found}
    named = {"nbgrader": "nbgrader with feedback"}
    beside = [f"{named.get(n, n)} {each:.2f} ({ours / each:.2f} of it)" for n, (each, _) in others.items()]
    yield (
        f"a notebook that imports {found['imports']}, isolated and judged ({found['size']} distinct ones)",
        f"{ours:.2f} CPU s",
        "; ".join(beside),
        "0.5 of nbclient",
    )
    if "ours2" not in found:
        return
    yield (
        "memory of all processes, two notebooks at a time (theirs: one)",
        f"{found['ours2'][1]:.0f} MiB",
        "; ".join(f"{named.get(n, n)} {at:.0f}" for n, (_, at) in others.items()),
        "500",
    )


def _training_rows(found: Found) -> Iterator[Row]:
    for parameters in NETWORKS:
        if str(parameters) not in found:
            continue
        theirs, ours, ratio = found[str(parameters)]
        yield (
            f"an epoch of 60,000 digits, {parameters:,} parameters, one thread",
            f"{ours:.1f} CPU s (kernels: {found['kernels']})",
            f"the student's loop {theirs:.1f} ({ratio:.2f} times as long)",
            "3 times",
        )


def _reference_rows(found: Found) -> Iterator[Row]:
    if "plain" not in found:
        return
    seconds, plain = found["seconds"], found["plain"]
    yield (
        f"our network of {found['parameters']:,} parameters, seed 0",
        f"{found['accuracy']:.2f} % after {found['epochs']} epochs, {seconds} CPU s",
        f"as many epochs by a DataLoader {plain:.0f} CPU s ({plain / seconds:.2f} times as long)",
        "99.40 % in 4",
    )


_ROWS: dict[str, Callable[[Found], Iterator[Row]]] = {
    "static": _static_rows,
    "notebooks": _notebook_rows,
    "training": _training_rows,
    "reference": _reference_rows,
}


def machine(counted: bool) -> str:
    """The machine that measured, without its name in the network."""
    cores = len(os.sched_getaffinity(0))
    counts = (
        "CPU seconds by control group"
        if counted
        else "CPU seconds of a sandbox only as far as seen every 0.1 s"
    )
    return (
        f"{processor()}, {cores} cores, {platform.system()}, Python {platform.python_version()}, torch "
        f"{version('torch')}; {counts}"
    )


def block(parts: dict[str, Found], told: str) -> str:
    """What is written between the marks."""
    loads = [load for found in parts.values() for load in found.get("load", ())]
    load = f", 1-minute load {min(loads):.1f} to {max(loads):.1f}" if loads else ""
    return f"{BEGIN}\n{told}{load}.\n\n{table(parts)}\n{END}"


def replaced(page: str, new: str) -> str:
    """The page with the block between the marks replaced. Raises ValueError where it has no marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no place for the table: the page lacks {BEGIN} or {END}")
    return before + new + after


def measured(name: str, sizes: Sizes, deadline: float) -> Steps:
    """What a part comes to, step by step; no step begins after the deadline, and a fault ends the part alone."""
    over = {"missing": "the time was over before the rest began"}
    if time.monotonic() > deadline:
        yield over
    elif name in ("training", "reference") and not sizes.data:
        yield {"missing": "no MNIST: `grader data fetch`"}
    else:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found: Found = {}
        try:
            for found in PARTS[name](sizes):
                yield found
                if time.monotonic() > deadline:
                    yield {**over, **found}
                    return
        except Exception as error:
            yield {**found, "missing": f"failed: {error}"}


def main() -> int:
    """Measure, print, keep and write; 1 where a part failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="", help="folder with MNIST")
    parser.add_argument("--others", default="", help="an environment of the other graders, made if need be")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--write", type=Path, help="a page with the two marks")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--static", type=int, default=100, help="submissions")
    parser.add_argument("--notebooks", type=int, default=20)
    parser.add_argument("--digits", type=int, default=3_200, help="training digits an epoch")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(namespace=Sizes())
    given.data = data_folder(given.data)
    deadline = time.monotonic() + 60 * given.minutes
    parts: dict[str, Found] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    failed = False
    for name in given.only:
        load = os.getloadavg()[0]
        for found in measured(name, given, deadline):
            failed |= "failed" in found.get("missing", "")
            parts[name] = {**found, "load": [round(load, 1), round(os.getloadavg()[0], 1)]}
            KEPT.parent.mkdir(exist_ok=True)
            KEPT.write_text(json.dumps(parts, indent=1) + "\n", "utf-8")
    with cpu_group() as group:
        text = block(parts, machine(group is not None))
    print(text)
    if given.write:
        given.write.write_text(replaced(given.write.read_text("utf-8"), text), "utf-8")
    return int(failed)


def data_folder(wanted: str) -> str:
    """The folder with MNIST that `grader` would take, as an absolute path; empty where there is none."""
    from grader.core.settings import Settings
    from grader.execute.digits import find

    place = find(Settings(data=wanted))
    return str(place.resolve()) if place is not None else ""


if __name__ == "__main__":
    sys.exit(main())
