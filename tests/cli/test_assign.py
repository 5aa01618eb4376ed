"""`grader assign`: numbers of each student's own are written, handed out, and honoured in grading."""

import io
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from grader.checks.catalogue import catalogue
from grader.cli.commands.assign import command
from grader.core.faults import RubricFault, UsageFault
from grader.core.report import Report
from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.ingest.slug import slug
from grader.pipeline.classroom.grade_class import grade_class
from grader.pipeline.grade.grade_one import grade_one
from grader.pipeline.judging.reports import reports_of
from grader.pipeline.plan.own_numbers import drawn
from grader.pipeline.plan.plan import mark_sheet
from grader.pipeline.plan.rubrics import LoadedRubric, find, load, parse
from grader.pipeline.stages.request import Request
from grader.store.runs import Store
from tests.generate.workbook import BookSpec, Layout, make
from tests.pipeline.test_batch import Here

STATIC = Settings(execute=False, retrain=False)
ROSTER = 'id,mail\nann,a@example.org\n"Ana Díaz",b@example.org\nbob,\n'


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assign")
    (folder / "roster.csv").write_text(ROSTER, "utf-8")
    asked = [
        "--roster",
        str(folder / "roster.csv"),
        "--seed",
        "7",
        "-r",
        "eva8-s3",
        "-o",
        str(folder / "out"),
    ]
    done = CliRunner().invoke(command, asked, catch_exceptions=False)
    assert "wrote numbers of 3 students" in done.output
    return folder / "out"


def rubric(out: Path) -> LoadedRubric:
    return load(str(out / "rubric.toml"), catalogue())


def book(own: Profile) -> bytes:
    """A right workbook with these numbers, for every learning rate."""
    pairs = {"inputs": own.inputs, "targets": own.targets, "weights": own.weights}
    return make(BookSpec(layout=Layout.SHEET_PER_ETA, rows=12, **pairs))[0]  # type: ignore[arg-type]


def verdict(report: Report, code: str) -> str:
    return next(m.verdict.value for m in report.outcomes if m.code == code)


def graded(name: str, data: bytes, loaded: LoadedRubric) -> Report:
    return grade_one(from_bytes(name, {"sheet.xlsx": data}), loaded, catalogue(), STATIC)[0]


def test_everybody_has_a_sheet_and_a_rubric_with_the_same_numbers(out: Path) -> None:
    loaded = rubric(out).rubric
    assert sorted(loaded.student) == ["Ana Díaz", "ann", "bob"]
    assert len({own.weights for own in loaded.student.values()}) == 3
    for name, own in loaded.student.items():
        alone = load(str(out / "students" / f"{slug(name)}.toml"), catalogue()).rubric
        assert (alone.profile, alone.student) == (own, {})
        table = openpyxl.load_workbook(out / "students" / f"{slug(name)}.xlsx")["Table"]
        head, first = ([cell.value for cell in row] for row in table.iter_rows(max_row=2))
        told = dict(zip(head, first, strict=True))
        assert tuple(told[f"w{n}"] for n in range(1, 9)) == own.weights
        assert (told["i1"], told["i2"], told["t1"], told["t2"]) == (*own.inputs, *own.targets)
        assert told["∂E/∂w8"] is None


def test_numbers_hang_on_seed_and_name_alone() -> None:
    common = load("default", catalogue()).rubric.profile
    assert drawn(common, 7, "ann") == drawn(common, 7, "ann")
    assert drawn(common, 8, "ann") != drawn(common, 7, "ann") != drawn(common, 7, "bob")
    classes = load("softmax-2-2-2", catalogue()).rubric.profile
    assert drawn(classes, 7, "ann").targets == classes.targets
    for name in ("mazur-biases", "tanh-2-3-1", "relu-2-2-2"):
        own = drawn(load(name, catalogue()).rubric.profile, 7, "ann")
        assert own.faults() == []
        assert len(set(own.weights)) == len(own.weights)


def test_a_sheet_is_judged_by_its_own_numbers(out: Path) -> None:
    loaded = rubric(out)
    ann, bob = loaded.rubric.student["ann"], loaded.rubric.student["bob"]
    assert verdict(graded("ann", book(ann), loaded), "WB205") == "pass"
    assert verdict(graded("ann", book(ann), loaded), "LR301") == "pass"
    assert verdict(graded("ann", book(bob), loaded), "WB205") == "fail"
    alone = load(str(out / "students" / "ann.toml"), catalogue())
    assert verdict(graded("my folder", book(ann), alone), "WB205") == "pass"
    told = next(o for o in graded("ann", book(bob), loaded).outcomes if o.code == "WB205")
    assert "class" not in " ".join([told.summary, *(f"{f.message} {f.hint}" for f in told.findings)])


def test_a_hand_in_is_told_by_its_name_as_platforms_write_it(out: Path) -> None:
    loaded = rubric(out)
    diaz = loaded.rubric.student["Ana Díaz"]
    for name in ("ana díaz", "Ana Díaz_4000_assignsubmission_file", "Ana_Díaz", "Ana Díaz (submission_7)"):
        assert loaded.rubric.own_profile(name) == diaz, name
    stranger = graded("kim", book(diaz), loaded)
    assert verdict(stranger, "WB205") == "unknown"
    assert verdict(stranger, "LR301") == "unknown"
    assert verdict(stranger, "WB201") != "unknown", "the mathematics of a sheet rests on no number"


def test_the_sheet_that_was_handed_out_is_read_when_it_is_filled(out: Path) -> None:
    own = rubric(out).rubric.student["ann"]
    filled = openpyxl.load_workbook(out / "students" / "ann.xlsx")
    table = filled["Table"]
    column = {str(cell.value): cell.column_letter for cell in table[1]}
    formulas = {
        "h1": "w1*i1+w2*i2", "h2": "w3*i1+w4*i2", "a_h1": "1/(1+EXP(-h1))", "a_h2": "1/(1+EXP(-h2))",
        "o1": "w5*a_h1+w6*a_h2", "o2": "w7*a_h1+w8*a_h2", "a_o1": "1/(1+EXP(-o1))", "a_o2": "1/(1+EXP(-o2))",
        "E1": "0.5*(t1-a_o1)^2", "E2": "0.5*(t2-a_o2)^2", "E_total": "E1+E2",
    }  # fmt: skip
    slopes = ("a_o1", "a_o2")
    for j, out_name in enumerate(slopes, 1):
        for k in (1, 2):
            formulas[f"∂E/∂w{4 + 2 * (j - 1) + k}"] = f"({out_name}-t{j})*{out_name}*(1-{out_name})*a_h{k}"
    for j in (1, 2):
        back = "+".join(f"({o}-t{n})*{o}*(1-{o})*w{4 + 2 * (n - 1) + j}" for n, o in enumerate(slopes, 1))
        for k in (1, 2):
            formulas[f"∂E/∂w{2 * (j - 1) + k}"] = f"({back})*a_h{j}*(1-a_h{j})*i{k}"
    import re

    def cells(text: str, row: int) -> str:
        return "=" + re.sub(
            r"[a-zE_]*_?[a-zE]+_?\w*\d*", lambda m: f"{column[m[0]]}{row}" if m[0] in column else m[0], text
        )

    for row in range(2, 14):
        for name, text in formulas.items():
            table[f"{column[name]}{row}"] = cells(text, row)
        for name in ("η", "t1", "t2", "i1", "i2") if row > 2 else ():
            table[f"{column[name]}{row}"] = f"={column[name]}{row - 1}"
        for n in range(1, 9) if row > 2 else ():
            gradient = column[f"∂E/∂w{n}"]
            table[f"{column[f'w{n}']}{row}"] = (
                f"={column[f'w{n}']}{row - 1}-{column['η']}{row - 1}*{gradient}{row - 1}"
            )
    data = io.BytesIO()
    filled.save(data)
    report = graded("ann", data.getvalue(), rubric(out))
    assert verdict(report, "WB201") == "pass"
    assert verdict(report, "WB205") == "pass"
    assert own.learning_rates[0] == 0.1


def test_a_class_is_graded_and_judged_again_with_each_ones_numbers(out: Path, tmp_path: Path) -> None:
    loaded = rubric(out)
    for name in ("ann", "bob"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "sheet.xlsx").write_bytes(book(loaded.rubric.student[name]))
    request = Request(
        path=tmp_path / "class",
        loaded=loaded,
        rubric_bytes=(out / "rubric.toml").read_bytes(),
        settings=STATIC,
        out=tmp_path / "reports",
        store=tmp_path / "store.sqlite",
    )
    first = grade_class(request, Here())
    assert [verdict(r, "WB205") for r in first.reports] == ["pass", "pass"]
    assert not first.notices
    swapped = (out / "rubric.toml").read_text("utf-8")
    swapped = swapped.replace('"ann"', '"x"').replace('"bob"', '"ann"').replace('"x"', '"bob"')
    other = parse(swapped.encode(), "rubric.toml", catalogue())
    with Store(request.store) as store:
        (run,) = store.runs()
        same = [verdict(r, "WB205") for r in reports_of(store, run, mark_sheet(loaded, STATIC), {})]
        moved = [verdict(r, "WB205") for r in reports_of(store, run, mark_sheet(other, STATIC), {})]
    assert (same, moved) == (["pass", "pass"], ["fail", "fail"])


@pytest.mark.parametrize(
    ("roster", "more", "fault"),
    [
        ("mail,who\na@x,ann\n", [], "no column one of id, student"),
        ("mail,who\na@x,ann\n", ["--column", "login"], "no column 'login'; it has mail, who"),
        ("id\nAna Diaz\nana_diaz\n", [], "'Ana Diaz' and 'ana_diaz' cannot be told apart"),
    ],
)
def test_a_roster_that_names_nobody_surely_is_refused(
    tmp_path: Path, roster: str, more: list[str], fault: str
) -> None:
    (tmp_path / "roster.csv").write_text(roster, "utf-8")
    asked = ["--roster", str(tmp_path / "roster.csv"), "--seed", "1", "-o", str(tmp_path / "out"), *more]
    with pytest.raises(UsageFault, match=fault):
        CliRunner().invoke(command, asked, catch_exceptions=False)
    assert not (tmp_path / "out").exists()


def test_numbers_that_were_handed_out_are_not_written_over(out: Path) -> None:
    roster = out.parent / "roster.csv"
    asked = ["--roster", str(roster), "--seed", "8", "-o", str(out)]
    with pytest.raises(UsageFault, match="is not empty"):
        CliRunner().invoke(command, asked, catch_exceptions=False)


def test_faults_in_the_numbers_of_a_student_are_told_with_the_name() -> None:
    text = find("default").read_text("utf-8") + '\n[student."ann"]\nweights = [0.1]\n'
    with pytest.raises(RubricFault, match=r"student\.ann: weights must be 8 numbers"):
        parse(text.encode(), "x.toml", catalogue())
