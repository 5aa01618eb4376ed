"""Processes on this machine with one job at a time each; a dead process costs only its job.

`concurrent.futures` declares the whole pool broken when one worker dies, so each worker here is a process of
its own with a pipe: the parent knows which job it was on, names it, and starts another worker.
"""

import gc
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait

from grader.core import kept_patterns
from grader.core.child import Child, may_fork
from grader.core.crash_log import listen
from grader.core.faults import GraderFault
from grader.core.machine import collect_rarely
from grader.core.progress import listening, tell
from grader.schedule.base import LATER, ONE, Ended, J, Later, Needs, R

log = logging.getLogger(__name__)


def _serve(channel: Connection) -> None:
    collect_rarely()
    if not gc.get_freeze_count():  # else a fork of a process that has imported all: the patterns are made
        kept_patterns.keep()
    listen()
    while True:
        try:
            message = channel.recv()
        except (EOFError, OSError, KeyboardInterrupt):
            kept_patterns.write()
            return
        function, job = message
        try:
            with listening(lambda text: channel.send(("said", text, ""))):
                result = function(job)
            channel.send(("result", result, ""))
        except KeyboardInterrupt:  # the parent got the same Ctrl-C, and says so
            return
        except Exception as fault:  # told to the parent, which names the job
            if not isinstance(fault, GraderFault):
                log.exception("a job crashed")
            channel.send(("fault", str(fault), type(fault).__name__))


def _handed(message: tuple[object, object], idle: list[Child], loads: tuple[str, ...]) -> Child:
    """Send work to a worker that waits, or to a new one. One that died while it waited had no job, and costs
    none.
    """
    while idle:
        worker = idle.pop()
        try:
            worker.channel.send(message)
        except OSError:
            worker.stop()
        else:
            return worker
    worker = Child(_serve, daemon=False, loads=loads)
    with suppress(OSError):  # dead before its first job: the end of its channel says so
        worker.channel.send(message)
    return worker


class LocalProcesses:
    """At most `workers` processes; with one, jobs still run in a process of their own, so that a crash is
    survived.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"needs at least one worker, got {workers}")
        self._workers = workers
        self._ready: list[Child] = []

    @property
    def workers(self) -> int:
        """How many processes there are at most."""
        return self._workers

    @contextmanager
    def ready(self, jobs: int) -> Iterator[None]:
        """Fork workers from this process as it is, for the first `map` inside the block: what is imported and
        computed by now they need not import and compute. Where it may not be forked they start as ever.
        """
        try:
            if may_fork():
                for _ in range(min(self.workers, jobs)):
                    self._ready.append(Child(_serve, daemon=False, forked=True))
            yield
        finally:
            while self._ready:
                self._ready.pop().stop()

    def map(
        self, function: Callable[[J], R], jobs: Iterable[J | Later], at_most: int = 0, needs: Needs = ONE
    ) -> Iterator[Ended[J, R]]:
        """Run the jobs, `at_most` so many at a time where it is not 0; results come in the order in which
        they end. What a job needs of a machine has bounded the number of processes already.
        """
        together = min(self.workers, at_most) if at_most else self.workers
        queue = iter(jobs)
        idle, self._ready = self._ready, []
        busy: dict[Child, J] = {}
        try:
            while True:
                while len(busy) < together:
                    try:
                        job = next(queue)
                    except StopIteration:
                        break
                    if job is LATER:
                        if not busy:
                            raise RuntimeError("a job was put off, and nothing runs that it could wait for")
                        break
                    busy[_handed((function, job), idle, needs.loads if together > 1 else ())] = job
                if not busy:
                    return
                ready = wait([w.channel for w in busy])
                for worker in [w for w in busy if w.channel in ready]:
                    ended: Ended[J, R] | None
                    ended, alive = self._collect(worker, busy[worker])
                    if ended is None:
                        continue
                    del busy[worker]
                    if alive:
                        idle.append(worker)
                    yield ended
        finally:
            for worker in (*idle, *busy):
                worker.stop(now=worker in busy)

    @staticmethod
    def _collect(worker: Child, job: J) -> tuple["Ended[J, R] | None", bool]:
        """What a worker sent: the end of its job and whether it lives, or None for words, which are told
        here.
        """
        try:
            kind, value, name = worker.channel.recv()
        except (EOFError, OSError):
            worker.stop()
            fault = f"the process that worked on it died ({worker.how_it_ended()})"
            return Ended(job=job, fault=fault, died=True), False
        if kind == "said":
            tell(value)
            return None, True
        if kind == "fault":
            return Ended(job=job, fault=value, fault_type=name), True
        return Ended(job=job, result=value), True
