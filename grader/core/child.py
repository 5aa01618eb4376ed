"""A process of ours that is spoken to over a pipe: the one way in which grader starts its own code again.

Started afresh (spawn): a fork of a process in which torch or a thread runs can hang, and where a database is
open a fork must not use it. Where several would import the same large packages, they are forked from a
process that has imported them and does nothing else, so that they lie in memory once; and where this one
`may_fork`, they are forked from it as it is, which saves what it has imported and computed (Linux).
"""

import gc
import multiprocessing as mp
import os
import sys
import weakref
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path

PATIENCE = 5.0
"""Seconds that a child may take to end by itself once its channel is closed."""
THREADS = Path("/proc/self/task")
"""A folder for each thread of this process, those of libraries among them."""
_channels: "weakref.WeakSet[Connection]" = weakref.WeakSet()
"""Our ends of all channels. A child that is forked closes its copies: they would hide that this process ends,
or closes them.
"""


def may_fork() -> bool:
    """Whether this process may be forked as it is: one thread, and no torch (Linux)."""
    if sys.platform != "linux" or "torch" in sys.modules:
        return False
    try:
        return len(list(THREADS.iterdir())) == 1
    except OSError:  # where there is no /proc nobody can tell
        return False


class Child:
    """A process that runs `serve` at the other end of `channel`; with `daemon` it ends with us, and starts
    none itself.
    """

    def __init__(
        self,
        serve: Callable[[Connection], None],
        *,
        daemon: bool,
        loads: Sequence[str] = (),
        forked: bool = False,
    ) -> None:
        """Start it; `loads` names modules that it and others of its kind need, by which the first one decides
        for all. `forked` from this process, which `may_fork` then.
        """
        context: BaseContext = mp.get_context("fork" if forked else "spawn")
        if loads and sys.platform == "linux":
            context = mp.get_context("forkserver")
            context.set_forkserver_preload(list(loads))
        self.channel, other = context.Pipe()
        _channels.add(self.channel)
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
    if _channels:
        gc.freeze()  # what there is stays where it is, in memory that both share
        for inherited in _channels:
            inherited.close()
    if dict(os.environ) != variables:
        os.environ.clear()
        os.environ.update(variables)
    serve(channel)
