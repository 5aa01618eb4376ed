"""Attacks the sandbox from inside and reports what held; for `grader doctor` and the tests. Standard library
only.
"""

import contextlib
import ctypes
import errno
import os
import socket
import sys
from pathlib import Path
from typing import Any

_SECRETS = ("/etc/shadow", "/proc/1/root/etc/shadow", "/proc/1/root/etc/passwd", "/proc/kcore")
_ROOT_KNOBS = ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger")
_FAMILIES = {"AF_VSOCK": 40, "AF_PACKET": 17, "AF_NETLINK": 16, "AF_ALG": 38}


def attack(options: dict[str, Any]) -> dict[str, Any]:
    """Try what a hostile notebook would try; the values are what was observed, without any judgement."""
    outside = options.get("outside", [])  # files that are known to exist out there
    return {
        "uid": os.getuid(),
        "processes": len([p for p in Path("/proc").iterdir() if p.name.isdigit()]),
        "descriptors": _descriptors(),
        "environment_of_init": _read("/proc/1/environ"),
        "command_of_init": _read("/proc/1/cmdline"),
        "readable": [p for p in (*_SECRETS, *outside) if _opens(p, os.O_RDONLY)],
        "writable": [p for p in (*_ROOT_KNOBS, "/", "/usr", "/dev", sys.prefix) if _writes(p)],
        "sockets": [name for name, family in _FAMILIES.items() if _socket(family)],
        "network": _connects(),
        "calls": {name: _call(number, *arguments) for name, (number, *arguments) in _calls().items()},
        "filtered": _status("Seccomp") == "2",
        "no_new_privileges": _status("NoNewPrivs") == "1",
        "capabilities": _status("CapEff"),
        "free_bytes": {p: _room(p) for p in ("/dev/shm", str(Path.cwd()))},
    }


def _descriptors() -> list[str]:
    found = []
    for path in sorted(Path("/proc/self/fd").iterdir(), key=lambda p: int(p.name)):
        with contextlib.suppress(OSError):
            found.append(f"{path.name}:{str(path.readlink()).split(':', 1)[0]}")
    return found


def _read(path: str) -> str:
    try:
        return Path(path).read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")[:2000]
    except OSError as fault:
        return f"({errno.errorcode.get(fault.errno or 0, '?')})"


def _opens(path: str, flags: int) -> bool:
    try:
        os.close(os.open(path, flags))
    except OSError:
        return False
    return True


def _writes(path: str) -> bool:
    if not Path(path).is_dir():
        return _opens(path, os.O_WRONLY)  # opened only: nothing is written
    probe = Path(path, ".grader-probe")
    try:
        probe.touch()
    except OSError:
        return False
    probe.unlink()
    return True


def _socket(family: int) -> bool:
    try:
        socket.socket(family, socket.SOCK_RAW if family in (16, 17) else socket.SOCK_STREAM).close()
    except OSError as fault:
        return fault.errno not in (errno.EAFNOSUPPORT, errno.EPERM)
    return True


def _connects() -> bool:
    """Whether any packet could leave: a route is enough, an answer is not needed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: connecting UDP sends nothing
        except OSError:
            return False
    return True


def _calls() -> dict[str, tuple[int, ...]]:
    arm = os.uname().machine == "aarch64"
    return {
        "io_uring_setup": (425, 8, 0),
        "keyctl": (219 if arm else 250, 0, 0xFFFFFFFC, 1, 0, 0),
        "ptrace": (117 if arm else 101, 16, 1, 0, 0),
        "unshare": (97 if arm else 272, 0x10000000),
        "bpf": (280 if arm else 321, 0, 0, 0),
        "mount": (40 if arm else 165, 0, 0, 0, 0, 0),
    }


def _call(number: int, *arguments: int) -> str:
    """The error that a raw system call answers, or `ok`."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in arguments))
    return "ok" if result >= 0 else errno.errorcode.get(ctypes.get_errno(), "?")


def _status(name: str) -> str:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.split()[1]
    return ""


def _room(path: str) -> int:
    try:
        found = os.statvfs(path)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
