"""A rubric that calls weights and biases by other names: read so in README and sheet, told so in messages."""

import io
import re
from pathlib import Path

import openpyxl
import pytest

from grader.checks.catalogue import catalogue
from grader.core.assigned_network import AssignedNetwork, Bias
from grader.core.report import Report
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.pipeline.grade.grade_one import grade_one
from grader.pipeline.plan.rubrics import load
from tests.generate.derivation import document
from tests.generate.sheet import formulas, table

ROOT = Path(__file__).parents[2]
NETWORK = AssignedNetwork(bias=Bias.LAYER)
NAMES = {
    "capital": (*(f"W{k}" for k in range(1, 9)), "B1", "B2"),
    "row and column": ("v11", "v12", "v21", "v22", "u11", "u12", "u21", "u22", "v0", "u0"),
    "greek": (*(f"theta_{k}" for k in range(1, 9)), "β1", "β2"),
}
CANONICAL = re.compile(r"(?<![A-Za-z_])[wb]\d")


def renamed(text: str, names: tuple[str, ...], *, tex: bool = False) -> str:
    own = dict(zip((*NETWORK.weights, *NETWORK.biases), names, strict=True))

    def name(match: re.Match[str]) -> str:
        letters, _, number = own[match[0]].partition("_")
        return f"\\{letters}_{{{number}}}" if tex and number else own[match[0]]

    return CANONICAL.sub(name, text)


def sheet(names: tuple[str, ...], changed: dict[str, str]) -> bytes:
    start = dict(zip(NETWORK.inputs, (0.05, 0.10), strict=True))
    book = openpyxl.load_workbook(
        io.BytesIO(table(NETWORK, rows=20, start=start, changed=changed, train_biases=False))
    )
    for cell in book.active[4]:  # type: ignore[index,union-attr]
        cell.value = renamed(str(cell.value), names)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def graded(folder: Path, names: tuple[str, ...], *, wrong: bool) -> Report:
    rubric = (ROOT / "rubrics" / "mazur-biases.toml").read_text("utf-8")
    own = f"[network]\nweight_names = {list(names[:8])}\nbias_names = {list(names[8:])}\n"
    path = folder / "own.toml"
    path.write_text(rubric.replace("[network]\n", own), "utf-8")
    lines = document(NETWORK)
    changed = {}
    if wrong:
        changed = {"dw2": formulas(NETWORK)["dw2"].replace("i2", "i1")}
        lines = [f"{x[:-1]}1" if x.startswith("∂E/∂w2 = (") else x for x in lines]
    text = "\n\n".join(renamed(line, names) for line in lines)
    files = {"README.md": text.encode(), "sheet.xlsx": sheet(names, changed)}
    rules = catalogue()
    static = Settings(execute=False, retrain=False)
    return grade_one(from_bytes("x", files, single=False), load(str(path), rules), rules, static)[0]


@pytest.mark.slow
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_the_rubrics_own_names_are_read_in_readme_and_sheet(names: tuple[str, ...], tmp_path: Path) -> None:
    report = graded(tmp_path, names, wrong=False)
    verdicts = {x.code: x.verdict.value for x in report.outcomes}
    assert set(verdicts.values()) == {"pass"}, verdicts


@pytest.mark.slow
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_messages_call_the_weights_as_the_rubric_does(names: tuple[str, ...], tmp_path: Path) -> None:
    report = graded(tmp_path, names, wrong=True)
    findings = [f for x in report.outcomes if x.code in ("BP101", "WB201") for f in x.findings]
    said = " ".join(f"{f.message} {f.expected} {f.found} {f.hint} {f.subject}" for f in findings)
    assert len(findings) >= 2
    assert f"∂E/∂{names[1]}" in said
    assert not CANONICAL.findall(said.replace("W", "")), said


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("v1",) * 8, "two alike"),
        (tuple(f"h{k}" for k in range(1, 9)), "letters and a number"),
        (("w2", "w1", *(f"w{k}" for k in range(3, 9))), "numbering"),
        (("v1", "v2"), "must be 8 names"),
    ],
)
def test_names_that_could_be_mistaken_are_refused(names: tuple[str, ...], told: str) -> None:
    assert told in " ".join(AssignedNetwork(weight_names=names).faults())
