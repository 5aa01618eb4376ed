"""What every backend promises, isolated or not."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from grader.core.faults import SandboxFault
from grader.sandbox import choose
from grader.sandbox.api import Job, RunStatus, Sandbox
from grader.sandbox.bwrap import Bubblewrap
from grader.sandbox.none import Unisolated
from tests.sandbox.conftest import Clock, attempt, process_with

pytestmark = pytest.mark.slow

FRAME = "def frame(kind, payload): return len(payload).to_bytes(4, 'little') + bytes([kind]) + payload\n"
FIND_PIPE = (
    "import os\n"
    "pipe = next(fd for fd in range(3, 64) if os.path.exists(f'/proc/self/fd/{fd}')"
    " and 'pipe' in os.readlink(f'/proc/self/fd/{fd}'))\n"
)


def test_a_job_sees_its_files_and_reports(sandbox: Sandbox) -> None:
    code = (
        "import neighbour, sys, os; report([neighbour.value, open('../data.txt').read(), sys.stdin.read()])"
    )
    files = {"a/x.py": code.encode(), "a/neighbour.py": b"value = 7", "data.txt": b"hello"}
    result = sandbox.run(Job(files=files, entry="a/x.py", options={"mode": "python"}))
    assert result.status is RunStatus.OK, result.stderr_tail
    assert [f.payload for f in result.frames if f.kind == "probe"] == [b'{"value": [7, "hello", ""]}']


def test_a_worker_that_never_says_done(sandbox: Sandbox) -> None:
    assert attempt(sandbox, "import os; os._exit(0)").result.status is RunStatus.INCOMPLETE
    assert attempt(sandbox, "import os; os._exit(3)").result.status is RunStatus.NONZERO
    assert attempt(sandbox, "import os; os.kill(os.getpid(), 9)").result.status is RunStatus.NONZERO
    assert attempt(sandbox, "raise RuntimeError('told')").result.status is RunStatus.NONZERO
    assert "told" in attempt(sandbox, "raise RuntimeError('told')").result.stderr_tail


def test_frames_before_a_kill_are_kept(sandbox: Sandbox, clock: Clock) -> None:
    found = attempt(sandbox, "report('early')\nwhile True: pass", listen=clock.run_out)
    assert found.result.status is RunStatus.WALL
    assert found.reported == ["early"]


def test_signals_cannot_be_ignored_away(sandbox: Sandbox, clock: Clock) -> None:
    code = (
        "import signal, time\nfor s in range(1, 65):\n  try: signal.signal(s, signal.SIG_IGN)\n  except "
        "(OSError, ValueError): pass\nreport(1)\nwhile True: time.sleep(1)"
    )
    found = attempt(sandbox, code, listen=clock.run_out)
    assert found.result.status is RunStatus.WALL
    assert found.reported == [1]


def test_printing_is_no_frame(sandbox: Sandbox) -> None:
    found = attempt(
        sandbox, "import os; print('Accuracy 99.9%'); os.write(1, b'\\x01' * 50); os.system('echo hi')"
    )
    assert found.result.status is RunStatus.OK
    assert [f.kind for f in found.result.frames] == ["done"]


def test_floods_are_cut(sandbox: Sandbox) -> None:
    found = attempt(sandbox, "import os\nwhile True: os.write(2, b'A' * 65536)")
    assert found.result.status is RunStatus.OUTPUT
    assert len(found.result.stderr_tail) <= 8192
    found = attempt(sandbox, FIND_PIPE + FRAME + "while True: os.write(pipe, frame(4, b'w' * (1 << 20)))")
    assert found.result.status is RunStatus.OUTPUT
    found = attempt(sandbox, FIND_PIPE + FRAME + "while True: os.write(pipe, frame(1, b'{}') * 100)")
    assert found.result.status is RunStatus.PROTOCOL_ERROR
    assert len(found.result.frames) <= 10_001


def test_garbage_on_the_pipe(sandbox: Sandbox) -> None:
    found = attempt(sandbox, FIND_PIPE + "os.write(pipe, b'\\xff' * 64)\nimport time; time.sleep(30)")
    assert found.result.status is RunStatus.PROTOCOL_ERROR


def test_a_closed_pipe_is_no_success(sandbox: Sandbox) -> None:
    found = attempt(sandbox, FIND_PIPE + "os.close(pipe); os._exit(0)")
    assert found.result.status is RunStatus.INCOMPLETE


def test_what_was_forked_does_not_outlive_the_job(sandbox: Sandbox) -> None:
    code = "import os, time\nif os.fork() == 0:\n  time.sleep(3600)\n  os._exit(0)\nreport(os.getpid())"
    # The child that holds the pipes does not delay the grader, or this test would take an hour.
    assert attempt(sandbox, code).result.status is RunStatus.OK


def test_the_environment_of_the_caller_stays_out(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    found = attempt(sandbox, "import os; report(sorted(os.environ))")
    assert found.result.status is RunStatus.OK
    assert "SECRET_TOKEN" not in found.reported[0]
    assert {"HOME", "OMP_NUM_THREADS"} <= set(found.reported[0])


def test_a_file_name_cannot_lead_out(sandbox: Sandbox, tmp_path: Path) -> None:
    job = Job(files={"../../../x.py": b"", "a.py": b""}, entry="a.py", options={"mode": "python"})
    result = sandbox.run(job)
    assert result.status is RunStatus.NONZERO
    assert "leads out" in result.stderr_tail


def test_modules_of_the_student_do_not_replace_ours(sandbox: Sandbox) -> None:
    trap = b"raise SystemExit('the student\\'s module was imported')"
    names = ("json", "html", "cells", "channel", "main", "_grader_worker", "sitecustomize", "usercustomize")
    files = {f"{name}.py": trap for name in names} | {"a.py": b"report('ran')"}
    result = sandbox.run(Job(files=files, entry="a.py", options={"mode": "python"}))
    assert result.status is RunStatus.OK, result.stderr_tail


def test_jobs_run_side_by_side(sandbox: Sandbox) -> None:
    results: list[object] = []
    run = [
        threading.Thread(target=lambda n=n: results.append(attempt(sandbox, f"report({n})").reported))
        for n in range(3)
    ]
    for thread in run:
        thread.start()
    for thread in run:
        thread.join()
    assert sorted(results, key=str) == [[0], [1], [2]]


def test_nothing_stays_open(sandbox: Sandbox) -> None:
    attempt(sandbox, "report(1)")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        attempt(sandbox, "report(1)")
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


@pytest.mark.parametrize("end", ["interrupt", "kill"])
def test_a_job_does_not_outlive_the_grader(sandbox: Sandbox, tmp_path: Path, end: str) -> None:
    warm = sandbox.warm if isinstance(sandbox, Bubblewrap) else ""
    mark = f"4711{os.getpid()}{sandbox.name}{end}{bool(warm)}"
    make = f"Bubblewrap(warm={warm!r})" if sandbox.name == "bwrap" else "Unisolated(unsafe_no_sandbox=True)"
    # The job starts a program whose command line we can find from outside.
    code = (
        # Whoever starts the tests in the background of a script has interrupts ignored.
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from grader.sandbox.bwrap import Bubblewrap\nfrom grader.sandbox.none import Unisolated\n"
        "from grader.sandbox.api import Job\n"
        f'attack = b\'import os; os.execl("/bin/sh", "sh", "-c", "sleep 3600; : {mark}")\'\n'
        f"{make}.run(Job(files={{'a.py': attack}}, entry='a.py', options={{'mode': 'python'}}))"
    )
    grader = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    assert process_with(mark, there=True)
    grader.send_signal(signal.SIGINT if end == "interrupt" else signal.SIGKILL)
    grader.wait()
    assert process_with(mark, there=False)


def test_running_without_isolation_must_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SandboxFault, match="--unsafe-no-sandbox"):
        Unisolated(unsafe_no_sandbox=False)
    broken = choose.Trial(works=False, reason="no bwrap", remedy="apt install bubblewrap")
    monkeypatch.setattr(choose, "try_bubblewrap", lambda: broken)
    with pytest.raises(SandboxFault, match="apt install bubblewrap"):
        choose.choose(unsafe_no_sandbox=False)
    assert choose.choose(unsafe_no_sandbox=True).name == "none"


def test_the_unisolated_record_says_so() -> None:
    found = attempt(Unisolated(unsafe_no_sandbox=True), "report(1)")
    assert not found.result.isolation.isolated
    assert "without isolation" in found.result.isolation.weaknesses[0]
