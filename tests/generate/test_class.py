"""The sample class is what its README and `_expected.toml` say, as far as that shows without grading it."""

from __future__ import annotations

import io
import json
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from submissions._make import mojibake, notebooks
from submissions._make.workbooks import BOOKS

from .formulas import Defect
from .workbook import make

CLASS = Path(__file__).resolve().parents[2] / "submissions"
NAMES = sorted(p.name for p in CLASS.iterdir() if p.is_dir() and p.name[0] not in "._")
EXPECTED = tomllib.loads((CLASS / "_expected.toml").read_text("utf-8"))
WHOLE = sorted(set(notebooks.NOTEBOOKS) - {"truncated-notebook"})
LOG_LINE = re.compile(r"Test (?:set: .*Accuracy: (\d+)/10000|Loss: .* Test Acc: ([\d.]+)%)")


def outputs(path: Path) -> str:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    found = [o for cell in cells if cell["cell_type"] == "code" for o in cell["outputs"]]
    return "".join("".join(o.get("text", [])) for o in found)


def accuracies(path: Path) -> list[float]:
    return [int(a) / 100 if a else float(b) for a, b in LOG_LINE.findall(outputs(path))]


def test_the_class_is_described_and_expected() -> None:
    described = (CLASS / "README.md").read_text("utf-8")
    assert sorted(EXPECTED) == NAMES
    assert [name for name in NAMES if f"| `{name}` |" not in described] == []
    assert 8 <= len(NAMES) <= 12


@pytest.mark.parametrize("name", NAMES)
def test_files_are_small_and_name_no_machine(name: str) -> None:
    for path in sorted((CLASS / name).iterdir()):
        content = path.read_bytes()
        assert len(content) < 150_000, path.name
        if path.suffix != ".xlsx":
            assert not re.search(rb"/(home|root|tmp|work|opt|usr)/", content), path.name


def without_values(book: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(book))
    return {name: re.sub(rb"<(c:)?v>[^<]*</(c:)?v>", b"", archive.read(name)) for name in archive.namelist()}


@pytest.mark.parametrize("path", BOOKS)
def test_workbooks_are_the_generators(path: str) -> None:
    """But for the calculated values, whose last digit is the machine's."""
    made, truth = make(BOOKS[path])
    assert without_values((CLASS / path).read_bytes()) == without_values(made)
    wrong = {"inherited-class-error": Defect.CLASS_ERROR, "wrong-gradient": Defect.MISSING_OUTER_BRACKETS}
    assert truth.mathematics_right == (path.partition("/")[0] not in wrong)


@pytest.mark.parametrize("name", WHOLE)
def test_notebooks_hold_the_cells_they_are_made_of_and_outputs(name: str) -> None:
    kept = json.loads(notebooks.target(name).read_text("utf-8"))
    built = json.loads(notebooks.build(name))
    assert [cell["source"] for cell in kept["cells"]] == [cell["source"] for cell in built["cells"]]
    code = [cell for cell in kept["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert len(accuracies(notebooks.target(name))) >= 2


@pytest.mark.parametrize("name", [n for n in NAMES if "log" in EXPECTED[n]])
def test_logs_say_what_is_expected(name: str) -> None:
    log = EXPECTED[name]["log"]
    found = accuracies(CLASS / name / log["notebook"])
    assert (len(found), max(found), found.index(max(found)) + 1) == (
        log["epochs"],
        log["best"],
        log["best_epoch"],
    )
    readme = (CLASS / name / "README.md").read_text("utf-8")
    assert (f"{log['best']:.2f}" in readme) == (name != "contradicting-readme")
    assert (f"{log['parameters']:,}" in readme) == (name not in {"contradicting-readme", "hostile"})


def test_the_truncated_notebook_is_not_json_and_has_begun_its_log() -> None:
    text = (CLASS / "truncated-notebook" / "session4.ipynb").read_text("utf-8", errors="replace")
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert "Test set" in text


def test_the_garbled_readme_comes_from_the_clean_one() -> None:
    clean = (CLASS / "_make" / "mojibake_readme.md").read_text("utf-8")
    garbled = (CLASS / "mojibake" / "README.md").read_text("utf-8")
    assert garbled == mojibake.garble(clean)
    assert "ğœ•" in garbled
    assert "𝜕" not in garbled
