"""The scaffold of a new check is complete and honest: it loads, and claims nothing that nobody wrote."""

import importlib.util
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from grader.checks.catalogue import catalogue
from grader.core.outcome import Verdict
from grader.core.rule import Rule, Status
from tests.house.test_house import FAMILIES, HEADINGS, ROOT


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # a rule reads its page off its module
    spec.loader.exec_module(module)
    return module


scaffold = _load(ROOT / "scripts" / "new_check.py")


def test_lays_down_a_check_that_loads_and_answers_unknown(tmp_path: Path) -> None:
    written = scaffold.lay_down(tmp_path, "RD799", "readme-headings", "The README is divided by headings.")
    names = sorted(str(p.relative_to(tmp_path)) for p in written)
    folder = "tests/checks/readme/readme_headings"
    goldens = [f"{folder}/{k}.toml" for k in ("fail", "near_miss", "pass", "unknown")]
    assert names == ["grader/checks/readme/readme_headings.py", *goldens]
    rule = _load(tmp_path / "grader/checks/readme/readme_headings.py").rule
    assert isinstance(rule, Rule)
    assert (rule.code, rule.name, rule.status) == ("RD799", "readme-headings", Status.PREVIEW)
    assert [line[3:] for line in rule.doc.splitlines() if line.startswith("## ")] == list(HEADINGS)
    from grader.ingest.read import from_bytes

    outcome = rule.check(from_bytes("x", {"README.md": b"# Part 1"}).submission)
    assert outcome.verdict is Verdict.UNKNOWN
    for path in written[1:]:
        assert tomllib.loads(path.read_text("utf-8"))["expect"]["verdict"]


def test_families_are_those_of_the_house() -> None:
    assert scaffold.FAMILIES == FAMILIES


@pytest.mark.parametrize(
    ("code", "name", "title"),
    [("XX100", "a", "A."), ("RD7", "a", "A."), ("RD799", "A b", "A."), ("RD799", "a", "No full stop")],
)
def test_refuses_what_is_malformed(tmp_path: Path, code: str, name: str, title: str) -> None:
    with pytest.raises(ValueError, match=":"):
        scaffold.lay_down(tmp_path, code, name, title)
    assert not list(tmp_path.iterdir())


def test_never_overwrites(tmp_path: Path) -> None:
    scaffold.lay_down(tmp_path, "RD799", "headings", "A.")
    with pytest.raises(ValueError, match="there already"):
        scaffold.lay_down(tmp_path, "RD799", "headings", "A.")


def test_a_code_that_is_taken_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code = next(iter(catalogue()))
    assert scaffold.main([code, "x", "X."]) == 2
    assert "already" in capsys.readouterr().err
