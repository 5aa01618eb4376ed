"""What the watcher does with a listener that fails: the run matters more than whoever wanted to hear of
it.
"""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from grader.sandbox.api import Frame, RunStatus
from grader.sandbox.limits import Limits
from grader.sandbox.supervise import Watched, kill_group, tree_memory, watch

SPEAK = """
import sys
out = sys.stdout.buffer
for number in range(3):
    out.write((2).to_bytes(4, "little") + bytes([9]) + b"{}")
    out.flush()
out.write((2).to_bytes(4, "little") + bytes([7]) + b"{}")
out.flush()
sys.stdin.read()
"""


def watched(listen: Callable[[Frame], None]) -> Watched:
    process = subprocess.Popen(
        [sys.executable, "-c", SPEAK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    with process.stdin:
        return watch(
            process,
            Limits(wall=120.0),
            kill=lambda: kill_group(process),
            memory_exceeded=lambda: False,
            listen=listen,
        )


def test_every_frame_is_heard_once() -> None:
    heard: list[Frame] = []
    found = watched(heard.append)
    assert found.status is RunStatus.OK
    assert tuple(heard) == found.frames
    assert [frame.kind for frame in heard] == ["ready", "ready", "ready", "done"]


@pytest.mark.parametrize("fault", [BrokenPipeError, ValueError, KeyError])
def test_a_listener_that_fails_costs_no_frame(
    fault: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """Who closed the terminal of a whole run lost it an hour later: nobody read the channel any more."""
    asked: list[Frame] = []

    def listen(frame: Frame) -> None:
        asked.append(frame)
        raise fault("nobody there")

    found = watched(listen)
    assert found.status is RunStatus.OK
    assert len(found.frames) == 4
    assert len(asked) == 1, "and is not asked again"
    assert "nobody there" in caplog.text


MUCH = """
import sys
out = sys.stdout.buffer
payload = b'{"a": [' + b'1, ' * 300_000 + b'1]}'
for _ in range(30):
    out.write(len(payload).to_bytes(4, "little") + bytes([2]) + payload)
out.write((2).to_bytes(4, "little") + bytes([7]) + b"{}")
"""


def test_what_a_process_wrote_before_its_end_is_read_however_long_that_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run with 30 MB of graphs and a proper `done` was `incomplete` on a busy machine: reading had one
    second.
    """
    monkeypatch.setattr("grader.sandbox.supervise.QUIET", 0.02)
    process = subprocess.Popen(
        [sys.executable, "-c", MUCH], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    slow: list[Frame] = []

    def listen(frame: Frame) -> None:
        time.sleep(0.05)
        slow.append(frame)

    found = watch(
        process,
        Limits(wall=120.0),
        kill=lambda: None if process.poll() is None else kill_group(process),
        memory_exceeded=lambda: False,
        listen=listen,
    )
    assert found.status is RunStatus.OK, found.detail
    assert len(found.frames) == len(slow) == 31


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
@pytest.mark.parametrize("listed", [True, False], ids=["listed by the kernel", "told by each process"])
def test_memory_is_that_of_all_descendants(monkeypatch: pytest.MonkeyPatch, listed: bool) -> None:
    """Whichever way the tree is found; a grandchild holds 40 MB here, and the two above it less than half."""
    if not listed:
        monkeypatch.setattr("grader.sandbox.supervise._CHILDREN", "/proc/nowhere/{}/{}")
    held = "held = b'x' * 40_000_000; print(len(held), flush=True); input()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {held!r}])"
    with subprocess.Popen(
        [sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "40000000\n"
        assert 40_000_000 < tree_memory(process.pid) < 120_000_000
        process.communicate("\n")
    assert tree_memory(process.pid) == 0
