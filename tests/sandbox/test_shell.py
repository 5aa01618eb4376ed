"""Cells in one process: what students type at a notebook."""

import signal
import sys
from collections.abc import Iterator

import pytest

pytest.importorskip("IPython")

from grader.sandbox.worker.patches import Ledger
from grader.sandbox.worker.shell import Ran, Shell, Tape


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Shell, Ledger]]:
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    before = signal.getsignal(signal.SIGALRM)
    ledger = Ledger()
    yield Shell(ledger, total=60.0, each=10.0), ledger
    InteractiveShell.clear_instance()
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("source", "printed", "shim"),
    [
        ("x = 3\nprint(x)", "3\n", ""),
        ("%%time\nprint('timed')", "timed", ""),
        ("%%capture out\nprint('hidden')", "", ""),
        ("%timeit -n1 -r1 1", "loop", ""),
        ("!pip install torchsummary", "", "pip"),
        ("!{sys.executable} -m pip install x", "", "pip"),
        ("%pip install x", "", "pip"),
        ("!nvidia-smi", "", "shell-command"),
        ("names = !ls\nprint(names)", "[]", "shell-command"),
        ("%%bash\necho hi", "", "shell-command"),
        ("%matplotlib inline", "", "magic"),
        ("%no_such_magic 3", "", "magic"),
        ("%%no_such_magic\n1 / 0", "", "shell-command"),
        ("import sys; sys.stdout.reconfigure(encoding='utf-8'); print(sys.stdout.encoding)", "utf-8", ""),
        ("await_me = 1\nimport asyncio\nasync def f(): return 5\nprint(await f())", "5", ""),
    ],
)
def test_what_runs_and_what_is_passed_over(
    shell: tuple[Shell, Ledger], source: str, printed: str, shim: str
) -> None:
    ran = shell[0].run(source)
    assert ran.error == "", ran
    assert printed in ran.stdout
    assert list(shell[1].uses) == ([shim] if shim else [])


@pytest.mark.parametrize(
    ("source", "error", "line"),
    [
        ("a = 1\n1 / 0", "ZeroDivisionError", 2),
        ("def f():\n    raise KeyError('k')\n\nf()", "KeyError", 4),
        ("x = (", "SyntaxError", 1),
        ("import sys\nsys.exit(3)", "SystemExit", 2),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", 1),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "E", 3),
    ],
)
def test_how_cells_fail(shell: tuple[Shell, Ledger], source: str, error: str, line: int) -> None:
    ran = shell[0].run(source)
    assert (ran.error.replace("_Incomplete", "").replace("InputError", ""), ran.line) == (error, line)
    assert shell[0].run("print('next')").stdout == "next\n"


MISSING = """import math
from no_such_package import (
    one,
    two,
)
!pip install no_such_package
import no_such_either as other
print(math.floor(2.5))
"""


def test_a_missing_package_costs_its_import_alone(shell: tuple[Shell, Ledger]) -> None:
    ran = shell[0].run(MISSING)
    assert (ran.error, ran.message, ran.line) == (
        "ModuleNotFoundError",
        "No module named 'no_such_package'",
        2,
    )
    assert (ran.stdout, ran.ended) == ("2\n", False)


def test_a_name_that_a_module_lacks_costs_itself_alone(shell: tuple[Shell, Ledger]) -> None:
    ran = shell[0].run(
        "from math import (\n    no_such_name,\n    floor as down,\n    nor_this,\n)\nprint(down(2.5))"
    )
    assert (ran.error, ran.line, ran.stdout, ran.ended) == ("ImportError", 1, "2\n", False)


def test_a_file_that_is_not_there_ends_the_cell(shell: tuple[Shell, Ledger]) -> None:
    ran = shell[0].run("open('no-such-file')\nprint('never')")
    assert (ran.error, ran.stdout, ran.ended) == ("FileNotFoundError", "", True)


def test_what_fails_behind_a_missing_package_is_what_ended_the_cell(shell: tuple[Shell, Ledger]) -> None:
    ran = shell[0].run("import no_such_package\nx = 1\n\n1 / 0\nprint('never')")
    assert (ran.error, ran.line, ran.stdout, ran.ended) == ("ZeroDivisionError", 4, "", True)


def test_a_package_that_is_missing_inside_a_function_ends_the_cell(shell: tuple[Shell, Ledger]) -> None:
    ran = shell[0].run("def f():\n    import no_such_package\n\nf()\nprint('never')")
    assert (ran.error, ran.stdout, ran.ended) == ("ModuleNotFoundError", "", True)


def test_an_endless_cell_is_ended_and_the_next_one_runs(shell: tuple[Shell, Ledger]) -> None:
    quick = Shell(shell[1], total=60.0, each=1.0)
    ran: Ran = quick.run("while True:\n    try:\n        pass\n    except:\n        pass")
    assert ran.timeout
    assert quick.run("print(1)").stdout == "1\n"


def test_a_flood_of_text_keeps_both_ends() -> None:
    tape = Tape()
    for n in range(20_000):
        tape.write(f"line {n}\n")
    kept = tape.excerpt()
    assert len(kept) < 5000
    assert kept.startswith("line 0\n")
    assert kept.endswith("line 19999\n")


def test_without_ipython_commands_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    from grader.sandbox.worker import shell as module

    def absent(_ledger: Ledger) -> None:
        raise ImportError("No module named 'IPython'")

    monkeypatch.setattr(module, "_ipython", absent)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    ledger = Ledger()
    plain = Shell(ledger, total=60.0, each=10.0)
    assert plain.run("!pip install x\nif True:\n    %matplotlib inline\nprint(5)").stdout == "5\n"
    assert plain.run("1 / 0").line == 1
    assert plain.run("import no_such_package\nprint(6)").stdout == "6\n"
    assert ledger.uses == {"shell-command": 1, "magic": 1}
