"""The way out: frames `u32 little-endian length | u8 type | payload` on one pipe."""

import json
import os
import threading
from typing import Any

KINDS = {
    "cell": 1,
    "model": 2,
    "graph": 3,
    "weights": 4,
    "recipe": 5,
    "run": 6,
    "done": 7,
    "probe": 8,
    "ready": 9,
    "logits": 10,
    "epoch": 11,
    "answers": 12,
}


class Channel:
    """Writes frames to a descriptor that student code is not told about (it could still find it)."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    def send(self, kind: str, payload: bytes) -> None:
        """Write one frame whole."""
        data = memoryview(len(payload).to_bytes(4, "little") + bytes([KINDS[kind]]) + payload)
        with self._lock:
            while data:
                data = data[os.write(self._fd, data) :]

    def send_json(self, kind: str, value: dict[str, Any]) -> None:
        """Write one frame of JSON."""
        self.send(kind, json.dumps(value, allow_nan=False).encode())


def take() -> tuple[bytes, Channel]:
    """Read the job from stdin, keep stdout for frames, and leave student code neither of them."""
    with os.fdopen(0, "rb", closefd=False) as stdin:
        job = stdin.read()
    channel = Channel(os.dup(1))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return job, channel
