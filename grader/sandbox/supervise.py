"""Watches one sandboxed process from outside: time, memory, output; the same for every backend."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, NamedTuple, Protocol

from grader.sandbox.api import Frame, Listener, RunStatus, unheard
from grader.sandbox.frames import FrameReader, ProtocolFault, TooMuch
from grader.sandbox.limits import Limits

log = logging.getLogger(__name__)

TICK = 0.05
QUIET = 1.0
"""Seconds without a byte after which nothing more is expected of a process that has ended."""
LAST = 60.0
"""Longest time that reading goes on after the end; what is buffered is bounded, but a busy machine may be
slow to read it.
"""
TAIL = 8192
_CPU_SIGNAL = 24  # SIGXCPU


class Watchable(Protocol):
    """A process that can be watched: one of ours, or one that another process has started for us."""

    @property
    def stdout(self) -> IO[bytes] | None:
        """The frames."""

    @property
    def stderr(self) -> IO[bytes] | None:
        """What it says beside them."""

    def poll(self) -> int | None:
        """Return the exit status where it has ended."""

    def wait(self) -> int:
        """Wait for the exit status."""


class Watched(NamedTuple):
    """What the outside saw of one process."""

    status: RunStatus
    detail: str
    frames: tuple[Frame, ...]
    stderr: str
    exit_code: int | None


class _Pipes:
    """Reads both pipes in threads, so that neither a flood nor silence can block the watcher (also on
    Windows).
    """

    def __init__(self, process: Watchable, limits: Limits, listen: Listener) -> None:
        self.reader = FrameReader(limits)
        self._listen = listen
        self.fault: ProtocolFault | None = None
        self.ended = threading.Event()
        self.tail = bytearray()
        self.read = 0
        self.busy = False
        self._limits = limits
        self._threads = [
            threading.Thread(target=self._frames, args=(process.stdout,), daemon=True),
            threading.Thread(target=self._stderr, args=(process.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _frames(self, pipe: IO[bytes]) -> None:
        try:
            while data := os.read(pipe.fileno(), 1 << 16):
                self.busy = True
                self.read += len(data)
                before = len(self.reader.frames)
                self.reader.feed(data)
                for frame in self.reader.frames[before:]:
                    self._tell(frame)
                self.busy = False
                if self.reader.done:
                    break
        except ProtocolFault as fault:
            self.fault = fault
        except (OSError, ValueError):
            pass  # the pipe was closed under us after the process had ended
        self.busy = False
        self.ended.set()

    def _tell(self, frame: Frame) -> None:
        try:
            self._listen(frame)
        except Exception:  # whoever wanted to hear may be gone; the run goes on, and its frames are kept
            log.exception("nobody hears of a job any more")
            self._listen = unheard

    def _stderr(self, pipe: IO[bytes]) -> None:
        total = 0
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(pipe.fileno(), 1 << 16):
                total += len(data)
                self.tail += data
                del self.tail[:-TAIL]
                if total > self._limits.stderr:
                    self.fault = TooMuch(f"more than {self._limits.stderr} bytes on stderr")
                    self.ended.set()
                    return

    def join(self) -> None:
        """Read what is still in the pipes, as long as any comes; a stray process may hold them open for
        ever.
        """
        deadline = time.monotonic() + LAST
        for thread in self._threads:
            before = -1
            while thread.is_alive() and (self.busy or self.read != before) and time.monotonic() < deadline:
                before = self.read
                thread.join(QUIET)


def watch(
    process: Watchable,
    limits: Limits,
    *,
    kill: Callable[[], None],
    memory_exceeded: Callable[[], bool],
    listen: Listener = unheard,
) -> Watched:
    """Wait until the process is done, dead, or over a limit; then kill it and say what happened.

    `memory_exceeded` is asked at every tick; `kill` must end the process and everything that it started.
    """
    deadline = time.monotonic() + limits.wall  # before the first frame is told: a listener may be slow
    pipes = _Pipes(process, limits, listen)
    try:
        stopped = _wait(process, pipes, limits, deadline, memory_exceeded)
    finally:  # also when the person at the keyboard interrupts us
        finished = process.poll()
        kill()
        process.wait()
    pipes.join()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    status, detail = stopped or _judge(pipes, finished)
    return Watched(
        status=status,
        detail=detail,
        frames=tuple(pipes.reader.frames),
        stderr=pipes.tail.decode("utf-8", "replace"),
        exit_code=finished,
    )


def _wait(
    process: Watchable,
    pipes: _Pipes,
    limits: Limits,
    deadline: float,
    memory_exceeded: Callable[[], bool],
) -> tuple[RunStatus, str] | None:
    """Return when the process is done or dead, or with the limit that it passed."""
    while True:
        if pipes.ended.wait(TICK) and (pipes.fault or pipes.reader.done):
            return None
        if process.poll() is not None:
            return None
        if time.monotonic() > deadline:
            return RunStatus.WALL, f"killed after {limits.wall:g} seconds"
        if memory_exceeded():
            return RunStatus.MEMORY, f"killed above {limits.memory >> 20} MiB of memory"
        if pipes.ended.is_set():
            time.sleep(TICK)  # the channel was closed early; the process may still live


def _judge(pipes: _Pipes, code: int | None) -> tuple[RunStatus, str]:
    if isinstance(pipes.fault, TooMuch):
        return RunStatus.OUTPUT, str(pipes.fault)
    if pipes.fault is not None:
        return RunStatus.PROTOCOL_ERROR, str(pipes.fault)
    if pipes.reader.done:
        return RunStatus.OK, ""
    if code in (-_CPU_SIGNAL, 128 + _CPU_SIGNAL):
        return RunStatus.CPU, "the processor time ran out"
    if code == 0:
        return RunStatus.INCOMPLETE, "the process ended before the worker said that it was done"
    return RunStatus.NONZERO, f"the process died with exit status {code}"


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and its process group (where there are groups)."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        process.kill()


def tree_memory(*roots: int) -> int:
    """Resident bytes of processes and all their descendants, from /proc; 0 where there is none.

    It is asked for at every tick of a run that no control group limits, so it goes down from the roots where
    the kernel lists the children of a thread: among 120 processes of others that is a twentieth of what it
    takes to read who the parent of each is (0.18 and 3.4 CPU ms). A list may lack who stands behind one that
    ends while it is read; the next tick has it.
    """
    total, open_ = 0, [*roots]
    listed = os.access(_CHILDREN.format(os.getpid(), os.getpid()), os.R_OK)
    children = _listed_children if listed else _parents().get
    page = os.sysconf("SC_PAGE_SIZE") if sys.platform == "linux" else 0
    while open_:
        pid = open_.pop()
        total += int((_read(f"/proc/{pid}/statm").split() or [b"0", b"0"])[1]) * page
        open_ += children(pid) or []
    return total


_CHILDREN = "/proc/{}/task/{}/children"


def _read(path: str) -> bytes:
    """A file of /proc, whole; nothing where its process has ended."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b""


def _listed_children(pid: int) -> list[int]:
    """The children of all threads of a process, as the kernel lists them."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
    except OSError:
        return []
    return [int(child) for thread in threads for child in _read(_CHILDREN.format(pid, thread)).split()]


def _parents() -> dict[int, list[int]]:
    """The children of every process, of a kernel that lists them nowhere: each tells its parent."""
    children: dict[int, list[int]] = {}
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except OSError:
        return {}
    for pid in pids:
        if stat := _read(f"/proc/{pid}/stat"):
            children.setdefault(int(stat[stat.rindex(b")") + 2 :].split()[1]), []).append(pid)
    return children
