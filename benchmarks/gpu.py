"""What a GPU makes of our trainings: one seed in captured steps, in captured passes and in neither, a resume, seeds
side by side, and a class.

    python benchmarks/gpu.py --data DIR [--out gpu.json] [--minutes 9] [--device cuda] [--parameters 17962]
        [--epochs 20] [--digits 60000] [--seeds 3] [--class-of 100] [--students 10] [--at-once 4]

It runs from a checkout beside a torch that is there already (2.9.1 to 2.13, Python 3.11 to 3.13), needs msgspec,
numpy and safetensors of other packages, and installs nothing. One network rebuilt from a README
(`seed_networks.py`), with its recipe; a class is reckoned from --students of them, --at-once processes on the
device. FILE is written anew after each part; what does not fit into --minutes is cut at an epoch or left out, and
that is told. With --device cpu an imitation captures, and few digits show that all parts run:

    python benchmarks/gpu.py --data DIR --device cpu --digits 640 --epochs 1 --students 2 --at-once 2
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

# A checkout that nobody installed, and the networks beside this file where PYTHONSAFEPATH leaves their folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from seed_networks import NETWORKS, Entry, build, exported, recipe
from torch import Tensor, nn

from grader.core.facts.retrain import SeedRun
from grader.execute.engine.recipes.recipe import resolve
from grader.execute.engine.runs.checkpoint import Checkpoint
from grader.execute.engine.runs.seed_run import run_seed, run_together
from grader.execute.engine.ways import captured_step
from reference import mnist

GRACE = 20.0
"""Seconds after the last minute in which a part may still end by itself."""


class Imitation(nn.Module):
    """Captures no passes, and takes its batch through one buffer as a captured graph does."""

    def __init__(self, model: nn.Module, sample: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.model = model
        self.batch = sample[0].clone()

    def forward(self, images: Tensor) -> Tensor:
        """One pass over what the buffer holds."""
        self.batch.copy_(images)
        answers: Tensor = self.model(self.batch)
        return answers


def again(work: Callable[[], None]) -> Callable[[], None]:
    """Captures no step: does the work each time."""
    return work


def no_step(work: Callable[[], None]) -> Callable[[], None]:
    """Leaves a step to its passes."""
    raise RuntimeError("only the passes are measured")


class Interrupted(Exception):
    """A training that is stopped to be gone on with."""


class Bench:
    """One network on one device; a training is cut at the epoch in which `until` passes."""

    def __init__(self, entry: Entry, options: argparse.Namespace, data: mnist.Mnist, until: float) -> None:
        self._data, self._device, self._epochs, self._until = data, options.device, options.epochs, until
        torch.manual_seed(0)
        self._network = exported(build(entry))
        found = resolve(recipe(entry), self._network.image, len(data.train_labels))
        assert found.plan is not None, found.missing
        self._plan = found.plan

    def alone(
        self, seed: int, checkpoint: Checkpoint | None = None, stop: int = 0, epochs: int = 0
    ) -> SeedRun:
        """One seed; `stop` interrupts it after that epoch."""
        done = 0

        def on_epoch(right: int, loss: float) -> bool:
            nonlocal done
            done += 1
            if done == stop:
                raise Interrupted
            return time.monotonic() > self._until

        return run_seed(
            self._network,
            self._plan,
            self._data,
            seed=seed,
            epochs=epochs or self._epochs,
            device=self._device,
            on_epoch=on_epoch,
            checkpoint=checkpoint,
        )

    def together(self, seeds: Sequence[int]) -> tuple[SeedRun, ...]:
        """Several seeds side by side; nothing where the device does not compute the same that way."""
        runs = run_together(
            self._network,
            self._plan,
            self._data,
            seeds=seeds,
            epochs=self._epochs,
            device=self._device,
            on_epoch=lambda scores: time.monotonic() > self._until,
        )
        return runs or ()

    def gone_on(self) -> list[SeedRun]:
        """A training of two epochs, and the same interrupted after the first."""
        with tempfile.TemporaryDirectory() as folder:
            kept = Checkpoint(Path(folder) / "run.state")
            with contextlib.suppress(Interrupted):
                self.alone(0, kept, stop=1, epochs=2)
            return [self.alone(0, epochs=2), self.alone(0, kept, epochs=2)]


class Record:
    """What was measured, on disk after each part."""

    def __init__(self, path: Path, options: argparse.Namespace) -> None:
        self._path = path
        self._began = time.monotonic()
        self._until = self._began + 60 * options.minutes
        cuda = options.device == "cuda"
        self.parts: dict[str, Any] = {
            "machine": {
                "device": torch.cuda.get_device_name()
                if cuda
                else f"{platform.machine()}, captured by imitation",
                "torch": str(torch.__version__),
                "python": platform.python_version(),
                "epochs": options.epochs,
                "digits": options.digits,
            }
        }
        self._write()
        timer = threading.Timer(60 * options.minutes + GRACE, self._give_up)
        timer.daemon = True
        timer.start()

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._until - time.monotonic()

    def part(self, name: str, work: Callable[[], Sequence[SeedRun]]) -> float:
        """Measure a part and write it; wall seconds, 0 where it was left out or failed."""
        if self.left <= 0:
            return self.note(name, {"left out": "no time was left"})
        started = time.monotonic()
        try:
            runs = work()
        except Exception as fault:  # the next part may say more
            return self.note(name, {"failed": f"{type(fault).__name__}: {fault}"})
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds = time.monotonic() - started
        told = [_told(run) for run in runs]
        self.note(name, {"seconds": round(seconds, 2), "runs": told} if told else {"refused": True})
        return seconds if told else 0.0

    def note(self, name: str, found: dict[str, Any]) -> float:
        """Write a part; 0."""
        self.parts[name] = found
        print(f"{name}: {json.dumps(found)}", flush=True)
        self._write()
        return 0.0

    def _write(self) -> None:
        whole = self._path.with_suffix(".part")
        whole.write_text(json.dumps(self.parts, indent=1) + "\n", encoding="utf-8")
        whole.replace(self._path)

    def _give_up(self) -> None:
        self.note("cut", {"after seconds": round(time.monotonic() - self._began)})
        os._exit(3)


def _told(run: SeedRun) -> dict[str, Any]:
    """What a run came to; the accuracies in percent."""
    scored = run.proof.digits_scored
    return {
        "seed": run.seed,
        "best": round(100 * run.best / scored, 2),
        "last": round(100 * run.correct[-1] / scored, 2),
        "epochs": len(run.correct),
        "loss": run.losses[-1],
        "how": run.how or "step by step",
        "faults": list(run.proof.faults),
    }


@contextlib.contextmanager
def capturing(device: str, what: str = "steps") -> Iterator[None]:
    """Whole steps are captured, or only passes, or nothing; on a CPU by an imitation."""
    imitated = captured_step.Graphers(again, Imitation)
    graphers = imitated if device == "cpu" else captured_step.GRAPHERS[device]
    if what == "passes":
        graphers = graphers._replace(step=no_step)
    with mock.patch.dict(captured_step.GRAPHERS, {device: graphers} if what else {}, clear=True):
        yield


def measure(options: argparse.Namespace, data: mnist.Mnist, record: Record) -> None:
    """All parts, the dearest last."""
    entry = next(entry for entry in NETWORKS if entry.parameters == options.parameters)
    bench = Bench(entry, options, data, time.monotonic() + record.left)
    record.part("one epoch, to warm up", lambda: [bench.alone(0, epochs=1)])
    captured = record.part("one seed", lambda: [bench.alone(0)])
    record.part("interrupted and gone on with", bench.gone_on)
    if options.class_of:
        a_class(options, record)
    with capturing(options.device, "passes"):
        passes = record.part("one seed, passes captured", lambda: [bench.alone(0)])
    with capturing(options.device, ""):
        plain = record.part("one seed, not captured", lambda: [bench.alone(0)])
    seeds = range(1, options.seeds + 1)
    apart = record.part(f"{len(seeds)} seeds one by one", lambda: [bench.alone(seed) for seed in seeds])
    beside = record.part(f"{len(seeds)} seeds side by side", lambda: bench.together(seeds))
    ratios = {
        "captured": (plain, captured),
        "passes captured": (plain, passes),
        "side by side": (apart, beside),
    }
    # A training that was cut says nothing of how fast it is.
    whole = record.left > 0
    record.note(
        "times as fast",
        {n: round(slow / fast, 2) for n, (slow, fast) in ratios.items() if whole and slow and fast},
    )


def a_class(options: argparse.Namespace, record: Record) -> None:
    """A few students, several processes on the device, and what a class would take by that."""
    given = [
        f"--{name}={getattr(options, name)}" for name in ("data", "device", "epochs", "digits", "students")
    ]
    command = [sys.executable, str(Path(__file__).resolve()), *given, f"--at-once={options.at_once}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    started = time.time()  # the clock that the processes have in common
    children = [
        subprocess.Popen(
            [*command, f"--worker={number}", f"--minutes={max(0.0, record.left) / 60}"],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=environment,
        )
        for number in range(options.at_once)
    ]
    try:
        printed = [child.communicate(timeout=max(1.0, record.left + GRACE / 2))[0] for child in children]
    except subprocess.TimeoutExpired:
        record.note("a class", {"left out": "no time was left"})
        return
    finally:
        for child in children:
            child.kill()
    seconds = time.time() - started
    lines = [json.loads(line) for text in printed for line in text.splitlines()]
    ready = max((line["ready"] - started for line in lines if "ready" in line), default=0.0)
    runs = [line for line in lines if "ready" not in line]
    found: dict[str, Any] = {
        "processes": options.at_once,
        "seconds": round(seconds, 1),
        "ready after": round(ready, 1),
    }
    if len(runs) == options.students and all(run["epochs"] == run["planned"] for run in runs):
        whole = ready + (seconds - ready) * options.class_of / options.students
        found[f"minutes of {options.class_of}, reckoned"] = round(whole / 60, 1)
    record.note("a class", {**found, "runs": runs})


def worker(options: argparse.Namespace, data: mnist.Mnist) -> None:
    """Every so many-th student, as a process of a class trains them."""
    began = time.monotonic()
    until = began + 60 * options.minutes
    torch.zeros(1, device=options.device)
    print(json.dumps({"ready": time.time()}), flush=True)
    for student in range(options.worker, options.students, options.at_once):
        if time.monotonic() < until:
            entry = NETWORKS[student % len(NETWORKS)]
            run = Bench(entry, options, data, until).alone(student)
            planned = min(run.planned, options.epochs)
            told = {"parameters": entry.parameters, "planned": planned, **_told(run)}
            print(json.dumps(told), flush=True)


def main() -> None:
    """Measure, or be one of the processes of a class."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--parameters", type=int, default=17_962)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--digits", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--class-of", type=int, default=100, help="0 leaves the class out")
    parser.add_argument("--students", type=int, default=10, help="of whom a class is reckoned")
    parser.add_argument("--at-once", type=int, default=4, help="processes on the device")
    parser.add_argument("--worker", type=int, default=-1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device here; try --device cpu --digits 640 --epochs 1")
    whole = mnist.load(options.data)
    data = whole._replace(
        train_images=whole.train_images[: options.digits], train_labels=whole.train_labels[: options.digits]
    )
    with capturing(options.device):
        if options.worker >= 0:
            worker(options, data)
        else:
            measure(options, data, Record(options.out, options))


if __name__ == "__main__":
    main()
