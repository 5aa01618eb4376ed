"""One notebook's run: everything imported and patched, the cells, and then the network and the recipe as
data.
"""

import random
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.utils.data
from torch import nn

from . import (
    export,
    later,
    measure,
    mnist_stub,
    patches,
    pick_model,
    recipe,
    recorder,
    shims,
    stubs,
    torchvision_ops,
)
from .cells import Cell
from .channel import Channel
from .shell import PATIENCE, CellTimeout, Shell, time_limit
from .tracker import Tracker

EXPORT_SECONDS = 80.0
MEASURE_SECONDS = 20.0
LEAST_SECONDS = 0.5
STDOUT_TOTAL = 200_000
_ADDRESS = re.compile(r"\b0x[0-9a-f]{8,16}\b")


class Session:
    """Made before any student code runs."""

    def __init__(
        self,
        digits: bytes | None,
        limits: dict[str, Any],
        about: mnist_stub.About,
        queries: bytes | None = None,
        classes: tuple[str, ...] = (),
    ) -> None:
        torch.set_num_threads(1)
        # A notebook that sets no seed still gives the same bytes every time.
        torch.manual_seed(0)
        np.random.seed(0)
        random.seed(0)
        torchvision_ops.declare()
        imported = later.install()
        mnist_stub.kind_of(about)
        imported()
        self._about = about
        self._path = list(sys.path)
        self._module_class = dict(vars(nn.Module))
        self._ledger = patches.Ledger()
        patches.WHAT.update(patches.of_data(about))
        loaded = mnist_stub.load(digits, about)
        self.synthetic = loaded.synthetic
        mnist_stub.install(loaded, self._ledger, about)
        self._mnist = mnist_stub.kind_of(about)
        shims.install(self._ledger, self._mnist, about)
        stubs.install(self._ledger)
        self._tracker = Tracker(self._ledger)
        self._tracker.start()
        self._recorder = recorder.Recorder(self._ledger, self._tracker)
        self._sources: dict[int, str] = {}
        self._failed: set[int] = set()
        self._shell = Shell(self._ledger, total=limits["cells"], each=limits["cell"])
        self._printed = 0
        self._queries = queries
        self._classes = classes
        self._chosen: pick_model.Chosen | None = None

    def run(self, cell: Cell) -> dict[str, Any]:
        """Run one cell; the result is a `cell` frame."""
        if self._shell.left < LEAST_SECONDS:
            return self.not_run(cell, "the time for all cells was used up")
        found: dict[str, Any] = {
            "cell": cell.number,
            "status": "ok",
            "error": "",
            "message": "",
            "line": 0,
            "stdout": "",
        }
        self._sources[cell.number] = cell.source
        self._recorder.cell = cell.number
        ran = self._shell.run(cell.source)
        stdout = ran.stdout if self._printed < STDOUT_TOTAL else ""
        self._printed += len(stdout)
        found |= {"error": ran.error, "message": ran.message, "line": ran.line, "stdout": stdout}
        if ran.error:
            found["status"] = "timeout" if ran.timeout else "failed"
        if ran.ended:
            self._failed.add(cell.number)
        return {key: _clean(value) for key, value in found.items()}

    def when_deaf(self, rest: Callable[[], None] | None) -> None:
        """Say what is done instead where a cell swallows every end of its time; it must not return."""
        self._shell.deaf = rest

    @staticmethod
    def not_run(cell: Cell, message: str) -> dict[str, Any]:
        """The `cell` frame of a cell that was never run."""
        empty = {"error": "", "line": 0, "stdout": ""}
        return {"cell": cell.number, "status": "not-run", "message": message, **empty}

    def left_running(self, cell: Cell) -> dict[str, Any]:
        """The `cell` frame of a cell that will not end."""
        message = f"it swallowed the end of its time {PATIENCE} times, and was left running"
        return self.not_run(cell, message) | {"status": "timeout", "error": CellTimeout.__name__}

    def finish(self, run: dict[str, Any], channel: Channel) -> None:
        """Choose, export and send the network; fill in the `run` frame."""
        self._tracker.stop()
        self._ledger.restore()
        self._mend_modules()
        sys.path[:] = self._path
        namespace = self._shell.namespace
        try:
            with time_limit(EXPORT_SECONDS):
                self._finish(run, channel, namespace)
        except (Exception, SystemExit, KeyboardInterrupt, CellTimeout) as fault:
            run["export_error"] = _clean(f"{type(fault).__name__}: {fault}"[:500])
        if self._queries and self._chosen is not None and self._chosen.module is not None:
            run["measured"] = self._measure(self._chosen.module, self._chosen, channel)
        run["shims"] = self._ledger.report()

    def _measure(self, module: Any, chosen: pick_model.Chosen, channel: Channel) -> dict[str, Any]:
        """Answer the images that came without labels; the last thing done, for it gives the network its
        trained state back.
        """
        found: dict[str, Any] = {"asked": True, "error": "", "draws": False}
        try:
            with time_limit(MEASURE_SECONDS):
                sizes, pixels = measure.unpack(self._queries or b"", self._about)
                images = measure.transformed(pixels, self._test_transform(), chosen.example, self._about)
                if chosen.state is not None:
                    module.load_state_dict(chosen.state, strict=False)
                before = torch.get_rng_state()
                answers = measure.measure(module, images, self._about.classes, sizes)
                found["draws"] = not torch.equal(before, torch.get_rng_state())
                channel.send("logits", measure.payload(answers))
        except measure.NotMeasurable as fault:
            found["error"] = _clean(str(fault)[:500])
        except (Exception, SystemExit, KeyboardInterrupt, CellTimeout) as fault:
            found["error"] = _clean(f"{type(fault).__name__}: {fault}"[:500])
        return found

    def _test_transform(self) -> Any:
        """What the notebook does to a test digit; None where no pass over test digits was seen."""
        loader = self._recorder.test_loader
        dataset = None if loader is None else mnist_stub.slice_of(loader.dataset, self._mnist)
        return getattr(dataset, "transform", None)

    def _mend_modules(self) -> None:
        """Give `nn.Module` back the methods that the notebook patched; what is overridden in its own class
        stays.
        """
        for name, value in self._module_class.items():
            if (
                vars(nn.Module).get(name) is not value
                and not name.startswith("__w")
                and name not in ("__dict__", "__doc__")
            ):
                setattr(nn.Module, name, value)

    def _finish(self, run: dict[str, Any], channel: Channel, namespace: dict[str, Any]) -> None:
        self._chosen = chosen = pick_model.choose(self._tracker, namespace, self._about, self._classes)
        run["choice"] = chosen.how
        run["export_error"] = chosen.reason
        run["models"] = pick_model.seen(self._tracker, namespace, chosen.module)
        known = chosen.trained
        if known is not None and known.foreign:
            run["notes"].append("the optimizer also trains parameters outside of the chosen network")
        if chosen.module is not None:
            frames = export.export_model(
                chosen.module, chosen.state, chosen.example, self._queries, self._about
            )
            for kind, payload in frames:
                channel.send(kind, payload)
        try:
            read = recipe.recipe(
                self._recorder,
                known,
                (self._mnist, self._about.title),
                self._sources,
                self._failed,
            )
            channel.send_json("recipe", read)
        except Exception as fault:  # the network stands without its recipe
            run["notes"].append(
                _clean(f"the recipe could not be read: {type(fault).__name__}: {fault}"[:300])
            )


def _clean(value: Any) -> Any:
    """Text without lone surrogates, which JSON could not carry as UTF-8, and without addresses, which change
    every time.
    """
    if not isinstance(value, str):
        return value
    return _ADDRESS.sub("0x...", value.encode("utf-8", "replace").decode("utf-8"))
