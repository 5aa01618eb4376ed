"""The process that has torch already: it forks for each job, and the fork enters the job's sandbox.

A program of its own, started by `grader.sandbox.warm` from a sealed copy of the interpreter, with the
environment that a job has and nothing else; standard library only, until it imports what the worker imports.
It executes no byte of a student and reads none, not even a request: it accepts a connection and forks. So
each job starts from the same untouched memory, whatever the jobs before it did.

Before there is a job it forks once for `grader.sandbox.apart`: that fork imports grader, which this process
never does, and forks in turn for each network that is looked into.

The isolation is bubblewrap's, described where it always is (`grader.sandbox.bwrap`): it is started with a
shell that waits, and the fork joins its namespaces. What bubblewrap does to a process beyond that is done
here: control groups, uid, limits, capabilities, the filter, and a look at what came of it. Anything that goes
wrong ends the fork before the worker is reached.
"""

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import random
import resource
import select
import signal
import socket
import struct
import sys
import tempfile
import time
import types
from importlib.machinery import SourceFileLoader
from typing import Any

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38
PR_SET_NAME = 15
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAPABILITY_V3 = 0x20080522
STREAMS = ("job", "out", "err")
MESSAGE, SPACES = 1 << 17, 16

libc = ctypes.CDLL(None, use_errno=True)
libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_void_p] * 4]


class Started:
    """What Python found when this process began, before what no job may import from was left out."""

    path: "list[str]" = []


class Filter(ctypes.Structure):
    """What the kernel takes a seccomp program in."""

    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_char_p))


class Elsewhere(SourceFileLoader):
    """Loads a module of ours under the path that it has inside, so that no path of this machine is in it."""

    shown, real = "", ""

    def get_data(self, path: str) -> bytes:
        """Read the file where it lies."""
        return super().get_data(self.real + path.removeprefix(self.shown))

    def path_stats(self, path: str) -> Any:
        """Look where it lies."""
        return super().path_stats(self.real + path.removeprefix(self.shown))


class Outside:
    """Finds the worker's modules for as long as this process is outside."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Any:
        """Answer for modules of the worker only."""
        package, _, module = name.rpartition(".")
        if package != self._package:
            return None
        path = f"{Elsewhere.shown}/{module}.py"
        return importlib.util.spec_from_file_location(name, path, loader=Elsewhere(name, path))


def main() -> None:
    """Import, say what is lacking, and serve; returns in a fork that is a job and inside its sandbox."""
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        config = json.load(file)
    shown = tuple(config["shown"])
    Started.path = list(sys.path)
    sys.path[:] = [p for p in sys.path if any(p == s or p.startswith(s + "/") for s in shown)]
    listener = socket.socket(fileno=config["listener"])
    listener.setblocking(False)
    warm_up(config["worker"], config["inside"])
    lifeline, (beside, told) = config["lifeline"], config["apart"]
    del config, shown, file  # nothing of grader's own is left for a job to find
    settle()
    fork_apart(listener, lifeline, beside, told)
    connection = serve(listener, lifeline)
    enter(connection)


def settle() -> None:
    """Give back what is free, and have what is there never looked at again: forks share it."""
    gc.collect()
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
    gc.freeze()


def fork_apart(listener: socket.socket, lifeline: int, beside: int, told: int) -> None:
    """Fork the process that answers at the socket `beside`; what it is told stands in the file `told`, which
    this process never reads.
    """
    if os.fork():
        os.close(beside)
        os.close(told)
        return
    try:
        listener.close()
        libc.prctl(PR_SET_DUMPABLE, None, None, None, None)
        with os.fdopen(told, "rb") as file:
            given = json.load(file)
        sys.path[:] = list(dict.fromkeys([*Started.path, *given["folders"]]))
        importlib.invalidate_caches()
        server = importlib.import_module("grader.sandbox.reader_server")
        server.prepare(given["targets"])
        own = socket.socket(fileno=beside)
        own.setblocking(False)
        settle()
        server.answer(serve(own, lifeline).detach())
    except BaseException as fault:
        sys.stderr.write(f"{type(fault).__name__}: {fault}\n")
    finally:
        os._exit(1)


def warm_up(worker: str, inside: str) -> None:
    """Load the worker's package as `__main__.py` of the worker does, and all that it imports early."""
    Elsewhere.shown, Elsewhere.real = inside, worker
    finder = Outside("_grader_worker")
    sys.meta_path.insert(0, finder)
    path = f"{inside}/__init__.py"
    spec = importlib.util.spec_from_file_location(
        "_grader_worker",
        path,
        loader=Elsewhere("_grader_worker", path),
        submodule_search_locations=[inside],
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["_grader_worker"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    importlib.import_module("_grader_worker.warm_up").import_all()
    sys.meta_path.remove(finder)
    Elsewhere.real = inside


def serve(listener: socket.socket, lifeline: int) -> socket.socket:
    """Fork for each connection; return it in the fork. Ends with the holder of `lifeline`'s other end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for a fork
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(lifeline, select.POLLIN)
    while True:
        if any(fd == lifeline for fd, _ in poll.poll()):
            forget(listener)
            os._exit(0)
        try:
            connection, _ = listener.accept()
        except OSError:
            continue
        connection.setblocking(True)
        try:
            whole = _same_user(connection) and len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
            # A fork of a process in which a thread runs can hang, and could not join a user namespace.
            forked = os.fork() if whole else -1
        except OSError:
            forked = -1
        if forked == 0:
            listener.close()
            os.close(lifeline)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return connection
        connection.close()


def forget(listener: socket.socket) -> None:
    """Remove the socket with its folder, for a holder that was killed before it could."""
    with contextlib.suppress(OSError):
        name = listener.getsockname()
        os.unlink(name)  # noqa: PTH108
        os.rmdir(os.path.dirname(name))  # noqa: PTH106, PTH120


def _same_user(connection: socket.socket) -> bool:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("iII", credentials)[1]) == os.geteuid()


def enter(connection: socket.socket) -> None:
    """Become the job that the connection asks for: returns inside, in a second fork, since only a child is in
    a process namespace that its parent has joined. The first one waits for it, and tells how it ended.
    """
    try:
        libc.prctl(PR_SET_DUMPABLE, None, None, None, None)
        said, fds, _, _ = socket.recv_fds(connection, MESSAGE, len(STREAMS) + SPACES)
        request = json.loads(said)
        streams, spaces = fds[: len(STREAMS)], fds[len(STREAMS) :]
        groups = [os.open(f"{folder}/cgroup.procs", os.O_WRONLY) for folder in request["cgroups"]]
        if request["uid"] is not None:
            os.setgroups([])
            os.setresgid(*[request["uid"]] * 3)
            os.setresuid(*[request["uid"]] * 3)
        join(request["namespaces"], spaces)
        joined = {name: os.fstat(fd).st_ino for name, fd in zip(request["namespaces"], spaces, strict=True)}
        pid = os.fork()
        if pid:
            tell_the_end(connection, pid, [*groups, *fds])
        del joined["outer"]
        confine(connection, request | {"joined": joined}, groups, streams)
    except BaseException as fault:  # said to grader, which starts the job from nothing
        try:
            connection.send(f"fault {type(fault).__name__}: {fault}".encode("utf-8", "replace")[:2000])
        finally:
            os._exit(1)


def join(names: list[str], spaces: list[int]) -> None:
    """Join the namespaces of bubblewrap's first process."""
    for name, fd in zip(names, spaces, strict=True):
        user = name in ("outer", "user")
        if name == "user" and os.path.samestat(os.fstat(fd), os.fstat(spaces[0])):
            continue
        _checked(libc.setns(fd, CLONE_NEWUSER if user else 0), f"join the {name} namespace")


def tell_the_end(connection: socket.socket, pid: int, held: list[int]) -> None:
    """Wait for the job outside of its process namespace, where it can neither see nor signal this process."""
    for fd in held:
        os.close(fd)
    drop_capabilities()
    connection.send(b"pid %d" % pid)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    # As bubblewrap says it.
    connection.send(b"exit %d" % (status if status >= 0 else 128 - status))
    os._exit(0)


def confine(
    connection: socket.socket, request: dict[str, Any], groups: list[int], streams: list[int]
) -> None:
    """Do to this process what launcher and bubblewrap do to theirs, look at it, and say that it is inside."""
    # Its waiting parent is what can be killed from outside; process 1 of the namespace takes it along, too.
    libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), None, None, None)
    for fd in groups:
        os.write(fd, b"0")
    os.setsid()
    os.chdir(request["folder"])
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    kept = os.dup2(connection.fileno(), 3) if connection.fileno() != 3 else 3
    os.closerange(4, 1 << 16)
    for name, (soft, hard) in request["rlimits"].items():
        resource.setrlimit(getattr(resource, name), (soft, hard))
    look_as_if_started(request)
    drop_capabilities()
    _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, None, None, None), "give up new privileges")
    libc.prctl(PR_SET_DUMPABLE, None, None, None, None)
    program = bytes.fromhex(request["filter"])
    if program:
        filtered = Filter(len(program) // 8, program)
        done = libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(filtered), None, None)
        _checked(done, "install the filter")
    examine(request, filtered=bool(program))
    os.write(kept, b"inside")
    connection.detach()
    os.close(kept)


def look_as_if_started(request: dict[str, Any]) -> None:
    """Give this process what a worker finds that was started from nothing."""
    libc.prctl(PR_SET_NAME, os.path.basename(sys.executable).encode()[:15], None, None, None)  # noqa: PTH119
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    tempfile.tempdir = None
    sys.path[:] = [p for p in Started.path if os.path.exists(p) or p.endswith(".zip")]  # noqa: PTH110
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    sys.argv = [f"{Elsewhere.shown}/__main__.py"]
    sys.orig_argv = [*sys.orig_argv[:-2], *sys.argv]
    sys.modules["__main__"] = types.ModuleType("__main__")
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.seed()


def drop_capabilities() -> None:
    """Give up every capability, and the way back to each."""
    for number in range(64):
        if libc.prctl(PR_CAPBSET_DROP, number, None, None, None) != 0:
            break
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, None, None, None)
    header, nothing = struct.pack("II", CAPABILITY_V3, 0), bytes(24)
    _checked(libc.capset(header, nothing), "give up capabilities")


def examine(request: dict[str, Any], *, filtered: bool) -> None:
    """Look at this process as the kernel describes it. Raises PermissionError where it is not confined."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
        status = {name: value.split() for name, _, value in (line.partition(":") for line in file)}
    wanted = {name: ["0" * 16] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    wanted |= {name: [str(request["inside_uid"])] * 4 for name in ("Uid", "Gid")}
    wanted |= {"NoNewPrivs": ["1"], "Threads": ["1"], "Seccomp": ["2" if filtered else "0"]}
    wrong = [name for name, value in wanted.items() if status.get(name) != value]
    for name, inode in request["joined"].items():
        wrong += [name] if os.stat(f"/proc/self/ns/{name}").st_ino != inode else []  # noqa: PTH116
    wrong += ["parent"] if os.getppid() != 0 else []
    wrong += ["descriptors"] if len(os.listdir("/proc/self/fd")) != 5 else []  # noqa: PTH208
    if wrong:
        raise PermissionError(f"not confined: {', '.join(wrong)}")


def _checked(answer: int, what: str) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
    sys.modules["_grader_worker.main"].main()
