"""The seccomp filter of a process that reads one file: it computes, and changes nothing on this machine.

It may read files (modules of ours are imported when they are needed), write to the one pipe that it has, and
end. It may not start a program or a process, open a connection or a file for writing, remove or rename
anything, signal another process or lift its limits: what is refused answers EPERM. Linux alone has this;
elsewhere, and where the kernel refuses, the resource limits stand by themselves.
"""

import ctypes
import errno
import os
import platform
import struct
from functools import cache
from typing import Any, Final

from grader.sandbox.seccomp import ALLOW, ERRNO, KILL, denied, supported

_LD_ABS, _JEQ, _JGT, _JSET, _RET = 0x20, 0x15, 0x25, 0x45, 0x06
_NR, _ARCH, _ARGS = 0, 4, 16
_AUDIT: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32: Final = 0x40000000
_NEWEST: Final = 456
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_PARENT_DEATH, _SIGKILL = 1, 9
_NOBODY: Final = 0x7FFF_FFFF
"""Number of no process: Linux gives none above 2**22."""
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# name: (x86_64, aarch64); None where the architecture has no such call
_REFUSED: Final[dict[str, tuple[int | None, int | None]]] = {
    "chmod": (90, None), "chown": (92, None), "clone": (56, 220), "clone3": (435, 435), "creat": (85, None),
    "execve": (59, 221), "execveat": (322, 281), "fallocate": (285, 47), "fchmod": (91, 52),
    "fchmodat": (268, 53), "fchmodat2": (452, 452), "fchown": (93, 55), "fchownat": (260, 54),
    "fork": (57, None), "fremovexattr": (199, 16), "fsetxattr": (190, 7), "ftruncate": (77, 46),
    "futimesat": (261, None), "lchown": (94, None), "link": (86, None), "linkat": (265, 37),
    "lremovexattr": (198, 15), "lsetxattr": (189, 6), "memfd_create": (319, 279), "mkdir": (83, None),
    "mkdirat": (258, 34), "mq_open": (240, 180), "msgget": (68, 186), "openat2": (437, 437),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "removexattr": (197, 14), "rename": (82, None),
    "renameat": (264, 38), "renameat2": (316, 276), "rmdir": (84, None), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "semget": (64, 190), "setgid": (106, 144), "setgroups": (116, 159),
    "setpgid": (109, 154), "setpriority": (141, 140), "setrlimit": (160, 164), "setsid": (112, 157),
    "setuid": (105, 146), "setxattr": (188, 5), "shmget": (29, 194), "socket": (41, 198),
    "socketpair": (53, 199), "symlink": (88, None), "symlinkat": (266, 36), "truncate": (76, 45),
    "unlink": (87, None), "unlinkat": (263, 35), "utime": (132, None), "utimensat": (280, 88),
    "utimes": (235, None), "vfork": (58, None),
}  # fmt: skip
_OPENS: Final = {"x86_64": ((2, 1), (257, 2)), "aarch64": ((56, 2),)}
"""Numbers of `open` and `openat`, and which argument holds the flags."""
_SIGNALS: Final = {"x86_64": (62, 200, 234), "aarch64": (129, 130, 131)}
"""`kill`, `tkill`, `tgkill`: a process may end itself (`abort`), and nobody else."""
_PRLIMIT: Final = {"x86_64": 302, "aarch64": 261}


def refused(machine: str) -> dict[str, int]:
    """Names and numbers of the calls that answer EPERM whatever their arguments are."""
    column = 0 if machine == "x86_64" else 1
    calls = {name: numbers[column] for name, numbers in _REFUSED.items()}
    return denied(machine) | {name: number for name, number in calls.items() if number is not None}


def program(pid: int, machine: str | None = None) -> bytes:
    """Assemble the filter for a process of this number: an array of struct sock_filter, 8 bytes an
    instruction. Raises KeyError where there is no table for the architecture.
    """
    name = machine or platform.machine()
    code: list[tuple[int, int, int, int]] = []

    def emit(op: int, k: int, yes: int = 0, no: int = 0) -> None:
        code.append((op, yes, no, k))

    def refuse_if(op: int, k: int, error: int = errno.EPERM) -> None:
        emit(op, k, 0, 1)
        emit(_RET, ERRNO | error)

    emit(_LD_ABS, _ARCH)
    emit(_JEQ, _AUDIT[name], 1, 0)
    emit(_RET, KILL)
    emit(_LD_ABS, _NR)
    refuse_if(_JGT, _X32 - 1, errno.ENOSYS)
    refuse_if(_JGT, _NEWEST, errno.ENOSYS)
    for number in sorted(refused(name).values()):
        refuse_if(_JEQ, number)
    for number, flags in _OPENS[name]:
        emit(_JEQ, number, 0, 4)
        emit(_LD_ABS, _ARGS + 8 * flags)
        refuse_if(_JSET, _WRITING)
        emit(_RET, ALLOW)
    for number in _SIGNALS[name]:
        emit(_JEQ, number, 0, 4)
        emit(_LD_ABS, _ARGS)
        emit(_JEQ, pid, 1, 0)
        emit(_RET, ERRNO | errno.EPERM)
        emit(_RET, ALLOW)
    emit(_JEQ, _PRLIMIT[name], 0, 6)  # to ask for a limit is to hand no new one
    for half in (0, 4):
        emit(_LD_ABS, _ARGS + 16 + half)
        emit(_JEQ, 0, 1, 0)
        emit(_RET, ERRNO | errno.EPERM)
    emit(_RET, ALLOW)
    return b"".join(struct.pack("<HBBI", op, yes, no, k) for op, yes, no, k in code)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def prepare() -> None:
    """Do once what each fork would do for itself: find the C library's function, and assemble the filter
    but for the number of the process.
    """
    if platform.system() == "Linux":
        _prctl()
        if supported():
            _parts()


@cache
def _prctl() -> Any:
    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    return prctl


@cache
def _parts() -> tuple[bytes, ...]:
    """The filter, cut where the number of the process stands."""
    return tuple(program(_NOBODY).split(struct.pack("<I", _NOBODY)))


def program_of(pid: int) -> bytes:
    """Return what `program` assembles for this machine, put together from what is prepared."""
    return struct.pack("<I", pid).join(_parts())


def die_with(parent: int) -> None:
    """End this process when its parent does, whatever it waits for then; elsewhere than on Linux it lives on
    until its limits end it.
    """
    if platform.system() == "Linux":
        _prctl()(_PARENT_DEATH, _SIGKILL, None, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def install() -> bool:
    """Filter the calls of this process from now on; return whether the kernel does."""
    if not (platform.system() == "Linux" and supported()):
        return False
    code = program_of(os.getpid())
    filtered = _Program(
        len(code) // 8, ctypes.cast(ctypes.create_string_buffer(code, len(code)), ctypes.c_char_p)
    )
    prctl = _prctl()
    alone = int(prctl(_NO_NEW_PRIVILEGES, 1, None, 0, 0)) == 0
    return alone and int(prctl(_SET_SECCOMP, _FILTER, ctypes.byref(filtered), 0, 0)) == 0
