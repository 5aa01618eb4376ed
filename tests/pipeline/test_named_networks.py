"""Several networks in one hand-in: each is told by what it is called, and judged by criteria of its own."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from grader.checks.catalogue import catalogue
from grader.core.faults import RubricFault
from grader.core.model_names import named_in, words
from grader.core.outcome import Verdict
from grader.core.report import Report
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.pipeline.classroom.grade_class import grade_class
from grader.pipeline.elsewhere.object_folder import ObjectFolder
from grader.pipeline.grade.grade_one import grade_one
from grader.pipeline.judging.reports import reports_of
from grader.pipeline.plan.plan import mark_sheet
from grader.pipeline.plan.rubrics import LoadedRubric, parse
from grader.pipeline.stages.request import Afield, Request
from grader.render.result_json import decode, encode
from grader.schedule.dispatch import Dispatch
from grader.store.runs import Store
from tests.generate.training_notebook import HEAD, Epoch, network, notebook
from tests.pipeline.test_batch import Here
from tests.schedule.pretend import Pretend, node

RUBRIC = b"""
id = "steps"
title = "Two networks"
[assignment]
accuracy = 99.0
epochs = 3
[[model]]
id = "first"
names = ["step 1", "model 1"]
[model.assignment]
epochs = 2
[[model]]
id = "last"
title = "the last step"
names = ["step 2", "model 2"]
[[criterion]]
id = "whole"
check = "TR502"
points = 1
[[criterion]]
id = "first-epochs"
check = "TR502"
model = "first"
points = 1
[[criterion]]
id = "first-readme"
check = "RD702"
model = "first"
points = 1
[[criterion]]
id = "last-log"
check = "TR501"
model = "last"
points = 1
[[criterion]]
id = "last-readme"
check = "RD701"
model = "last"
points = 1
"""
STATIC = Settings(execute=False, retrain=False)


def of(*right: int, **how: Any) -> bytes:
    return notebook([Epoch(97.0, r) for r in right], **how)


def text(last: str = "99.12") -> bytes:
    return (
        "# Session 7\n\n## Step-1\n\nThe best test accuracy is 98.31%.\n\n### Analysis\n\nWe got 98.31% test "
        f"accuracy.\n\n## Step 2\n\nThe best test accuracy is {last}%.\n\n## Thanks\n\nto all\n"
    ).encode()


TWO = {"README.md": text(), "S7_Step1.ipynb": of(9_811, 9_831), "S7_Step2.ipynb": of(9_850, 9_900, 9_912)}


def rubric() -> LoadedRubric:
    return parse(RUBRIC, "steps.toml", catalogue())


def graded(files: dict[str, bytes]) -> Report:
    return grade_one(from_bytes("ann", files), rubric(), catalogue(), STATIC)[0]


def verdicts(report: Report) -> dict[str, str]:
    return {m.criterion: m.verdict.value for m in report.outcomes}


@pytest.mark.parametrize(
    ("called", "name", "is_it"),
    [
        ("S7_Step1.ipynb", "step 1", True),
        ("s7 STEP-1 (final).ipynb", "Step 1", True),
        ("Step10.ipynb", "step 1", False),
        ("class Model_1", "model 1", True),
        ("NetBN", "bn", True),
        ("BNModel", "bn", True),
        ("subnet", "bn", False),
        ("BatchNorm2d", "batch norm", True),
    ],
)
def test_a_name_is_found_word_by_word(called: str, name: str, is_it: bool) -> None:
    assert named_in(called, [name]) is is_it, words(called)


def test_each_network_has_its_own_limits_log_and_sections() -> None:
    report = graded(TWO)
    names = ("whole", "first-epochs", "first-readme", "last-log", "last-readme")
    assert verdicts(report) == dict.fromkeys(names, "pass") | {"first-readme": "skipped"}
    by_id = {m.criterion: m for m in report.outcomes}
    assert "S7_Step1.ipynb" in by_id["first-epochs"].summary
    assert by_id["last-log"].title.startswith("the last step: ")
    assert (by_id["last-log"].model, by_id["whole"].model) == ("last", "")
    assert decode(encode(report)) == report
    longer = graded(TWO | {"S7_Step1.ipynb": of(9_811, 9_820, 9_831)})
    assert verdicts(longer)["first-epochs"] == "fail"  # two epochs of its own, three of the rubric's


def test_a_number_of_another_network_is_none_of_this_one() -> None:
    swapped = graded(TWO | {"README.md": text("98.31")})
    assert verdicts(swapped)["last-readme"] == "fail"
    assert verdicts(graded(TWO))["last-readme"] == "pass"


@pytest.mark.parametrize("last", ["99.12", "98.31"])
def test_what_stands_below_each_network_is_a_part_of_its_section(last: str) -> None:
    """`### Target` and `### Results` at the level of `### Step 1` ended its section: no number was compared."""
    parts = "### {0}\n\n### Target\n\nA skeleton.\n\n### Results\n\nThe best test accuracy is {1}%.\n\n"
    flat = f"# Session 7\n\n{parts.format('Step 1', '98.31')}{parts.format('Step 2', last)}"
    readme = f"{flat}### In the end\n\nThe best test accuracy is 99.99%.\n"
    found = verdicts(graded(TWO | {"README.md": readme.encode()}))
    assert found["last-readme"] == ("pass" if last == "99.12" else "fail")


def test_folders_classes_and_readmes_of_their_own() -> None:
    there = {
        "Step 1/notebook.ipynb": of(9_811, 9_831),
        "Step 1/README.md": b"The best test accuracy is 98.31%.\n",
        "Step 2/notebook.ipynb": of(9_850, 9_900, 9_912),
        "Step 2/README.md": b"The best test accuracy is 99.12%.\n",
    }
    found = verdicts(graded(there))
    assert (found["first-epochs"], found["last-log"], found["last-readme"]) == ("pass", "pass", "pass")
    model = (HEAD + network(8, name="Model_1") + network(16, name="Model_2")).encode()
    imported = {
        "README.md": text(),
        "model.py": model,
        "a.ipynb": of(9_811, 9_831, net="from model import Model_1", made=["Model_1"]),
        "b.ipynb": of(9_850, 9_900, 9_912, net="from model import Model_2", made=["Model_2"]),
    }
    found = verdicts(graded(imported))
    assert (found["first-epochs"], found["last-log"], found["last-readme"]) == ("pass", "pass", "pass")


def test_what_cannot_be_told_apart_is_for_a_person() -> None:
    model = (HEAD + network(8, name="Model_1") + network(16, name="Model_2")).encode()
    both = of(9_850, 9_912, net="from model import *", made=["Model_1", "Model_2"])
    one = graded({"README.md": text(), "model.py": model, "S7.ipynb": both})
    assert verdicts(one)["last-log"] == "unknown"
    unnamed = graded(
        {"README.md": text(), "a.ipynb": TWO["S7_Step1.ipynb"], "b.ipynb": TWO["S7_Step2.ipynb"]}
    )
    assert {v for c, v in verdicts(unnamed).items() if c != "whole"} == {"unknown"}
    no_section = graded(TWO | {"README.md": b"# Session 7\n\nThe best test accuracy is 99.50%.\n"})
    assert verdicts(no_section)["last-readme"] == "unknown"


def test_not_given_is_said_only_where_nothing_else_could_hold_it() -> None:
    missing = graded({name: data for name, data in TWO.items() if "Step2" not in name})
    outcome = next(m for m in missing.outcomes if m.criterion == "last-log")
    assert (outcome.verdict, outcome.cause) == (Verdict.SKIPPED, "no-notebook")
    assert outcome.summary == "the network the last step was not handed in"
    packed = graded({n: d for n, d in TWO.items() if "Step2" not in n} | {"rest.rar": b"Rar!\x1a\x07\x00"})
    assert verdicts(packed)["last-log"] == "unknown"
    spare = {n: d for n, d in TWO.items() if "Step2" not in n} | {"model.py": (HEAD + network(16)).encode()}
    assert verdicts(graded(spare))["last-log"] == "unknown"
    built = {n: d for n, d in TWO.items() if "Step2" not in n} | {"model.py": b"net = nn.Sequential(a, b)"}
    assert verdicts(graded(built))["last-log"] == "unknown"
    made = "\n".join(network(size, name=name) for size, name in ((8, "Small"), (16, "Large")))
    beside = {
        "README.md": text(),
        "S7_Step1.ipynb": of(9_811, 9_831, net=HEAD + made, made=["Small", "Large"]),
    }
    assert verdicts(graded(beside))["last-log"] == "unknown"


def test_a_rubric_without_models_judges_as_before() -> None:
    bare = RUBRIC.split(b"[[model]]")[0] + b'[[criterion]]\nid = "whole"\ncheck = "TR502"\npoints = 1\n'
    loaded = parse(bare, "bare.toml", catalogue())
    report = grade_one(from_bytes("ann", TWO), loaded, catalogue(), STATIC)[0]
    assert verdicts(report) == {"whole": "pass"}
    assert mark_sheet(loaded).plan.models == ()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b'model = "first"', b'model = "third"', "no [[model]] is called 'third'"),
        (b'check = "TR502"\nmodel', b'check = "WB201"\nmodel', "WB201 is about no single network"),
        (b'id = "last"', b'id = "first"', "'first' stands more than once"),
        (b'["step 2", "model 2"]', b'["--"]', "names must be words"),
        (b"epochs = 2", b"epochs = 0", "epochs must leave at least 1"),
    ],
)
def test_faults_of_models_are_told(old: bytes, new: bytes, fault: str) -> None:
    with pytest.raises(RubricFault, match=fault.replace("[[", r"\[\[").replace("]]", r"\]\]")):
        parse(RUBRIC.replace(old, new, 1), "x.toml", catalogue())


def _class_of(tmp_path: Path, backend: Any, folder: Path | None) -> Path:
    without = {name: data for name, data in TWO.items() if "Step2" not in name}
    for name, files in (("ann", TWO), ("bob", without)):
        (tmp_path / "class" / name).mkdir(parents=True)
        for path, data in files.items():
            (tmp_path / "class" / name / path).write_bytes(data)
    out = tmp_path / "reports"
    if folder:
        ObjectFolder(folder).mark()
    request = Request(
        path=tmp_path / "class",
        loaded=rubric(),
        rubric_bytes=RUBRIC,
        settings=STATIC,
        out=out,
        store=out / ".grader" / "store.sqlite",
        afield=Afield(folder=folder, cache="") if folder else None,
    )
    grade_class(request, backend)
    return request.store


@pytest.mark.parametrize("far", [False, True])
def test_a_class_is_judged_again_from_what_is_kept_of_each_network(tmp_path: Path, far: bool) -> None:
    backend = Dispatch(Pretend(node("a"))) if far else Here()
    kept_in = _class_of(tmp_path, backend, tmp_path / "objects" if far else None)
    shutil.rmtree(tmp_path / "class")
    stricter = parse(RUBRIC.replace(b"epochs = 2", b"epochs = 1"), "steps.toml", catalogue())
    with Store(kept_in) as store:
        (run,) = store.runs()
        kept = {name for record in store.phase_records(run.id, "ann") for name in record.products}
        again, moved = (
            {r.submission.id: verdicts(r) for r in reports_of(store, run, mark_sheet(sheet, STATIC), {})}
            for sheet in (rubric(), stricter)
        )
        notes = [n.what for record in store.phase_records(run.id, "ann") for n in record.notes]
    assert {"first/LogEvidence", "last/LogEvidence", "last/ClaimEvidence", "Documents"} <= kept
    assert "last: log at S7_Step2.ipynb cell 4 line 3" in notes
    assert again["ann"] == verdicts(graded(TWO))
    assert again["bob"]["last-log"] == "skipped"
    assert moved["ann"] == again["ann"] | {"first-epochs": "fail"}
