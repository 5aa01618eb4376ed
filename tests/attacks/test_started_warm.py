"""A job that was forked from a process with its imports done: nothing of that process, of its owner or of another job
can be found or changed in it, and where it cannot be had nothing is lost.
"""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from grader.sandbox import warm
from grader.sandbox.api import Job, RunStatus
from grader.sandbox.bwrap import COLD, Bubblewrap
from grader.sandbox.doctor import Health, examine_warm_start
from grader.sandbox.warm import Server
from tests.attacks.conftest import Attack
from tests.sandbox.conftest import QUICK, attempt, isolating, works_here

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(sys.platform != "linux", reason="jobs start warm on Linux alone"),
]
escape = pytest.mark.escape
ROOT = Path(__file__).parents[2]
REPORTS = Job(files={"a.py": b"report(2)"}, entry="a.py", options={"mode": "python"}, limits=QUICK)


@pytest.fixture
def warmed(request: pytest.FixtureRequest) -> Bubblewrap:
    return isolating(request, "warm")


@contextmanager
def a_server(
    folder: Path, done: str = "", instead: str = "", targets: Sequence[str] = ()
) -> Iterator[Server]:
    """A server that imports our own modules alone, whose program does something `instead`."""
    works_here()
    program = folder / "server.py"
    text = warm.PROGRAM.read_text("utf-8")
    for old, new in ((".import_all()", ".import_ours()"), (done, instead)):
        assert old in text
        text = text.replace(old, new, 1) if old else text
    program.write_text(text, encoding="utf-8")
    with mock.patch.object(warm, "PROGRAM", program):
        server = Server(Bubblewrap.surroundings(), targets)
        try:
            yield server
        finally:
            server.close()


def test_o_what_one_job_does_to_its_memory_the_next_one_does_not_find(warmed: Bubblewrap) -> None:
    spoil = """
import os, random, sys, torch
from torch import nn
nn.Module.parameters = lambda self, recurse=True: iter(())
torch.manual_seed(7)
random.seed = lambda *a: None
sys.modules['_grader_worker.main'].main = lambda: os._exit(0)
sys.modules['json'].loads = None
for folder in ('/dev/shm', os.environ['HOME']):
    open(folder + '/left', 'w').write('behind')
os.environ['LEFT'] = 'behind'
torch.left = 'behind'
report('spoiled')
"""
    look = """
import os, torch
from torch import nn
files = [name for folder in ('/dev/shm', os.environ['HOME']) for name in os.listdir(folder) if name == 'left']
count = sum(p.numel() for p in nn.Linear(4, 2).parameters())
report([count, files, os.environ.get('LEFT'), hasattr(torch, 'left')])
"""
    assert attempt(warmed, spoil.replace("report('spoiled')", "os._exit(5)")).result.exit_code == 5
    spoiled = attempt(warmed, spoil).result
    assert spoiled.status is RunStatus.OK, spoiled
    fresh = attempt(Bubblewrap(), look).reported[0]
    assert fresh == [10, [], None, False]
    assert attempt(warmed, look).reported == [fresh]


def test_o_two_jobs_draw_different_numbers(warmed: Bubblewrap) -> None:
    """A fork has its parent's random numbers, which would make one job's secret known to the next."""
    code = (
        "import numpy, random, torch, uuid\n"
        "report([random.random(), numpy.random.random(), torch.initial_seed(), str(uuid.uuid4())])"
    )
    first, second = (attempt(warmed, code).reported[0] for _ in range(2))
    assert not set(first) & set(second)


@escape
def test_o_neither_variables_nor_paths_of_the_owner_are_in_its_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter" * 4)
    # Patterns, so that this job's own source does not hold what they find.
    code = """
import ctypes, os, re
patterns = [re.compile(b'(?:hun[t]er){4}'), re.compile(b'grader-[w]arm-'), re.compile(b'MPL[B]ACKEND')]
found = []
with open('/proc/self/maps') as maps:
    areas = [line.split()[:2] for line in maps]
for area, rights in areas:
    begin, end = (int(n, 16) for n in area.split('-'))
    if rights.startswith('rw') and begin < 1 << 47:
        data = ctypes.string_at(begin, end - begin)
        found += [p.pattern.decode() for p in patterns if p.search(data)]
report([found, open('/proc/self/environ').read() if os.access('/proc/self/environ', 4) else ''])
"""
    with a_server(tmp_path) as server:
        found = attempt(Bubblewrap(warm=server.address), code)
    assert found.result.status is RunStatus.OK, found.result.stderr_tail
    held, environ = found.reported[0]
    assert "hunter" not in environ
    assert set(held) == {"MPL[B]ACKEND"}  # what is there is found


@escape
def test_o_the_program_that_it_runs_is_no_file_of_this_machine(attack: Attack) -> None:
    """/proc/self/exe leads past every namespace to the file that was started, which a plain user may own."""
    before = Path(sys.executable).resolve().stat()
    code = """
import os, stat
def tried(action):
    try:
        action()
    except OSError:
        return 'refused'
    return 'done'
seen = os.stat('/proc/self/exe')
written = tried(lambda: os.close(os.open('/proc/self/exe', os.O_WRONLY)))
tried(lambda: os.chmod('/proc/self/exe', 0o777))
named = sorted({line.split(None, 5)[5].strip() for line in open('/proc/self/maps') if len(line.split(None, 5)) > 5})
hidden = [name for name in named if name.startswith('/') and not os.path.exists(name) and '(deleted)' not in name]
listed = tried(lambda: os.listdir('/proc/self/map_files') and [os.stat(f'/proc/self/map_files/{n}') for n in os.listdir('/proc/self/map_files')])
report([[seen.st_dev, seen.st_ino], written, hidden, listed])
"""
    same, written, hidden, listed = attack(code).reported[0]
    after = Path(sys.executable).resolve().stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_mode,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )
    assert written == "refused"
    assert hidden == []
    assert listed == "refused"
    assert len(same) == 2


@escape
def test_o_it_starts_from_a_copy_of_its_program(warmed: Bubblewrap) -> None:
    code = "import os\nseen = os.stat('/proc/self/exe')\nreport([seen.st_dev, seen.st_ino])"
    of_the_machine = Path(sys.executable).resolve().stat()
    assert attempt(warmed, code).reported[0] != [of_the_machine.st_dev, of_the_machine.st_ino]


@escape
def test_o_whoever_waits_for_it_cannot_be_reached(attack: Attack) -> None:
    """The fork that waits stands in the namespaces of the machine; a job sees no parent, and no way to it."""
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
names = [open(f'/proc/{p}/comm').read().strip() for p in os.listdir('/proc') if p.isdigit()]
ptrace = libc.syscall(ctypes.c_long(101 if os.uname().machine != 'aarch64' else 117), 16, os.getppid(), 0, 0)
report([os.getppid(), len(names), ptrace, [f for f in os.listdir('/proc/self/fd') if int(f) > 4]])
"""
    parent, seen, traced, descriptors = attack(code).reported[0]
    assert parent in (0, 1)
    assert seen <= 3
    assert traced == -1
    assert descriptors == []


def test_o_a_job_that_kills_all_that_it_can_goes_on(attack: Attack) -> None:
    code = "import os, time\ntry:\n    os.kill(-1, 9)\nexcept OSError:\n    pass\ntime.sleep(0.5)\nreport('goes on')"
    found = attack(code)
    assert found.reported == ["goes on"]
    assert found.result.status is RunStatus.OK


def test_o_what_is_left_by_others_is_taken(attack: Attack) -> None:
    """The first process of the namespace takes in what lost its parent, or a job would run out of processes."""
    code = """
import os, time
for _ in range(60):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
deadline = time.monotonic() + 60
while (left := sum(p.isdigit() for p in os.listdir('/proc'))) > 3 and time.monotonic() < deadline:
    time.sleep(0.05)
report(left)
"""
    assert attack(code).reported[0] <= 3


def test_o_a_server_that_was_killed_costs_no_job(tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        sandbox = Bubblewrap(warm=server.address)
        assert attempt(sandbox, "report(1)").reported == [1]
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        result = sandbox.run(REPORTS)
    assert result.status is RunStatus.OK
    assert [json.loads(f.payload)["value"] for f in result.frames if f.kind == "probe"] == [2]
    assert COLD in result.isolation.cold
    assert COLD in str(result.isolation)


def test_o_a_server_that_dies_under_a_job_leaves_it_alone(tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        process = server

        def kill(_frame: object) -> None:
            assert process.process is not None
            process.process.kill()

        code = "report(1)\nimport time; time.sleep(1)\nreport(2)"
        found = attempt(Bubblewrap(warm=server.address), code, listen=kill)
    assert found.reported == [1, 2]
    assert found.result.status is RunStatus.OK


def test_o_a_server_with_a_thread_starts_no_job(tmp_path: Path) -> None:
    """A fork of a process with threads can hang, and cannot join a user namespace."""
    thread = "import threading; threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
    with a_server(tmp_path, "    gc.collect()\n", f"    {thread}\n") as server:
        result = Bubblewrap(warm=server.address).run(REPORTS)
    assert result.status is RunStatus.OK
    assert COLD in result.isolation.cold


@escape
@pytest.mark.parametrize(
    ("done", "left_out"),
    [
        ("    drop_capabilities()\n    _checked(libc.prctl(PR_SET_NO", "    _checked(libc.prctl(PR_SET_NO"),
        ("done = libc.prctl(PR_SET_SECCOMP, ", "done = 0 * ("),
        ('_checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, None, None, None), "give up new privileges")', "pass"),
        ("    os.closerange(4, 1 << 16)\n", ""),
    ],
)
def test_o_whatever_was_not_given_up_is_seen_before_a_byte_runs(
    done: str, left_out: str, tmp_path: Path
) -> None:
    with a_server(tmp_path, done, left_out) as server:
        result = Bubblewrap(warm=server.address).run(REPORTS)
    assert COLD in result.isolation.cold
    assert "not confined" in result.isolation.cold or "filter" in result.isolation.cold
    assert result.status is RunStatus.OK


@pytest.mark.parametrize(
    "start",
    [
        "server = warm.Server(Bubblewrap.surroundings())\naddress = server.address",
        "warm.serve_for_good(Bubblewrap.surroundings())\naddress = warm.address()",
    ],
)
def test_o_the_server_ends_with_its_owner_and_leaves_nothing(start: str) -> None:
    works_here()
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom grader.sandbox import warm\n"
        "from grader.sandbox.bwrap import Bubblewrap\nfrom grader.sandbox.api import Job\n"
        f"{start}\n"
        "result = Bubblewrap(warm=address).run(Job(files={}, entry='', options={'mode': 'ping'}))\n"
        "assert not result.isolation.cold, result\n"
        "own = Path('/proc/self/task').glob('*/children')\n"
        "print(*[pid for task in own for pid in task.read_text().split()], address, flush=True)\n"
        "sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert owner.stdout is not None
    number, address = owner.stdout.readline().split()
    server, folder = int(number), Path(address.decode()).parent
    assert Path(f"/proc/{server}").exists()
    assert folder.exists()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{server}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{server}").exists()
    assert not folder.exists()
    for pipe in (owner.stdin, owner.stdout):
        assert pipe is not None
        pipe.close()


def test_o_jobs_side_by_side_have_a_place_each(warmed: Bubblewrap) -> None:
    code = "import os, time\nopen('mine', 'w').write('{n}')\ntime.sleep(0.5)\nreport([open('mine').read(), sorted(os.listdir('.'))])"
    found: list[object] = []

    def run(n: int) -> None:
        found.append(attempt(warmed, code.replace("{n}", str(n))).reported[0][0])

    threads = [threading.Thread(target=run, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, found)) == ["0", "1", "2"]


def test_o_the_doctor_attacks_it_too() -> None:
    works_here()
    symptom = examine_warm_start()
    assert (symptom.name, symptom.health, symptom.found) == ("warm start", Health.OK, "holds as firmly")


def test_o_nothing_is_imported_before_the_first_job(tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        assert server.process is None
        assert Path(server.address).parent.stat().st_mode & 0o077 == 0


def test_o_honest_notebooks_give_the_same_frames(warmed: Bubblewrap) -> None:
    """A near miss: what is measured of a notebook does not depend on how its job was started."""
    book = (ROOT / "submissions" / "perfect" / "Session4_MNIST.ipynb").read_bytes()
    job = Job(files={"S4.ipynb": book}, entry="S4.ipynb", options={"mode": "notebook"})
    first, second = warmed.run(job), Bubblewrap().run(job)
    assert first.status is second.status is RunStatus.OK
    assert first.isolation.cold == ""
    assert [(f.kind, f.payload) for f in first.frames] == [(f.kind, f.payload) for f in second.frames]
