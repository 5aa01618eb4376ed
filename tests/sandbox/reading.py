"""What hostile bytes might make of a reader, as functions that the limited process can call."""

from __future__ import annotations

import errno
import os
import signal
import socket
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


def wait(data: bytes) -> int:
    time.sleep(3)
    return 0


def parent(data: bytes) -> int:
    return os.getppid()


def descriptors(data: bytes) -> list[str]:
    open_ones = (Path(f"/proc/self/fd/{number}") for number in range(64))
    return [str(link.readlink()) for link in open_ones if os.path.lexists(link)]


def environment(data: bytes) -> dict[str, str]:
    return {**os.environ, "cwd": str(Path.cwd())}


def try_calls(data: bytes, folder: str, server: int) -> dict[str, str]:
    """Try what a parser never needs; say what each attempt gave."""
    import resource  # there is none on Windows

    here = Path(folder)
    attempts = {
        "read": (here / "there").read_bytes,
        "write": lambda: (here / "made").open("wb"),
        "append": lambda: (here / "there").open("ab"),
        "remove": (here / "there").unlink,
        "rename": lambda: (here / "there").rename(here / "other"),
        "mkdir": (here / "folder").mkdir,
        "chmod": lambda: (here / "there").chmod(0o777),
        "link": lambda: (here / "link").symlink_to(here / "there"),
        "truncate": lambda: os.truncate(here / "there", 0),
        "fork": os.fork,
        "execute": lambda: os.execv("/bin/true", ["true"]),
        "connect": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "unix": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "signal": lambda: os.kill(server, 0),
        "signal all": lambda: os.kill(-1, 0),
        "limits": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
        "ask limits": lambda: resource.getrlimit(resource.RLIMIT_NOFILE),
        "signal itself": lambda: os.kill(os.getpid(), 0),
    }
    found: dict[str, str] = {}
    for name, attempt in attempts.items():
        try:
            attempt()
            found[name] = "done"
        except OSError as fault:
            found[name] = errno.errorcode[fault.errno or 0]
        except ValueError:  # what Python makes of EPERM where it is about a limit
            found[name] = "EPERM"
    return found
