"""Compiled templates are kept, and a kept one is the template that would be compiled."""

import sys
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, Environment

from grader.render import kept_templates
from grader.render.kept_templates import KeptTemplates


@pytest.fixture(autouse=True)
def _may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


class _Counted(Environment):
    """An environment that counts what it compiles."""

    compiled = 0

    def compile(self, *given: Any, **named: Any) -> Any:
        self.compiled += 1
        return super().compile(*given, **named)


def _drawn(folder: Path, text: str = "{{ 'a' | shown }} {{ x }}", shown: str = "<{}>") -> tuple[str, int]:
    """A page, and how many templates were compiled for it. The filter is folded into the template."""
    env = _Counted(loader=DictLoader({"a": text}), bytecode_cache=KeptTemplates(folder))
    env.filters["shown"] = shown.format
    return env.get_template("a").render(x=1), env.compiled


def test_what_is_compiled_is_there_the_next_time(tmp_path: Path) -> None:
    assert _drawn(tmp_path) == ("<a> 1", 1)
    assert _drawn(tmp_path) == ("<a> 1", 0)


def test_another_text_and_other_code_are_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _drawn(tmp_path)
    assert _drawn(tmp_path, text="{{ x }}") == ("1", 1)
    _drawn(tmp_path)
    for changed in ("code_of", "version"):
        with monkeypatch.context() as patched:
            patched.setattr(kept_templates, changed, lambda *_, **__: "another")
            assert _drawn(tmp_path, shown="[{}]") == ("[a] 1", 1)
            assert _drawn(tmp_path) == ("[a] 1", 0), "a filter that no digest tells of is folded in"


def test_the_digest_is_of_labels_filters_and_templates() -> None:
    code = kept_templates.code_of("grader.render.html", within=kept_templates.FOLDED)
    for less in (("grader.render",), ("grader.core", "grader.render.html")):
        assert kept_templates.code_of("grader.render.html", within=less) != code


def test_a_damaged_file_is_no_file(tmp_path: Path) -> None:
    _drawn(tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for damaged in (whole[:-1], whole[:50] + b"\0" + whole[51:], b""):
        file.write_bytes(damaged)
        assert _drawn(tmp_path) == ("<a> 1", 1)


def test_nothing_is_written_where_python_keeps_no_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert _drawn(tmp_path) == _drawn(tmp_path) == ("<a> 1", 1)
    assert not list(tmp_path.iterdir())


def test_a_user_without_a_home_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(kept_templates, "user_cache", homeless)
    assert kept_templates.kept_templates() is None
