"""Jobs without their imports: one process has torch already, and forks for each job into a sandbox that
bubblewrap made.

The process (`grader.sandbox.warm_server`) is started by whoever grades a class, serves all its workers and
ends with it; on another machine each worker has its own. It runs from a sealed copy of the interpreter in
memory: /proc/self/exe of a fork would otherwise lead past its namespaces to a file of this machine, which a
plain user may own.

Beside it a fork of it, made before there is a job, runs functions of ours on what jobs leave behind
(`grader.sandbox.apart`).

Where it cannot be had, or ends, jobs are started from nothing as ever; the record of the run says so.
"""

import atexit
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from grader.sandbox import environment, launch
from grader.sandbox.environment import own_folders
from grader.sandbox.jobfile import memory_file, seal

SOCKET = "GRADER_WARM_SOCKET"
"""The variable by which the processes that we start find the socket."""
APART = "apart"
"""Name of the other socket, beside it, that exists once the warm process was asked for."""
PATIENCE = 120.0
"""Seconds that a job waits to be inside: the first one waits for the imports, as it would anyway."""
PROGRAM = Path(__file__).with_name("warm_server.py")
NAMESPACES = ("outer", "mnt", "pid", "net", "ipc", "uts", "cgroup", "user")
"""In the order in which they are joined: first the user namespace that owns the others, last the one inside
of it.
"""
_NS_GET_USERNS = 0xB701
_MFD_EXEC = 0x10
_WAITING = 64
"""Connections that may wait for the imports to be done."""


class NotWarm(Exception):
    """A job could not be started warm, and no byte of it has run; says why."""


class Request(NamedTuple):
    """What a fork must become, beyond the namespaces that it joins."""

    uid: int | None
    cgroups: Sequence[str]
    rlimits: Mapping[str, int]
    folder: str
    inside_uid: int
    environment: Mapping[str, str]
    filter: bytes

    def encoded(self) -> bytes:
        """Return it as the server reads it."""
        limits = {name: launch.bounds(name, value) for name, value in self.rlimits.items()}
        own = {"rlimits": limits, "filter": self.filter.hex(), "namespaces": NAMESPACES}
        return json.dumps(self._asdict() | own).encode()


class Server:
    """The warm process, started when the first job asks for it, and the socket at which it is found."""

    def __init__(self, surroundings: Mapping[str, str], targets: Sequence[str] = ()) -> None:
        """Listen; `surroundings` are the variables that a job finds, and `targets` functions of ours
        (`module:name`) that run apart, in forks of their own.

        Raises:
            NotWarm: this system has no such sockets.

        """
        self.process: subprocess.Popen[bytes] | None = None
        self._surroundings = dict(surroundings)
        self._targets = tuple(targets)
        self._folder = tempfile.mkdtemp(prefix="grader-warm-")
        self.address = str(Path(self._folder, "socket"))
        try:
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._listener.bind(self.address)
            self._listener.listen(_WAITING)
            self._lifeline, self._held = os.pipe()
        except (OSError, AttributeError) as fault:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise NotWarm(f"nobody could listen for jobs ({fault})") from fault
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._told, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._wait_for_a_job, daemon=True)
        self._thread.start()

    def _wait_for_a_job(self) -> None:
        ready, _, _ = select.select([self._listener.fileno(), self._told], [], [])
        try:
            if self._told not in ready:
                self._start()
        except (OSError, AttributeError) as fault:  # whoever asked is refused, and starts from nothing
            self._errors.write(str(fault).encode())
            self._errors.flush()
        finally:
            self._listener.close()
            os.close(self._lifeline)

    def _start(self) -> None:
        python = Path(sys.executable)
        apart = {"folders": own_folders(), "targets": self._targets}
        config = {
            "listener": self._listener.fileno(),
            "lifeline": self._lifeline,
            "worker": str(environment.WORKER),
            "inside": environment.WORKER_INSIDE,
            "shown": [bind.target for bind in environment.view().binds],
        }
        with (
            _sealed_copy(python) as program,
            memory_file(PROGRAM.read_bytes(), "server") as code,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as beside,
            memory_file(json.dumps(apart).encode(), "apart") as told,
            memory_file(
                json.dumps(config | {"apart": [beside.fileno(), told.fileno()]}).encode(), "config"
            ) as given,
        ):
            beside.bind(str(Path(self._folder, APART)))
            beside.listen(_WAITING)
            files = (self._listener, beside, program, code, told, given)
            handed = (self._lifeline, *(file.fileno() for file in files))
            ours = f"/proc/self/fd/{code.fileno()}"
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
                [sys.executable, *environment.PYTHON_FLAGS, ours, str(given.fileno())],
                executable=f"/proc/self/fd/{program.fileno()}",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=self._surroundings | _libraries(python),
                cwd="/",
                pass_fds=handed,
                start_new_session=True,
            )

    def last_words(self) -> str:
        """Return the last line that the process wrote; empty where it had nothing to say."""
        said = os.pread(self._errors.fileno(), 1 << 16, 0).decode("utf-8", "replace")
        return said.strip().rpartition("\n")[2][-300:]

    def close(self) -> None:
        """End it; jobs that it has started go on."""
        os.close(self._stop)
        self._thread.join()
        os.close(self._told)
        os.close(self._held)
        if self.process is not None:
            try:
                self.process.wait(timeout=5.0)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._errors.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _sealed_copy(program: Path) -> IO[bytes]:
    """Copy a program to where nobody can change it; opened for reading alone, or it could not be started."""
    flags = os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC
    try:
        fd = os.memfd_create("python", flags | _MFD_EXEC)
    except OSError:  # before Linux 6.3 each may be executed
        fd = os.memfd_create("python", flags)
    with os.fdopen(fd, "w+b") as memory:
        memory.write(program.read_bytes())
        memory.flush()
        seal(fd)
        return os.fdopen(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC), "rb")


def _libraries(program: Path) -> dict[str, str]:
    """Name the folder of libpython where the interpreter looks for it beside itself: a copy in memory stands
    nowhere.
    """
    if b"$ORIGIN" not in program.read_bytes():
        return {}
    return {"LD_LIBRARY_PATH": str(Path(sys.base_prefix, "lib"))}


@contextmanager
def serving(surroundings: Mapping[str, str], targets: Sequence[str] = ()) -> Iterator[None]:
    """Let the processes that are started meanwhile find a warm one; they do without where there is none."""
    try:
        server = Server(surroundings, targets)
    except NotWarm:
        yield
        return
    os.environ[SOCKET] = server.address
    try:
        yield
    finally:
        del os.environ[SOCKET]
        server.close()


def serve_for_good(surroundings: Mapping[str, str], targets: Sequence[str] = ()) -> None:
    """Let the jobs of this process find a warm one from now on, which ends with this process however that
    ends: for a worker of a cluster, whom nobody outlives on its machine. It does without where there is none.
    """
    if not address():
        with suppress(NotWarm):
            server = Server(surroundings, targets)
            os.environ[SOCKET] = server.address
            atexit.register(server.close)


def address() -> str:
    """Return the socket of the warm process that serves this one; empty where there is none."""
    return os.environ.get(SOCKET, "")


class Forked:
    """A job that was started warm, with what `watch` needs of a Popen."""

    def __init__(self, address: str, request: Request, job: IO[bytes], first: int) -> None:
        """Have a job started in the namespaces of process `first`, and wait until it is inside.

        Raises:
            NotWarm: it could not be started; says why.

        """
        self.returncode: int | None = None
        self.pid = 0
        out, theirs_out = os.pipe()
        err, theirs_err = os.pipe()
        spaces: list[int] = []
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.stdout, self.stderr = os.fdopen(out, "rb"), os.fdopen(err, "rb")
        try:
            spaces = _namespaces(first)
            self._channel.settimeout(PATIENCE)
            self._channel.connect(address)
            streams = [job.fileno(), theirs_out, theirs_err]
            socket.send_fds(self._channel, [request.encoded()], [*streams, *spaces])
            self._wait_until_inside()
            self._channel.settimeout(None)
        except (OSError, NotWarm) as fault:
            for held in (self.stdout, self.stderr, self._channel):
                held.close()
            raise NotWarm(str(fault) or type(fault).__name__) from fault
        finally:
            for fd in (theirs_out, theirs_err, *spaces):
                os.close(fd)

    def _wait_until_inside(self) -> None:
        inside = False
        while not (inside and self.pid):
            said = self._channel.recv(4096).decode("utf-8", "replace")
            word, _, rest = said.partition(" ")
            if word == "pid":
                self.pid = int(rest)
            elif word == "inside":
                inside = True
            else:
                raise NotWarm(rest or "the warm process ended")

    def poll(self) -> int | None:
        """Return the exit status where it has ended."""
        if self.returncode is None and select.select([self._channel], [], [], 0)[0]:
            return self.wait()
        return self.returncode

    def wait(self) -> int:
        """Wait for the exit status; that of a killed process where nobody is left to tell it."""
        if self.returncode is None:
            word, _, rest = self._channel.recv(4096).decode().partition(" ")
            self.returncode = int(rest) if word == "exit" else 128 + 9
            self._channel.close()
        return self.returncode


def _namespaces(process: int) -> list[int]:
    """Open the namespaces of a process in the order in which they are joined."""
    import fcntl  # not on Windows

    found: list[int] = []
    try:
        own = {
            name: os.open(f"/proc/{process}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
            for name in NAMESPACES
            if name != "outer"
        }
        found = list(own.values())
        own["outer"] = fcntl.ioctl(own["mnt"], _NS_GET_USERNS)
        return [own[name] for name in NAMESPACES]
    except OSError:
        for fd in found:
            os.close(fd)
        raise
