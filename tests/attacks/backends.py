"""Every way in which this machine can hold a job: as whoever runs the tests, and as a plain user where that is root."""

import copy
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Self

import msgspec
import pytest

import grader
from grader.sandbox.api import Frame, Job, Listener, RunResult, unheard

PLAIN_UID = "65534"
SYSTEM_PYTHON = Path("/usr/bin/python3")
RUN = """
import os, sys, threading, time, types
sys.path.insert(0, sys.argv[1])
import msgspec
from grader.sandbox import supervise
from grader.sandbox.api import Job, unheard
from grader.sandbox.bwrap import Bubblewrap
from grader.sandbox.warm import Server

def taken(size):
    data = b""
    while len(data) < size:
        data += os.read(0, size - len(data))
    return data

def say(value):
    data = msgspec.msgpack.encode(value)
    sys.stdout.buffer.write(len(data).to_bytes(8, "big") + data)
    sys.stdout.buffer.flush()

job = msgspec.msgpack.decode(taken(int.from_bytes(taken(8), "big")), type=Job)
ahead = 0.0
supervise.time = types.SimpleNamespace(monotonic=lambda: time.monotonic() + ahead, sleep=time.sleep)

def run_out():
    global ahead
    if os.read(0, 1):
        ahead = 1e9

threading.Thread(target=run_out, daemon=True).start()
server = Server(Bubblewrap.surroundings()) if "warm" in sys.argv else None
sandbox = Bubblewrap(warm=server.address if server else "")
say(sandbox.run(job, (lambda frame: say([frame])) if "heard" in sys.argv else unheard))
if server:
    server.close()
"""
"""It takes a job, and a byte more once the time of the job is over, and answers with the frames, each in a
list, where somebody listens, then with the result; before each of both stands its length.
"""


class PlainUser:
    """Bubblewrap started by an unprivileged user, from a copy of grader that everybody can read."""

    name = "bwrap as a plain user"

    def __init__(self, folder: Path) -> None:
        """Copy grader and what its sandbox imports below `folder`; pytest.skip where a plain user has no Python."""
        if os.geteuid() != 0 or not same_python():
            pytest.skip("becoming a plain user needs root, and a system Python of the tests' version")
        for package in (grader, msgspec):
            subprocess.run(["cp", "-r", str(Path(package.__file__ or "").parent), str(folder)], check=True)
        # A plain user may write no bytecode there: each job would compile what it imports, and its worker again.
        ours = [str(folder / "grader" / part) for part in ("core", "sandbox")]
        subprocess.run(
            [str(SYSTEM_PYTHON), "-m", "compileall", "-q", *ours, str(folder / "msgspec")], check=True
        )
        subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
        for parent in folder.parents:
            if parent.stat().st_mode & 0o005 != 0o005:
                parent.chmod(parent.stat().st_mode | 0o005)
        self._folder = folder
        self._way: tuple[str, ...] = ()
        self._running: list[IO[bytes]] = []  # shared with `warmed`

    def warmed(self) -> Self:
        """Return the same where jobs start warm."""
        other = copy.copy(self)
        other._way = ("warm",)
        return other

    def run(self, job: Job, listen: Listener = unheard) -> RunResult:
        """Run one job as nobody."""
        heard = () if listen is unheard else ("heard",)
        command = [*as_nobody(), str(SYSTEM_PYTHON), "-I", "-c", RUN, str(self._folder), *self._way, *heard]
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd="/",
                env={"PATH": "/usr/bin:/bin"},
            ) as process,
        ):
            assert process.stdin is not None
            assert process.stdout is not None
            data = msgspec.msgpack.encode(job)
            process.stdin.write(len(data).to_bytes(8, "big") + data)
            process.stdin.flush()
            self._running.append(process.stdin)
            told: list[Frame] | RunResult = []
            while size := process.stdout.read(8):
                data = process.stdout.read(int.from_bytes(size, "big"))
                told = msgspec.msgpack.decode(data, type=list[Frame] | RunResult)
                for frame in told if isinstance(told, list) else ():
                    listen(frame)
            self._running.remove(process.stdin)
            process.stdin.close()
            process.wait()
            said.seek(0)
            assert process.returncode == 0, said.read().decode("utf-8", "replace")
        assert isinstance(told, RunResult)
        return told

    def run_out(self) -> None:
        """Let the time of all its jobs be over."""
        for stdin in self._running:
            stdin.write(b"x")
            stdin.flush()


def as_nobody() -> list[str]:
    """Return the beginning of a command line that runs the rest without any privilege."""
    return ["setpriv", "--reuid", PLAIN_UID, "--regid", PLAIN_UID, "--clear-groups"]


def same_python() -> bool:
    """Whether a plain user has a Python of this version, so that our extension modules load there."""
    if not SYSTEM_PYTHON.exists():
        return False
    command = [SYSTEM_PYTHON, "-c", "import sys; print(*sys.version_info[:2])"]
    version = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return version.split() == [str(n) for n in sys.version_info[:2]]
