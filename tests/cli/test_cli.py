"""The command line as a user meets it: words, files and exit statuses."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from grader.cli import crash
from grader.cli.exit_status import status, worst_status
from grader.cli.options import seconds
from grader.cli.root import app
from grader.core.outcome import Verdict
from tests.command_line import ROOT, grader
from tests.render.test_exports import _marked, _report

FILES_ONLY = 'id = "f"\ntitle = "Files"\n[[criterion]]\nid = "files"\ncheck = "AR001"\npoints = 3\n'


@pytest.fixture
def hand_in(tmp_path: Path) -> Path:
    folder = tmp_path / "ann"
    folder.mkdir()
    (folder / "README.md").write_text("# w1", encoding="utf-8")
    return folder


@pytest.fixture
def rubric(tmp_path: Path) -> Path:
    path = tmp_path / "files.toml"
    path.write_text(FILES_ONLY, encoding="utf-8")
    return path


def test_grade_writes_page_and_result_and_says_where(hand_in: Path, rubric: Path, tmp_path: Path) -> None:
    done = grader("grade", hand_in, "-r", rubric, "-o", tmp_path / "out", "--no-exec")
    assert done.returncode == 1, done.stderr
    result = json.loads((tmp_path / "out" / "ann" / "result.json").read_text("utf-8"))
    assert result["submission"]["id"] == "ann"
    assert result["outcomes"][0]["verdict"] == "partial"
    assert str(tmp_path / "out" / "ann" / "index.html") in done.stdout


def test_json_is_the_result_and_nothing_else(hand_in: Path, rubric: Path, tmp_path: Path) -> None:
    done = grader("grade", hand_in, "-r", rubric, "-o", tmp_path / "out", "--no-exec", "--json")
    assert json.loads(done.stdout)["rubric"]["id"] == "f"
    assert done.stdout.encode() == (tmp_path / "out" / "ann" / "result.json").read_bytes()


def test_a_zip_and_a_single_file_are_submissions(hand_in: Path, rubric: Path, tmp_path: Path) -> None:
    single = grader("grade", hand_in / "README.md", "-r", rubric, "-o", tmp_path / "out", "--no-exec")
    assert single.returncode == 0, "a skip does not count"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["grade", "nowhere"], "no such file or folder"),
        (["grade"], "Missing argument"),
        (["grade", "README.md", "-r", "no-such-rubric"], "no such rubric"),
        (["grade", "README.md", "--device", "abacus"], "abacus"),
        (["explain", "XX999"], "no check 'XX999'"),
        (["nonsense"], "No such command"),
        (["batch", "nowhere"], "no such class"),
        (["report", "-o", "nowhere"], "no store here"),
        (["batch", "submissions", "--budget", "soon"], "90s, 30m or 2h"),
    ],
)
def test_wrong_usage_is_two_and_says_what_to_do(arguments: list[str], told: str) -> None:
    done = grader(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_rubric_with_faults_names_them_all(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        FILES_ONLY.replace("AR001", "AR999") + FILES_ONLY.partition("\n[[")[2].join(["[[", ""]),
        encoding="utf-8",
    )
    done = grader("rubric", "check", path)
    assert done.returncode == 2
    assert "AR999" in done.stderr


def test_a_crash_of_ours_is_three_with_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret detail")

    assert crash.guarded(broken) == 3
    told = capsys.readouterr().err
    path = Path(told.strip().rpartition(" ")[2])
    assert "secret detail" in path.read_text("utf-8")
    assert "Traceback" not in told
    path.unlink()


def test_a_broken_pipe_that_is_not_our_output_is_our_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_options: object) -> None:
        raise BrokenPipeError("the pipe to a worker")

    monkeypatch.setattr("grader.cli.commands.rules.command.callback", broken)
    assert crash.guarded(lambda: app(["rules"], standalone_mode=False)) == 3
    path = Path(capsys.readouterr().err.strip().rpartition(" ")[2])
    assert "the pipe to a worker" in path.read_text("utf-8")
    path.unlink()


@pytest.mark.skipif(os.name != "posix", reason="Windows breaks a pipe in another way")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_fault(unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "grader", "rules"]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, env=environment)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_interrupt_is_130() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert crash.guarded(interrupted) == 130


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([Verdict.PASS, Verdict.SKIPPED], 0),
        ([Verdict.PASS, Verdict.PARTIAL], 1),
        ([Verdict.FAIL, Verdict.UNKNOWN], 4),
        ([Verdict.FAIL, Verdict.UNKNOWN, Verdict.ERROR], 3),
        ([], 0),
    ],
)
def test_status_follows_the_published_order(verdicts: list[Verdict], expected: int) -> None:
    report = _report("x", *(_marked(f"AA00{n}", v) for n, v in enumerate(verdicts)))
    assert status(report) == expected
    assert worst_status([report, _report("y", _marked("AA001", Verdict.PASS))]) == expected


def test_what_could_not_be_read_needs_a_person_and_hides_no_fault_of_ours() -> None:
    report = _report("x", _marked("AA001", Verdict.ERROR))
    assert worst_status([report], ["no zip"]) == 3
    assert worst_status([], ["no zip"]) == 4
    assert worst_status([], ["no zip", "grader failed while it read this submission: killed"]) == 3


@pytest.mark.parametrize(("text", "value"), [("", 0), ("90s", 90), ("30m", 1800), ("2h", 7200), ("45", 45)])
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


def test_control_sequences_of_a_name_do_not_reach_the_terminal(tmp_path: Path, rubric: Path) -> None:
    folder = tmp_path / "evil\x1b]0;owned\x07\u202e"
    folder.mkdir()
    (folder / "README.md").write_text("x", encoding="utf-8")
    done = grader("grade", folder, "-r", rubric, "-o", tmp_path / "out", "--no-exec")
    assert "\x1b" not in done.stdout + done.stderr
    assert "\u202e" not in done.stdout + done.stderr


def test_self_check_says_honestly_what_it_is_and_what_is_next(hand_in: Path, rubric: Path) -> None:
    done = grader("check", hand_in, "-r", rubric, "--static")
    assert done.returncode == 1
    assert done.stdout.count("What to do next, most points first:") == 1
    assert "Next:" not in done.stdout
    assert done.stdout.index("AR001") < done.stdout.index("What to do next")
    assert "AR001" in done.stdout


def test_init_names_a_rubric_file_from_the_folder_that_it_writes_into(hand_in: Path, rubric: Path) -> None:
    """A course's own file, named from where `init` was typed, was looked for from where `check` is typed."""
    assert grader("init", hand_in.name, "-r", rubric.name, cwd=hand_in.parent).returncode == 0
    for here, path in ((hand_in.parent, hand_in.name), (hand_in, "."), (ROOT, hand_in)):
        done = grader("check", path, "--static", cwd=here)
        assert done.returncode == 1, done.stderr
        assert "AR001" in done.stdout


def test_init_writes_the_choice_once_and_check_uses_it(hand_in: Path, rubric: Path) -> None:
    assert grader("init", hand_in, "-r", rubric).returncode == 0
    again = grader("init", hand_in, "-r", rubric)
    assert again.returncode == 2
    assert "--force" in again.stderr
    (hand_in / ".grader.toml").write_text('rubrik = "x"\n', encoding="utf-8")
    broken = grader("check", hand_in, "--static")
    assert broken.returncode == 2
    assert "rubrik" in broken.stderr


def test_ignored_files_are_left_out_of_the_self_check(hand_in: Path, rubric: Path) -> None:
    (hand_in / "drafts").mkdir()
    (hand_in / "drafts" / "old.ipynb").write_text("{}", encoding="utf-8")
    (hand_in / ".graderignore").write_text("drafts/\n", encoding="utf-8")
    done = grader("check", hand_in, "-r", rubric, "--static", "--format", "json")
    assert [
        a["path"] for a in json.loads(done.stdout)["submission"]["artefacts"] if "drafts" in a["path"]
    ] == []


def test_github_form_writes_summary_and_outputs(hand_in: Path, rubric: Path, tmp_path: Path) -> None:
    summary, output = tmp_path / "summary.md", tmp_path / "output"
    done = grader(
        "check",
        hand_in,
        "-r",
        rubric,
        "--static",
        "--format",
        "github",
        GITHUB_STEP_SUMMARY=str(summary),
        GITHUB_OUTPUT=str(output),
    )
    assert "::error" in done.stdout
    assert "Points 1/3" in done.stdout
    assert "| 🟠 partial | AR001 |" in summary.read_text("utf-8")
    assert "verdict=partial" in output.read_text("utf-8")


def test_the_command_that_tries_again_is_the_one_that_was_given(rubric: Path, tmp_path: Path) -> None:
    root = tmp_path / "my class"
    (root / "ann").mkdir(parents=True)
    (root / "ann" / "README.md").write_text("# w1", encoding="utf-8")
    (root / "bob the second").mkdir()
    out = tmp_path / "out"
    done = grader("batch", root, "-r", rubric, "-o", out, "-j", 1, "--no-exec")
    assert done.returncode == 4, "a person must look at what could not be read"
    (line,) = [x for x in done.stdout.splitlines() if "to try them again" in x]
    name, *command = shlex.split(line.partition("to try them again: ")[2])
    assert name == "grader"
    options = ["--rubric", rubric, "--out", out, "--jobs", 1, "--only", "bob the second", "--no-exec"]
    assert sorted(command) == sorted(map(str, ["batch", root, *options]))
    (root / "bob the second" / "README.md").write_text("# w1", encoding="utf-8")
    again = grader(*command)
    assert again.returncode == 1, again.stderr
    assert "to try them again" not in again.stdout
    assert {p.parent.name for p in out.glob("*/result.json")} >= {"ann"}
    assert len(list(out.glob("*/result.json"))) == 2
