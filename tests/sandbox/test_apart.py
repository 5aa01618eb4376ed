"""Functions of ours in a fork of the warm process: what a call may cost, what it can do, and that nobody is
without an answer where there is no such fork.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from grader.core.faults import SandboxFault
from grader.sandbox import apart, warm
from grader.sandbox.bwrap import Bubblewrap
from grader.sandbox.reader import cpu_spent
from grader.sandbox.reader_server import ReadLimits
from grader.sandbox.seccomp import supported
from tests.attacks.test_started_warm import REPORTS, a_server
from tests.sandbox import reading
from tests.sandbox.conftest import QUICK, attempt
from tests.sandbox.test_reader import REFUSED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(sys.platform != "linux", reason="jobs start warm on Linux alone"),
]
HERE = reading.__name__
SMALL = ReadLimits(cpu=2, memory=300_000_000, answer=4_000_000, wall=60.0)


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bubblewrap]:
    """A warm process that was asked for, as a class finds it."""
    with a_server(tmp_path_factory.mktemp("server"), targets=[f"{HERE}:double"]) as server:
        bwrap = Bubblewrap(warm=server.address)
        assert not bwrap.run(REPORTS).isolation.cold
        with mock.patch.dict(os.environ, {warm.SOCKET: server.address}):
            yield bwrap


def double(data: bytes = b"ab") -> object:
    return apart.call(f"{HERE}:double", data, returns=bytes)


@pytest.mark.usefixtures("served")
def test_a_function_answers_with_a_record_and_its_cpu_seconds_count() -> None:
    before = cpu_spent()
    assert double() == b"abab"
    assert double(b"x" * 3_000_000) == b"x" * 6_000_000
    assert cpu_spent() > before


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("function", "arguments", "limits"),
    [
        ("take_all_memory", (), SMALL),
        ("loop", (), ReadLimits(cpu=1, wall=60.0)),
        ("hang", (), ReadLimits(wall=1.0)),
        ("die", (int(signal.SIGKILL),), SMALL),
        ("leave", (0,), SMALL),
        ("answer_much", (), SMALL),
    ],
)
def test_a_call_that_meets_a_limit_costs_what_it_was_given_and_nothing_else(
    function: str, arguments: tuple[object, ...], limits: ReadLimits
) -> None:
    ended = apart.call(f"{HERE}:{function}", b"", *arguments, returns=bytes, limits=limits)
    assert isinstance(ended, apart.Ended), ended
    assert double() == b"abab"


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("function", ["fail", "lack_a_module", "there_is_none"])
def test_what_a_function_raises_is_a_fault_of_ours(function: str) -> None:
    with pytest.raises(SandboxFault, match="failed"):
        apart.call(f"{HERE}:{function}", b"", returns=int)


@pytest.mark.usefixtures("served")
def test_an_answer_of_another_type_is_none() -> None:
    ended = apart.call(f"{HERE}:double", b"ab", returns=dict[str, int])
    assert isinstance(ended, apart.Ended)
    assert "its answer is none" in str(ended)


@pytest.mark.usefixtures("served")
def test_no_call_finds_what_another_one_left() -> None:
    first = apart.call(f"{HERE}:remember", b"", returns=list[str])
    assert first == ["double", ""]
    assert apart.call(f"{HERE}:remember", b"", returns=list[str]) == first


@pytest.mark.usefixtures("served")
@pytest.mark.skipif(not supported(), reason="no table of system calls for this processor")
def test_o_a_network_that_took_it_over_changes_nothing_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"marks")
    with pytest.raises(SandboxFault, match="PermissionError"):
        apart.call(f"{HERE}:kill_the_server", b"", returns=int)
    found = apart.call(f"{HERE}:try_calls", b"", str(tmp_path), os.getpid(), returns=dict[str, str])
    assert isinstance(found, dict)
    assert {name for name, answer in found.items() if answer == "EPERM"} == REFUSED, found
    assert (tmp_path / "there").read_bytes() == b"marks"


@pytest.mark.usefixtures("served")
def test_o_it_holds_no_variable_of_grader_and_no_descriptor_but_its_socket() -> None:
    with mock.patch.dict(os.environ, {"GRADER_DATA": "/secret"}):
        found = apart.call(f"{HERE}:environment", b"", returns=dict[str, str])
    assert isinstance(found, dict)
    assert not [name for name in found if name.startswith("GRADER")]
    held = apart.call(f"{HERE}:descriptors", b"", returns=list[str])
    assert isinstance(held, list)
    assert {name for name in held if not name.startswith("socket:")} == {"/dev/null"}, held


def test_o_a_job_finds_neither_the_socket_nor_the_process(served: Bubblewrap) -> None:
    """Both are forks of one process; the job is in namespaces of its own, and the other one is not."""
    holding = threading.Thread(
        target=lambda: apart.call(f"{HERE}:wait", b"", returns=int, limits=ReadLimits(wall=4.0))
    )
    holding.start()
    code = f"""
import glob, os, socket
found = [os.path.exists({str(Path(warm.address()).parent)!r}), len(glob.glob('/proc/[0-9]*')) > 4]
for name in ({str(Path(warm.address()).with_name(warm.APART))!r}, {warm.address()!r}):
    try:
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(name)
        found.append(True)
    except OSError:
        found.append(False)
found += [fd for fd in range(3, 64) if os.path.exists(f'/proc/self/fd/{{fd}}') and
          os.readlink(f'/proc/self/fd/{{fd}}').startswith('socket')]
report(found)
"""
    reported = attempt(served, code, QUICK).reported[0]
    holding.join()
    assert reported == [False, False, False, False]


def test_where_there_is_no_warm_process_nothing_is_handed_over(tmp_path: Path) -> None:
    assert double() is None, "nobody started one"
    with a_server(tmp_path) as server, mock.patch.dict(os.environ, {warm.SOCKET: server.address}):
        assert double() is None, "no job has asked for it"


def test_what_cannot_be_imported_there_is_left_to_the_caller(tmp_path: Path) -> None:
    with a_server(tmp_path, targets=["no_module_of_this_name:x"]) as server:
        assert not Bubblewrap(warm=server.address).run(REPORTS).isolation.cold
        with mock.patch.dict(os.environ, {warm.SOCKET: server.address}):
            assert double() is None


def test_it_ends_with_the_warm_process(tmp_path: Path) -> None:
    with a_server(tmp_path, targets=[f"{HERE}:double"]) as server:
        Bubblewrap(warm=server.address).run(REPORTS)
        with mock.patch.dict(os.environ, {warm.SOCKET: server.address}):
            number = apart.call(f"{HERE}:parent", b"", returns=int)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{number}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{number}").exists()
