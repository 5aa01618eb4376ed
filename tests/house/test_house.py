"""The habits of the house: held by tests, not by memory."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from grader.checks.catalogue import catalogue, collect
from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.rule import Rule, Status
from grader.core.submission import Submission
from grader.pipeline.plan import make_plan
from grader.pipeline.providers import PROVIDERS, needs_of
from grader.pipeline.rubrics import available, load
from tests.checks import golden

ROOT = Path(__file__).parents[2]
PACKAGES = ("grader", "reference")
RULES = catalogue()
FAMILIES = {
    "AR": "artefacts",
    "BP": "backprop",
    "WB": "workbook",
    "LR": "sweep",
    "NN": "network",
    "TR": "training",
    "RT": "retrain",
    "RD": "readme",
    "IN": "integrity",
}
HEADINGS = ("What it checks", "Why it matters", "Example", "What to do instead")
each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=lambda r: r.code)


def _modules() -> list[Path]:
    return sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))


@each_rule
def test_code_name_file_and_family_agree(rule: Rule) -> None:
    *_, family, module = rule.check.__module__.split(".")
    assert re.fullmatch(r"[A-Z]{2}\d{3}", rule.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
    assert module == rule.name.replace("-", "_")
    assert FAMILIES[rule.family] == family


@each_rule
def test_docstring_is_a_page(rule: Rule) -> None:
    title, _, rest = rule.doc.partition("\n")
    assert title.endswith("."), title
    assert re.findall(r"^## (.+)$", rest, re.MULTILINE) == list(HEADINGS)
    for section in re.split(r"^## .+$", rest, flags=re.MULTILINE)[1:]:
        assert section.strip(), f"{rule.code}: an empty section"


@each_rule
def test_goldens_hold_every_kind_of_case(rule: Rule) -> None:
    names = [p.stem for p in sorted(golden.folder_of(rule).glob("*.toml"))]

    def some(*prefixes: str) -> bool:
        return any(n.startswith(prefixes) for n in names)

    assert some("pass"), names
    assert some("fail", "partial", "unknown"), names
    assert some("unknown", "skipped"), names
    assert some("near_miss", "near-miss"), names


def test_every_golden_folder_belongs_to_a_rule() -> None:
    known = {golden.folder_of(r) for r in RULES.values()}
    found = {p.parent for p in golden.ROOT.rglob("*.toml")}
    assert found <= known


def test_rule_names_are_unique() -> None:
    names = [r.name for r in RULES.values()]
    assert sorted(set(names)) == sorted(names)


def test_every_family_has_a_check() -> None:
    assert {r.family for r in RULES.values()} >= {"AR", "BP", "WB", "LR", "TR", "RD", "IN"}


def test_every_stable_check_stands_in_a_rubric_or_is_said_to_be_optional() -> None:
    used = {c.check for path in available() for c in load(str(path), RULES).rubric.criterion}
    optional = {r.code for r in RULES.values() if r.status is not Status.STABLE}
    assert set(RULES) <= used | optional, "add the check to a rubric, or make it a preview"


@pytest.mark.parametrize("path", available(), ids=lambda p: p.stem)
def test_rubrics_load_and_can_be_planned(path: Path) -> None:
    rubric = load(str(path), RULES).rubric
    assert sum(c.points for c in rubric.criterion) > 0
    assert make_plan(rubric, RULES).steps


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda p: p.name)
def test_providers_can_be_loaded_and_filled(provider: object) -> None:
    function = provider.load()  # type: ignore[attr-defined]
    assert needs_of(function)
    assert function.__annotations__["return"].__name__ == provider.product  # type: ignore[attr-defined]


def test_structs_of_core_repeat_frozen_and_keyword_only() -> None:
    """kw_only is not inherited at run time, and both type checkers want frozen repeated (research on msgspec)."""
    for path in (ROOT / "grader" / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            bases = {ast.unparse(b).rpartition(".")[2] for b in node.bases}
            if bases & {"Struct", "Evidence", "Fact", "CheckParams", "CheckPolicy"}:
                given = {k.arg for k in node.keywords}
                assert {"frozen", "kw_only"} <= given, f"{path.name}: {node.name}"


def test_evidence_and_facts_have_a_maker() -> None:
    products = {p.product for p in PROVIDERS}
    needed = {n.type.__name__ for r in RULES.values() for n in r.needs if issubclass(n.type, Evidence | Fact)}
    assert needed <= products


@each_rule
def test_claims_are_read_from_evidence_only(rule: Rule) -> None:
    """A rule whose check needs nothing that ran has no use for a claim in its place."""
    for need in rule.claim_needs:
        assert issubclass(need.type, Evidence | Submission), f"{rule.code}: {need.type.__name__}"
    if rule.claimed is not None:
        assert any(issubclass(n.type, Fact) for n in rule.needs), rule.code


def test_no_module_is_too_long_and_none_is_called_utils() -> None:
    long = {
        str(p.relative_to(ROOT)): n for p in _modules() if (n := len(p.read_text("utf-8").splitlines())) > 400
    }
    assert not long
    assert not [p for p in _modules() if p.stem in {"utils", "util", "common", "helpers", "misc"}]


def test_commands_are_thin_have_help_and_stand_in_the_readme() -> None:
    from grader.cli.app import app

    readme = (ROOT / "README.md").read_text("utf-8")
    for path in (ROOT / "grader" / "cli" / "commands").glob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 80, path.name
    context = app.make_context("grader", ["rules"])
    for name in app.list_commands(context):
        command = app.get_command(context, name)
        assert command is not None
        assert command.help, name
        assert f"grader {name}" in readme, f"README.md does not name `grader {name}`"


LIGHT = """
import sys, time
begin = time.process_time()
import grader
took = time.process_time() - begin
heavy = [m for m in ("torch", "torchvision", "matplotlib", "openpyxl", "IPython", "nbformat", "rich", "pandas") if m in sys.modules]
assert not heavy, heavy
print(took)
"""

STATIC = """
import sys
from pathlib import Path
from grader.checks.catalogue import catalogue
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.pipeline.grade import grade_one
from grader.pipeline.rubrics import load
rules = catalogue()
files = {"README.md": b"dE/dw5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"}
grade_one(from_bytes("x", files), load("default", rules), rules, Settings(execute=False, retrain=False))
heavy = [m for m in ("torch", "torchvision", "matplotlib", "IPython") if m in sys.modules]
assert not heavy, heavy
"""


@pytest.mark.parametrize("code", [LIGHT, STATIC], ids=["import grader", "static grading"])
def test_needs_no_heavy_package(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_a_check_module_without_a_rule_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "others_checks"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "forgot.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = __import__("others_checks")
    with pytest.raises(TypeError, match=r"must define `rule = Rule"):
        collect([module])


def test_results_can_be_described_by_schema() -> None:
    from grader.core.report import Report

    schema = msgspec.json.schema(Report)
    assert "Report" in str(schema)


def test_version_is_one_place() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert config["project"]["dynamic"] == ["version"]
