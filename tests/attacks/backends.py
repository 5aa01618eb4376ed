"""Every way in which this machine can hold a job: as whoever runs the tests, and as a plain user where that is root."""

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

import msgspec
import pytest

import grader
from grader.sandbox.api import Job, Listener, RunResult, unheard

PLAIN_UID = "65534"
SYSTEM_PYTHON = Path("/usr/bin/python3")
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
import msgspec
from grader.sandbox.api import Job
from grader.sandbox.bwrap import Bubblewrap
from grader.sandbox.warm import Server
job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
server = Server(Bubblewrap.surroundings()) if "warm" in sys.argv else None
sandbox = Bubblewrap(warm=server.address if server else "")
sys.stdout.buffer.write(msgspec.msgpack.encode(sandbox.run(job)))
if server:
    server.close()
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
        subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
        for parent in folder.parents:
            if parent.stat().st_mode & 0o005 != 0o005:
                parent.chmod(parent.stat().st_mode | 0o005)
        self._folder = folder
        self._way: tuple[str, ...] = ()

    def warmed(self) -> Self:
        """Return the same where jobs start warm."""
        other = copy.copy(self)
        other._way = ("warm",)
        return other

    def run(self, job: Job, listen: Listener = unheard) -> RunResult:
        """Run one job as nobody."""
        del listen
        done = subprocess.run(
            [*as_nobody(), str(SYSTEM_PYTHON), "-I", "-c", RUN, str(self._folder), *self._way],
            input=msgspec.msgpack.encode(job),
            capture_output=True,
            check=False,
            cwd="/",
            env={"PATH": "/usr/bin:/bin"},
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return msgspec.msgpack.decode(done.stdout, type=RunResult)


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
