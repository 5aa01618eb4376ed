"""The limited process: what an artefact does to its reader costs that artefact, and nothing else."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.core.faults import SandboxFault
from grader.sandbox import reader, reader_filter
from grader.sandbox.reader import Lost, read_ahead, read_limited
from grader.sandbox.reader_server import End, ReadLimits
from grader.sandbox.seccomp import supported

HERE = "tests.sandbox.reading"
WAIT = 120.0
"""Seconds after which a process that should have ended counts as one that lives; no test waits so long that
holds.
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")


UNFILTERED = reader._START.replace(
    "from grader.sandbox.reader_server",
    "from grader.sandbox import reader_filter; reader_filter.install = bool; from grader.sandbox.reader_server",
)
"""How the process is started where a test needs what the filter refuses: a signal, a pipe that has a name."""


@pytest.fixture
def anew() -> Iterator[None]:
    reader.stop()
    yield
    reader.stop()


def double(data: bytes = b"ab") -> bytes | Lost:
    return read_limited(f"{HERE}:double", data, returns=bytes)


def serving() -> int:
    """The number of the process that reads."""
    assert reader._running is not None
    return reader._running.process.pid


def test_what_a_reader_returns_comes_back() -> None:
    assert double() == b"abab"
    assert double(b"x" * 3_000_000) == b"x" * 6_000_000


@linux
def test_a_reader_that_takes_all_memory_loses_its_artefact_alone() -> None:
    lost = read_limited(f"{HERE}:take_all_memory", b"", returns=int, limits=ReadLimits(memory=400_000_000))
    assert isinstance(lost, Lost)
    assert lost.end is End.MEMORY
    assert str(lost) == "needs more memory than reading it may take (400,000,000 bytes) and was given up"
    assert double() == b"abab"


def test_a_reader_that_loops_is_ended_by_its_own_computing_time() -> None:
    lost = read_limited(f"{HERE}:loop", b"", returns=int, limits=ReadLimits(cpu=1))
    assert isinstance(lost, Lost)
    assert lost.end is End.CPU
    assert lost.too_large
    assert "1 s of computing time" in str(lost)
    assert double() == b"abab"


def test_a_reader_that_hangs_is_given_up() -> None:
    lost = read_limited(f"{HERE}:hang", b"", returns=int, limits=ReadLimits(wall=0.05))
    assert isinstance(lost, Lost)
    assert lost.end is End.WALL
    assert double() == b"abab"


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_reader_that_dies_loses_its_artefact_alone(by: signal.Signals) -> None:
    lost = read_limited(f"{HERE}:die", b"", int(by), returns=int)
    assert isinstance(lost, Lost)
    assert lost.end is End.DIED
    assert f"signal {int(by)}" in str(lost)
    assert double() == b"abab"


@pytest.mark.parametrize(
    ("name", "arguments", "end", "says"),
    [
        ("leave", (3,), End.DIED, "exit status 3"),
        ("leave", (0,), End.DIED, "exit status 0"),
        ("give_up", (), End.RAISED, "SystemExit"),
        ("fail", (), End.RAISED, "could not be read (KeyError: 'sheet1.xml')"),
    ],
)
def test_a_reader_that_gives_up_is_told(name: str, arguments: tuple[int, ...], end: End, says: str) -> None:
    lost = read_limited(f"{HERE}:{name}", b"", *arguments, returns=int)
    assert isinstance(lost, Lost)
    assert lost.end is end
    assert says in str(lost)


def test_an_answer_is_bounded() -> None:
    lost = read_limited(f"{HERE}:answer_much", b"", returns=bytes, limits=ReadLimits(answer=4_000_000))
    assert isinstance(lost, Lost)
    assert lost.end is End.ANSWER


def test_what_a_reader_writes_to_its_descriptors_reaches_nobody() -> None:
    """The one pipe that it has ends at a process that takes nothing but a whole frame."""
    lost = read_limited(f"{HERE}:talk", b"", returns=str)
    assert isinstance(lost, Lost)
    assert double() == b"abab"


def test_a_reader_writes_no_file(tmp_path: Path) -> None:
    target = tmp_path / "left"
    lost = read_limited(f"{HERE}:write", b"", str(target), returns=int)
    assert isinstance(lost, Lost)
    assert not target.exists() or target.read_bytes() == b""


AHEAD = [(f"{HERE}:double", (b"ab",)), (f"{HERE}:double", (b"c",))]


def test_files_that_are_read_ahead_are_read_in_one_process_and_not_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with reader.reading_ahead(AHEAD):
        assert read_ahead(f"{HERE}:double", b"c", returns=bytes) == b"cc"
        assert read_ahead(f"{HERE}:double", b"d", returns=bytes) is None, "nobody asked for it"
        with monkeypatch.context() as closed:
            closed.setattr(reader, "_reader", lambda: pytest.fail("it was read already"))
            assert double() == b"abab"
            assert double(b"c") == b"cc"
        assert double(b"d") == b"dd"
    assert read_ahead(f"{HERE}:double", b"c", returns=bytes) is None, "answers are kept while it lasts"


@pytest.mark.parametrize(
    "other",
    [
        (f"{HERE}:leave", (b"", 1)),
        (f"{HERE}:fail", (b"",)),
        (f"{HERE}:lack_a_module", (b"",)),
        ("grader.extract.no_such_reader:read", (b"",)),
    ],
)
def test_a_file_that_ends_what_is_read_ahead_costs_itself_alone(
    other: tuple[str, tuple[object, ...]], anew: None
) -> None:
    """Of two files in one process the good one would be lost with the bad one."""
    with reader.reading_ahead([AHEAD[0], other, AHEAD[1]]):
        assert read_ahead(f"{HERE}:double", b"ab", returns=bytes) is None
        assert double() == b"abab"
        assert double(b"c") == b"cc"


def test_one_file_and_large_ones_are_not_read_ahead() -> None:
    target = f"{HERE}:double"
    for calls in (AHEAD[:1], [(target, (b"x" * 600_000,)), (target, (b"y" * 600_000,))]):
        with reader.reading_ahead(calls):
            assert read_ahead(*calls[0][:1], *calls[0][1], returns=bytes) is None


def test_no_state_of_one_artefact_reaches_the_next(anew: None) -> None:
    first = read_limited(f"{HERE}:remember", b"", returns=list[str])
    process = serving()
    second = read_limited(f"{HERE}:remember", b"", returns=list[str])
    assert first == second == ["double", ""]
    assert serving() == process
    assert double() == b"abab"


def test_no_secret_of_the_caller_is_handed_on(monkeypatch: pytest.MonkeyPatch, anew: None) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    seen = read_limited(f"{HERE}:environment", b"", returns=dict[str, str])
    assert isinstance(seen, dict)
    assert "secret" not in seen.values()


def descriptors(process: int) -> list[int]:
    """How many are open here and in the process that reads."""
    return [len(list(Path(f"/proc/{who}/fd").iterdir())) for who in ("self", process)]


@linux
def test_three_hundred_artefacts_leave_no_descriptor_and_no_dead_process(anew: None) -> None:
    double()
    process = serving()
    before = descriptors(process)
    for number in range(300):
        assert double(b"%d" % number) == b"%d%d" % (number, number)
    assert serving() == process
    assert descriptors(process) == before
    assert Path(f"/proc/{process}/task/{process}/children").read_text().split() == []


def test_the_process_is_started_anew_after_a_number_of_artefacts(
    monkeypatch: pytest.MonkeyPatch, anew: None
) -> None:
    monkeypatch.setattr(reader, "ARTEFACTS", 3)
    seen = []
    for _ in range(6):
        double()
        seen.append(serving())
    assert len(set(seen)) == 2
    assert seen[0] == seen[2] != seen[3]


def test_the_process_is_started_anew_after_a_limit(anew: None) -> None:
    double()
    first = serving()
    read_limited(f"{HERE}:leave", b"", 1, returns=int)
    double()
    assert serving() != first


def test_a_process_that_died_while_it_waited_costs_nothing(anew: None) -> None:
    double()
    assert reader._running is not None
    reader._running.process.kill()
    reader._running.process.wait()
    assert double() == b"abab"


def test_what_cannot_be_imported_is_our_fault(anew: None) -> None:
    with pytest.raises(SandboxFault, match="no_such_reader"):
        read_limited("grader.extract.no_such_reader:read", b"", returns=int)
    with pytest.raises(SandboxFault, match="no_module_of_this_name"):
        read_limited(f"{HERE}:lack_a_module", b"", returns=int)
    assert double() == b"abab"


def test_a_process_that_cannot_start_is_our_fault(monkeypatch: pytest.MonkeyPatch, anew: None) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/no/python")
        with pytest.raises(SandboxFault, match="could not be started"):
            double()
    with monkeypatch.context() as broken:
        broken.setattr(reader, "_START", "import no_module_of_this_name")
        with pytest.raises(SandboxFault, match="No module named 'no_module_of_this_name'"):
            double()
    assert double() == b"abab"


REFUSED = {
    *("write", "append", "remove", "rename", "mkdir", "chmod", "link", "truncate", "fork", "execute"),
    *("connect", "unix", "signal", "signal all", "limits"),
}


@linux
@pytest.mark.skipif(not supported(), reason="no table of system calls for this processor")
def test_a_parser_that_a_file_took_over_changes_nothing_on_this_machine(tmp_path: Path) -> None:
    """With resource limits alone it could remove a class, kill its worker and call home."""
    (tmp_path / "there").write_bytes(b"marks")
    double()
    found = read_limited(f"{HERE}:try_calls", b"", str(tmp_path), serving(), returns=dict[str, str])
    assert isinstance(found, dict)
    assert {name for name, answer in found.items() if answer == "EPERM"} == REFUSED, found
    assert {name for name, answer in found.items() if answer == "done"} == {
        "read",
        "ask limits",
        "signal itself",
    }
    assert [p.name for p in tmp_path.iterdir()] == ["there"]
    assert (tmp_path / "there").read_bytes() == b"marks"


@linux
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_no_jump_of_the_filter_leads_out_of_it(machine: str) -> None:
    code = list(struct.iter_unpack("<HBBI", reader_filter.program(4711, machine)))
    assert len(code) < 4096, "BPF_MAXINSNS"
    for at, (op, yes, no, _) in enumerate(code):
        if op & 7 == 5:
            assert at + 1 + max(yes, no) < len(code)
    assert code[-1] == (0x06, 0, 0, reader_filter.ALLOW)


@linux
@pytest.mark.skipif(not supported(), reason="no table of calls for this architecture")
@pytest.mark.parametrize("pid", [1, 4711, 0xFFFF, 2**22])
def test_the_filter_that_was_prepared_is_the_one_of_the_process(pid: int) -> None:
    """Each fork assembled it for itself, a twelfth of what a fork costs that reads three bytes."""
    reader_filter.prepare()
    assert reader_filter.program_of(pid) == reader_filter.program(pid)
    assert reader_filter.program(pid) != reader_filter.program(pid + 1)


def _readers() -> set[int]:
    """Processes that were started as one that reads and belong to nobody any more."""
    found: set[int] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words, stat = (folder / "cmdline").read_bytes(), (folder / "stat").read_text("utf-8", "replace")
        except OSError:
            continue
        if b"reader_server" in words and stat.rpartition(")")[2].split()[1] == "1":
            found.add(int(folder.name))
    return found


def test_a_process_that_is_killed_from_below_is_our_fault(
    monkeypatch: pytest.MonkeyPatch, anew: None
) -> None:
    monkeypatch.setattr(reader, "_START", UNFILTERED)
    before = _readers() if sys.platform == "linux" else set()
    with pytest.raises(SandboxFault, match="exit status -9"):
        read_limited(f"{HERE}:kill_the_server", b"", returns=int)
    if sys.platform == "linux":
        # The fork waits for ever: it ends with its server, or not at all.
        assert all(gone(fork) for fork in _readers() - before)
    assert double() == b"abab"


def test_where_there_is_no_fork_each_artefact_has_a_process(
    monkeypatch: pytest.MonkeyPatch, anew: None
) -> None:
    monkeypatch.setattr(reader, "_START", "import os; del os.fork; " + reader._START)
    first = read_limited(f"{HERE}:remember", b"", returns=list[str])
    second = read_limited(f"{HERE}:remember", b"", returns=list[str])
    assert first == second == ["double", ""]
    lost = read_limited(f"{HERE}:leave", b"", 7, returns=int)
    assert isinstance(lost, Lost)
    assert lost.end is End.DIED
    assert "exit status 7" in str(lost)
    with pytest.raises(SandboxFault, match="no_such_reader"):
        read_limited("grader.extract.no_such_reader:read", b"", returns=int)
    assert double() == b"abab"


def gone(process: int) -> bool:
    """Whether a process that is not ours ends; waits for it."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], WAIT)[0])
    finally:
        os.close(handle)


@linux
@pytest.mark.parametrize("busy", [True, False], ids=["while it reads", "while it waits"])
def test_a_worker_that_is_killed_takes_its_reader_with_it(busy: bool, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reads = f'read_limited("{HERE}:hold", b"", {str(fifo)!r}, returns=int)'
    waits = (
        f'read_limited("{HERE}:double", b"", returns=bytes); open({str(fifo)!r}, '
        '"w").write(f"{reader._running.process.pid}\\n"); input()'
    )
    source = (
        "from grader.sandbox import reader; from grader.sandbox.reader import read_limited; "
        f"reader._START = {UNFILTERED!r}; {reads if busy else waits}"
    )
    root = Path(__file__).parents[2]
    with (
        subprocess.Popen([sys.executable, "-c", source], cwd=root, stdin=subprocess.PIPE) as worker,
        fifo.open("rb", buffering=0) as said,
    ):
        server = int(said.readline())
        worker.kill()
        assert gone(server)
        # The fork held the other end: it is closed when that has ended, too.
        assert select.select([said], [], [], WAIT)[0]
        assert said.read() == b""


@linux
def test_a_fork_of_a_worker_keeps_no_reader_alive_and_has_its_own() -> None:
    """With a copy of the pipe in a fork, the reader would not see that its own worker has closed it."""
    source = f"""
import os, sys
from grader.sandbox import reader
from grader.sandbox.reader import read_limited
told, tell = os.pipe()
waits, goes = os.pipe()
print(read_limited("{HERE}:double", b"a", returns=bytes))
process = reader._running.process
pid = os.fork()
if pid == 0:
    answer = read_limited("{HERE}:double", b"b", returns=bytes)
    os.write(tell, answer + str(reader._running.process.pid != process.pid).encode())
    os.read(waits, 1)
    os._exit(0)
print(os.read(told, 100))
reader.stop()
print(process.returncode)
os.write(goes, b"x")
os.waitpid(pid, 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["b'aa'", "b'bbTrue'", "0"], done.stderr
