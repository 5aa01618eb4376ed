"""A job that raises or dies costs only itself."""

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.core.faults import UsageFault
from grader.core.kept_patterns import _Keeper
from grader.core.progress import listening, tell
from grader.schedule.base import Needs
from grader.schedule.local import LocalProcesses

pytestmark = pytest.mark.slow


def double_or_die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 5:
        raise ValueError("five is right out")
    if number == 7:
        os._exit(0)
    return 2 * number


def pid(_: int) -> int:
    return os.getpid()


def talk(number: int) -> int:
    for epoch in range(3):
        tell(f"{number} epoch {epoch}")
    return number


def keeps_patterns(_: int) -> bool:
    compiler = importlib.import_module("re._compiler")
    return isinstance(getattr(compiler.compile, "__self__", None), _Keeper)


def interrupted(_: int) -> None:
    raise KeyboardInterrupt


known = ""


def computed(_: int) -> tuple[int, str, str]:
    return os.getppid(), known, os.environ.get("SAID_LATER", "")


def about(_: int) -> tuple[int, bool, str]:
    return os.getppid(), "wave" in sys.modules, os.environ.get("SAID_LATER", "")


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
def test_workers_that_load_the_same_are_forked_from_one_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch lay in memory once for each worker."""
    needs = Needs(loads=("wave",))
    for said in ("", "and is heard"):  # the process that is forked is older than the second
        monkeypatch.setenv("SAID_LATER", said)
        found = {e.result for e in LocalProcesses(2).map(about, range(6), needs=needs)}
        ((parent, loaded, heard),) = found
        assert (parent != os.getpid(), loaded, heard) == (True, True, said)
    alone = [e.result for e in LocalProcesses(1).map(about, [1], needs=needs)]
    assert alone == [(os.getpid(), False, "and is heard")]


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
def test_forked_workers_end_like_others() -> None:
    ended = {e.job: e for e in LocalProcesses(2).map(double_or_die, range(8), needs=Needs(loads=("wave",)))}
    assert {n: e.result for n, e in ended.items() if not e.fault} == {n: 2 * n for n in (0, 1, 2, 4, 6)}
    assert "signal 9" in ended[3].fault
    assert ended[7].died


def _alone(code: str) -> list[str]:
    """What a process prints that runs a code beside this module, as `t`: one without threads, unlike ours."""
    done = subprocess.run(
        [sys.executable, "-c", f"import os, signal, sys\nimport {__name__} as t\n{code}"],
        env={**os.environ, "SAID_LATER": "before"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
def test_workers_that_are_ready_have_what_this_process_computed() -> None:
    """Each worker of a class imported what the command had, and computed the same digests."""
    forked, ends, later = _alone("""
t.known = "by heart"
backend = t.LocalProcesses(2)
with backend.ready(5):
    children = [*backend._ready]
    os.environ["SAID_LATER"] = "then"
    print({e.result == (os.getpid(), "by heart", "before") for e in backend.map(t.computed, range(6))})
    print({child.how_it_ended() for child in children}, len(children))
    print({e.result == (os.getpid(), "", "then") for e in backend.map(t.computed, [1])})
""")
    assert (forked, ends) == ("{True}", "{'exit status 0'} 2")
    assert later == "{True}", "after the first round they start afresh"


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
def test_workers_that_are_ready_end_like_others() -> None:
    """By a signal and by themselves, each as one job; and those that nobody needed, at the block's end."""
    faults, results, unused = _alone("""
backend = t.LocalProcesses(2)
with backend.ready(2):
    ended = {e.job: e for e in backend.map(t.double_or_die, range(8))}
print("signal 9" in ended[3].fault, ended[5].fault, ended[7].died)
print({n: e.result for n, e in ended.items() if not e.fault} == {n: 2 * n for n in (0, 1, 2, 4, 6)})
with backend.ready(2):
    children = [*backend._ready]
print({child.how_it_ended() for child in children})
""")
    assert faults == "True five is right out True"
    assert results == "True"
    assert unused == "{'exit status 0'}"


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
def test_workers_that_are_ready_end_with_the_process_that_they_were_forked_from() -> None:
    """A copy of the other end of its channel, its own or in a sister, would let a worker wait for ever."""
    pids = _alone("""
backend = t.LocalProcesses(3)
with backend.ready(3):
    print(*(child.process.pid for child in backend._ready), sep="\\n", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
""")
    assert len(pids) == 3
    until = time.monotonic() + 60
    while any(Path("/proc", number).exists() for number in pids):
        assert time.monotonic() < until, "a worker waits for a process that is gone"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
@pytest.mark.parametrize(
    "why",
    [
        "import threading; threading.Thread(target=signal.pause, daemon=True).start()",
        "sys.modules['torch'] = t",
        "from grader.core import child; child.THREADS = child.Path('/nowhere')",
    ],
)
def test_a_process_with_torch_or_that_may_have_a_thread_is_not_forked(why: str) -> None:
    (found,) = _alone(f"""
{why}
t.known = "by heart"
backend = t.LocalProcesses(1)
with backend.ready(1):
    print([e.result[1] for e in backend.map(t.computed, [1])])
""")
    assert found == "['']"


def test_words_of_a_worker_are_heard_here_and_end_no_job() -> None:
    heard: list[str] = []
    with listening(heard.append):
        ended = [e.result for e in LocalProcesses(2).map(talk, range(4))]
    assert sorted(ended) == [0, 1, 2, 3]
    assert sorted(heard) == [f"{number} epoch {epoch}" for number in range(4) for epoch in range(3)]


def test_words_that_nobody_hears_are_no_fault() -> None:
    assert [e.result for e in LocalProcesses(1).map(talk, [1])] == [1]


def test_a_worker_that_was_interrupted_prints_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    (ended,) = LocalProcesses(1).map(interrupted, [1])
    assert ended.died
    assert "Traceback" not in capfd.readouterr().err


def test_every_job_ends_and_bad_ones_are_named() -> None:
    ended = {e.job: e for e in LocalProcesses(2).map(double_or_die, range(10))}
    assert {n: e.result for n, e in ended.items() if not e.fault} == {n: 2 * n for n in (0, 1, 2, 4, 6, 8, 9)}
    assert ended[3].died
    assert "signal 9" in ended[3].fault
    assert (ended[5].fault, ended[5].fault_type, ended[5].died) == ("five is right out", "ValueError", False)
    assert ended[7].died, "silence is never a result"


def refuse(_: int) -> None:
    raise UsageFault("no such folder")


def test_a_crash_of_ours_leaves_its_place_and_a_refusal_does_not(capfd: pytest.CaptureFixture[str]) -> None:
    list(LocalProcesses(1).map(refuse, [1]))
    assert capfd.readouterr().err == ""
    list(LocalProcesses(1).map(double_or_die, [5]))
    (told,) = capfd.readouterr().err.splitlines()
    assert "five is right out" in told
    assert "Traceback" not in told
    kept = Path(told.rpartition("the traceback is in ")[2])
    assert "in double_or_die" in kept.read_text(encoding="utf-8")
    kept.unlink()


def test_processes_are_reused_and_are_not_ours() -> None:
    pids = {e.result for e in LocalProcesses(1).map(pid, range(4))}
    assert len(pids) == 1
    assert os.getpid() not in pids


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_a_worker_that_dies_between_two_jobs_costs_none() -> None:
    running = LocalProcesses(1).map(pid, range(3))
    first = next(running)
    assert first.result is not None
    os.kill(first.result, signal.SIGKILL)
    # Waited for and left to its parent: multiprocessing would count a child that it cannot reap as alive.
    os.waitid(os.P_PID, first.result, os.WEXITED | os.WNOWAIT)
    rest = list(running)
    assert [e.fault for e in rest] == ["", ""]
    assert {e.result for e in rest}.isdisjoint({first.result})


@pytest.mark.skipif(os.name != "posix", reason="replaces the interpreter that is spawned")
def test_a_worker_that_cannot_start_is_a_dead_job_and_no_crash() -> None:
    context = multiprocessing.get_context("spawn")
    context.set_executable("/bin/false")
    try:
        ended = list(LocalProcesses(1).map(pid, range(2)))
    finally:
        context.set_executable(sys.executable)
    assert [e.died for e in ended] == [True, True]


def test_stopping_early_leaves_no_process_behind() -> None:
    running = LocalProcesses(2).map(pid, range(100))
    first = next(running)
    running.close()  # type: ignore[attr-defined]  # a generator
    assert first.result is not None
    assert not Path(f"/proc/{first.result}").exists() or os.name != "posix"


def test_no_worker_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one worker"):
        LocalProcesses(0)


def test_a_bound_of_one_map_holds_back_workers_that_are_there() -> None:
    backend = LocalProcesses(3)
    assert len({e.result for e in backend.map(pid, range(4), 1)}) == 1
    assert {e.job for e in backend.map(pid, range(4), 9)} == set(range(4))


def test_workers_take_compiled_patterns_from_the_cache() -> None:
    """Each compiled six hundred anew, a quarter of its start."""
    assert [ended.result for ended in LocalProcesses(1).map(keeps_patterns, [1])] == [True]
