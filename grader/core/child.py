"""A process of ours that is started afresh and spoken to over a pipe: the one way in which grader starts its
own code again.

Started afresh (spawn): a fork of a process in which torch or a thread runs can hang. Where several would
import the same large packages, they are forked from a process that has imported them and does nothing else,
so that they lie in memory once (Linux).
"""

import multiprocessing as mp
import os
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

PATIENCE = 5.0
"""Seconds that a child may take to end by itself once its channel is closed."""


class Child:
    """A process that runs `serve` at the other end of `channel`; with `daemon` it ends with us, and starts
    none itself.
    """

    def __init__(
        self, serve: Callable[[Connection], None], *, daemon: bool, loads: Sequence[str] = ()
    ) -> None:
        """Start it; `loads` names modules that it and others of its kind need, by which the first one decides
        for all.
        """
        context: BaseContext = mp.get_context("spawn")
        if loads and sys.platform == "linux":
            context = mp.get_context("forkserver")
            context.set_forkserver_preload(list(loads))
        self.channel, other = context.Pipe()
        arguments = (serve, dict(os.environ), other)
        self.process: BaseProcess = context.Process(  # type: ignore[attr-defined]
            target=_begin, args=arguments, daemon=daemon
        )
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


def _begin(serve: Callable[[Connection], None], variables: dict[str, str], channel: Connection) -> None:
    """Serve with the variables of now; those of the process that was forked may be older."""
    if dict(os.environ) != variables:
        os.environ.clear()
        os.environ.update(variables)
    serve(channel)
