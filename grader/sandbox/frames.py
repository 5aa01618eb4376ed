"""The channel: `u32 little-endian length | u8 type | payload`, one direction, capped and checked before
anything is parsed.
"""

import json
import re
from typing import NoReturn

from grader.core.faults import GraderFault
from grader.sandbox.api import Frame
from grader.sandbox.limits import MIB, Limits

KINDS = {
    1: "cell",
    2: "model",
    3: "graph",
    4: "weights",
    5: "recipe",
    6: "run",
    7: "done",
    8: "probe",
    9: "ready",
    10: "logits",
    11: "epoch",
    12: "answers",
}
JSON_KINDS = frozenset({"cell", "model", "graph", "recipe", "run", "done", "probe", "ready"})
CAPS = {
    "cell": MIB // 4,
    "model": MIB,
    "graph": 2 * MIB,
    "weights": 24 * MIB,
    "recipe": MIB // 4,
    "run": MIB,
    "done": 64,
    "probe": MIB,
    "ready": 64,
    "epoch": 2 * MIB,
    "logits": MIB // 2,
    "answers": MIB // 16,
}
"""Largest payload of each kind in bytes. A graph of the largest real notebook has 14 kB."""
MAX_DEPTH = 32
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
_NO_BRACKETS = bytes(b for b in range(256) if b not in b"[]{}")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
HEADER = 5


class ProtocolFault(GraderFault):
    """What came over the pipe is not what the protocol allows."""


class TooMuch(ProtocolFault):
    """More bytes than the channel may carry."""


class FrameReader:
    """Cuts a byte stream into frames; raises at the first byte that the protocol forbids."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._total = 0
        self.frames: list[Frame] = []

    @property
    def done(self) -> bool:
        """Whether the worker said that it was done."""
        return bool(self.frames) and self.frames[-1].kind == "done"

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            TooMuch: the total cap is passed.
            ProtocolFault: unknown type, oversized frame, too many frames, malformed JSON, or bytes after
                `done`.

        """
        self._total += len(data)
        if self._total > self._limits.channel:
            raise TooMuch(f"more than {self._limits.channel} bytes came over the channel")
        self._buffer += data
        while len(self._buffer) >= HEADER:
            size = int.from_bytes(self._buffer[:4], "little")
            kind = KINDS.get(self._buffer[4])
            if kind is None:
                raise ProtocolFault(f"unknown frame type {self._buffer[4]}")
            if size > CAPS[kind]:
                raise ProtocolFault(f"a {kind} frame of {size} bytes; at most {CAPS[kind]} are allowed")
            if self.done:
                raise ProtocolFault("a frame after the last one")
            if len(self._buffer) < HEADER + size:
                return
            payload = bytes(self._buffer[HEADER : HEADER + size])
            del self._buffer[: HEADER + size]
            if kind in JSON_KINDS:
                strict_json(payload)
            self.frames.append(Frame(kind=kind, payload=payload))
            if len(self.frames) > self._limits.frames:
                raise ProtocolFault(f"more than {self._limits.frames} frames")


def strict_json(data: bytes) -> object:
    """Parse JSON that has bounded depth, no NaN or Infinity, no duplicate keys and no huge numbers.

    Raises:
        ProtocolFault: otherwise; the standard parser accepts all four.

    """
    _refuse_depth(data)
    try:
        return json.loads(data, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as fault:
        raise ProtocolFault(f"malformed JSON: {fault}") from None


def _refuse_depth(data: bytes) -> None:
    # No loop over bytes: 32 MiB of JSON cost 20 s of one. Each round takes the innermost pairs of brackets
    # away.
    left = _TEXTS.sub(b"", data).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        left = left.replace(b"[]", b"")
    if b"[]" in left:  # a bracket without a partner is left to the parser
        raise ProtocolFault(f"JSON nested deeper than {MAX_DEPTH}")


def _refuse_constant(name: str) -> NoReturn:
    raise ProtocolFault(f"{name} is no JSON number")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ProtocolFault("duplicate keys in a JSON object")
    return found
