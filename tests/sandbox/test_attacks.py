"""Hostile code behind bubblewrap: what it tries and what it gets. Four of them broke an earlier sandbox (the
traps).
"""

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.sandbox import cgroup, environment
from grader.sandbox.api import Job, Limits, RunStatus
from grader.sandbox.bwrap import Bubblewrap
from grader.sandbox.doctor import Health, examine
from tests.sandbox.conftest import Attempt, Clock, attempt, process_with

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]
Attack = Callable[..., Attempt]
MIB = 1 << 20

TRY = """
def outcome(action):
    try:
        action()
    except OSError as fault:
        import errno
        return errno.errorcode[fault.errno]
    return 'ok'
"""


def test_trap_1_no_root_outside_means_no_kernel_settings(attack: Attack) -> None:
    """Started by root without a uid of its own, the job could write core_pattern: a program run by real
    root.
    """
    code = TRY + (
        "import os\n"
        "paths = ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname', "
        "'/proc/sys/vm/drop_caches', '/proc/sysrq-trigger']\n"
        "report([outcome(lambda p=p: os.close(os.open(p, os.O_WRONLY))) for p in paths])"
    )
    found = attack(code)
    assert set(found.reported[0]) <= {"EACCES", "EROFS", "EPERM", "ENOENT"}
    if os.geteuid() == 0:
        assert found.result.isolation.user == "dedicated"


def test_trap_2_neither_environment_nor_arguments_of_the_launcher(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--clearenv` leaves the launcher's environment in /proc/1/environ."""
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    code = "report([open(f'/proc/1/{n}', 'rb').read().decode() for n in ('environ', 'cmdline')])"
    environ, cmdline = attack(code).reported[0]
    assert environ == ""
    assert len(cmdline.split("\0")) < 12
    assert "folder" not in cmdline


def test_trap_3_every_writable_place_is_capped(attack: Attack) -> None:
    """`--dev` alone gives a writable /dev and an unlimited /dev/shm."""
    code = """
import os
def fill(path):
    total = 0
    try:
        for n in range(64):
            with open(f'{path}/fill{n}', 'wb') as file:
                for _ in range(32):
                    total += file.write(bytes(1 << 20))
    except OSError:
        pass
    return total >> 20
report({p: fill(p) for p in ('/dev', '/dev/shm', '/', '/tmp', os.environ['HOME'], '/run', '/var')})
"""
    found = attack(code, Limits(wall=120.0, disk=64 * MIB, shared_memory=16 * MIB))
    filled = found.reported[0]
    assert filled["/dev"] == filled["/"] == filled["/run"] == filled["/var"] == 0
    assert 0 < filled["/dev/shm"] <= 16
    # /tmp lies in the home directory: one cap for both.
    assert 0 < filled["/tmp"] + filled[environment_home()] <= 64


def environment_home() -> str:
    from grader.sandbox.bwrap import ENVIRONMENT

    return ENVIRONMENT["HOME"]


def test_trap_4_sockets_that_a_network_namespace_does_not_cover(attack: Attack) -> None:
    """AF_VSOCK reaches the host of a virtual machine, io_uring makes sockets past a filter, keyrings are
    shared.
    """
    code = TRY + (
        "import socket\n"
        "report([outcome(lambda f=f: socket.socket(f, t)) for f, t in ((40, 1), (17, 3), (16, "
        "3), (38, 5), (2, 3))])"
    )
    answers = attack(code).reported[0]
    assert answers[:4] == ["EAFNOSUPPORT"] * 4
    assert answers[4] in ("EPERM", "EPROTONOSUPPORT")  # a raw socket


def test_the_doctor_finds_nothing_open(bwrap: Bubblewrap) -> None:
    symptoms = examine(bwrap)
    assert [s for s in symptoms if s.health is Health.MISSING] == []
    assert {"memory limit", "no network", "system calls are filtered"} <= {s.name for s in symptoms}


def test_the_doctor_sees_what_is_open() -> None:
    from grader.sandbox.none import Unisolated

    broken = {s.name for s in examine(Unisolated(unsafe_no_sandbox=True)) if s.health is Health.MISSING}
    assert {"files of this machine are hidden", "system calls are filtered"} <= broken


def test_files_of_others_are_not_there(attack: Attack, tmp_path: Path) -> None:
    secret = tmp_path / "labels.txt"
    secret.write_text("7")
    paths = [
        str(secret),
        str(Path(__file__)),
        "/etc/shadow",
        "/etc/passwd",
        str(Path.home() / ".bashrc"),
        "/sys/fs/cgroup",
    ]
    code = TRY + f"report([outcome(lambda p=p: open(p).close()) for p in {paths!r}])"
    assert set(attack(code).reported[0]) == {"ENOENT"}


def test_a_file_that_others_left_below_usr_is_not_there(attack: Attack) -> None:
    """A label file in /usr/local/share could be read: all of /usr was shown."""
    folder = Path("/usr/local/share")
    if not os.access(folder, os.W_OK):
        pytest.skip("only where a file can be left below /usr")
    with tempfile.NamedTemporaryFile(dir=folder, prefix="grader-test-") as planted:
        Path(planted.name).chmod(0o644)
        code = TRY + f"report(outcome(lambda: open({planted.name!r}).close()))"
        assert attack(code).reported == ["ENOENT"]


def test_the_view_holds_no_folder_of_work() -> None:
    shown = [bind.source for bind in environment.view().binds]
    for private in (Path.cwd(), Path.home(), Path("/")):
        assert str(private) not in shown
    assert str(environment.WORKER) in shown


def test_processes_outside_cannot_be_reached(attack: Attack) -> None:
    code = (
        TRY + f"import os\nreport([outcome(lambda: os.kill({os.getpid()}, 0)), outcome(lambda: os.kill(-1, "
        "9)), sorted(p for p in os.listdir('/proc') if p.isdigit())])"
    )
    found = attack(code)
    assert found.result.status is RunStatus.OK
    one, everybody, seen = found.reported[0]
    assert one == "ESRCH"
    assert everybody in ("ESRCH", "ok")
    assert len(seen) <= 3


def test_a_daemon_dies_with_the_job(attack: Attack) -> None:
    mark = f"0815{os.getpid()}"
    code = f"""
import os
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in (0, 1, 2): os.close(fd)
        os.set_inheritable(write, True)
        os.execl('/bin/sh', 'sh', '-c', f'echo x >&{{write}}; sleep 3600; : {mark}')
    os._exit(0)
os.read(read, 1)
report(os.getpid())
"""
    found = attack(code)
    assert found.result.status is RunStatus.OK
    assert len(found.reported) == 1, "the daemon ran"
    assert process_with(mark, there=False)


def test_a_fork_bomb_stays_small_and_disturbs_nobody(bwrap: Bubblewrap, clock: Clock) -> None:
    bomb = "import os\nreport('lit')\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    results: list[Attempt] = []
    lit = threading.Event()
    limits = Limits(wall=120.0, pids=24)  # more only slow the neighbour on a machine of few cores
    attacker = threading.Thread(
        target=lambda: results.append(attempt(bwrap, bomb, limits, listen=lambda _frame: lit.set()))
    )
    attacker.start()
    assert lit.wait(120)
    victim = attempt(
        bwrap,
        "import os\nfor n in range(20):\n  if os.fork() == 0: os._exit(0)\n  os.wait()\nreport('20 forks')",
    )
    clock.run_out()
    attacker.join()
    assert victim.reported == ["20 forks"]
    assert results[0].result.status in (RunStatus.WALL, RunStatus.PIDS)


@pytest.mark.parametrize("groups", [True, False], ids=["groups", "watchdog"])
def test_memory_is_capped_for_the_whole_tree(groups: bool, bwrap: Bubblewrap) -> None:
    sandbox = Bubblewrap(groups=groups, warm=bwrap.warm)
    limits = Limits(wall=120.0, memory=200 * MIB)
    one = (
        "held = []\nwhile True:\n  block = bytearray(16 << 20); block[::4096] = b'x' * "
        "4096; held.append(block)"
    )
    assert attempt(sandbox, one, limits).result.status is RunStatus.MEMORY
    many = (
        "import os, time\nfor n in range(8):\n  if os.fork() == 0:\n"
        "    block = bytearray(60 << 20); block[::4096] = b'x' * len(block[::4096]); time.sleep(3600)\n"
        "os.wait()\nos._exit(9)"
    )
    assert attempt(sandbox, many, limits).result.status is RunStatus.MEMORY


def test_empty_files_are_counted_too(attack: Attack) -> None:
    if os.geteuid() != 0:
        pytest.skip("only where grader mounts the folder itself")
    code = (
        "n = 0\ntry:\n  while n < 30000:\n    open(f'e{n}', 'w').close(); n += 1\nexcept "
        "OSError: pass\nreport(n)"
    )
    assert attack(code, Limits(wall=120.0, inodes=2000)).reported[0] < 2000


def test_one_huge_file_and_many_descriptors(attack: Attack) -> None:
    code = (
        TRY
        + """
def big():
    with open('big', 'wb') as file:
        for n in range(64): file.write(bytes(1 << 20))
held = []
def many():
    while True: held.append(open('/dev/null'))
first = outcome(big)
second = outcome(many)
count = len(held)
held.clear()
report([first, second, count])
"""
    )
    size, files, count = attack(code, Limits(wall=120.0, file_size=8 * MIB, open_files=64)).reported[0]
    assert (size, files) == ("EFBIG", "EMFILE")
    assert count < 64


def test_processor_time_runs_out(attack: Attack) -> None:
    assert attack("while True: pass", Limits(wall=120.0, cpu=1)).result.status is RunStatus.CPU


def test_loopback_is_private(bwrap: Bubblewrap) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = (
            TRY
            + f"import socket\nreport(outcome(lambda: socket.create_connection(('127.0.0.1', {port}), 2)))"
        )
        assert attempt(bwrap, code).reported == ["ECONNREFUSED"]


def test_control_groups_are_removed(bwrap: Bubblewrap) -> None:
    if os.access(cgroup.ROOT / "memory", os.W_OK):
        (cgroup.ROOT / "memory" / "grader-999999999-0").mkdir()  # as a killed grader leaves it
    attempt(bwrap, "report(1)")
    assert not (cgroup.ROOT / "memory" / "grader-999999999-0").exists()
    left = [
        p for base in ("", "memory", "pids") for p in (cgroup.ROOT / base).glob(f"grader-{os.getpid()}-*")
    ]
    assert left == []


def test_a_forged_run_is_only_a_claim(attack: Attack) -> None:
    """The student's code can write every frame; what it cannot do is end well without us reading the same
    bytes.
    """
    code = (
        "import os\npipe = next(fd for fd in range(3, 64) if os.path.exists(f'/proc/self/fd/{fd}') and "
        "'pipe' in os.readlink(f'/proc/self/fd/{fd}'))\n"
        "def frame(kind, payload): return len(payload).to_bytes(4, 'little') + bytes([kind]) + payload\n"
        "os.write(pipe, frame(6, b'{\"accuracy\": 99.9}') + frame(7, b'{}'))\nimport time; time.sleep(20)"
    )
    found = attack(code)
    assert found.result.status is RunStatus.OK
    assert [f.kind for f in found.result.frames] == ["run", "done"]


def test_an_unknown_mode_is_refused(bwrap: Bubblewrap) -> None:
    result = bwrap.run(Job(files={}, entry="", options={"mode": "anything"}))
    assert result.status is RunStatus.NONZERO
    assert "unknown mode" in result.stderr_tail
