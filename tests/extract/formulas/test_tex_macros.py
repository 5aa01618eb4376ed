"""Names of the document's own in TeX: a right line is right by whatever names, a slip in it is found."""

import re
from itertools import pairwise

import pytest

from grader.core.assigned_network import CLASS_NETWORK
from grader.core.evidence.documents import Block, SourceLine
from grader.core.evidence.formulas import DocumentFormulas
from grader.core.place import Place
from grader.extract.documents.markdown import markdown_lines
from grader.extract.formulas.assemble import read_document
from grader.extract.formulas.document.tex_macros import MOST_CHARACTERS, without_macros
from tests.generate.derivation import document


def read(*lines: str) -> DocumentFormulas:
    return read_document(markdown_lines("\n\n".join(lines), "README.md"), "README.md")


def tex(line: str) -> str:
    line = re.sub(r"∂\((\w+) \+ (\w+)\)/∂(\w+)", r"\\frac{\\partial (\1 + \2)}{\\partial \3}", line)
    line = re.sub(r"∂(\w+)/∂(\w+)", r"\\frac{\\partial \1}{\\partial \2}", line)
    line = re.sub(r"(?<![A-Za-z_])a_([ho])(\d)", r"a_{\1\2}", line)
    line = re.sub(r"(?<![A-Za-z_{])([whoitE])(\d)", r"\1_\2", line)
    return line.replace("*", r"\cdot ").replace("η", r"\eta").replace("σ", r"\sigma")


def put(lines: list[SourceLine]) -> list[str]:
    return [line.text.strip() for line in without_macros(lines)]


def plain(*texts: str) -> list[SourceLine]:
    return [SourceLine(Place(artefact="x.md", line=n), text, Block.PROSE) for n, text in enumerate(texts, 1)]


DERIVATION = [tex(line) for line in document(CLASS_NETWORK)]
NAMES = {
    "a_{o1}": ("o", "out", "hat", "A"),
    "a_{h1}": ("h", "ah"),
    "h_1": ("z", "net"),
    "w_5": ("w", "W"),
    "E": ("L", "C", "Et", "err"),
    r"\eta": ("lr", "et"),
    r"\partial": ("d", "pa"),
    "t_1": ("T",),
    r"\sigma": ("s",),
}


@pytest.mark.parametrize("form", [r"$\newcommand{\%s}{%s}$", r"\def\%s{%s}", r"\renewcommand*\%s {%s}"])
@pytest.mark.parametrize(("meant", "name"), [(m, n) for m, names in NAMES.items() for n in names])
def test_a_right_derivation_is_right_by_any_name(meant: str, name: str, form: str) -> None:
    """`\\C_1` was read as i1 and `\\hat` left out: right lines of 39 were called wrong."""
    used = rf"\{name} "
    lines = [f"${line.replace(meant, used)}$" for line in DERIVATION]
    assert sum(used in line for line in lines) >= 2
    found = read(form % (name, meant), *lines)
    assert {line.verdict.value for line in found.lines} == {"right"}
    assert len(found.lines) == len(DERIVATION)


def test_a_slip_under_names_of_ones_own_is_found_and_named() -> None:
    found = read(
        r"$$\newcommand{\dd}[2]{\frac{\partial #1}{\partial #2}} \newcommand{\a}[1]{a_{o#1}} \def\Et{E_{total}}$$",
        r"$$\dd{\Et}{w_5} = (\a1 - t_1) \cdot \a{1} \cdot (1 - \a 1) \cdot a_{h2}$$",
        r"$$\dd\Et{w_6} = (\a{1} - t_1) \cdot \a{1} \cdot (1 - \a{1}) \cdot a_{h2}$$",
    )
    assert [line.verdict.value for line in found.lines] == ["wrong", "right"]
    assert found.lines[0].repairs[0].diagnosis == "index-swapped"


def test_a_name_is_what_was_last_made_of_it() -> None:
    lines = plain(r"\x + 1", r"\def\x{a} \x", r"\newcommand\x{b}", r"\x\y", r"\def\y{\x c}")
    assert put(lines) == ["a + 1", "a", "", "b b c", ""]


def test_nothing_changes_without_names_and_none_is_guessed() -> None:
    lines = plain(r"\frac{1}{2} \newcommand is a command", "x = 1")
    assert without_macros(lines) is lines
    assert put(plain(r"\def\x#1{#1}", r"\x", r"\x{", r"\xy{1}")) == ["", "", "{", r"\xy{1}"]


@pytest.mark.parametrize(
    "definitions",
    [
        r"\def\x{\x}\def\x{\x\x}",
        r"\def\x{\y\y}\def\y{\x\x}",
        "".join(rf"\def\x{one}{{\x{other}\x{other}}}" for one, other in pairwise("abcdefghijklmnopqrst"))
        + r"\def\x{\xa}",
        rf"\def\x{{{'y' * (MOST_CHARACTERS + 1)}}}",
    ],
)
def test_what_has_no_end_stays_as_it_stands(definitions: str) -> None:
    assert put(plain(definitions, r"h_1 = \x"))[1] == r"h_1 = \x"
