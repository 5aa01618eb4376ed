"""What an interrupted training goes on from: its state after the last whole epoch, in one file of its own."""

import contextlib
import hashlib
import io
from typing import Any

import torch

from grader.core.bucket import Place
from grader.core.facts.retrain import KernelSet
from grader.core.memory import write_whole

State = dict[str, Any]
"""Tensors, numbers, texts, and lists and dictionaries of them: what torch reads back without running
anything.
"""

_DIGEST = hashlib.sha256().digest_size


class Checkpoint:
    """The state of one run at `path`; without a path nothing is kept. `epochs` is how many the state read
    had. `kernels` computes the run: the state of another set is none.
    """

    def __init__(self, path: Place | None = None) -> None:
        self.path = path
        self.epochs = 0
        self.kernels = KernelSet.TORCH

    def read(self) -> State | None:
        """The state, None where there is none or the file is not what was written."""
        if self.path is None:
            return None
        try:
            content = self.path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            return None
        state: State = torch.load(io.BytesIO(content[_DIGEST:]), map_location="cpu", weights_only=True)
        if state.pop("kernels", None) != self.kernels.value:
            return None
        self.epochs = len(state["epochs"])
        return state

    def write(self, state: State) -> None:
        """Keep a state. A kill at any moment leaves the former one whole; a disk that takes nothing costs
        only the resume.
        """
        if self.path is None:
            return
        buffer = io.BytesIO()
        torch.save({**state, "kernels": self.kernels.value}, buffer)
        content = buffer.getvalue()
        with contextlib.suppress(OSError):
            write_whole(self.path, hashlib.sha256(content).digest() + content)

    def drop(self) -> None:
        """Forget the state of a run that is finished."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
