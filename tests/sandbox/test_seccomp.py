"""The filter program, read by an interpreter of our own: every system call of both architectures against the
table.
"""

import errno
import struct

import pytest

from grader.sandbox import seccomp

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE = {"x86_64": 56, "aarch64": 220}
SOCKET = {"x86_64": 41, "aarch64": 198}
IOCTL = {"x86_64": 16, "aarch64": 29}
MACHINES = sorted(AUDIT)


def run(program: bytes, number: int, arch: int, arguments: tuple[int, ...] = ()) -> int:
    """Classic BPF, as far as the kernel's seccomp uses it; an illegal program raises."""
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("<iIQ6Q", number - (1 << 32) if number >= 1 << 31 else number, arch, 0, *padded)
    code = [struct.unpack_from("<HBBI", program, i) for i in range(0, len(program), 8)]
    accumulator, at = 0, 0
    while True:
        op, yes, no, k = code[at]
        at += 1
        if op == 0x20:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif op == 0x06:
            return k
        else:
            held = {0x15: accumulator == k, 0x25: accumulator > k, 0x45: bool(accumulator & k)}[op]
            at += yes if held else no


def refused(error: int) -> int:
    return seccomp.ERRNO | error


@pytest.mark.parametrize("machine", MACHINES)
def test_every_call_number(machine: str) -> None:
    program = seccomp.program(machine)
    denied = set(seccomp.denied(machine).values())
    for number in range(600):
        answer = run(program, number, AUDIT[machine])
        if number in denied:
            assert answer == refused(errno.EPERM), number
        elif number == 435 or number > 456:
            assert answer == refused(errno.ENOSYS), number
        elif number == SOCKET[machine]:
            assert answer == refused(errno.EAFNOSUPPORT)
        else:
            assert answer == seccomp.ALLOW, number


@pytest.mark.parametrize("machine", MACHINES)
def test_arguments(machine: str) -> None:
    program, arch = seccomp.program(machine), AUDIT[machine]
    for family in range(64):
        answer = run(program, SOCKET[machine], arch, (family,))
        assert answer == (seccomp.ALLOW if family in (1, 2, 10) else refused(errno.EAFNOSUPPORT)), family
    thread = 0x3D0F00  # what glibc passes to start a thread
    assert run(program, CLONE[machine], arch, (thread,)) == seccomp.ALLOW
    for bit in (0x80, 0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert run(program, CLONE[machine], arch, (bit | 17,)) == refused(errno.EPERM), hex(bit)
    for request, expected in (
        (0x5412, refused(errno.EPERM)),
        (0x541C, refused(errno.EPERM)),
        (0x5401, seccomp.ALLOW),
    ):
        assert run(program, IOCTL[machine], arch, (3, request)) == expected
        assert (
            run(program, IOCTL[machine], arch, (3, request | 1 << 40)) == expected
        )  # the kernel reads 32 bits


@pytest.mark.parametrize("machine", MACHINES)
def test_other_entry_points(machine: str) -> None:
    program = seccomp.program(machine)
    assert run(program, 1, 0x40000003) == seccomp.KILL  # 32-bit x86
    assert run(program, 0x40000000 | 101, AUDIT[machine]) == refused(errno.ENOSYS)  # x32


@pytest.mark.parametrize("machine", MACHINES)
def test_the_kernel_would_accept_it(machine: str) -> None:
    program = seccomp.program(machine)
    count = len(program) // 8
    assert len(program) % 8 == 0
    assert count < 4096
    for at in range(count):
        op, yes, no, _ = struct.unpack_from("<HBBI", program, at * 8)
        if op & 7 == 5:
            assert at + 1 + max(yes, no) < count
    assert struct.unpack_from("<H", program, (count - 1) * 8)[0] == 6


def test_the_table_agrees_with_the_kernel_headers_where_there_are_some() -> None:
    """Numbers copied by hand are wrong sooner or later."""
    from pathlib import Path

    sources = {
        "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        "aarch64": Path("/usr/include/asm-generic/unistd.h"),
    }
    checked = 0
    for machine, header in sources.items():
        if not header.exists():
            continue
        lines = [line.split() for line in header.read_text().splitlines() if line.startswith("#define __NR")]
        numbers = {w[1].removeprefix("__NR3264_").removeprefix("__NR_"): w[2] for w in lines if len(w) >= 3}
        for name, number in seccomp.denied(machine).items():
            if name in numbers:
                assert numbers[name] == str(number), (machine, name)
                checked += 1
    if not checked:
        pytest.skip("no kernel headers on this machine")
