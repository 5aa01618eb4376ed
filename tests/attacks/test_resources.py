"""Everything of the machine taken at once, as root and as a plain user: what a job gets is bounded, and nobody else is the worse.

A number in a test's name counts the attack in the list that the suite was drawn from. Limits are far above what the sound
part of a test takes, and none asserts a time.
"""

import os
import sys
import threading

import pytest

from grader.sandbox.api import Limits, RunStatus, Sandbox
from tests.attacks.conftest import Attack
from tests.sandbox.conftest import Attempt, Clock, attempt, process_with
from tests.sandbox.test_attacks import TRY
from tests.sandbox.test_conformance import FIND_PIPE, FRAME

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap needs Linux"),
]
escape = pytest.mark.escape
MIB = 1 << 20
BOMBS = {
    "1 plain": "import os\nreport('lit')\nwhile True: os.fork()",
    "2 swallows errors": "import os\nreport('lit')\nwhile True:\n  try: os.fork()\n  except OSError: pass",
}


@escape
@pytest.mark.parametrize("kind", BOMBS)
def test_1_2_a_fork_bomb_leaves_nothing(kind: str, attack: Attack, clock: Clock) -> None:
    """It burns for a fifth of a second after it was lit; all 48 processes are there in a hundredth of one."""
    mark = f"0816{os.getpid()}{len(kind)}"
    code = (
        f"import os\nif os.fork() == 0: os.execl('/bin/sh', 'sh', '-c', 'sleep 3600; : {mark}')\n"
        + BOMBS[kind]
    )
    burnt = threading.Timer(0.2, clock.run_out)
    found = attack(code, Limits(wall=120.0, pids=48), lambda _frame: burnt.start())
    burnt.cancel()
    assert found.reported == ["lit"]
    assert found.result.status is not RunStatus.OURS
    assert process_with(mark, there=False)


def test_3_memory_of_one_process_is_capped(attack: Attack) -> None:
    code = "held = []\nwhile True:\n  block = bytearray(16 << 20); block[::4096] = b'x' * 4096; held.append(block)"
    status = attack(code, Limits(wall=120.0, memory=200 * MIB)).result.status
    assert status in (RunStatus.MEMORY, RunStatus.NONZERO)


def test_4_memory_of_many_processes_is_counted_together(attack: Attack) -> None:
    code = (
        "import os, time\nfor n in range(8):\n  if os.fork() == 0:\n"
        "    block = bytearray(60 << 20); block[::4096] = b'x' * len(block[::4096]); time.sleep(3600)\n"
        "os.wait()\nos._exit(9)"
    )
    status = attack(code, Limits(wall=120.0, memory=200 * MIB)).result.status
    assert status in (RunStatus.MEMORY, RunStatus.NONZERO)


def test_5_6_every_place_that_takes_files_is_capped(attack: Attack) -> None:
    code = """
import os
def fill(path):
    total = 0
    try:
        for n in range(64):
            with open(f'{path}/fill{n}', 'wb') as file:
                for _ in range(16):
                    total += file.write(bytes(1 << 20))
    except OSError:
        pass
    return total >> 20
report({p: fill(p) for p in ('/dev', '/dev/shm', '/', os.environ['HOME'], '/run', '/var', '/usr', '/etc')})
"""
    filled = attack(code, Limits(wall=120.0, disk=64 * MIB, shared_memory=16 * MIB)).reported[0]
    home = next(
        path for path in filled if path not in ("/dev", "/dev/shm", "/", "/run", "/var", "/usr", "/etc")
    )
    assert 0 < filled.pop("/dev/shm") <= 16
    assert 0 < filled.pop(home) <= 64
    assert set(filled.values()) == {0}


def test_7_files_are_counted_or_it_is_said_that_they_are_not(attack: Attack) -> None:
    code = "n = 0\ntry:\n  while n < 5000:\n    open(f'e{n}', 'w').close(); n += 1\nexcept OSError: pass\nreport(n)"
    found = attack(code, Limits(wall=120.0, inodes=1000))
    weak = [w for w in found.result.isolation.weaknesses if "number of files" in w]
    assert found.reported[0] < 1000 or weak


def test_8_17_one_huge_file_and_all_descriptors(attack: Attack) -> None:
    code = (
        TRY
        + """
def big():
    with open('big', 'wb') as file:
        for n in range(64): file.write(bytes(1 << 20))
held = []
def many():
    while True: held.append(open('/dev/null'))
first, second, count = outcome(big), outcome(many), len(held)
held.clear()
report([first, second, count])
"""
    )
    size, files, count = attack(code, Limits(wall=120.0, file_size=8 * MIB, open_files=64)).reported[0]
    assert (size, files) == ("EFBIG", "EMFILE")
    assert count < 64


def test_9_11_a_loop_and_a_sleep_end_with_their_time(attack: Attack, clock: Clock) -> None:
    """The loop by the true clock; the watcher asks neither what a job does with its time."""
    found = attack("report(1)\nwhile True: pass", Limits(wall=3.0))
    assert (found.result.status, found.reported) == (RunStatus.WALL, [1])
    found = attack("report(1)\nimport time; time.sleep(3600)", listen=clock.run_out)
    assert (found.result.status, found.reported) == (RunStatus.WALL, [1])


def test_10_time_of_the_processor_is_counted(attack: Attack) -> None:
    assert attack("while True: pass", Limits(wall=120.0, cpu=1)).result.status is RunStatus.CPU


def test_12_ignoring_every_signal_helps_nobody(attack: Attack, clock: Clock) -> None:
    code = (
        "import signal, time\nfor s in range(1, 65):\n  try: signal.signal(s, signal.SIG_IGN)\n"
        "  except (OSError, ValueError): pass\nreport(1)\nwhile True: time.sleep(1)"
    )
    assert attack(code, listen=clock.run_out).result.status is RunStatus.WALL


def test_13_14_15_floods_are_cut(holder: Sandbox) -> None:
    floods = {
        "import os\nwhile True: os.write(2, b'A' * 65536)": RunStatus.OUTPUT,
        "import sys\nsys.stderr.write('x' * (500 << 20)); sys.stderr.flush()": RunStatus.OUTPUT,
        FIND_PIPE + FRAME + "while True: os.write(pipe, frame(1, b'{}') * 100)": RunStatus.PROTOCOL_ERROR,
    }
    for code, wanted in floods.items():
        found = attempt(holder, code)
        assert found.result.status is wanted, code
        assert len(found.result.stderr_tail) <= 8192
        assert len(found.result.frames) <= 10_001


@pytest.mark.parametrize("holder", ["plain user", "plain user, warm"], indirect=True)
def test_19_a_neighbour_is_not_disturbed(holder: Sandbox, clock: Clock) -> None:
    """The bomb burns until the neighbour, started when it was lit, has done all that it wants to.

    As whoever runs the tests: `test_a_fork_bomb_stays_small_and_disturbs_nobody` in tests/sandbox.
    """
    results: list[Attempt] = []
    lit = threading.Event()
    code, limits = BOMBS["2 swallows errors"], Limits(wall=120.0, pids=8)
    bomb = threading.Thread(
        target=lambda: results.append(attempt(holder, code, limits, lambda _frame: lit.set()))
    )
    bomb.start()
    assert lit.wait(120)
    work = "import os\nfor n in range(20):\n  if os.fork() == 0: os._exit(0)\n  os.wait()\nreport('20 forks')"
    neighbour = attempt(holder, work)
    clock.run_out()
    bomb.join()
    assert neighbour.reported == ["20 forks"]
    assert results[0].result.status is not RunStatus.OURS


@escape
def test_37_38_a_daemon_dies_with_its_job(attack: Attack) -> None:
    mark = f"0817{os.getpid()}"
    code = f"""
import os
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.set_inheritable(write, True)
        os.execl('/bin/sh', 'sh', '-c', f'echo x >&{{write}}; sleep 3600; : {mark}')
    os._exit(0)
os.read(read, 1)
report(os.getpid())
"""
    found = attack(code)
    assert found.result.status is RunStatus.OK, "a daemon that holds our standard output does not delay us"
    assert len(found.reported) == 1
    assert process_with(mark, there=False)
