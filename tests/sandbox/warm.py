"""The worker of `Unisolated` without its imports: forked from one process that has torch, torchvision and
IPython.

They take three seconds of a run whose notebook trains for a tenth of one. The worker imports them itself
before it touches a submission, so a child finds what it would find in a process of its own: an empty folder,
its own environment, its own pipes. That the worker starts from nothing is tested in `test_notebook.py` and
`test_conformance.py`.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from types import SimpleNamespace
from typing import IO
from unittest import mock

from grader.sandbox import environment, none
from grader.sandbox.api import Job, Listener, RunResult, unheard
from grader.sandbox.none import Unisolated

SERVER = """
import gc, importlib, importlib.util, json, os, socket, sys
from pathlib import Path

folder, listening = Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))
spec = importlib.util.spec_from_file_location(
    "_grader_worker", folder / "__init__.py", submodule_search_locations=[str(folder)]
)
sys.modules["_grader_worker"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
importlib.import_module("_grader_worker.warm_up").import_all()
gc.freeze()
while True:
    request, fds, _, _ = socket.recv_fds(listening, 1 << 16, 4)
    if not request:
        os._exit(0)
    if os.fork():
        for fd in fds:
            os.close(fd)
        os.waitpid(-1, 0)
        continue
    if os.fork():
        os._exit(0)  # the server waits for nobody: the one below does, and tells how it ended
    *streams, told = fds
    pid = os.fork()
    if pid:
        for fd in streams:
            os.close(fd)
        os.write(told, b"%d\\n" % pid)
        os.write(told, b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        os._exit(0)
    listening.close()
    os.close(told)
    os.setsid()
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
        os.close(fd)
    given = json.loads(request)
    os.environ.clear()
    os.environ.update(given["env"])
    os.chdir(given["cwd"])
    sys.argv = [str(folder / "__main__.py")]
    break
sys.modules["_grader_worker.main"].main()
"""


class WarmWorker(Unisolated):
    """Runs jobs as `Unisolated` does, three seconds faster each."""

    def __init__(self) -> None:
        super().__init__(unsafe_no_sandbox=True)

    def run(self, job: Job, listen: Listener = unheard) -> RunResult:
        """Run one job in a child of the server."""
        if not hasattr(os, "fork"):
            return super().run(job, listen)
        made = SimpleNamespace(PIPE=subprocess.PIPE, Popen=_Forked)
        with mock.patch.object(none, "subprocess", made):
            return super().run(job, listen)


class _Forked:
    """What `watch` needs of a Popen."""

    def __init__(
        self, _command: list[str], *, stdin: IO[bytes], env: dict[str, str], cwd: str, **_pipes: object
    ) -> None:
        out, err = os.pipe(), os.pipe()
        self._told, theirs = socket.socketpair()
        request = json.dumps({"env": env, "cwd": cwd}).encode()
        socket.send_fds(_server(), [request], [stdin.fileno(), out[1], err[1], theirs.fileno()])
        theirs.close()
        os.close(out[1])
        os.close(err[1])
        self.stdout, self.stderr = os.fdopen(out[0], "rb"), os.fdopen(err[0], "rb")
        self._lines = self._told.makefile("r")
        self.pid = int(self._lines.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            with contextlib.suppress(BlockingIOError):
                if self._told.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    return self.wait()
        return self.returncode

    def wait(self) -> int:
        if self.returncode is None:
            self.returncode = int(self._lines.readline())
            self._lines.close()
            self._told.close()
        return self.returncode

    def kill(self) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)


@cache
def _server() -> socket.socket:
    """The process that has imported everything; it ends with ours, when its socket closes."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    subprocess.Popen(
        [
            *(sys.executable, *environment.PYTHON_FLAGS, "-c", SERVER),
            *(str(environment.WORKER), str(theirs.fileno())),
        ],
        stdin=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        env=none._environment(tempfile.gettempdir()),
        cwd=tempfile.gettempdir(),
    )
    theirs.close()
    return ours
