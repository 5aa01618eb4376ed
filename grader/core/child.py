"""A process of ours that is started afresh and spoken to over a pipe: the one way in which grader starts its
own code again.

Started afresh (spawn): a fork of a process in which torch or a thread runs can hang.
"""

import multiprocessing as mp
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

PATIENCE = 5.0
"""Seconds that a child may take to end by itself once its channel is closed."""


class Child:
    """A process that runs `serve` at the other end of `channel`; with `daemon` it ends with us, and starts
    none itself.
    """

    def __init__(self, serve: Callable[[Connection], None], *, daemon: bool) -> None:
        context = mp.get_context("spawn")
        self.channel, other = context.Pipe()
        self.process: SpawnProcess = context.Process(target=serve, args=(other,), daemon=daemon)
        self.process.start()
        other.close()

    def stop(self, *, now: bool = False) -> None:
        """End it: by closing its channel, or at once."""
        self.channel.close()
        if now:
            self.process.kill()
        self.process.join(timeout=PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def how_it_ended(self) -> str:
        """Say in words how a process that was stopped had ended."""
        code = self.process.exitcode
        return f"killed by signal {-code}" if code is not None and code < 0 else f"exit status {code}"
