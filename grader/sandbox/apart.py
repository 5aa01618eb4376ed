"""Functions of ours that need torch, run in a fork of the warm process: torch lies in memory once, for the
jobs of students and for those who look into what the jobs leave behind.

The fork is made for one call, from a process that has read no byte of a student, and is confined as the
forks that read files are (`grader.sandbox.reader_filter`): it may compute, read and answer, within limits. It
answers with MessagePack of a known type. Where there is no warm process, or it cannot fork, nothing is run
and the caller does it itself.
"""

import socket
from pathlib import Path
from typing import TypeVar

import msgspec

from grader.core.faults import SandboxFault
from grader.sandbox import reader, warm
from grader.sandbox.reader_server import HEAD, LENGTH, Call, End, ReadLimits, Request

LIMITS = ReadLimits(cpu=3600, memory=2_000_000_000, wall=4 * 3600.0)
"""What one call may take, beyond the memory that it was forked with. A small network takes 0.12 CPU s; the
largest that is not refused before, a hundred times the work of those of this course, some hundred times that.
"""
_PATIENCE = 120.0
"""Seconds until the fork is there: it is made after torch is imported."""

_T = TypeVar("_T")


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A call that ended without a result, by what it was given."""

    detail: str

    def __str__(self) -> str:
        """Say so, to follow the name of what it was given."""
        return f"could not be looked into within its limits ({self.detail})"


def call(
    target: str, *arguments: object, returns: type[_T], limits: ReadLimits = LIMITS
) -> "_T | Ended | None":
    """Call a function of ours, `module:name`, apart; None where nothing can, and nothing was handed over.

    Raises SandboxFault where the function itself raised: a fault of ours.
    """
    address = warm.address()
    if not address:
        return None
    asked = Call(target=target, arguments=msgspec.Raw(msgspec.msgpack.encode(arguments)))
    frames = [msgspec.msgpack.encode(part) for part in (limits, Request(calls=(asked,), limits=limits))]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(_PATIENCE)
        try:
            channel.connect(str(Path(address).with_name(warm.APART)))
            if _head(channel)[0] != End.BEGUN:
                return None
        except (OSError, EOFError):
            return None
        channel.settimeout(limits.wall)
        try:
            channel.sendall(b"".join(LENGTH.pack(len(frame)) + frame for frame in frames))
            kind, cpu, length = _head(channel)
            payload = _exactly(channel, length) if length <= limits.answer else b""
        except (OSError, EOFError) as fault:
            return Ended(detail=f"{limits.cpu} s, {limits.memory:,} bytes; {fault or 'no answer'}")
    if 0 < cpu <= limits.cpu:
        reader.count(cpu)
    if kind == End.VALUE:
        try:
            return msgspec.msgpack.decode(payload, type=tuple[returns])[0]  # type: ignore[valid-type]
        except msgspec.DecodeError as fault:
            return Ended(detail=f"its answer is none: {fault}")
    if kind in (End.OURS, End.RAISED):
        raise SandboxFault(f"{target} failed: {payload.decode('utf-8', 'replace')[:300]}")
    return Ended(detail=f"{limits.memory:,} bytes of memory, {limits.answer:,} of an answer")


def _head(channel: socket.socket) -> tuple[int, float, int]:
    kind, cpu, length = HEAD.unpack(_exactly(channel, HEAD.size))
    return kind, cpu, length


def _exactly(channel: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = channel.recv(min(size - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
