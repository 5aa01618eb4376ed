"""A kept result is one of the code, the files and the options at hand: no key can forget what decides it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import grader
from grader.core import memory
from grader.core.memory import _code_of, _module, code_of, key, write_whole
from grader.core.retrain_rule import Retraining
from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.pipeline.plan.product_key import key_of
from grader.pipeline.plan.providers import PROVIDERS, Phase, by_product

HOME = Path(grader.__file__).parents[1]
RUBRIC = 'id = "f"\ntitle = "Numbers"\n[[criterion]]\nid = "numbers"\ncheck = "RD701"\npoints = 3\n'
CHANGED = """

def read_claims(documents: Documents) -> ClaimEvidence:
    from grader.core.faults import Unavailable

    raise Unavailable("a changed reader says so")
"""


def _run(home: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "grader", *words],
        env={**os.environ, "PYTHONPATH": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in (0, 1, 4), done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_changed_reader_gives_its_new_result_from_an_old_store(tmp_path: Path) -> None:
    """Of seven schemes for "which code made this", the one by hand was not raised: the store gave the old
    answer.
    """
    home = tmp_path / "home"
    for name in ("grader", "reference", "rubrics"):
        shutil.copytree(HOME / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    (home / "numbers.toml").write_text(RUBRIC, encoding="utf-8")
    folder = tmp_path / "class" / "ann"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(
        "# Session 4\nThe network reaches 99.45 % in epoch 12.\n", encoding="utf-8"
    )
    out = str(tmp_path / "out")
    _run(home, "batch", str(tmp_path / "class"), "-r", "numbers.toml", "-o", out, "--no-exec", "-j", "1")
    result = tmp_path / "out" / "ann" / "result.json"
    assert "a changed reader" not in result.read_text("utf-8")
    with (home / "grader" / "extract" / "claims" / "read_claims.py").open("a", encoding="utf-8") as source:
        source.write(CHANGED)
    told = _run(home, "report", "-o", out)
    assert "a changed reader says so" in result.read_text("utf-8"), told
    assert "what that can have changed is read again" in told
    assert "read again" not in _run(home, "report", "-o", out), "it was kept"
    told = _run(
        home, "batch", str(tmp_path / "class"), "-r", "numbers.toml", "-o", out, "--no-exec", "-j", "1"
    )
    assert "1 of 1 were graded before" in told


class More(Settings, frozen=True, kw_only=True):
    """Settings with a field that somebody added."""

    further: bool = False


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda p: p.name)
def test_no_key_forgets_a_field_that_was_added_to_the_settings(provider: object) -> None:
    """Four fields were copied by hand into each key, and a fifth would have been left out."""
    submission = from_bytes("ann", {"README.md": b"w1"}).submission
    keys = {
        key_of(provider, submission, More(further=value), Profile(), Retraining())  # type: ignore[arg-type]
        for value in (False, True)
    }
    assert len(keys) == 1 + _asks_settings(provider)


def _asks_settings(provider: object) -> bool:
    makers = by_product()
    needs = provider.needs  # type: ignore[attr-defined]
    return any(
        need.type is Settings or (need.type.__name__ in makers and _asks_settings(makers[need.type.__name__]))
        for need in needs
    )


def test_a_place_is_no_part_of_a_key() -> None:
    submission = from_bytes("ann", {"README.md": b"w1"}).submission
    for provider in PROVIDERS:
        here, there = (
            key_of(provider, submission, Settings(cache=where), Profile(), Retraining())
            for where in ("", "/tmp/x")
        )
        assert here == there


def _closure(module: str) -> set[str]:
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            module = _module(name)
            waiting += module.imports if module else ()
    return found


READERS = sorted({p.target.partition(":")[0] for p in PROVIDERS if p.phase in (Phase.READ, Phase.REPLAY)})


@pytest.mark.parametrize("module", READERS)
def test_the_digest_of_a_reader_covers_every_module_of_ours_that_it_loads(module: str) -> None:
    show = f"import sys, {module}; print(*(m for m, f in sys.modules.items() if not hasattr(f, '__path__')))"
    done = subprocess.run(
        [sys.executable, "-c", show], capture_output=True, text=True, check=True, cwd=HOME, timeout=60
    )
    loaded = {m for m in done.stdout.split() if m.startswith(("grader.", "reference."))}
    assert loaded <= _closure(module)


@pytest.mark.parametrize(
    ("module", "covered"),
    [
        ("grader.execute.notebook", "grader.sandbox.worker.recorder"),
        ("grader.extract.workbook.provider", "grader.extract.workbook.child"),
        ("grader.execute.engine.runs.seed_run", "grader.execute.engine.recipes.transforms"),
        ("grader.pipeline.grade.publish", "grader.render.student_page"),
        ("grader.pipeline.classroom.job", "grader.extract.claims.read_claims"),
    ],
)
def test_what_runs_in_another_process_or_is_named_in_a_table_counts(module: str, covered: str) -> None:
    assert covered in _closure(module)


def test_a_template_is_code_of_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_of("grader.render.html")
    plain = memory._digest_of
    monkeypatch.setattr(
        memory, "_digest_of", lambda file: plain(file) + "x" * (Path(file).name == "student.html.j2")
    )
    _code_of.cache_clear()
    assert code_of("grader.render.html") != before
    monkeypatch.undo()
    _code_of.cache_clear()


def test_a_folder_counts_with_what_lies_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with its modules and data, a folder without modules; neither bytecode nor another package's
    data.
    """
    files = {
        "theirs/__init__.py": "from theirs.inner import (\n    one,\n)\n",
        "theirs/inner/__init__.py": "",
        "theirs/inner/one.py": "RUNS = 'theirs.other'\n",
        "theirs/other.py": "",
        "theirs/unused.py": "",
        "theirs/limits.toml": "",
        "theirs/pages/deep/a.css": "",
        "theirs/inner/b.json": "",
        "theirs/__pycache__/c.json": "",
        "theirs/notes.txt": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(memory, "_NAMED", (re.compile(r"theirs(?:\.\w+)+"),))
    monkeypatch.setattr(memory, "_FROM", re.compile(memory._FROM.pattern.replace("grader", "theirs")))
    counted: list[str] = []
    monkeypatch.setattr(memory, "key", lambda code: counted.extend(name for name, _ in code) or "")
    code_of("theirs", within=("theirs",))
    assert sorted(counted) == ["__init__.py", "a.css", "b.json", "limits.toml", "one.py", "other.py"]


def test_a_training_is_kept_when_other_code_changes() -> None:
    within = ("grader.execute.engine", "grader.execute.graph", "reference")
    assert code_of("grader.execute.engine.runs.seed_run", within=within) != code_of(
        "grader.execute.engine.runs.seed_run"
    )


def test_a_key_counts_names_values_and_records_and_no_order() -> None:
    assert key(a=1, b=2) == key(b=2, a=1)
    assert key(a=1, b=2) != key(a=2, b=1)
    assert key(settings=Settings()) != key(settings=Settings(canary=False))
    assert key(settings=msgspec.to_builtins(Settings())) == key(settings=Settings())


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deep" / "a.json"
    write_whole(path, b"old")

    def refuse(self: Path, target: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]
