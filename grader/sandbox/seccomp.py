"""A seccomp filter, assembled by hand so that nothing but the kernel is needed.

Second wall behind the namespaces: it closes what they leave open (measured: AF_VSOCK sockets, io_uring, which
can make them, keyctl and ptrace all work inside `bwrap --unshare-all`). Everything that is not named is
allowed, except system calls newer than this table, which answer ENOSYS like an older kernel does.
"""

import errno
import hashlib
import platform
import struct
from typing import NamedTuple

_LD_ABS, _JEQ, _JGT, _JSET, _RET = 0x20, 0x15, 0x25, 0x45, 0x06
_NR, _ARCH, _ARG0, _ARG1 = 0, 4, 16, 24
"""Offsets in struct seccomp_data; of the 64-bit arguments the low halves (little endian)."""
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000

# CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_NEW_NAMESPACE = 0x80 | 0x20000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6; the network namespace holds nothing but loopback
_TTY_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX (CVE-2017-5226)
_X32 = 0x40000000

# name: (x86_64, aarch64); None where the architecture has no such call
_DENIED: dict[str, tuple[int | None, int]] = {
    "acct": (163, 89), "add_key": (248, 217), "adjtimex": (159, 171), "bpf": (321, 280), "chroot": (161, 51),
    "clock_adjtime": (305, 266), "clock_settime": (227, 112), "delete_module": (176, 106),
    "fanotify_init": (300, 262), "fanotify_mark": (301, 263), "finit_module": (313, 273), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fsopen": (430, 430), "fspick": (433, 433), "init_module": (175, 105),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "io_uring_setup": (425, 425),
    "kcmp": (312, 272), "kexec_file_load": (320, 294), "kexec_load": (246, 104), "keyctl": (250, 219),
    "lookup_dcookie": (212, 18), "mbind": (237, 235), "memfd_secret": (447, 447), "migrate_pages": (256, 238),
    "mknodat": (259, 33), "mount": (165, 40), "mount_setattr": (442, 442), "move_mount": (429, 429),
    "move_pages": (279, 239), "name_to_handle_at": (303, 264), "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265), "open_tree": (428, 428), "perf_event_open": (298, 241),
    "personality": (135, 92), "pidfd_getfd": (438, 438), "pivot_root": (155, 41), "process_madvise": (440, 440),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "ptrace": (101, 117), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "reboot": (169, 142), "request_key": (249, 218),
    "set_mempolicy_home_node": (450, 450), "setdomainname": (171, 162), "sethostname": (170, 161),
    "setns": (308, 268), "settimeofday": (164, 170), "swapoff": (168, 225), "swapon": (167, 224),
    "syslog": (103, 116), "umount2": (166, 39), "unshare": (272, 97), "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}  # fmt: skip
_DENIED_X86 = {
    "_sysctl": 156,
    "ioperm": 173,
    "iopl": 172,
    "mknod": 133,
    "modify_ldt": 154,
    "sysfs": 139,
    "uselib": 134,
    "ustat": 136,
}


class _Machine(NamedTuple):
    column: int
    audit: int
    clone: int
    socket: int
    ioctl: int


_MACHINES = {
    "x86_64": _Machine(column=0, audit=0xC000003E, clone=56, socket=41, ioctl=16),
    "aarch64": _Machine(column=1, audit=0xC00000B7, clone=220, socket=198, ioctl=29),
}
_CLONE3 = 435
_NEWEST = 456
"""futex_requeue, Linux 6.7; the numbers above it are refused unread."""


def supported(machine: str | None = None) -> bool:
    """Whether there is a table for this architecture (default: the one we run on)."""
    return (machine or platform.machine()) in _MACHINES


def denied(machine: str) -> dict[str, int]:
    """Names and numbers of the calls that answer EPERM on an architecture."""
    column = _MACHINES[machine].column
    calls = {name: numbers[column] for name, numbers in _DENIED.items()}
    if machine == "x86_64":
        calls |= _DENIED_X86
    return {name: number for name, number in calls.items() if number is not None}


def program(machine: str | None = None) -> bytes:
    """Assemble the filter: an array of struct sock_filter, 8 bytes an instruction.

    Raises:
        KeyError: no table for the architecture; ask `supported` first.

    """
    name = machine or platform.machine()
    target = _MACHINES[name]
    code: list[tuple[int, int, int, int]] = []

    def emit(op: int, k: int, yes: int = 0, no: int = 0) -> None:
        code.append((op, yes, no, k))

    def refuse_if(op: int, k: int, error: int) -> None:
        emit(op, k, 0, 1)
        emit(_RET, ERRNO | error)

    emit(_LD_ABS, _ARCH)
    emit(_JEQ, target.audit, 1, 0)
    emit(_RET, KILL)  # 32-bit entry points have other numbers
    emit(_LD_ABS, _NR)
    refuse_if(_JGT, _X32 - 1, errno.ENOSYS)
    refuse_if(_JGT, _NEWEST, errno.ENOSYS)
    for number in sorted(denied(name).values()):
        refuse_if(_JEQ, number, errno.EPERM)
    # glibc then falls back to clone, whose flags a filter can read.
    refuse_if(_JEQ, _CLONE3, errno.ENOSYS)
    emit(_JEQ, target.clone, 0, 4)
    emit(_LD_ABS, _ARG0)
    refuse_if(_JSET, _NEW_NAMESPACE, errno.EPERM)
    emit(_RET, ALLOW)
    emit(_JEQ, target.socket, 0, len(_FAMILIES) + 3)
    emit(_LD_ABS, _ARG0)
    for position, family in enumerate(_FAMILIES):
        emit(_JEQ, family, len(_FAMILIES) - position, 0)
    emit(_RET, ERRNO | errno.EAFNOSUPPORT)
    emit(_RET, ALLOW)
    emit(_JEQ, target.ioctl, 0, 1 + 2 * len(_TTY_INJECTION))
    emit(_LD_ABS, _ARG1)
    for request in _TTY_INJECTION:
        refuse_if(_JEQ, request, errno.EPERM)
    emit(_RET, ALLOW)
    return b"".join(struct.pack("<HBBI", op, yes, no, k) for op, yes, no, k in code)


def fingerprint(machine: str | None = None) -> str:
    """First 16 hex digits of the SHA-256 of the program, for the isolation record."""
    return hashlib.sha256(program(machine)).hexdigest()[:16]
