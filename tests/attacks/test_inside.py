"""Hostile code in the sandbox, as root and as a plain user: what it tries, and the one outcome that may follow.

A number in a test's name counts the attack in the list that the suite was drawn from; `own` marks one beyond that
list. Each test states an observable; none asserts a time.
"""

import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from grader.sandbox.api import Limits, RunStatus, Sandbox
from grader.sandbox.doctor import PROMISES, Health, examine
from tests.attacks.conftest import Attack
from tests.sandbox.conftest import Clock
from tests.sandbox.test_attacks import TRY
from tests.sandbox.test_conformance import FIND_PIPE, FRAME

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap needs Linux"),
]
escape = pytest.mark.escape


@escape
def test_the_doctor_finds_nothing_open(holder: Sandbox) -> None:
    """As a plain user the number of files is not capped, which is said; everything that is promised holds."""
    symptoms = examine(holder)
    assert [s for s in symptoms if s.health is Health.MISSING] == []
    assert set(PROMISES) <= {s.name for s in symptoms}


def test_16_threads_are_counted(attack: Attack) -> None:
    code = """
import threading
wait, made = threading.Event(), 0
try:
    while made < 10_000:
        threading.Thread(target=wait.wait, daemon=True).start()
        made += 1
except RuntimeError:
    pass
report(made)
"""
    found = attack(code, Limits(wall=30.0, pids=48))
    assert found.reported[0] < 48


@escape
def test_20_files_of_the_machine_are_not_there(attack: Attack, tmp_path: Path) -> None:
    secret = tmp_path / "labels.txt"
    secret.write_text("7")
    paths = [str(secret), __file__, "/etc/shadow", "/etc/passwd", str(Path.home() / ".bashrc")]
    code = TRY + f"import os\nreport([outcome(lambda p=p: os.close(os.open(p, 0))) for p in {paths!r}])"
    assert set(attack(code).reported[0]) == {"ENOENT"}


@escape
def test_21_22_neither_environment_nor_arguments_of_the_launcher(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    code = "report([open(f'/proc/1/{n}', 'rb').read().decode() for n in ('environ', 'cmdline')])"
    environ, command = attack(code).reported[0]
    assert environ == ""
    assert "folder" not in command


@escape
def test_23_kernel_settings_cannot_be_written(attack: Attack) -> None:
    names = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches"]
    code = (
        TRY
        + f"import os\nreport([outcome(lambda p=p: os.close(os.open(p, os.O_WRONLY))) for p in {names!r}])"
    )
    assert set(attack(code).reported[0]) <= {"EACCES", "EROFS", "EPERM", "ENOENT"}


@escape
def test_24_overwriting_the_first_process_gains_nothing(attack: Attack, tmp_path: Path) -> None:
    """Process 1 is bubblewrap's reaper of this very job: what damages it ends the job, and reaches nothing else."""
    witness = tmp_path / "witness"
    witness.write_text("untouched")
    code = f"""
import os
report('began')
try:
    with open('/proc/1/maps') as maps, open('/proc/1/mem', 'r+b', buffering=0) as memory:
        for line in maps:
            begin, end = (int(n, 16) for n in line.split()[0].split('-'))
            if 'rw' in line:
                try:
                    memory.seek(begin)
                    memory.write(b'\\xcc' * min(end - begin, 65536))
                except OSError:
                    pass
except OSError:
    pass
try:
    open({str(witness)!r}, 'w').write('changed')
except OSError:
    pass
"""
    found = attack(code)
    assert found.reported == ["began"]
    assert witness.read_text() == "untouched"
    assert found.result.status is not RunStatus.OURS


@escape
def test_25_27_28_29_calls_past_the_namespaces_are_refused(attack: Attack) -> None:
    arm = os.uname().machine == "aarch64"
    calls = {
        "ptrace": (117 if arm else 101, 16, 1, 0, 0),
        "unshare": (97 if arm else 272, 0x10000000),
        "setns": (268 if arm else 308, 3, 0),
        "io_uring_setup": (425, 8, 0),
        "keyctl": (219 if arm else 250, 0, 0xFFFFFFFC, 1, 0, 0),
        "bpf": (280 if arm else 321, 0, 0, 0),
        "mount": (40 if arm else 165, 0, 0, 0, 0, 0),
        "pivot_root": (41 if arm else 155, 0, 0),
        "userfaultfd": (282 if arm else 323, 0),
        "perf_event_open": (241 if arm else 298, 0, 0, 0, 0, 0),
        "process_vm_writev": (271 if arm else 311, 1, 0, 0, 0, 0, 0),
        "kexec_load": (104 if arm else 246, 0, 0, 0, 0),
        "init_module": (105 if arm else 175, 0, 0, 0),
    }
    code = f"""
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *rest):
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in rest))
    return 'ok' if result >= 0 else errno.errorcode.get(ctypes.get_errno(), '?')
report({{name: call(*numbers) for name, numbers in {calls!r}.items()}})
"""
    answers = attack(code).reported[0]
    assert {n: a for n, a in answers.items() if a not in ("EPERM", "ENOSYS", "EACCES")} == {}


@escape
def test_26_nobody_outside_can_be_signalled(attack: Attack) -> None:
    code = (
        TRY
        + f"import os\nreport([outcome(lambda: os.kill({os.getpid()}, 0)), outcome(lambda: os.kill(1, 9))])"
    )
    outside, reaper = attack(code).reported[0]
    assert outside == "ESRCH"
    assert reaper in (
        "ok",
        "EPERM",
        "ESRCH",
    )  # its own reaper; a first process ignores what it does not handle


@escape
def test_30_31_32_no_way_to_a_network(attack: Attack) -> None:
    code = (
        TRY
        + """
import socket
def name():
    try:
        socket.getaddrinfo('example.org', 80)
    except socket.gaierror:
        return 'unknown name'
    return 'ok'
families = [outcome(lambda f=f: socket.socket(f, t)) for f, t in ((40, 1), (17, 3), (16, 3), (38, 5))]
tcp = outcome(lambda: socket.create_connection(('192.0.2.1', 80), 2))
report([families, tcp, name()])
"""
    )
    families, tcp, name = attack(code).reported[0]
    assert set(families) == {"EAFNOSUPPORT"}
    assert tcp == "ENETUNREACH"
    assert name == "unknown name"


@escape
def test_33_34_servers_outside_cannot_be_reached(attack: Attack) -> None:
    hidden = f"\0grader-test-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(hidden)
        abstract.listen()
        code = (
            TRY
            + f"""
import socket
port = {server.getsockname()[1]}
local = socket.socket(socket.AF_UNIX)
report([outcome(lambda: socket.create_connection(('127.0.0.1', port), 2)), outcome(lambda: local.connect({hidden!r}))])
"""
        )
        assert attack(code).reported[0] == ["ECONNREFUSED", "ECONNREFUSED"]


@escape
def test_35_36_no_descriptor_and_no_terminal(attack: Attack) -> None:
    code = (
        TRY
        + """
import fcntl, os
tty = outcome(lambda: os.close(os.open('/dev/tty', os.O_RDWR)))
push = outcome(lambda: fcntl.ioctl(0, 0x5412, b'x'))
report([len(os.listdir('/proc/self/fd')), tty, push])
"""
    )
    descriptors, tty, push = attack(code).reported[0]
    assert descriptors <= 5  # three streams, the pipe, and the listing itself
    assert tty in ("ENXIO", "ENOENT")
    assert push in ("EPERM", "ENOTTY")


@escape
def test_39_a_set_user_id_program_gains_nothing(attack: Attack) -> None:
    code = """
import os, subprocess
done = subprocess.run(['su', '-c', 'id -u'], capture_output=True, text=True, stdin=subprocess.DEVNULL)
status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)
report([done.stdout.strip(), status['CapEff'].strip(), status['NoNewPrivs'].strip(), os.getuid()])
"""
    printed, capabilities, no_new, uid = attack(code).reported[0]
    assert printed != "0"
    assert set(capabilities) == {"0"}
    assert no_new == "1"
    assert uid != 0


@escape
def test_40_41_nothing_of_the_kernel(attack: Attack) -> None:
    code = (
        TRY
        + """
import os, stat
def addresses():
    try:
        return sorted({line.split()[0] for line in open('/proc/kallsyms')})[:2]
    except OSError:
        return []
opened = [outcome(lambda p=p: os.close(os.open(p, 0))) for p in ('/proc/kmsg', '/proc/kcore', '/dev/mem', '/dev/kvm')]
device = outcome(lambda: os.mknod('disk', 0o600 | stat.S_IFBLK, os.makedev(8, 0)))
report([addresses(), opened, device])
"""
    )
    addresses, opened, device = attack(code).reported[0]
    assert all(set(a) == {"0"} for a in addresses)
    assert "ok" not in opened
    assert device == "EPERM"


@escape
def test_42_no_device_of_a_gpu(attack: Attack) -> None:
    code = "import os\nreport([sorted(n for n in os.listdir('/dev') if n.startswith(('nvidia', 'dri', 'kfd'))), os.environ.get('CUDA_VISIBLE_DEVICES')])"
    assert attack(code).reported[0] == [[], ""]


@escape
def test_own_21_no_second_sandbox_no_shared_memory_no_handles(attack: Attack) -> None:
    arm = os.uname().machine == "aarch64"
    code = f"""
import ctypes, errno, os, subprocess
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *rest):
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in rest))
    return 'ok' if result >= 0 else errno.errorcode.get(ctypes.get_errno(), '?')
nested = subprocess.run(['bwrap', '--ro-bind', '/', '/', '--dev', '/dev', 'true'], capture_output=True).returncode \\
    if os.path.exists('/usr/bin/bwrap') else 1
report([nested, call({97 if arm else 272}, 0x20000000), call({425}, 8, 0), call(435, 0, 0)])
"""
    nested, mount_space, ring, clone3 = attack(code).reported[0]
    assert nested != 0
    assert mount_space == "EPERM"
    assert ring in ("EPERM", "ENOSYS")
    assert clone3 == "ENOSYS"


def test_own_12_lengths_that_lie_and_halves_that_never_end(attack: Attack, clock: Clock) -> None:
    lie = "os.write(pipe, (0xFFFFFFFF).to_bytes(4, 'little') + b'\\x01')\nimport time; time.sleep(60)"
    assert attack(FIND_PIPE + FRAME + lie).result.status is RunStatus.PROTOCOL_ERROR
    # The time of the job is over half a second after the frame before.
    half = "report(1)\nos.write(pipe, (100).to_bytes(4, 'little') + b'\\x01' + b'{')\nimport time; time.sleep(60)"
    over = threading.Timer(0.5, clock.run_out)
    ended = attack(FIND_PIPE + FRAME + half, listen=lambda _frame: over.start()).result.status
    assert ended in (RunStatus.WALL, RunStatus.PROTOCOL_ERROR, RunStatus.INCOMPLETE)


def test_own_12_what_comes_after_the_end_is_not_read(attack: Attack) -> None:
    after = "os.write(pipe, frame(7, b'{}') + frame(1, b'{}'))\nimport time; time.sleep(60)"
    late = attack(FIND_PIPE + FRAME + after).result
    assert [f.kind for f in late.frames][-1:] == ["done"] or late.status is RunStatus.PROTOCOL_ERROR


def test_18_what_was_said_before_a_flood_is_kept(attack: Attack) -> None:
    found = attack("report('early')\nimport os\nwhile True: os.write(2, b'A' * 65536)")
    assert found.result.status is RunStatus.OUTPUT
    assert found.reported == ["early"]
