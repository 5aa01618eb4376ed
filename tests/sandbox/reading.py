"""What hostile bytes might make of a reader, as functions that the limited process can call."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

STATE: list[str] = []


def double(data: bytes) -> bytes:
    return data * 2


def take_all_memory(data: bytes) -> int:
    taken = []
    while True:
        taken.append(bytearray(50_000_000))


def loop(data: bytes) -> int:
    while True:
        pass


def hang(data: bytes) -> int:
    while True:
        time.sleep(1000)


def die(data: bytes, by: int) -> int:
    os.kill(os.getpid(), by)
    signal.pause()
    return 0


def leave(data: bytes, status: int) -> int:
    os._exit(status)


def give_up(data: bytes) -> int:
    sys.exit("no more")


def fail(data: bytes) -> int:
    raise KeyError("sheet1.xml")


def lack_a_module(data: bytes) -> int:
    import no_module_of_this_name  # noqa: F401

    return 0


def answer_much(data: bytes) -> bytes:
    return bytes(5_000_000)


def talk(data: bytes) -> str:
    """Write to every descriptor that is open: none may be the pipe to the worker."""
    print("not for you", flush=True)
    for descriptor in range(64):
        try:
            os.write(descriptor, b"\x00" * 64)
        except OSError:
            continue
    return "talked"


def remember(data: bytes) -> list[str]:
    """Change a global, a function and the environment; return what was there before."""
    before = [*STATE, double.__name__, os.environ.get("LEFT", "")]
    STATE.append("left behind")
    globals()["double"] = remember
    os.environ["LEFT"] = "behind"
    return before


def write(data: bytes, path: str) -> int:
    with Path(path).open("wb") as handle:
        return handle.write(b"x" * 100)


def hold(data: bytes, fifo: str) -> int:
    """Say through a FIFO that this process runs, with its parent's number, and never end."""
    with Path(fifo).open("wb") as handle:
        handle.write(str(os.getppid()).encode() + b"\n")
        handle.flush()
        while True:
            signal.pause()


def kill_the_server(data: bytes) -> int:
    os.kill(os.getppid(), signal.SIGKILL)
    while True:
        signal.pause()


def environment(data: bytes) -> dict[str, str]:
    return {**os.environ, "cwd": str(Path.cwd())}
