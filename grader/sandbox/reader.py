"""The reading of a student's file in a process with limits: bytes go in, a record of ours comes out, or how
it ended.

A parser that meets hostile bytes may take all memory, never end or die; here it takes only itself down, and
costs one artefact. One process serves a worker (`grader.sandbox.reader_server`): it stays warm, forks for
each artefact, and is started anew after an artefact that met a limit and after `ARTEFACTS`.
"""

import atexit
import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar, cast

import msgspec

from grader.core.faults import SandboxFault
from grader.sandbox.environment import own_folders
from grader.sandbox.reader_server import HEAD, LENGTH, Call, End, ReadLimits, Request

SMALL = 1_000_000
"""Bytes below which a student's own file is read in their own process; the largest real README of the survey
has a tenth of it.
"""
ARTEFACTS = 500
"""Artefacts after which the process is started anew, whatever its memory has come to look like."""
_GRACE = 60.0
"""Seconds beyond the wall limit after which the process itself is given up."""
_PATIENCE = 5.0
"""Seconds that the process may take to end by itself once its pipes are closed."""
_START = "import sys; sys.path += sys.argv[1:]; from grader.sandbox.reader_server import main; main()"
_FLAGS = ("-I", "-S", "-X", "utf8")
"""Neither the current folder nor a user's own packages, variables or start-up files: the folders to import
from are named. Without `site` it starts in a third of the time.
"""
_KEPT = (
    *("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TMPDIR", "TEMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"),  # where compiled patterns and templates are kept
)
_LIMITS = ReadLimits()
_BRIEF = ReadLimits(cpu=5)
"""Limits of several small files in one fork; where they meet one, each is read again with its own."""

_T = TypeVar("_T")


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """An artefact whose reading ended without a result."""

    end: End
    detail: str = ""
    limits: ReadLimits = _LIMITS

    @property
    def too_large(self) -> bool:
        """Whether it met a limit."""
        return self.end in (End.MEMORY, End.CPU, End.WALL, End.ANSWER)

    def __str__(self) -> str:
        """Say what happened, to follow the artefact's name."""
        match self.end:
            case End.MEMORY:
                return (
                    f"needs more memory than reading it may take ({self.limits.memory:,} "
                    "bytes) and was given up"
                )
            case End.CPU:
                return f"took longer than {self.limits.cpu} s of computing time to read and was given up"
            case End.WALL:
                return f"took longer than {self.limits.wall:.0f} s to read and was given up"
            case End.ANSWER:
                return f"holds more than is read of one file ({self.limits.answer:,} bytes) and was given up"
            case End.DIED:
                return f"ended the process that read it ({self.detail}) and was given up"
            case _:
                return f"could not be read ({self.detail})"


def read_limited(
    target: str, *arguments: object, returns: type[_T], limits: ReadLimits = _LIMITS
) -> _T | Lost:
    """Call a function of ours, `module:name`, in the limited process, and return what it returns.

    Arguments and result are what MessagePack holds. Raises SandboxFault where the process cannot be started,
    cannot import the function or breaks off before the artefact had its turn: faults of ours, never of the
    file.
    """
    if _bytes_of(arguments) < _own:
        return cast("_T | Lost", _read_here(target, arguments, limits))
    if (read := _read_ahead(target, arguments)) is not None:
        return msgspec.msgpack.decode(read, type=returns)
    end, payload = _answered([(target, arguments)], limits)
    if end is End.OURS:
        raise _not_whole(target, _words(payload))
    if end is End.VALUE:
        return msgspec.msgpack.decode(payload, type=tuple[returns])[0]  # type: ignore[valid-type]
    return Lost(end=end, detail=_words(payload), limits=limits)


def _answered(calls: Sequence[tuple[str, tuple[object, ...]]], limits: ReadLimits) -> tuple[End, bytes]:
    """How one fork ended that was asked for all of these, and the array of what they returned."""
    asked = [Call(target=t, arguments=msgspec.Raw(msgspec.msgpack.encode(given))) for t, given in calls]
    with _lock:
        return _reader().read(Request(calls=tuple(asked), limits=limits))


@contextmanager
def reading_ahead(calls: Sequence[tuple[str, tuple[object, ...]]]) -> Iterator[None]:
    """Read small files of one person in one fork, before `read_limited` is asked for each; what was read is
    kept while this lasts.

    A fork costs 5 CPU ms, about as much as reading a README or a notebook does. Where it does not end well,
    for whichever of them, nothing is kept, and each is read by itself when it is asked for: a file costs
    itself alone. What one of them does to the fork may reach the next: it is the same person's.
    """
    global _ahead  # noqa: PLW0603
    calls = [call for call in calls if _bytes_of(call[1]) >= _own]
    if len(calls) > 1 and sum(_bytes_of(given) for _, given in calls) <= SMALL:
        end, payload = End.OURS, b""
        with suppress(SandboxFault):  # said where a file is asked for
            end, payload = _answered(calls, _BRIEF)
        if end is End.VALUE:
            read = msgspec.msgpack.decode(payload, type=list[msgspec.Raw])
            _ahead = list(zip(calls, read, strict=True))
    try:
        yield
    finally:
        _ahead = []


def read_ahead(target: str, *arguments: object, returns: type[_T]) -> _T | None:
    """What was read of a file already, while `reading_ahead` lasts; None where nothing was."""
    read = _read_ahead(target, arguments)
    return None if read is None else msgspec.msgpack.decode(read, type=returns)


def _read_ahead(target: str, arguments: tuple[object, ...]) -> msgspec.Raw | None:
    return next((read for call, read in _ahead if call == (target, arguments)), None)


def _bytes_of(arguments: Iterable[object]) -> int:
    return sum(len(a) for a in arguments if isinstance(a, bytes))


@contextmanager
def own_work(below: int = SMALL) -> Iterator[None]:
    """Read files of fewer bytes in this process while it lasts: for students who check their own work.

    The limited process guards one person's machine and results against another's file. Here both are the
    same person's: the command that uses this runs their notebook without isolation as well, nobody else's
    submission is in the process, and its verdict is printed and believed by no one. What a file of that size
    may cost is bounded by the same caps on depth, cells, characters and ratio; a larger one has the limits.
    """
    global _own  # noqa: PLW0603
    before, _own = _own, below
    try:
        yield
    finally:
        _own = before


def _read_here(target: str, arguments: tuple[object, ...], limits: ReadLimits) -> object:
    """Call a reader in this process; whatever it raises costs the artefact, as in the other one."""
    name, _, function = target.partition(":")
    try:
        return getattr(importlib.import_module(name), function)(*arguments)
    except MemoryError:
        return Lost(end=End.MEMORY, limits=limits)
    except ImportError as fault:
        raise _not_whole(target, f"{type(fault).__name__}: {fault}") from fault
    except Exception as fault:  # a reader that gives up, however, costs one artefact
        return Lost(end=End.RAISED, detail=f"{type(fault).__name__}: {fault}"[:300], limits=limits)


def _not_whole(target: str, why: str) -> SandboxFault:
    return SandboxFault(f"{target} cannot be run to read files ({why}); is the installation whole?")


def cpu_spent() -> float:
    """CPU seconds that artefacts of this process took so far, outside of it."""
    return _spent


def count(cpu: float) -> None:
    """Add what an artefact took in another process that ran it for this one (`grader.sandbox.apart`)."""
    global _spent  # noqa: PLW0603
    _spent += cpu


def stop() -> None:
    """End the process; the next artefact starts another."""
    global _running  # noqa: PLW0603 - one process serves this one
    with _lock:
        if _running is not None:
            _running.stop()
        _running = None


def _words(payload: bytes) -> str:
    return payload.decode("utf-8", "replace")[:300]


class _Reader:
    """The process and its two pipes."""

    def __init__(self) -> None:
        self.served = 0
        self.spent = False
        """Whether it must not serve another artefact."""
        flags = [*_FLAGS, "-B"] if sys.dont_write_bytecode else list(_FLAGS)
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, *flags, "-c", _START, *own_folders()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={key: os.environ[key] for key in _KEPT if key in os.environ},
                start_new_session=True,  # Ctrl-C is this process's matter
            )
        except OSError as fault:
            raise SandboxFault(f"the process that reads files could not be started ({fault})") from fault

    def read(self, request: Request) -> tuple[End, bytes]:
        """Have one artefact read. Raises SandboxFault where the process ends before it came to it."""
        begun = False
        guard = threading.Timer(request.limits.wall + _GRACE, self.process.kill)
        guard.daemon = True
        guard.start()
        try:
            self._send(msgspec.msgpack.encode(request))
            while True:
                end, cpu, payload = self._receive()
                if end is not End.BEGUN:
                    break
                begun = True
        except (OSError, EOFError) as broken:
            self.spent = True
            why = self._last_words()
            if begun:
                return End.DIED, why.encode()
            raise SandboxFault(f"the process that reads files ended by itself ({why})") from broken
        finally:
            guard.cancel()
        count(cpu)
        self.served += len(request.calls)
        self.spent = begun or end not in (End.VALUE, End.RAISED) or self.served >= ARTEFACTS
        return end, payload

    def _send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(LENGTH.pack(len(data)))
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def _receive(self) -> tuple[End, float, bytes]:
        kind, cpu, length = HEAD.unpack(self._exactly(HEAD.size))
        return End(kind), cpu, self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        assert self.process.stdout is not None
        data = self.process.stdout.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def _last_words(self) -> str:
        """Say how it ended, with the last line that it wrote."""
        try:
            _, said = self.process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, said = self.process.communicate()
        code = self.process.returncode
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        return f"exit status {code}" + (f": {last}" if last else "")

    def close(self) -> None:
        """Close our ends of its pipes."""
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()

    def stop(self) -> None:
        """End it by closing its input, at once where it does not hear."""
        self.close()
        try:
            self.process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


_running: _Reader | None = None
_spent = 0.0
_own = 0
"""Bytes below which a file is read in this process."""
_ahead: list[tuple[tuple[str, tuple[object, ...]], msgspec.Raw]] = []
"""Calls that one fork answered together, and what each returned."""
_lock = threading.Lock()
atexit.register(stop)


def _let_go() -> None:
    """Close a fork's copies of the pipes: the process is another one's, and ends when that one closes its."""
    global _running  # noqa: PLW0603
    if _running is not None:
        _running.close()
    _running = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def _reader() -> _Reader:
    """The process that serves this one: the running one, or a new one."""
    global _running  # noqa: PLW0603
    if _running is not None and (_running.spent or _running.process.poll() is not None):
        _running.stop()
        _running = None
    if _running is None:
        _running = _Reader()
    return _running
