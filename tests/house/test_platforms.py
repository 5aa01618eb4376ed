"""What only Linux has stays inside grader/sandbox: every other module loads, and a self-check runs, where it
is missing.

Simulated on this machine, in a process of its own: modules and functions that Windows lacks are taken away,
and text files without a stated encoding are errors. The workflow's matrix is the real thing.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.syntax import nodes

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "submissions" / "no-notebook"

LESS = """
import os, pkgutil, runpy, signal, sys, time, warnings
import concurrent.futures, multiprocessing, subprocess, tempfile, numpy  # their own use of what is taken away is guarded by sys.platform
import multiprocessing.connection, multiprocessing.spawn
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "killpg", "getuid", "geteuid", "getgid", "getegid", "setuid", "setsid", "getpgid", "setpgid",
             "getgroups", "setgroups", "getpriority", "nice", "chown", "lchown", "mkfifo", "mknod", "statvfs", "sysconf",
             "sched_getaffinity", "sched_setaffinity", "getloadavg", "pread", "pwrite", "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK",
             "O_PATH"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGALRM", "SIGCHLD", "SIGUSR1", "SIGXCPU", "alarm", "setitimer", "pthread_sigmask"):
    if hasattr(signal, name):
        delattr(signal, name)
if hasattr(time, "tzset"):
    del time.tzset
warnings.filterwarnings("error", category=EncodingWarning, module=r"(grader|reference)\\b")
"""

IMPORT = """
import grader, importlib, reference
passed_over = (
    "grader.sandbox.", "grader.__main__", "reference.__main__",
    "grader.render.feedback.exporter",  # nbconvert loads it, whose own imports are guarded by sys.platform
)
needs_torch = importlib.util.find_spec("torch") is None
for package in (grader, reference):
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if info.name.startswith(passed_over) and info.name not in SANDBOX_OUTSIDE:
            continue
        try:
            importlib.import_module(info.name)
        except ModuleNotFoundError as fault:
            if not (needs_torch and fault.name in ("torch", "torchvision", "safetensors")):
                raise
        print(info.name)
"""


def without_linux(code: str) -> str:
    """Run code in a process that has only what Windows has, too; returns what it printed."""
    outside = [
        f"grader.sandbox.{name}" for name in ("choose", "none", "api", "doctor", "reader", "reader_server")
    ]
    source = f"SANDBOX_OUTSIDE = {outside!r}\n{LESS}{code}"
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-c", source],
        capture_output=True,
        cwd=ROOT,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


ONLY_POSIX = {
    "os": {"fork", "forkpty", "killpg", "getuid", "geteuid", "setsid", "getpgid", "sched_getaffinity", "sysconf", "statvfs", "mkfifo",
           "WNOHANG", "WEXITSTATUS", "waitpid", "O_NOFOLLOW", "O_DIRECTORY", "symlink", "link", "chown", "uname"},
    "signal": {"SIGKILL", "SIGHUP", "SIGALRM", "SIGCHLD", "SIGUSR1", "alarm", "setitimer"},
}  # fmt: skip


def test_no_module_outside_the_sandbox_asks_for_more_than_windows_has() -> None:
    """What Python's own subprocess needs cannot be taken away from a process; it can be looked for. Asking
    `hasattr` first is fine.
    """
    found = []
    for package in ("grader", "reference", "scripts"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.is_relative_to(ROOT / "grader" / "sandbox"):
                continue
            text = path.read_text("utf-8")
            for node in nodes(path):
                if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
                    continue
                if node.attr in ONLY_POSIX.get(node.value.id, ()) and f'"{node.attr}")' not in text:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.value.id}.{node.attr}")
    assert not found


def test_every_module_outside_the_sandbox_loads() -> None:
    names = without_linux(IMPORT).split()
    assert {"grader.cli.commands.check", "grader.extract.workbook.child", "grader.schedule.local"} <= set(
        names
    )


@pytest.mark.parametrize(
    "words",
    [
        ("check", str(SAMPLE), "--static"),
        ("check", str(SAMPLE), "--static", "--format", "github"),
        ("inspect", "workbook", str(next(SAMPLE.glob("*.xlsx")))),
        ("doctor", "--json"),
    ],
    ids=lambda w: " ".join(w[:1] + w[2:]) if isinstance(w, tuple) else w,
)
def test_self_check_runs(words: tuple[str, ...]) -> None:
    # Elsewhere sys.platform says `linux` still: what is chosen by it, only the matrix can tell.
    code = f"""
import types
import grader.sandbox.choose
grader.sandbox.choose.sys = types.SimpleNamespace(platform="win32")
sys.argv = ["grader", *{words!r}]
try:
    runpy.run_module("grader", run_name="__main__")
except SystemExit as end:
    assert end.code in (0, 1, 4), end.code
"""
    assert without_linux(code).strip()
