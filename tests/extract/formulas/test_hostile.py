"""Text that is made to break readers: no exception, bounded work."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.extract.documents.documents import read_documents
from grader.extract.documents.markdown import markdown_lines
from grader.extract.formulas.assemble import read_document
from grader.extract.formulas.document.collect import MAX_STATEMENTS
from grader.extract.formulas.provider import read_formulas
from grader.extract.formulas.reading.notation import without_runs
from grader.extract.formulas.reading.source_map import Replacement, SourceText
from grader.extract.formulas.reading.statements import MAX_LINE
from grader.ingest.read import from_bytes

PIECES = (
    "∂E/∂w1", "w1", "a_h1", "(", ")", "[", "{", "}", "=", "==", "*", "**", "/", "^", "-", "+", "\\frac{", "\\partial", "$", "$$",
    "\\\\", "&=", "|", "`", "d", "dE_dw5", "σ(", "exp(", "1e999", "9^9^9^9^9", "0", "1/0", "ln(0)", "<sup>", "&nbsp;", "w_{", "_",
    "\u202e", "\x00", "\u200b", "=>", "and", ",", "∂(", "∂/∂w1(", "E1", "E_total", "t1", "...", "?", "#", "- ", "http://x", "½", "²",
    "render.githubusercontent.com/render/math?math=", "%5Cfrac%7B", 'title="', "w?", "η", "i1", "x", "ğœ•", " ", "\n", "\n= ",
)  # fmt: skip


def read(text: str) -> list[str]:
    return [line.verdict.value for line in read_document(markdown_lines(text, "x.md"), "x.md").lines]


@pytest.mark.parametrize(
    "text",
    [
        "∂E/∂w1 = " + "(" * 10_000 + "w1" + ")" * 10_000,
        "∂E/∂w1 = " + "[" * 100_000,
        "h1 = " + "w1*i1 + " * 12_500,
        "E = " + "-" * 50_000 + "E1",
        "E = " + "9^" * 5_000 + "9",
        "= " * 50_000,
        "\\frac{" * 20_000 + " = 1",
        "a_h1 = " + "\\left(" * 5_000,
        "E = " + "σ(" * 3_000 + "h1" + ")" * 3_000,
        "∂" * 50_000 + " = ∂E/∂w1",
        "_" * 50_000 + " = w1 * i1",
        "w1 = (" + "note " * 20_000 + ")",
        "h1 = w1 " + " " * 100_000 + "* i1",
        "h1 = w1" + " -" * 30_000,
        "h1 = w1" + " # " * 30_000 + "(",
        "a" * 100_000 + " = h1 * w1",
        "w5a_h1" * 10_000 + " = ∂E/∂w5",
        "|" * 50_000 + "E = E1 + E2",
        "![" * 20_000 + " = w1*i1",
        "E = 10^(10^(10^10)) * E1",
        "\u202eE = E1 + E2\u202c\x00\x07",
        "∂E/∂w1 = 1e400 * w1 / 0",
        "* " * 20_000 + "h1 = w1*i1",
        "<b" * 20_000 + " E = E1*E2",
        "&" * 50_000 + " h1 = w1*i1",
        "%3D%" * 20_000,
        "$" * 20_001 + "E=E1",
    ],
    ids=lambda t: t[:18],
)
def test_no_line_breaks_the_reader(text: str) -> None:
    assert "wrong" not in read(text + "\n")[1:]


@pytest.mark.parametrize(
    "piece",
    ["(", ")", "( a ", "w1 ", "w1*", "-", " -", "--", "_", "_(", "*", "**", " ", "\\frac{1}{", "∂E/∂", "d", "a_", "σ(", "1", "=", "= w1 ",
     "<sup>", "</b", "&a", "`", "![](", "](", "\\left", "{", "w1^", "e^", "and ", ", w1 ", "since ", " (a b c ", ">>", "%3D", "1/"],
)  # fmt: skip
@pytest.mark.parametrize("lead", ["∂E/∂w1 = ", "| a | h1 = "])
def test_lines_just_below_the_limits_are_bounded(piece: str, lead: str) -> None:
    text = lead + piece * (2_400 // len(piece))
    assert len(read(text + " = w1*i1")) <= 2_500


def test_runs_of_blanks_dashes_and_underscores_never_reach_the_patterns() -> None:
    """Patterns that begin or end in `\\s*` took 46 s on 100,000 blanks, quadratic in their number."""
    for char in " \t\u00a0-_":
        assert len(without_runs("h1 = w1" + char * 100_000 + "* i1")) == len("h1 = w1* i1") + 8
    assert without_runs("a  b -- c __") == "a  b -- c __"


def test_a_formula_with_a_long_run_of_blanks_is_read_and_quoted() -> None:
    lines = markdown_lines("h1 = w1*i1 +" + " " * 50_000 + "w2*i2\n", "x.md")
    found = read_document(lines, "x.md").lines
    assert [line.verdict.value for line in found] == ["right"]
    assert found[0].text.startswith("h1 = w1*i1 +")
    assert found[0].text.endswith("w2*i2")


@pytest.mark.parametrize(
    ("number", "char"),
    list(enumerate([" ", "[", "![", "<sub>", "|", "(,", "-", "\\frac{", "\\quad ", "= "], 2)),
)
def test_no_pattern_sees_more_than_the_longest_line(
    number: int, char: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a line costs is bounded by what is rewritten of it, whatever the time of one pattern."""
    seen: list[int] = []
    rewrite = SourceText.sub

    def counted(self: SourceText, pattern: re.Pattern[str], replacement: Replacement) -> SourceText:
        seen.append(len(self.text))
        return rewrite(self, pattern, replacement)

    monkeypatch.setattr(SourceText, "sub", counted)
    # A first line that no earlier one is: what was read before is remembered.
    read(f"h1 = w1*i1*{number}\n| h1 | = " + char * (100_000 // len(char)) + " w1*i1\n")
    assert seen
    assert max(seen) <= MAX_LINE


def test_overlong_formulas_are_said_to_be_unread() -> None:
    assert read("∂E/∂w1 = " + "w1 * " * 30_000 + "i1") == ["unsure"]
    assert read("∂E/∂w1 = " + "w1 * " * 1_000 + "i1") == ["unsure"]


def test_bidirectional_marks_do_not_hide_a_formula() -> None:
    assert read("E = \u202eE1\u202c + \u2066E2\u2069") == ["right"]


@pytest.mark.slow
def test_after_2000_formulas_the_rest_is_not_read() -> None:
    verdicts = read("h1 = w1*i1 + w2*i2\n" * (MAX_STATEMENTS + 40))
    assert verdicts[:MAX_STATEMENTS] == ["right"] * MAX_STATEMENTS
    assert verdicts[MAX_STATEMENTS:] == ["unsure"] * 40


@pytest.mark.slow
def test_many_wrong_lines_are_bounded() -> None:
    text = "\n".join(
        f"∂E/∂w1 = {k} * (a_o1 - t1) * a_o1 * (1 - a_o2) * w5 + {k} * w7 * a_h1 * i1" for k in range(200)
    )
    assert len(read(text)) == 200


@settings(max_examples=150)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_no_mixture_of_pieces_raises(text: str) -> None:
    read(text)


@settings(max_examples=100)
@given(st.text(max_size=120), st.sampled_from(["", "∂E/∂w5 = ", "= ", "h1 = "]))
@pytest.mark.slow
def test_no_text_raises(text: str, lead: str) -> None:
    read(lead + text)


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    sources = from_bytes("x", {"README.md": b"h1 = " + data})
    read_formulas(read_documents(sources), sources.submission)
