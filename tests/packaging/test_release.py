"""What a release promises is in the repository: one number everywhere, locks with hashes, actions that cannot
move.
"""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import grader

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture
def lock() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / "scripts" / "lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_version_is_one_number() -> None:
    version = grader.__version__
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    dated = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", changelog, re.MULTILINE)
    assert dated[0] == version
    assert changelog.index("## [Unreleased]") < changelog.index(f"## [{version}]")
    named = {tag for page in PAGES for tag in re.findall(r"\bv(\d+\.\d+\.\d+)\b", page.read_text("utf-8"))}
    assert named == {version}


def test_no_example_names_a_branch() -> None:
    """pre-commit calls `rev: main` unsupported, and a course that names it is graded otherwise from one day
    to the next.
    """
    wrong = [
        f"{page.relative_to(ROOT)}: {line.strip()}"
        for page in PAGES
        for line in page.read_text("utf-8").splitlines()
        if re.search(r"rev: (main|master)\b|grader@(main|master)\b", line)
    ]
    assert not wrong


def test_actions_are_pinned_by_commit() -> None:
    for path in (ROOT / "action.yml", *(ROOT / ".github" / "workflows").glob("*.yml")):
        for line in path.read_text("utf-8").splitlines():
            if "uses:" in line:
                assert re.search(r"@[0-9a-f]{40}  # v\d+\.\d+\.\d+$", line), f"{path.name}: {line.strip()}"


def test_locks_hold_what_the_project_needs(lock: ModuleType) -> None:
    assert lock.missing() == []
    pair = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if "==" in line]
    text = (lock.LOCKS / "all.txt").read_text("utf-8")
    assert all(f"\n{pin} \\\n" in text for pin in pair)
    assert "://" not in "".join(p.read_text("utf-8") for p in lock.LOCKS.iterdir())


def test_a_lock_without_a_need_or_a_hash_is_named(
    lock: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "light.txt").write_text(
        "click==8.1\nrich==13.7 \\\n    --hash=sha256:" + "0" * 64 + "\n", "utf-8"
    )
    monkeypatch.setattr(lock, "LOCKS", tmp_path)
    monkeypatch.setattr(lock, "needs", lambda: {"light.txt": ["click>=8.1", "rich>=13.7", "numpy>=1.26"]})
    assert lock.missing() == ["light.txt: no numpy>=1.26", "light.txt: click==8.1 has no hash"]
