"""How a process of ours begins and ends."""

import os
import platform
import subprocess
import sys

import pytest

from grader.core.machine import one_thread_for_numpy


def test_what_has_something_to_close_is_closed_though_nobody_looks_for_garbage_any_more() -> None:
    """A circle that nobody collects any more must not take what is registered for the end with it."""
    code = (
        "import atexit, gc, sys, weakref\n"
        "from grader.core.machine import look_no_more\n"
        "class Circle: pass\n"
        "one = Circle(); one.itself = one\n"
        "weakref.finalize(one, print, 'finalized')\n"
        "atexit.register(print, 'at exit')\n"
        "del one\n"
        "look_no_more()\n"
        "print(gc.get_freeze_count() > 0)\n"
        "sys.exit(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert sorted(done.stdout.split("\n")) == ["", "True", "at exit", "finalized"]


@pytest.mark.parametrize(
    ("machine", "before", "after"),
    [
        ("x86_64", {}, {"OPENBLAS_NUM_THREADS": "1"}),
        ("AMD64", {}, {"OPENBLAS_NUM_THREADS": "1"}),
        ("x86_64", {"OPENBLAS_NUM_THREADS": "3"}, {"OPENBLAS_NUM_THREADS": "3"}),
        ("aarch64", {}, {}),
    ],
)
def test_numpy_starts_no_threads_unless_the_user_says_so_or_torch_may_share_them(
    monkeypatch: pytest.MonkeyPatch, machine: str, before: dict[str, str], after: dict[str, str]
) -> None:
    environment = dict(before)
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    one_thread_for_numpy()
    assert environment == after
