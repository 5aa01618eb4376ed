"""How a process of ours ends."""

import subprocess
import sys


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
