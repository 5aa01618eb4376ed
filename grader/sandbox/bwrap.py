"""The Linux backend: bubblewrap, started as a plain user, with nothing in its environment or on its command
line.
"""

import itertools
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple

from grader.core.faults import SandboxFault
from grader.sandbox import cgroup, environment, launch, seccomp, warm
from grader.sandbox.api import Isolation, Job, Listener, RunResult, RunStatus, unheard
from grader.sandbox.jobfile import encode, memory_file
from grader.sandbox.limits import Limits
from grader.sandbox.supervise import Watched, kill_group, tree_memory, watch
from grader.sandbox.warm import Forked, NotWarm

FIRST_UID = 61_000
SLOTS = 256
INSIDE_UID = "1000"
WORK = "/job"
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "HOME": WORK,
    "LANG": "C.UTF-8",
    "LOGNAME": "student",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": f"{WORK}/.matplotlib",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONHASHSEED": "0",
    "TMPDIR": f"{WORK}/.tmp",
    "TZ": "UTC",
    "USER": "student",
}
WAITER = (
    *("/usr/bin/env", "-i", "/bin/sh", "-c"),
    "exec 3<&0; echo; while :; do (read -r end <&3) & wait $!; [ $? -gt 128 ] || exit; done",
)
"""Holds a sandbox open for a job that joins it, until its input ends. It is the first process of its
namespace, which no job can kill: a notebook may well kill everything that it can. So it takes what is left of
others, and starts its reader again.
"""
COLD = "the job was started from nothing, for the warm process did not start it"
_numbers = itertools.count()


class _Place(NamedTuple):
    """Under which uid a job runs (None: the caller's own), and in which control group."""

    uid: int | None
    group: cgroup.Group


class Bubblewrap:
    """Runs each job in namespaces of its own, under a uid of its own where grader runs as root."""

    name = "bwrap"

    def __init__(self, *, program: str = "", groups: bool = True, warm: str = "") -> None:
        """`groups=False` does without control groups, so that the watchdog can be tested where there are
        some. `warm` is the socket of a process that starts jobs with their imports done.
        """
        found = program or shutil.which("bwrap") or ""
        if not found:
            raise SandboxFault("bubblewrap is not installed: there is no program `bwrap` on PATH")
        self._program = str(Path(found).resolve())
        self._groups = groups
        self.warm = warm

    def run(self, job: Job, listen: Listener = unheard) -> RunResult:
        """Run one job. Linux only.

        Raises:
            SandboxFault: no free slot; what cannot start is the status `ours`.

        """
        with ExitStack() as stack:
            uid = stack.enter_context(_slot()) if os.geteuid() == 0 else None
            name = f"grader-{os.getpid()}-{next(_numbers)}"
            group = cgroup.Group(cgroup.NONE, ())
            if self._groups:
                group = stack.enter_context(cgroup.group(name, job.limits))
            jobfile = stack.enter_context(memory_file(encode(job), "job"))
            watched, started, cold = self._start(jobfile, job.limits, _Place(uid, group), listen)
            if not started and watched.status in (RunStatus.NONZERO, RunStatus.INCOMPLETE, RunStatus.OK):
                last = watched.stderr.strip().splitlines()[-1:] or ["no message"]
                watched = watched._replace(
                    status=RunStatus.OURS, detail=f"the sandbox did not start: {last[0]}"
                )
            elif watched.status in (RunStatus.NONZERO, RunStatus.INCOMPLETE):
                if group.out_of_memory():
                    detail = f"the kernel killed it at {job.limits.memory >> 20} MiB of memory"
                    watched = watched._replace(status=RunStatus.MEMORY, detail=detail)
                elif group.out_of_processes():
                    watched = watched._replace(
                        status=RunStatus.PIDS, detail=f"more than {job.limits.pids} processes"
                    )
            return RunResult(
                status=watched.status,
                frames=watched.frames,
                isolation=self._isolation(uid, group, cold),
                stderr_tail=watched.stderr,
                exit_code=watched.exit_code,
                detail=watched.detail,
            )

    def _start(
        self, jobfile: IO[bytes], limits: Limits, place: _Place, listen: Listener
    ) -> tuple[Watched, bool, str]:
        """Start, watch and end the job; the second value says whether the inside was ever reached, the third
        why a warm process did not start it although one was named.
        """
        cold = ""
        if self.warm:
            try:
                return self._start_warm(jobfile, limits, place, listen), True, ""
            except NotWarm as why:
                cold = f"{COLD} ({why})"
        inside = [sys.executable, *environment.PYTHON_FLAGS, f"{environment.WORKER_INSIDE}/__main__.py"]
        with self._launched(limits, place, inside, jobfile) as (process, status):
            watchdog = not place.group.folders
            watched = watch(
                process,
                limits,
                kill=lambda: kill_group(process),  # with bwrap dies its PID namespace, and all that is in it
                memory_exceeded=lambda: watchdog and tree_memory(process.pid) > limits.memory,
                listen=listen,
            )
            return watched, b"child-pid" in status.read(), cold

    def _start_warm(self, jobfile: IO[bytes], limits: Limits, place: _Place, listen: Listener) -> Watched:
        """Start a shell that waits, have a fork of the warm process join it, watch and end both.

        Raises:
            NotWarm: no byte of the job has run; the sandbox is gone.

        """
        with self._launched(limits, place, WAITER, subprocess.PIPE) as (process, status):
            first = _first_process(process, status)
            request = warm.Request(
                uid=place.uid,
                cgroups=[str(folder) for folder in place.group.folders],
                rlimits=_rlimits(limits, own_uid=place.uid is not None),
                folder=WORK,
                inside_uid=int(INSIDE_UID),
                environment=self.surroundings()
                | _own_variables(limits, staged=place.uid is not None)
                | {"PWD": WORK},
                filter=seccomp.program() if seccomp.supported() else b"",
            )
            forked = Forked(self.warm, request, jobfile, first)
            watchdog = not place.group.folders

            def kill() -> None:
                kill_group(process)
                process.wait()

            def memory() -> int:
                return tree_memory(process.pid, forked.pid)

            return watch(
                forked,
                limits,
                kill=kill,
                memory_exceeded=lambda: watchdog and memory() > limits.memory,
                listen=listen,
            )

    @contextmanager
    def _launched(
        self, limits: Limits, place: _Place, inside: Sequence[str], stdin: IO[bytes] | int
    ) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
        """Start the launcher, which becomes bubblewrap, which starts `inside`; yields it with the pipe on
        which bubblewrap tells of its first process. All of it is gone afterwards.
        """
        uid, group = place
        with ExitStack() as stack:
            filters = (
                stack.enter_context(memory_file(seccomp.program(), "filter")) if seccomp.supported() else None
            )
            status_read, status_write = os.pipe()
            reading = stack.enter_context(os.fdopen(status_read, "rb"))
            writing = stack.enter_context(os.fdopen(status_write, "wb"))
            options = self._options(limits, staged=uid is not None)
            options += ["--json-status-fd", str(status_write)]
            options += ["--as-pid-1"] if inside is WAITER else []
            if filters is not None:
                options += ["--seccomp", str(filters.fileno())]
            arguments = stack.enter_context(
                memory_file(b"".join(o.encode() + b"\0" for o in options), "args")
            )
            spec = {
                "argv": [self._program, "--args", str(arguments.fileno()), "--", *inside],
                "uid": uid,
                "cgroups": [str(folder) for folder in group.folders],
                "stage": [[bind.source, _staged(i)] for i, bind in enumerate(environment.view().binds)],
                "folders": [
                    [f"{launch.STAGE}/job", f"size={limits.disk},nr_inodes={limits.inodes},mode=700"],
                    [f"{launch.STAGE}/shm", f"size={limits.shared_memory},nr_inodes=1k,mode=1777"],
                ],
                "rlimits": _rlimits(limits, own_uid=uid is not None),
            }
            description = stack.enter_context(memory_file(json.dumps(spec).encode(), "spec"))
            handed = [description.fileno(), arguments.fileno(), status_write]
            handed += [filters.fileno()] if filters is not None else []
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", str(Path(launch.__file__)), str(description.fileno())],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={},
                cwd="/",
                pass_fds=handed,
                start_new_session=True,
            )
            try:
                writing.close()
                yield process, reading
            finally:
                if process.poll() is None:
                    kill_group(process)
                    process.wait()
                for pipe in (process.stdin, process.stdout, process.stderr):
                    if pipe is not None:
                        with suppress(OSError):
                            pipe.close()

    @staticmethod
    def surroundings() -> dict[str, str]:
        """Return the variables that every job finds."""
        return ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(environment.package_folders())}

    def _options(self, limits: Limits, *, staged: bool) -> list[str]:
        seen = environment.view()
        options = ["--unshare-all", "--unshare-user", "--uid", INSIDE_UID, "--gid", INSIDE_UID]
        options += ["--hostname", "sandbox", "--new-session", "--die-with-parent", "--cap-drop", "ALL"]
        if _knows(self._program, "--disable-userns"):
            options += ["--disable-userns"]
        for link in seen.links:
            options += ["--symlink", link.target, link.path]
        for position, bind in enumerate(seen.binds):
            options += ["--ro-bind", _staged(position) if staged else bind.source, bind.target]
        options += ["--proc", "/proc", "--dev", "/dev"]
        if staged:
            for source, target in (("shm", "/dev/shm"), ("job", WORK)):  # noqa: S108
                options += ["--bind", f"{launch.STAGE}/{source}", target]
        else:
            sized = _knows(self._program, "--size")
            for size, target in ((limits.shared_memory, "/dev/shm"), (limits.disk, WORK)):  # noqa: S108
                options += [*(["--size", str(size)] if sized else []), "--tmpfs", target]
        # /dev is a tmpfs that anybody could fill, and so is the new root.
        # A Python installed below /tmp is bound there, so that /tmp exists; it stays read-only, and TMPDIR
        # leads elsewhere.
        shown = (*(b.target for b in seen.binds), *(x.path for x in seen.links))
        if not any(path.startswith("/tmp/") for path in shown):  # noqa: S108
            options += ["--symlink", f"{WORK}/.tmp", "/tmp"]  # noqa: S108
        options += ["--remount-ro", "/dev", "--remount-ro", "/"]
        options += ["--chdir", WORK]
        for name, value in sorted((self.surroundings() | _own_variables(limits, staged=staged)).items()):
            options += ["--setenv", name, value]
        return options

    def _isolation(self, uid: int | None, group: cgroup.Group, cold: str) -> Isolation:
        weaknesses: list[str] = []
        if not seccomp.supported():
            weaknesses.append("no system call filter for this processor")
        if not group.folders:
            weaknesses.append("memory is watched ten times a second, not capped by the kernel")
        if uid is None:
            weaknesses.append("the job's processes belong to your own user")
            weaknesses.append("the number of files in the working directory is not capped, only their size")
            weaknesses.append("files in the working directory do not count as memory of the job")
            if not _knows(self._program, "--size"):
                weaknesses.append("this bubblewrap cannot cap the size of the working directory")
        return Isolation(
            backend=self.name,
            isolated=True,
            user="own" if uid is None else "dedicated",
            network=False,
            processes=False,
            seccomp=seccomp.fingerprint() if seccomp.supported() else "",
            memory="watchdog" if not group.folders else f"cgroup {group.version}",
            weaknesses=tuple(weaknesses),
            cold=cold,
        )


def _staged(position: int) -> str:
    return f"{launch.STAGE}/bind{position}"


def _own_variables(limits: Limits, *, staged: bool) -> dict[str, str]:
    """As root the launcher caps the processes of a uid of the job's own; else the worker caps its
    namespace.
    """
    return {} if staged else {"GRADER_PIDS": str(limits.pids)}


def _first_process(process: subprocess.Popen[bytes], status: IO[bytes]) -> int:
    """Wait until the shell says that the sandbox stands; return the number of bubblewrap's first process.

    Raises:
        NotWarm: it never said so.

    """
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    ready, _, _ = select.select([process.stdout], [], [], warm.PATIENCE)
    if not ready or not os.read(process.stdout.fileno(), 1):
        raise NotWarm("the sandbox did not start")
    # What the shell could still be made to say is heard by nobody.
    process.stdout.close()
    process.stderr.close()
    told = os.read(status.fileno(), 1 << 16).decode("utf-8", "replace")
    found = re.search(r'"child-pid"\s*:\s*(\d+)', told)
    if found is None:
        raise NotWarm("bubblewrap did not name its first process")
    return int(found[1])


def _rlimits(limits: Limits, *, own_uid: bool) -> dict[str, int]:
    found = {
        "RLIMIT_AS": limits.address_space,
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": limits.cpu,
        "RLIMIT_FSIZE": limits.file_size,
        "RLIMIT_MEMLOCK": 1 << 16,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_NOFILE": limits.open_files,
    }
    # Counted for the whole uid: with the user's own uid it would count the user's own desktop.
    return found | ({"RLIMIT_NPROC": limits.pids} if own_uid else {})


@cache
def _knows(program: str, option: str) -> bool:
    """Whether this version of bubblewrap has an option."""
    command = [program, "--help"]
    answer = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=False, env={}, timeout=10
    )
    return option in (answer.stdout + answer.stderr).split()


@contextmanager
def _slot() -> Iterator[int]:
    """A uid that no other running job has: limits on processes are counted per uid, and equal uids can
    signal.

    The lock is the name of an abstract socket: it vanishes with its holder, whatever happens.
    """
    import pwd  # not on Windows

    taken = {user.pw_uid for user in pwd.getpwall()}
    for number in range(SLOTS):
        if FIRST_UID + number in taken:
            continue
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f"\0grader-sandbox-slot-{number}")
        except OSError:
            lock.close()
            continue
        with lock:
            yield FIRST_UID + number
        return
    raise SandboxFault(f"all {SLOTS} sandbox slots of this machine are taken")
