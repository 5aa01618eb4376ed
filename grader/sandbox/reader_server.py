"""The process in which files of students are parsed, in forks with limits: one file a fork, or a few small
ones of the same person.

It is started once for each worker (`grader.sandbox.reader`), imports the readers that it is asked for, and
reads no file of a student itself: what a fork did to its memory is gone with the fork, so nothing of one
submission reaches the next. Where there is no fork (Windows) it serves one request and ends.

Requests and answers are frames on standard input and output: a head of fixed size, then MessagePack. It opens
no connection, and no file but the modules that it imports and what they and our templates were compiled to,
and ends when the process that started it does, whatever it is doing then.

`answer` does the same for a process that was forked already for the one request that it gets over a socket
(`grader.sandbox.apart`).
"""

import gc
import importlib
import os
import select
import signal
import struct
import sys
import time
import typing
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import BinaryIO, NamedTuple, NoReturn

import msgspec

from grader.core import kept_patterns
from grader.core.machine import collect_rarely
from grader.sandbox import reader_filter


class ReadLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the reading of one artefact may take."""

    cpu: int = 40
    """Seconds; the largest real workbook takes 3."""
    memory: int = 1_200_000_000
    """Bytes of address space; a book of 76,000 formulas takes a tenth of it."""
    answer: int = 80_000_000
    """Bytes of MessagePack; the largest real workbook answers 1.1 MB."""
    wall: float = 600.0
    """Seconds, against a process that hangs. On a busy machine a sound workbook took more than a minute by
    the clock; CPU seconds are what decides.
    """


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A function of ours, as `module:name`, and the arguments that it is called with, as one MessagePack
    array.
    """

    target: str
    arguments: msgspec.Raw


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that one fork answers, one after the other, with an array of what they return."""

    calls: tuple[Call, ...]
    limits: ReadLimits


class End(IntEnum):
    """How the reading of an artefact ended."""

    VALUE = 0
    """The frame holds what the function returned."""
    BEGUN = 1
    """No end: all is imported, and what follows is this artefact's own doing. Sent where there is no fork."""
    OURS = 2
    """The reader could not be loaded or started: a fault of the installation."""
    RAISED = 3
    MEMORY = 4
    CPU = 5
    WALL = 6
    ANSWER = 7
    """What was read is larger than an answer may be."""
    DIED = 8
    """By a signal, or by ending itself."""


HEAD = struct.Struct(">BdQ")
"""How it ended, CPU seconds of the fork, bytes that follow."""
LENGTH = struct.Struct(">Q")
"""Bytes of a request."""
_CHUNK = 2**18
_FILES = 64
"""Descriptors that a fork may open: some readers import a module when they first need it."""

_loaded: "dict[str, Reader]" = {}

_CAN_FORK = hasattr(os, "fork")


def main() -> None:
    """Serve requests until standard input ends."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    collect_rarely()
    kept_patterns.keep()
    if _CAN_FORK:
        importlib.import_module("resource")
        reader_filter.prepare()
    while (request := _request(source)) is not None:
        try:
            functions = [load(call.target) for call in request.calls]
        except Exception as fault:  # told as a fault of ours, with its words
            _send(sink, End.OURS, 0.0, f"{type(fault).__name__}: {fault}".encode())
            continue
        if not _CAN_FORK:
            _send(sink, End.BEGUN, 0.0, b"")
            end, payload = _outcome(functions, request)
            _send(sink, end, time.process_time(), payload)
            break
        try:
            _send(sink, *_forked(functions, request, source.fileno()))
        except OSError as fault:
            _send(sink, End.OURS, 0.0, f"no process could be started ({fault})".encode())
    # Nothing is left to be torn down, and what a reader left behind has no say.
    os._exit(0)


def prepare(targets: Sequence[str]) -> None:
    """Do what the forks that `answer` would each do for themselves; raises where a target cannot be
    imported.
    """
    importlib.import_module("resource")
    reader_filter.prepare()
    for target in targets:
        load(target)


def answer(connection: int) -> NoReturn:
    """Answer one request that comes over a socket, in this process, and end it.

    Its limits come first, and it is confined before it reads more. They are on top of the memory that it has,
    and nobody waits for it: where no answer comes it met one of them, or died.
    """
    try:
        reader_filter.die_with(os.getppid())
        channel = os.dup2(connection, 3) if connection != 3 else 3
        os.closerange(4, 1 << 16)
        source, sink = os.fdopen(channel, "rb"), os.fdopen(os.dup(channel), "wb")
        _send(sink, End.BEGUN, 0.0, b"")
        limits = msgspec.msgpack.decode(_frame(source), type=ReadLimits)
        signal.setitimer(signal.ITIMER_REAL, limits.wall)
        _confine(limits, mapped=_mapped())
        request = _request(source)
        if request is not None:
            _send(sink, *_answered(request))
    finally:
        os._exit(0)


def _answered(request: Request) -> tuple[End, float, bytes]:
    try:
        functions = [load(call.target) for call in request.calls]
    except Exception as fault:  # told as a fault of ours, with its words
        return End.OURS, 0.0, f"{type(fault).__name__}: {fault}".encode()
    end, payload = _outcome(functions, request)
    return end, time.process_time(), payload


def _mapped() -> int:
    """Bytes of address space of this process, the libraries that it was forked with among them."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib is not loaded here
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _request(source: BinaryIO) -> Request | None:
    data = _frame(source)
    return msgspec.msgpack.decode(data, type=Request) if data else None


def _frame(source: BinaryIO) -> bytes:
    """Bytes of one frame; none where the source ends before it does."""
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return b""
    (length,) = LENGTH.unpack(head)
    data = source.read(length)
    return data if len(data) == length else b""


def _send(sink: BinaryIO, end: End, cpu: float, payload: bytes) -> None:
    try:
        sink.write(HEAD.pack(end, cpu, len(payload)))
        sink.write(payload)
        sink.flush()
    except OSError:  # nobody is left to be answered
        os._exit(0)


class Reader(NamedTuple):
    """A function that reads, and what decodes its arguments."""

    call: Callable[..., object]
    arguments: msgspec.msgpack.Decoder[tuple[object, ...]]


def load(target: str) -> Reader:
    """Import a reader, and do once for its module what each file needs (`warm`): what a fork imports or
    compiles it does for itself alone.
    """
    if target not in _loaded:
        name, _, function = target.partition(":")
        module = importlib.import_module(name)
        if not any(known.partition(":")[0] == name for known in _loaded):
            getattr(module, "warm", lambda: None)()
            kept_patterns.write()
        call: Callable[..., object] = getattr(module, function)
        hints = typing.get_type_hints(call)
        hints.pop("return")
        types: type[tuple[object, ...]] = tuple[tuple(hints.values())]  # type: ignore[misc, assignment]
        _loaded[target] = Reader(call, msgspec.msgpack.Decoder(types))
    return _loaded[target]


def _outcome(functions: Sequence[Reader], request: Request) -> tuple[End, bytes]:
    """Call readers with their arguments; whatever one of them does is the outcome of all."""
    asked = zip(functions, request.calls, strict=True)
    try:
        payload = msgspec.msgpack.encode([f.call(*f.arguments.decode(call.arguments)) for f, call in asked])
    except MemoryError:
        return End.MEMORY, b""
    except ImportError as fault:  # of a module that a reader loads when it needs it
        return End.OURS, f"{type(fault).__name__}: {fault}".encode()
    except BaseException as fault:  # a reader that gives up, however, costs one artefact
        return End.RAISED, f"{type(fault).__name__}: {fault}"[:300].encode("utf-8", "replace")
    if len(payload) > request.limits.answer:
        return End.ANSWER, b""
    return End.VALUE, payload


def _forked(functions: Sequence[Reader], request: Request, worker: int) -> tuple[End, float, bytes]:
    """Call readers in a fork; return how it ended, its CPU seconds and what it answered."""
    ours, theirs = os.pipe()
    server = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            reader_filter.die_with(server)
            _in_fork(functions, request, theirs)
        finally:
            os._exit(1)
    os.close(theirs)
    try:
        end, answer = _received(ours, worker, request.limits)
    finally:
        os.close(ours)
    if end is not None or len(answer) >= HEAD.size:
        os.kill(pid, _SIGKILL)
    _, status, used = os.wait4(pid, 0)
    cpu = used.ru_utime + used.ru_stime
    if end is not None:
        return end, cpu, b""
    if len(answer) >= HEAD.size:
        kind, _, length = HEAD.unpack_from(answer)
        if len(answer) == HEAD.size + length and kind in _TOLD_BY_FORK:
            return End(kind), cpu, answer[HEAD.size :]
    if os.WIFSIGNALED(status):
        signal = os.WTERMSIG(status)
        if signal == _SIGXCPU:
            return End.CPU, cpu, b""
        return End.DIED, cpu, f"signal {signal}".encode()
    return End.DIED, cpu, f"exit status {os.WEXITSTATUS(status)}".encode()


_SIGKILL, _SIGXCPU = 9, 24
_TOLD_BY_FORK = (End.VALUE, End.OURS, End.RAISED, End.MEMORY, End.ANSWER)


def _received(ours: int, worker: int, limits: ReadLimits) -> tuple[End | None, bytes]:
    """Return all that a fork wrote, or the limit that it met. Ends this process where the worker's end
    closes.
    """
    room = limits.answer + HEAD.size
    until = time.monotonic() + limits.wall
    parts: list[bytes] = []
    while True:
        ready, _, _ = select.select([ours, worker], [], [], max(0.0, until - time.monotonic()))
        if worker in ready:  # no second request comes before the first is answered: the worker is gone
            os.killpg(0, _SIGKILL)
        if not ready:
            return End.WALL, b""
        part = os.read(ours, _CHUNK)
        if not part:
            return None, b"".join(parts)
        room -= len(part)
        if room < 0:
            return End.ANSWER, b""
        parts.append(part)


def _in_fork(functions: Sequence[Reader], request: Request, theirs: int) -> None:
    _confine(request.limits)
    end, payload = _outcome(functions, request)
    with os.fdopen(theirs, "wb", closefd=False) as sink:
        sink.write(HEAD.pack(end, 0.0, len(payload)))
        sink.write(payload)
    os._exit(0)


def _confine(limits: ReadLimits, mapped: int = 0) -> None:
    """Leave this process nothing but to compute, to read and to answer."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
    sys.dont_write_bytecode = True
    gc.disable()  # it ends when the file is read, and its memory is bounded
    _limit(limits, mapped)
    reader_filter.install()


def _limit(limits: ReadLimits, mapped: int) -> None:
    """Limit this process where the system can; macOS refuses the memory limit. What is `mapped` already does
    not count.
    """
    import resource

    for what, soft, hard in (
        (resource.RLIMIT_AS, limits.memory + mapped, limits.memory + mapped),
        (
            resource.RLIMIT_CPU,
            limits.cpu,
            limits.cpu + 5,
        ),  # at the first SIGXCPU, which tells itself from a kill
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, _FILES, _FILES),
    ):
        try:
            resource.setrlimit(what, (soft, hard))
        except (ValueError, OSError):
            continue
