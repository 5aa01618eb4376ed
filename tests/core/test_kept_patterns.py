"""Compiled patterns are kept, and a kept one is the pattern that would be compiled."""

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import grader
from grader.backprop.name_patterns import Named
from grader.core import kept_patterns
from grader.core.assigned_network import CLASS_NETWORK
from grader.core.kept_file import read
from grader.core.kept_patterns import _Keeper


@pytest.fixture(autouse=True)
def _may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def _load(keeper: _Keeper, source: str) -> dict[str, object]:
    """Load a module whose patterns a keeper compiles."""
    space: dict[str, object] = {"compile": keeper.compile, "__name__": "a_module"}
    exec(compile(source, "a_module.py", "exec"), space)
    return space


def test_what_a_module_compiles_is_there_the_next_time(tmp_path: Path) -> None:
    source = "A = compile(r'(?P<n>a+)b|(c)', 2)\nB = [compile(x, 0) for x in ('x|y', b'z')]\n"
    first = _Keeper(tmp_path)
    made = _load(first, source)
    first.write()
    again = _Keeper(tmp_path)
    again._plain = None  # nothing is compiled any more
    found = _load(again, source)
    assert (found["A"], found["B"]) == (made["A"], made["B"])
    whole = found["A"]
    assert isinstance(whole, re.Pattern)
    assert whole.groupindex == {"n": 1}
    assert whole.flags == re.compile(r"(?P<n>a+)b|(c)", re.IGNORECASE).flags
    match = whole.fullmatch("AAb")
    assert match is not None
    assert match["n"] == "AA"


def test_a_pattern_that_a_function_makes_is_not_kept(tmp_path: Path) -> None:
    keeper = _Keeper(tmp_path)
    _load(keeper, "def f(text):\n    return compile(text, 0)\nf('what a student wrote')\n")
    keeper.write()
    assert not list(tmp_path.iterdir())


def test_the_patterns_of_a_network_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = _Keeper(tmp_path)
    monkeypatch.setattr(re, "compile", keeper.compile)
    found = Named(r"\bw_?(@weights@)\b").of(CLASS_NETWORK)
    monkeypatch.undo()
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    keeper.write()
    assert list(read(keeper.path)) == [(found.pattern, 0)]


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:40] + b"\0" + data[41:], lambda _: b""]
)
def test_a_damaged_file_is_no_file(tmp_path: Path, damage: "type[bytes]") -> None:
    keeper = _Keeper(tmp_path)
    _load(keeper, "A = compile('q+r', 0)")
    keeper.write()
    assert read(keeper.path)
    keeper.path.write_bytes(damage(keeper.path.read_bytes()))
    assert read(keeper.path) is None
    assert _Keeper(tmp_path).known == {}


def test_nothing_is_written_where_python_keeps_no_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    keeper = _Keeper(tmp_path)
    _load(keeper, "A = compile('q+r', 0)")
    keeper.write()
    assert not list(tmp_path.iterdir())


def _patterns() -> Iterator["re.Pattern[str] | re.Pattern[bytes]"]:
    for module in pkgutil.walk_packages(grader.__path__, "grader."):
        if (
            ".sandbox.worker" not in module.name
            and ".execute." not in module.name
            and "ray" not in module.name
        ):
            yield from (
                v for v in vars(importlib.import_module(module.name)).values() if isinstance(v, re.Pattern)
            )


@pytest.mark.slow
def test_every_pattern_of_ours_is_made_again_as_it_was(tmp_path: Path) -> None:
    keeper = _Keeper(tmp_path)
    found = list(_patterns())
    assert len(found) > 200
    for pattern in found:
        again = keeper._made(pattern.pattern, keeper._parts(pattern.pattern, pattern.flags))
        assert again == pattern
        assert (again.groups, again.groupindex) == (pattern.groups, pattern.groupindex)


@pytest.mark.slow
def test_a_command_without_a_home_or_with_a_cache_that_is_a_file_runs_as_ever(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for cache in ("/nowhere", str(tmp_path / "file"), ""):
        done = subprocess.run(
            [sys.executable, "-m", "grader", "--version"],
            env={"PATH": "", "XDG_CACHE_HOME": cache, "HOME": "/nowhere"},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_an_interpreter_that_is_built_otherwise_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(kept_patterns, "import_module", missing)
    kept_patterns.keep()


def test_the_patterns_of_a_lexer_are_kept_at_once_where_a_process_asks_for_it(tmp_path: Path) -> None:
    """The process that reads files ends without what Python does at its end."""
    code = (
        "import os, sys; sys.dont_write_bytecode = False; from grader.core import kept_patterns\n"
        "kept_patterns.keep(); from pygments.lexers.python import PythonLexer; PythonLexer()\n"
        "kept_patterns.write()\n"
        "known = len(kept_patterns._running.known); kept_patterns.write()\n"
        "print(known, flush=True); os._exit(0)"
    )
    counts = [
        int(
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(2)
    ]
    (file,) = (tmp_path / "grader").iterdir()
    assert counts[0] == counts[1] == len(read(file))
    assert any("async" in pattern for pattern, _ in read(file))
