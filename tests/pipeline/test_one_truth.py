"""Pages, queue, export, override and diff say the same marks, whatever was scored again in between.

`report -r` drew pages with 80 of 110 points while export still said 70 of 100, and the next decision about one
student drew all pages with the old rubric.
"""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from grader.store.runs import Store
from tests.command_line import grader

RUBRIC = (
    'id = "{0}"\ntitle = "Parts"\n{1}'
    '[[criterion]]\nid = "files"\ncheck = "AR001"\npoints = {2}\n'
    '[[criterion]]\nid = "notebook"\ncheck = "AR003"\npoints = 4\n'
    '[[criterion]]\nid = "book"\ncheck = "WB205"\npoints = 2\n'
)
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a class, its rubrics and, in `out`, the reports of a class of three: nothing but a README, a README and a notebook, an archive."""
    tmp_path = tmp_path_factory.mktemp("graded")
    for name in ("ann", "bob", "=cy"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "README.md").write_text("# w1", encoding="utf-8")
    (tmp_path / "class" / "bob" / "S4.ipynb").write_text(NOTEBOOK, encoding="utf-8")
    (tmp_path / "class" / "=cy" / "rest.rar").write_bytes(b"Rar!\x1a\x07")
    (tmp_path / "one.toml").write_text(RUBRIC.format("one", "", 3), encoding="utf-8")
    (tmp_path / "two.toml").write_text(RUBRIC.format("two", "", 9), encoding="utf-8")
    (tmp_path / "zero.toml").write_text(RUBRIC.format("zero", 'missing = "zero"\n', 3), encoding="utf-8")
    done = grader(
        "batch",
        tmp_path / "class",
        "-r",
        tmp_path / "one.toml",
        "-o",
        tmp_path / "out",
        "-j",
        1,
        "--no-exec",
        "-q",
    )
    assert done.returncode == 4, done.stderr
    return tmp_path


@pytest.fixture
def out(graded: Path, tmp_path: Path) -> Path:
    """The reports of that class, a copy for each test."""
    shutil.copytree(graded, tmp_path, dirs_exist_ok=True)
    return tmp_path / "out"


def _page(out: Path, slug: str) -> dict:
    found: dict = json.loads((out / slug / "result.json").read_bytes())
    return found


def _exported(out: Path, *arguments: object) -> dict[str, dict[str, str]]:
    done = grader("export", *arguments, "-o", out)
    return {row["id"]: row for row in csv.DictReader(io.StringIO(done.stdout))}


def test_another_rubric_is_another_run_for_everybody(out: Path) -> None:
    done = grader("report", "-r", out.parent / "two.toml", "-o", out)
    assert "run 2 of " in done.stdout
    assert "scored again from run 1" in done.stdout
    assert "'ann': 1/9 (6 pending)" in done.stdout
    assert "-> 3/15 (6 pending)" in done.stdout
    assert done.stdout.splitlines()[-1] == "3 of 3 submissions moved"
    assert _page(out, "ann")["rubric"]["id"] == "two"
    assert _exported(out)["ann"]["max_score"] == "15"
    assert "run 2 of " in grader("queue", "-o", out).stderr
    grader("override", "ann", "files", "--verdict", "pass", "--reason", "by mail", "-o", out)
    assert {_page(out, name)["rubric"]["id"] for name in ("ann", "bob")} == {"two"}
    assert _exported(out)["ann"]["score"] == "9"
    moved = grader("diff", "-o", out)
    assert moved.returncode == 1
    assert "run 1 of" in moved.stderr.splitlines()[0]
    assert grader("diff", 1, 2, "-o", out).stdout == moved.stdout
    assert _exported(out, 1)["ann"]["max_score"] == "9"


def test_the_same_again_is_the_same_run_and_drawing_an_old_one_shows_it(out: Path) -> None:
    for _ in range(2):
        grader("report", "-r", out.parent / "two.toml", "-o", out)
    with Store(out / ".grader" / "store.sqlite") as store:
        assert [run.facts_of for run in store.runs()] == [0, 1]
        assert dict(store.deliveries(1)) == dict(store.deliveries(2))
        assert store.run().id == 2
    grader("report", 1, "-o", out)
    assert _page(out, "ann")["max_score"] == float(_exported(out)["ann"]["max_score"]) == 9.0


def test_an_unfinished_rerun_changes_nothing_until_its_pages_are_drawn(out: Path) -> None:
    with Store(out / ".grader" / "store.sqlite") as store:
        run = store.run()
        other, resumed = store.begin("class", "x.toml", run.rubric, run.settings, "new")
        assert (other.id, resumed, store.run().id) == (2, False, 1)


def test_a_store_of_before_knows_its_newest_run(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        from grader.core.settings import Settings

        for mark in ("a", "b"):
            store.begin("class", "x.toml", b"", Settings(), mark)
        assert store.run().id == 2


def test_what_was_never_handed_in_is_zero_where_the_rubric_says_so(out: Path) -> None:
    done = grader("report", "-r", out.parent / "zero.toml", "-o", out)
    assert done.returncode == 4, "the archive still waits"
    ann, cy = (_exported(out)[name] for name in ("ann", "'=cy"))
    assert (ann["notebook"], ann["book"], ann["pending_points"]) == ("0", "0", "0")
    assert (cy["notebook"], cy["book"], cy["pending_points"]) == ("", "", "9")
    told = {o["criterion"]: o for o in _page(out, "ann")["outcomes"]}["notebook"]
    assert (told["verdict"], told["cause"]) == ("fail", "no-notebook")
    assert 'missing = "zero"' in told["decided_by"]
    assert told["findings"][0]["message"] == "a notebook was not handed in"
    check = grader("check", out.parent / "class" / "ann", "-r", out.parent / "zero.toml", "--static")
    assert "missing = " not in check.stdout, "a student's own check is before the deadline"


def test_all_that_wait_for_one_reason_are_decided_at_once(out: Path) -> None:
    where = ("--all", "--where", "skipped:no-notebook", "-o", out)
    none = grader(
        "override", "--all", "--where", "skipped:no-nothing", "--verdict", "fail", "--reason", "x", "-o", out
    )
    assert none.returncode == 2
    assert "there are" in none.stderr
    assert "skipped:no-notebook" in none.stderr
    assert grader("override", *where, "--verdict", "fail").returncode == 2, "each has its reason"
    done = grader("override", *where, "--verdict", "fail", "--reason", "not by the deadline", "--who", "prof")
    assert done.returncode == 0, done.stderr
    marks = _exported(out)
    assert (marks["ann"]["notebook"], marks["'=cy"]["notebook"]) == ("0", "")
    assert "not by the deadline" in marks["ann"]["decided_by"]


def test_decisions_from_a_list_are_all_made_or_none(out: Path, tmp_path: Path) -> None:
    listed = tmp_path / "decisions.csv"
    listed.write_text(
        "\ufeffsubmission;criterion;verdict;credit;points;comment;reason\n"
        "ann;files;;;2,5;;half by mail\n'=cy;notebook;pass;;;;seen in the archive\nbob;book;;;;Ask me, please.;\n",
        encoding="utf-8",
    )
    done = grader("override", "--from", listed, "--who", "prof", "-o", out)
    assert done.returncode == 0, done.stderr
    marks = _exported(out)
    assert (marks["ann"]["files"], marks["'=cy"]["notebook"]) == ("2.5", "4")
    bob = {o["criterion"]: o for o in _page(out, "bob")["outcomes"]}["book"]
    assert (bob["comment"], bob["verdict"], bob["decided_by"]) == ("prof: Ask me, please.", "skipped", "")
    assert "Ask me, please." in (out / "bob" / "index.html").read_text("utf-8")
    listed.write_text(
        "submission,criterion,verdict,reason\nann,files,pass,x\nnobody,files,pass,x\nann,book,pass,\n"
    )
    bad = grader("override", "--from", listed, "-o", out)
    assert bad.returncode == 2
    assert "decisions.csv:3: nobody: no such submission" in bad.stderr
    assert "decisions.csv:4: --reason must say why" in bad.stderr
    assert _exported(out)["ann"]["files"] == "2.5", "a list with a fault changes nothing"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("ann", "files", "--reason", "x"), "--verdict, --points or --comment"),
        (("ann", "files", "--points", "4", "--reason", "x"), "worth 3 points"),
        (
            ("ann", "files", "--points", "1", "--verdict", "pass", "--reason", "x"),
            "in the place of --verdict",
        ),
        (("ann", "files", "--points", "1"), "--reason must say why"),
        (("ann",), "SUBMISSION and CODE"),
        (("--all",), "go together"),
        (("--where", "unknown"), "go together"),
    ],
)
def test_half_a_decision_is_none(out: Path, arguments: tuple[str, ...], told: str) -> None:
    done = grader("override", *arguments, "-o", out)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_points_and_a_comment_stand_without_a_verdict(out: Path) -> None:
    grader(
        "override",
        "ann",
        "files",
        "--points",
        "1.5",
        "--comment",
        "See me.",
        "--reason",
        "half",
        "--who",
        "p",
        "-o",
        out,
    )
    files = {o["criterion"]: o for o in _page(out, "ann")["outcomes"]}["files"]
    assert (files["points"], files["verdict"], files["comment"]) == (1.5, "partial", "p: See me.")
    said = grader("store", "decisions", "-o", out).stdout
    assert "--points 1.5 --comment 'See me.' --reason half --who p" in said
