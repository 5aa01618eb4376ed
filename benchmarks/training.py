"""How much faster the engine trains than a notebook's own loop, side by side.

    python benchmarks/training.py --data DIR [--class] [--digits 6400] [--repeats 5] [--only 11924 ...]

Three networks of 17,962, 11,924 and 19,944 parameters, rebuilt from READMEs of this course
(`seed_networks.py`). The notebook's loop is torch's DataLoader over torchvision's MNIST with ToTensor and
Normalize, batches of 64, SGD; ours trains the exported graph. Each repeat runs both ways on the same digits,
one after the other; the median of the paired ratios is shown. An epoch of 60,000 digits is reckoned
from the digits that were trained. `torch` and `native` are the engine's sets of kernels; the second is
measured where it is built (`make native`).

Without --class: CPU seconds of one thread on both sides, which another load on the machine disturbs least.
With --class: wall seconds for a model-epoch on the whole machine. The notebook's loop has all cores and
torch's default threads; ours trains as many models as there are cores, a process with one thread each, and
the time is divided by their number. Only a quiet machine gives true figures.
"""

import argparse
import contextlib
import multiprocessing as mp
import os
import statistics
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import torch
from seed_networks import NETWORKS, Entry, build, exported, recipe
from torch import nn
from torch.nn import functional

from grader.core.facts.retrain import KernelSet
from grader.execute.engine.recipes.recipe import resolve
from grader.execute.engine.runs.seed_run import run_seed
from grader.execute.engine.ways.kernel_set import chosen
from grader.sandbox.worker.torchvision_ops import declare
from reference import mnist

ORDER = (17_962, 11_924, 19_944)
WAYS = ("notebook", "torch", *(("native",) if chosen() is KernelSet.NATIVE else ()))


class Task(NamedTuple):
    """One epoch of one network in one way, on the first `digits` of MNIST in `data`."""

    parameters: int
    way: str
    data: Path
    digits: int


class Bench:
    """What a process that trains keeps between tasks."""

    def __init__(self) -> None:
        self._threads = torch.get_num_threads()
        self._data: mnist.Mnist | None = None
        self._ready: dict[Task, Callable[[], None]] = {}

    def prepare(self, task: Task) -> None:
        """Everything that is not trained: digits, network, loader, and a few steps to warm up."""
        if task in self._ready:
            return
        self._data = self._data or mnist.load(task.data)
        whole = self._data
        data = mnist.Mnist(
            whole.train_images[: task.digits],
            whole.train_labels[: task.digits],
            whole.test_images[:100],
            whole.test_labels[:100],
        )
        entry = next(entry for entry in NETWORKS if entry.parameters == task.parameters)
        notebooks = task.way == "notebook"
        self._ready[task] = notebook(entry, data) if notebooks else engine(entry, data, KernelSet(task.way))

    def run(self, task: Task) -> tuple[float, float]:
        """Train; CPU and wall seconds. Ours sets one thread, which must not hold for the notebook's loop
        after it.
        """
        self.prepare(task)
        if task.way == "notebook":
            torch.set_num_threads(self._threads)
        cpu, wall = time.process_time(), time.monotonic()
        self._ready[task]()
        return time.process_time() - cpu, time.monotonic() - wall


def notebook(entry: Entry, data: mnist.Mnist) -> Callable[[], None]:
    """One epoch as a notebook trains it."""
    from torchvision import transforms

    compose = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    pictures = Pictures(data.train_images, data.train_labels, compose)
    loader = torch.utils.data.DataLoader(pictures, batch_size=64, shuffle=True)
    model: nn.Module = build(entry)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def epoch() -> None:
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = functional.nll_loss(model(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return epoch


def engine(entry: Entry, data: mnist.Mnist, kernels: KernelSet) -> Callable[[], None]:
    """One epoch of the engine, fresh weights and proof of work included."""
    network = exported(build(entry))
    plan = resolve(recipe(entry), (1, 28, 28)).plan
    assert plan is not None

    def epoch() -> None:
        run_seed(
            network,
            plan,
            data,
            seed=0,
            epochs=1,
            device="cpu",
            on_epoch=lambda right, loss: False,
            kernels=kernels,
        )

    return epoch


class Pictures(torch.utils.data.Dataset[Any]):
    """What torchvision's MNIST does for each digit: an image from bytes, then the transforms."""

    def __init__(self, images: Any, labels: Any, transform: Any) -> None:
        self._images = torch.from_numpy(images)
        self._labels = torch.from_numpy(labels)
        self._transform = transform

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> Any:
        from PIL import Image

        picture = Image.fromarray(self._images[index].numpy())
        return self._transform(picture), int(self._labels[index])


def serve(channel: Connection, threads: int) -> None:
    """A process that prepares and runs what it is sent; `threads` 0 leaves torch's default."""
    if threads:
        torch.set_num_threads(threads)
    declare()
    bench = Bench()
    with contextlib.suppress(EOFError):  # the parent is done
        while True:
            prepare, task = channel.recv()
            (bench.prepare if prepare else bench.run)(task)
            channel.send(True)


class Machine:
    """One process with torch's default threads and one with a single thread for each core."""

    def __init__(self) -> None:
        cores = len(os.sched_getaffinity(0))
        self._whole = self._start(0)
        self._single = [self._start(1) for _ in range(cores)]

    @staticmethod
    def _start(threads: int) -> Connection:
        context = mp.get_context("spawn")
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(theirs, threads), daemon=True).start()
        return ours

    def seconds(self, task: Task) -> float:
        """Wall seconds of a model-epoch when a class is trained that way."""
        channels = [self._whole] if task.way == "notebook" else self._single
        for prepare in (True, False):
            began = time.monotonic()
            for channel in channels:
                channel.send((prepare, task))
            for channel in channels:
                channel.recv()
        return (time.monotonic() - began) / len(channels)


def paired(
    measure: Callable[[Task], float],
    parameters: int,
    data: Path,
    digits: int,
    repeats: int,
    ways: Sequence[str] = WAYS,
) -> tuple[float, ...]:
    """Medians of an epoch of 60,000 digits in seconds by the first way, and of each other way with that of its
    paired ratio to the first.
    """
    rows = []
    for repeat in range(repeats + 1):
        row = [measure(Task(parameters, way, data, digits)) for way in ways]
        if repeat:  # the first only warms up
            rows.append(row)
    scale = 60_000 / digits
    found = [statistics.median(row[0] for row in rows) * scale]
    for way in range(1, len(ways)):
        found.append(statistics.median(row[way] for row in rows) * scale)
        found.append(statistics.median(row[0] / row[way] for row in rows))
    return tuple(found)


def one_thread() -> Callable[[Task], float]:
    """CPU seconds of a task in this process, on one thread."""
    declare()
    torch.set_num_threads(1)
    bench = Bench()
    return lambda task: bench.run(task)[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--class", dest="whole_class", action="store_true", help="wall time of the whole machine"
    )
    parser.add_argument("--digits", type=int, default=6_400, help="training digits an epoch")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", type=int, nargs="+", default=ORDER, help="parameter totals")
    options = parser.parse_args()
    if options.whole_class:
        measure = Machine().seconds
        print(
            f"wall seconds a model-epoch of 60,000 digits for a class on {len(os.sched_getaffinity(0))} cores"
        )
    else:
        measure = one_thread()
        print("CPU seconds an epoch of 60,000 digits, one thread")
    print(f"median of {options.repeats} paired runs of {options.digits} digits")
    print(f"{'network':<10}{'notebook':>10}" + "".join(f"{way:>8}{'ratio':>7}" for way in WAYS[1:]))
    for parameters in options.only:
        theirs, *ours = paired(measure, parameters, options.data, options.digits, options.repeats)
        columns = "".join(
            f"{taken:>8.1f}{ratio:>7.2f}" for taken, ratio in zip(ours[::2], ours[1::2], strict=True)
        )
        print(f"{parameters:<10,}{theirs:>10.1f}{columns}", flush=True)


if __name__ == "__main__":
    main()
