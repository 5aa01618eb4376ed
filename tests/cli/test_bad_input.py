"""Bad input costs nothing and is told at once; what grader wrote itself is nobody's hand-in."""

import json
import shutil
from pathlib import Path

import pytest

from tests.command_line import ROOT, grader

FILES_ONLY = 'id = "f"\ntitle = "Files"\n[[criterion]]\nid = "files"\ncheck = "AR001"\npoints = 3\n'


@pytest.fixture
def room(tmp_path: Path) -> Path:
    (tmp_path / "class" / "ann").mkdir(parents=True)
    (tmp_path / "class" / "ann" / "README.md").write_text("# w1", encoding="utf-8")
    (tmp_path / "files.toml").write_text(FILES_ONLY, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("command", ["batch", "grade", "check", "retrain", "reproduce"])
def test_data_that_is_no_mnist_is_told_before_anything_is_done(command: str, room: Path) -> None:
    """It took 81 seconds, said "not checked" and ended with status 0."""
    for data in (room / "typo", room / "class"):
        out = [] if command in ("retrain", "reproduce") else ["-o", room / "out"]
        done = grader(command, room / "class", "--data", data, *out)
        assert done.returncode == 2
        assert f"--data {data}" in done.stderr
    assert not (room / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("batch", "class", "-j", "0"), "0 is not in the range"),
        (("check", "class/ann", "--static", "--retrain"), "leave one out"),
        (("batch", "class", "--no-exec", "--reproduce"), "leave one out"),
        (("chek", "class/ann"), "Did you mean check"),
        (("quue",), "Did you mean queue"),
        (("override", "--verdict", "fail"), "SUBMISSION and CODE"),
    ],
)
def test_what_contradicts_itself_is_refused(arguments: tuple[str, ...], told: str, room: Path) -> None:
    done = grader(*arguments, cwd=room)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("command", [(), ("check",), ("rubric", "new")])
def test_h_is_help(command: tuple[str, ...]) -> None:
    done = grader(*command, "-h")
    assert (done.returncode, done.stdout[:6]) == (0, "Usage:")
    assert done.stdout == grader(*command, "--help").stdout


def test_a_light_installation_says_once_that_notebooks_are_not_run(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """70 of 100 points for everybody, and not one line said why."""
    monkeypatch.setattr("grader.cli.options.lacking_packages", lambda: ["torch"])
    arguments = ("batch", room / "class", "-r", room / "files.toml", "-o", room / "out", "-j", "1", "-q")
    (line,) = [x for x in grader(*arguments).stderr.splitlines() if "notebooks are not run" in x]
    assert "torch is missing" in line
    assert "pip install" in line
    assert "notebooks are not run" not in grader(*arguments, "--no-exec").stderr


def test_a_report_inside_the_submission_is_no_part_of_it(room: Path) -> None:
    """The tutorial's own command changed what the next check read."""
    ann = room / "class" / "ann"
    check = ("check", ann, "-r", room / "files.toml", "--static", "-o", ann / "report")
    results = []
    for _ in range(2):
        grader(*check)
        results.append(json.loads((ann / "report" / "ann" / "result.json").read_bytes())["submission"])
    assert results[0]["sha256"] == results[1]["sha256"]
    assert [a["path"] for a in results[1]["artefacts"]] == ["README.md"]
    assert any("was written by grader" in note for note in results[1]["notes"])
    packed = Path(shutil.make_archive(str(room / "ann"), "zip", ann))
    plan = grader("plan", packed, "-r", room / "files.toml")
    assert "1 files" in plan.stdout


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("old", ["a.bak", "keep.md", "sub/x.md"]),
        ("/old", ["a.bak", "keep.md", "sub/old/y.md", "sub/x.md"]),
        ("*.md\n!keep.md", ["a.bak", "keep.md"]),
        ("/keep.md", ["a.bak", "old/x.md", "sub/old/y.md", "sub/x.md"]),
        ("sub/**", ["a.bak", "keep.md", "old/x.md"]),
        ("# *.md\n*.bak # no comment", ["a.bak", "keep.md", "old/x.md", "sub/old/y.md", "sub/x.md"]),
        ("", ["a.bak", "keep.md", "old/x.md", "sub/old/y.md", "sub/x.md"]),
    ],
)
def test_graderignore_has_the_meaning_of_gitignore(pattern: str, kept: list[str], room: Path) -> None:
    folder = room / "ignored"
    for name in ("a.bak", "keep.md", "old/x.md", "sub/x.md", "sub/old/y.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("# w1", encoding="utf-8")
    (folder / ".graderignore").write_text(pattern + "\n", encoding="utf-8")
    done = grader("check", folder, "-r", room / "files.toml", "--static", "--format", "json")
    paths = [a["path"] for a in json.loads(done.stdout)["submission"]["artefacts"]]
    assert [p for p in paths if p != ".graderignore"] == kept


@pytest.mark.slow
def test_values_of_another_class_are_noticed_once(tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        (tmp_path / "class" / name).mkdir(parents=True)
        shutil.copy(ROOT / "submissions" / "perfect" / "Backpropagation.xlsx", tmp_path / "class" / name)
    shutil.copy(ROOT / "submissions" / "perfect" / "README.md", tmp_path / "class" / "ann")
    out = tmp_path / "out"
    done = grader("batch", tmp_path / "class", "-r", "eva6-s4-late", "-o", out, "--no-exec", "-q", "-j", "1")
    (line,) = [x for x in done.stdout.splitlines() if "start from the values of" in x]
    assert "default" in line
    assert "ann, bob" in line
    page = (out / "index.html").read_text("utf-8")
    assert page.count("start from the values of") == 1
    assert "start from the values of" not in (out / "ann" / "index.html").read_text("utf-8")
    own = grader("batch", tmp_path / "class", "-o", tmp_path / "own", "--no-exec", "-q", "-j", "1")
    assert "start from the values of" not in own.stdout
