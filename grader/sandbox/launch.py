"""Becomes `bwrap`: a program of its own that joins the control groups, shows the job what it may see, and
drops root.

Runs before any untrusted byte, as `python -I -S launch.py FD` with a JSON description on FD; standard library
only. `bwrap` must never start as root: without a user of its own the job keeps kuid 0, and with all
capabilities gone it could still write `/proc/sys/kernel/core_pattern`. But a plain user cannot read root's
home, where the Python environment may stand; so root binds what is needed into a private mount namespace
first.
"""

import ctypes
import json
import os
import sys
from typing import Any

CLONE_NEWNS = 0x00020000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_SLAVE = 1, 2, 4, 32, 4096, 16384, 1 << 19
STAGE = "/tmp"  # noqa: S108  (covered by a tmpfs of our own in a mount namespace of our own)


def main() -> None:
    """Read the description, prepare, and replace this process."""
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        spec = json.load(file)
    for folder in spec["cgroups"]:
        with open(os.path.join(folder, "cgroup.procs"), "w") as procs:  # noqa: PTH118, PTH123
            procs.write(str(os.getpid()))
    if spec["uid"] is not None:
        stage(spec)
    for name, value in spec["rlimits"].items():
        limit(name, value)
    if spec["uid"] is not None:
        os.setgroups([])
        os.setresgid(spec["uid"], spec["uid"], spec["uid"])
        os.setresuid(spec["uid"], spec["uid"], spec["uid"])
    os.execve(spec["argv"][0], spec["argv"], {})  # noqa: S606


def limit(name: str, value: int) -> None:
    """Lower a limit, never above the hard one that is there already."""
    import resource  # not on Windows, where the module is imported for its constants

    resource.setrlimit(getattr(resource, name), bounds(name, value))


def bounds(name: str, value: int) -> tuple[int, int]:
    """Return the soft and the hard limit that a wanted one becomes."""
    import resource

    kind: int = getattr(resource, name)
    hard = resource.getrlimit(kind)[1]
    wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
    # Processor time first warns with SIGXCPU, by which we know why the process died.
    grace = 2 if kind == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else 0
    return wanted, wanted + grace


def stage(spec: dict[str, Any]) -> None:
    """Bind every source below STAGE and mount the job's capped folders beside them, all in a private
    namespace.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
        arguments = (source.encode(), target.encode(), kind and kind.encode(), flags, data and data.encode())
        if libc.mount(arguments[0], arguments[1], arguments[2], ctypes.c_ulong(flags), arguments[4]) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"mount {source} on {target}: {os.strerror(number)}")

    if libc.unshare(CLONE_NEWNS) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare a mount namespace: {os.strerror(number)}")
    mount("none", "/", None, MS_REC | MS_SLAVE)
    # Opened before STAGE is covered: a source may lie below it.
    held = [(os.open(source, os.O_PATH), target) for source, target in spec["stage"]]
    mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=1k,mode=755")
    for fd, target in held:
        if os.path.isdir(f"/proc/self/fd/{fd}"):  # noqa: PTH112
            os.mkdir(target)  # noqa: PTH102
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        mount(f"/proc/self/fd/{fd}", target, None, MS_BIND | MS_REC)
        mount("none", target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
        os.close(fd)
    for target, options in spec["folders"]:
        os.mkdir(target)  # noqa: PTH102
        mount(
            "tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, f"{options},uid={spec['uid']},gid={spec['uid']}"
        )


if __name__ == "__main__":
    main()
