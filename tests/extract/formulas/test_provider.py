"""From bytes of a submission, and from the command line."""

import json

import pytest
from click.testing import CliRunner

from grader.cli.commands.inspect_formulas import command
from grader.core.evidence.formulas import FormulaEvidence, Unread
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.extract.documents.documents import read_documents
from grader.extract.formulas.provider import read_formulas
from grader.ingest.read import from_bytes

README = "# Part 1\nE = E1 + E2\n∂E/∂w6 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1\n![more](a.png)\n"
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["text\n", "$$h_1 = w_1 i_1 + w_2 i_2$$"]},
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": "x = w1 * 3\ndw5 = (a_o1-t1)*a_o1*(1-a_o1)*a_h1"},
    ],
}  # fmt: skip


def evidence(files: dict[str, bytes]) -> FormulaEvidence:
    sources = from_bytes("x", files)
    return read_formulas(read_documents(sources), sources.submission)


def test_readme_and_notebook_with_places_and_images() -> None:
    found = evidence({"README.md": README.encode(), "S4.ipynb": json.dumps(NOTEBOOK).encode()})
    assert [(str(x.place), x.verdict.value) for x in found.lines] == [
        ("README.md:2", "right"),
        ("README.md:3", "wrong"),
        ("S4.ipynb cell 1 line 2", "right"),
        ("S4.ipynb cell 2 line 2", "right"),
    ]
    assert found.images == 1


def test_mojibake_is_mended_and_told() -> None:
    garbled = "a_h1 = Ïƒ(h1)\nğœ•E/ğœ•w5 = ğœ•E1/ğœ•w5\n"
    document = evidence({"README.md": garbled.encode()}).documents[0]
    assert {x.verdict.value for x in document.lines} == {"right"}
    assert [(m.found, m.became) for m in document.mended] == [("Ïƒ", "σ"), ("ğœ•", "𝜕")]


def test_without_a_document_there_is_nothing_to_read() -> None:
    with pytest.raises(Unavailable) as caught:
        evidence({"a.csv": b"1,2\n"})
    assert caught.value.verdict is Verdict.SKIPPED


def test_a_broken_notebook_is_left_to_the_artefact_check() -> None:
    found = evidence({"README.md": README.encode(), "S4.ipynb": b'{"cells": [{"cell_type"'})
    assert [d.artefact for d in found.documents] == ["README.md"]
    assert [(u.what, u.place.artefact) for u in found.unread][-1] == (Unread.FILE, "S4.ipynb")


def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
    result = CliRunner().invoke(command, arguments, input=stdin)
    return result.exit_code, result.output


def test_inspect_json_of_standard_input() -> None:
    code, output = run("-", "--json", stdin=README.encode())
    assert code == 0
    rows = json.loads(output)
    assert [row["verdict"] for row in rows] == ["right", "wrong"]
    wrong = rows[1]
    assert wrong["file"] == "-"
    assert wrong["line"] == 3
    assert wrong["kind"] == "final"
    assert wrong["text"] == "∂E/∂w6 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"
    assert wrong["expected"] == "∂E/∂w6 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h2"
    assert wrong["repair"] == "index swapped: you wrote a_h1, it should be a_h2"
    assert wrong["convention"] == "as in the class sheet"


def test_inspect_a_notebook_from_standard_input() -> None:
    code, output = run("-", "--json", stdin=json.dumps(NOTEBOOK, indent=1).encode())
    assert code == 0
    assert [(row["cell"], row["line"]) for row in json.loads(output)] == [(1, 2), (2, 2)]


def test_inspect_text_of_files(tmp_path) -> None:  # type: ignore[no-untyped-def]
    readme, notebook = tmp_path / "README.md", tmp_path / "S4.ipynb"
    readme.write_text(README, encoding="utf-8")
    notebook.write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    code, output = run(str(readme), str(notebook))
    assert code == 0
    assert "1 right, 1 wrong" in output
    assert "you wrote a_h1, it should be a_h2" in output
    assert f"{notebook} cell 2 line 2: right" in output


@pytest.mark.parametrize("name", ["missing.md", "broken.ipynb"])
def test_inspect_says_what_cannot_be_read(tmp_path, name: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / name
    if name == "broken.ipynb":
        path.write_bytes(b"{")
    code, output = run(str(path))
    assert code == 2
    assert name in output


def test_a_line_that_a_classmate_wrote_before_is_read_the_same() -> None:
    """Its statement is remembered, and nothing of where it stood."""
    lines = README.splitlines()[1:]
    first = evidence({"README.md": "\n".join(lines).encode()}).documents[0]
    again = evidence({"mine.md": "\n".join(["# Part 1", "", *reversed(lines)]).encode()}).documents[0]
    assert [(str(x.place), x.verdict.value, x.text) for x in again.lines] == [
        ("mine.md:4", "wrong", first.lines[1].text),
        ("mine.md:5", "right", first.lines[0].text),
    ]
    assert again.lines[0].repairs == first.lines[1].repairs
    assert again.images == first.images == 1
