"""Runs cells one after the other in one namespace: an in-process IPython shell, or plain Python where there
is none.
"""

import ast
import io
import re
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

from .patches import Ledger

HEAD, TAIL = 1000, 3000
_QUIET_LINES = frozenset({
    "matplotlib", "tensorboard", "load_ext", "reload_ext", "autoreload", "config", "cd", "system", "sx", "sc",
})  # fmt: skip
_QUIET_CELLS = frozenset({
    "bash", "sh", "script", "shell", "system", "sx", "javascript", "js", "html", "perl", "ruby", "cmd",
})  # fmt: skip
_INSTALLERS = ("pip", "pip3", "conda", "mamba", "uv", "apt", "apt-get")


MISSING_PACKAGES = 20
"""Imports of one cell that may fail before the rest of it is given up."""


PATIENCE = 20
"""Times that a cell may swallow the end of its time, a second apart, before the rest is done without it."""


class CellTimeout(BaseException):
    """Raised in student code when its time is up; no `Exception`, so that a broad handler does not swallow
    it.
    """


class Ran(NamedTuple):
    """How a cell ended; `error` is empty when it ran through. `ended`: whether the error ended it, or only
    cost an import.
    """

    error: str
    message: str
    line: int
    stdout: str
    timeout: bool
    ended: bool = False


class Tape(io.StringIO):
    """Keeps the beginning and the end of what is written, and no more."""

    def __init__(self) -> None:
        super().__init__()
        self._head = ""
        self._tail = ""
        self._cut = False

    def write(self, text: str) -> int:
        """Take text of any length."""
        text = str(text)
        size = len(text)
        room = HEAD - len(self._head)
        if room > 0:
            self._head += text[:room]
            text = text[room:]
        self._cut = self._cut or len(self._tail) + len(text) > TAIL
        self._tail = (self._tail + text)[-TAIL:]
        return size

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What a file would say."""
        return "utf-8"

    def reconfigure(self, **_options: object) -> None:
        """Nothing to configure; scripts call it to force UTF-8."""

    def isatty(self) -> bool:
        """Never a terminal."""
        return False

    def excerpt(self) -> str:
        """What was kept."""
        return self._head + ("\n[...]\n" if self._cut else "") + self._tail


@contextmanager
def time_limit(seconds: float, deaf: Callable[[], None] | None = None) -> Iterator[None]:
    """Raise `CellTimeout` in the main thread after so many seconds, and again every second until it gets
    through.

    `deaf` is called instead where it was swallowed `PATIENCE` times; it does not return.
    """
    if not hasattr(signal, "setitimer"):  # Windows: only the limit from outside holds
        yield
        return

    rings = 0

    def ring(_number: int, _frame: Any) -> None:
        nonlocal rings
        rings += 1
        if deaf is not None and rings > PATIENCE:
            deaf()
        raise CellTimeout(f"more than {seconds:.0f} seconds")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.01), 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)


class Shell:
    """One namespace. `total` and `each` are seconds for all cells and for one."""

    def __init__(self, ledger: Ledger, *, total: float, each: float) -> None:
        self._ledger = ledger
        self._each = each
        self.deaf: Callable[[], None] | None = None
        self._deadline = time.monotonic() + total
        try:
            self._ipython = _ipython(ledger)
        except ImportError:
            self._ipython = None
            module = types.ModuleType("__main__")
            sys.modules["__main__"] = module
            self.namespace: dict[str, Any] = module.__dict__
        else:
            self.namespace = self._ipython.user_ns

    @property
    def left(self) -> float:
        """Seconds that remain for all cells together."""
        return self._deadline - time.monotonic()

    def run(self, source: str) -> Ran:
        """Run one cell; never raises."""
        tape = Tape()
        error: BaseException | None = None
        ended = True
        with redirect_stdout(tape), redirect_stderr(Tape()):
            try:
                with time_limit(min(self._each, self.left), self.deaf):
                    error, ended = self._whole(source)
            except BaseException as fault:
                error = fault
        if error is None:
            return Ran("", "", 0, tape.excerpt(), timeout=False)
        return Ran(
            type(error).__name__[:200],
            _text(error)[:1000],
            _line(error),
            tape.excerpt(),
            timeout=isinstance(error, CellTimeout),
            ended=ended,
        )

    def _whole(self, source: str) -> tuple[BaseException | None, bool]:
        """Run the cell; a package, or a name of a module, that is not here costs its import alone,
        and what stands behind it is run as well.

        Returns the error that ended the cell with True, else the first one with False.
        """
        first = fault = self._execute(source)
        left = source
        for _ in range(MISSING_PACKAGES):
            if not isinstance(fault, ImportError):
                break
            rest = _behind(self._plain(left), fault)
            if rest is None:
                break
            left = rest
            fault = self._execute(rest)
        return (first, False) if fault is None else (fault, True)

    def _plain(self, source: str) -> str:
        if self._ipython is None:
            return _without_commands(source, Ledger())
        return str(self._ipython.transform_cell(source))

    def _execute(self, source: str) -> BaseException | None:
        if self._ipython is not None:
            result = self._ipython.run_cell(source, store_history=False)
            fault: BaseException | None = result.error_before_exec or result.error_in_exec
            return fault
        tree = ast.parse(_without_commands(source, self._ledger))
        try:
            exec(compile(tree, "<cell>", "exec"), self.namespace)
        except ImportError as fault:
            return fault
        return None


_LACKS = re.compile(r"cannot import name '(\w+)' from ")


def _behind(source: str, fault: ImportError) -> str | None:
    """What stands behind the import that failed, on the same lines, with what else it asked for; None where
    it stands in no statement of its own.
    """
    line = _line(fault)
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):
        return None
    for statement in statements:
        end = statement.end_lineno or statement.lineno
        if statement.lineno <= line <= end and isinstance(statement, ast.Import | ast.ImportFrom):
            rest = "".join(source.splitlines(keepends=True)[end:])
            # Not empty lines: IPython drops those that lead.
            return "#\n" * (end - 1) + _other_names(statement, fault) + "\n" + rest
    return None


def _other_names(statement: ast.stmt, fault: BaseException) -> str:
    """The import without the one name that its module lacks; a comment where nothing of it is left."""
    told = _LACKS.match(_text(fault))  # `ImportError.name_from` is there from Python 3.12 on
    if told is None or not isinstance(statement, ast.ImportFrom):
        return "#"
    names = [name for name in statement.names if name.name != told[1]]
    if not names or len(names) == len(statement.names):
        return "#"
    return ast.unparse(ast.ImportFrom(module=statement.module, names=names, level=statement.level))


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:
        return "(its message could not be read)"


def _line(error: BaseException) -> int:
    """The line of the cell that raised, from 1; 0 when no frame of the traceback belongs to a cell."""
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name == "<cell>" or "ipython-input" in name or "ipykernel" in name:
            return trace.tb_lineno
        trace = trace.tb_next
    return 0


def _without_commands(source: str, ledger: Ledger) -> str:
    lines = []
    for written in source.splitlines():
        line, bare = written, written.lstrip()
        if bare.startswith(("!", "%")):
            ledger.used("shell-command" if bare.startswith("!") else "magic", bare)
            line = written[: len(written) - len(bare)] + "pass"
        lines.append(line)
    return "\n".join(lines)


def _ipython(ledger: Ledger) -> Any:
    import IPython
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor" if IPython.version_info[0] >= 9 else "NoColor"
    config.InteractiveShell.cache_size = 0
    shell: Any = InteractiveShell.instance(config=config)
    shell.showtraceback = lambda *_a, **_k: None
    shell.showsyntaxerror = lambda *_a, **_k: None

    def command(line: str, *_rest: Any, **_options: Any) -> None:
        words = str(line).replace("-m", " ").split()
        installer = next((w for w in words[:3] if w in _INSTALLERS), "")
        ledger.used("pip" if installer else "shell-command", str(line).strip())

    def output(line: str, *_rest: Any, **_options: Any) -> list[str]:
        command(line)
        return []

    shell.system = shell.system_raw = shell.system_piped = command
    shell.getoutput = output
    shell.enable_gui = lambda *_a, **_k: None
    run_line, run_cell = shell.run_line_magic, shell.run_cell_magic

    def line_magic(name: str, line: str, _stack_depth: int = 1) -> Any:
        if name in _INSTALLERS:
            ledger.used("pip", f"%{name} {line}".strip())
        elif name in _QUIET_LINES or shell.find_line_magic(name) is None:
            ledger.used("magic", f"%{name} {line}".strip())
        else:
            return run_line(name, line, _stack_depth + 1)  # one more frame between the magic and its cell
        return None

    def cell_magic(name: str, line: str, cell: str) -> Any:
        if name in _QUIET_CELLS or shell.find_cell_magic(name) is None:
            ledger.used("shell-command", f"%%{name} {line}".strip())
            return None
        return run_cell(name, line, cell)

    shell.run_line_magic = line_magic
    shell.run_cell_magic = cell_magic
    return shell
