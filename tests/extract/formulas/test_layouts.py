"""Every layout and spelling in which a derivation is written is read: no right line is accused, none is left out.

The pages are made here: quantities in one of several spellings, statements in one of several layouts. Where one statement
of a page is wrong, that one and no other is found, or a person is asked.
"""

import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import quote

import pytest

from grader.core.evidence.formulas import DocumentFormulas, FormulaVerdict
from grader.extract.documents.markdown import markdown_lines
from grader.extract.formulas.assemble import read_document

Spelling = Callable[[str], str]
Statements = list[tuple[str, str]]
Layout = Callable[[Statements], str]

O1, O2 = "(a_o1 - t1) * a_o1 * (1 - a_o1)", "(a_o2 - t2) * a_o2 * (1 - a_o2)"
STATEMENTS: Statements = [
    ("h1", "w1*i1 + w2*i2"),
    ("a_h1", "σ(h1)"),
    ("o2", "w7*a_h1 + w8*a_h2"),
    ("E1", "½ * (t1 - a_o1)²"),
    ("E", "E1 + E2"),
    ("∂E/∂w1", f"({O1} * w5 + {O2} * w7) * a_h1 * (1 - a_h1) * i1"),
    ("∂E/∂w5", f"{O1} * a_h1"),
    ("∂E/∂w8", f"{O2} * a_h2"),
    ("w3", "w3 - η * ∂E/∂w3"),
]
WRONG = [
    ("∂E/∂w5", f"{O1} * a_h2"),
    ("∂E/∂w8", "(a_o2 + t2) * a_o2 * (1 - a_o2) * a_h2"),
    ("a_h1", "σ(h2)"),
    ("E1", "½ * (t2 - a_o1)²"),
    ("w3", "w3 + η * ∂E/∂w3"),
    ("o2", "w7*a_h1 + w8*a_h1"),
]
_TOKEN = re.compile(r"∂E/∂w\d|a_[ho]\d|[withoE]\d|E\b|σ|η|½|²")
_TIMES = re.compile(r"\s*\*\s*")


def spelling(
    gradient: str,
    activation: str,
    weight: str,
    given: str,
    target: str,
    neuron: str,
    loss: str,
    total: str,
    sigma: str,
    eta: str,
    half: str,
    square: str,
    times: str,
) -> Spelling:
    """A way to write the quantities: templates with `{k}` for the index and `{l}` for the layer."""

    def one(match: re.Match[str]) -> str:
        name = match.group(0)
        k, layer = name[-1], name[-2:-1]
        if name.startswith("∂"):
            return gradient.replace("{k}", k)
        if name.startswith("a_"):
            return activation.replace("{l}", layer).replace("{k}", k)
        if name == "E":
            return total
        if len(name) == 2:
            return (
                {"w": weight, "i": given, "t": target, "E": loss}.get(name[0], neuron)
                .replace("{l}", name[0])
                .replace("{k}", k)
            )
        return {"σ": sigma, "η": eta, "½": half, "²": square}[name]

    return lambda text: _TIMES.sub(lambda _: times, _TOKEN.sub(one, text))


_SUBSCRIPTS = str.maketrans("12345678", "₁₂₃₄₅₆₇₈")
PLAIN: dict[str, Spelling] = {
    "class-sheet": spelling(
        "∂E/∂w{k}", "a_{l}{k}", "w{k}", "i{k}", "t{k}", "{l}{k}", "E{k}", "E", "σ", "η", "½", "²", " * "
    ),
    "out-net": spelling(
        "∂E_total/∂w{k}",
        "out_{l}{k}",
        "w{k}",
        "i{k}",
        "target_{k}",
        "net_{l}{k}",
        "E_{k}",
        "E_total",
        "sigmoid",
        "learning_rate",
        "1/2",
        "^2",
        " * ",
    ),
    "code": spelling(
        "dE/dw{k}",
        "a{l}{k}",
        "w{k}",
        "x{k}",
        "y{k}",
        "z_{l}{k}",
        "E{k}",
        "E",
        "sigmoid",
        "lr",
        "0.5",
        "**2",
        " × ",
    ),
    "decimal-comma": spelling(
        "∂E/∂w{k}", "a_{l}{k}", "w{k}", "i{k}", "t{k}", "{l}{k}", "E{k}", "E", "σ", "η", "0,5", "²", "·"
    ),
    "html": spelling(
        "∂E/∂w<sub>{k}</sub>",
        "a<sub>{l}{k}</sub>",
        "w<sub>{k}</sub>",
        "i<sub>{k}</sub>",
        "t<sub>{k}</sub>",
        "{l}<sub>{k}</sub>",
        "E<sub>{k}</sub>",
        "E",
        "σ",
        "α",
        "½",
        "<sup>2</sup>",
        " · ",
    ),
    "brackets": spelling(
        "dE/dw[{k}]",
        "a_{l}[{k}]",
        "w[{k}]",
        "i[{k}]",
        "t[{k}]",
        "{l}[{k}]",
        "E[{k}]",
        "E",
        "sigmoid",
        "lr",
        "0.5",
        "**2",
        " * ",
    ),
}
PLAIN["subscripts"] = lambda text: PLAIN["class-sheet"](text).translate(_SUBSCRIPTS).replace("½", "1/2")
TEX: dict[str, Spelling] = {
    "tex": spelling(
        r"\frac{\partial E}{\partial w_{k}}",
        "a_{{l}{k}}",
        "w_{k}",
        "i_{k}",
        "t_{k}",
        "{l}_{k}",
        "E_{k}",
        "E",
        r"\sigma",
        r"\eta",
        r"\frac{1}{2}",
        "^2",
        r" \cdot ",
    ),
    "tex-total": spelling(
        r"\dfrac{\partial E_{total}}{\partial w_{{k}}}",
        "out_{{l}_{{k}}}",
        "w_{{k}}",
        "i_{{k}}",
        "target_{{k}}",
        "net_{{l}_{{k}}}",
        "E_{{k}}",
        "E_{total}",
        r"\sigma",
        r"\alpha",
        r"\tfrac{1}{2}",
        "^{2}",
        r" \times ",
    ),
    "tex-text": spelling(
        r"{\partial E}/{\partial w_{k}}",
        r"a_{\text{{l}}_{k}}",
        "w_{k}",
        "x_{k}",
        "y_{k}",
        "z_{{l}{k}}",
        "E_{k}",
        "E",
        r"\operatorname{sigmoid}",
        r"\eta",
        "0.5",
        "^2",
        r"\,",
    ),
}


def _each(template: str, between: str = "\n\n", *, before: str = "", after: str = "") -> Layout:
    """A layout that writes every statement by one template of `{a}`, `{b}` and `{n}`."""

    def lay(page: Statements) -> str:
        parts = [
            template.replace("{a}", a).replace("{b}", b).replace("{n}", str(n))
            for n, (a, b) in enumerate(page, 1)
        ]
        return before + between.join(parts) + after

    return lay


def _broken(page: Statements, old: str, new: str) -> str:
    return "```\n" + "\n".join(f"{a} = {b.replace(old, new)}" for a, b in page) + "\n```"


LAYOUTS: dict[str, Layout] = {
    "lines": _each("{a} = {b}"),
    "fence": _each("{a} = {b}", "\n", before="```\n", after="\n```"),
    "bullets": _each("* `{a} = {b}`", "\n"),
    "numbered": _each("{n}. {a} = {b}", "\n"),
    "table": _each("| {a} | {b} |", "\n", before="| quantity | formula |\n|---|---|\n"),
    "table of four columns": _each("| {n} | {a} | {b} | chain rule |", "\n", before="| | | | |\n|-|-|-|-|\n"),
    "table without outer bars": _each("`{a}` | `{b}`", "\n", before="quantity | formula\n--- | ---\n"),
    "table with a column for =": _each("| {a} | = | {b} |", "\n", before="| | | |\n|-|-|-|\n"),
    "bold and a colon": _each("**{a}**: {b}"),
    "colon in bold": _each("**{a}:** {b}"),
    "colon between code": _each("- **`{a}`** : `{b}`", "\n"),
    "arrow ->": _each("    {a} -> {b}", "\n"),
    "arrow →": _each("{a} → {b}"),
    "arrow ⇒": _each("{a} ⇒ {b}"),
    "heading then =": _each("### {a}\n\n    = {b}"),
    "heading with its =": _each("#### {a} =\n\n{b}"),
    "heading and a code block": _each("### {a}\n```\n{b}\n```"),
    "bold line above": _each("**{a}**\n\n{b}"),
    "is equal to": _each("{a} is equal to {b}."),
    "is given by": _each("So the value of {a} is given by {b}"),
    "definition list": _each("{a}\n: {b}"),
    "html table": _each("<tr><td>{a}</td><td>{b}</td></tr>", "\n", before="<table>\n", after="\n</table>"),
    "html table over lines": _each(
        "<tr>\n  <td>{a}</td>\n  <td>{b}</td>\n</tr>", "\n", before="<table>\n", after="</table>"
    ),
    "html table of two rows": lambda page: (
        f"<table><tr>{''.join(f'<th>{a}</th>' for a, _ in page)}</tr>\n"
        f"<tr>{''.join(f'<td>{b}</td>' for _, b in page)}</tr></table>"
    ),
    "html table of two rows, one cell a line": lambda page: (
        "<table>\n<tr>\n"
        + "".join(f"<td>{a}</td>\n" for a, _ in page)
        + "</tr>\n<tr>\n"
        + "".join(f"<td>{b}</td>\n" for _, b in page)
        + "</tr>\n</table>"
    ),
    "html definition list": _each("<dt>{a}</dt>\n<dd>{b}</dd>", "\n", before="<dl>\n", after="\n</dl>"),
    "html list": _each("<li>{a} = {b}</li>", "", before="<ul>", after="</ul>"),
    "line breaks": _each("{a} = {b}", "<br>\n"),
    "remark behind an arrow": _each("    {a} = {b}   -> by the chain rule", "\n"),
    "remark behind #": _each("{a} = {b}  # chain rule", "\n", before="```\n", after="\n```"),
    "remark in brackets": _each("{a} = {b} (chain rule)"),
    "numbers of equations": _each("{a} = {b} ---- ({n})"),
    "steps": _each("Step {n}: {a} = {b}"),
    "quotation": _each("> {a} = {b}  ", "\n"),
    "assignments": _each("{a} := {b}", "\n", before="```python\n", after="\n```"),
    "= at the end": _each("{a} =\n{b}"),
    "square brackets round it": _each("- [{a} = {b}]", "\n"),
    "semicolons": _each("{a} = {b}", "; "),
    "wrapped before +": lambda page: _broken(page, " + ", "\n      + "),
    "wrapped behind +": lambda page: _broken(page, " + ", " +\n        "),
}
TEX_LAYOUTS: dict[str, Layout] = {
    "inline": _each("${a} = {b}$"),
    "display": _each("$$ {a} = {b} $$"),
    "display over lines": _each("$$\n{a} = {b}\n$$"),
    "display in two lines": _each("$$\n{a}\n= {b}\n$$"),
    "aligned": _each("{a} &= {b}", " \\\\\n", before="$$\n\\begin{aligned}\n", after="\n\\end{aligned}\n$$"),
    "align": _each("{a} &= {b}", " \\\\\n", before="\\begin{align*}\n", after="\n\\end{align*}"),
    "array": _each("{a} & = & {b}", " \\\\\n", before="$$\\begin{array}{rcl}\n", after="\n\\end{array}$$"),
    "cases on one line": _each("{a} = {b}", " \\\\ ", before="$$\\begin{cases} ", after=" \\end{cases}$$"),
    "square brackets": _each("\\[ {a} = {b} \\]"),
    "round brackets": _each("\\( {a} = {b} \\)"),
    "math fence": _each("{a} = {b}", " \\\\\n", before="```math\n", after="\n```"),
    "gather": _each("{a} = {b}", " \\\\\n", before="\\begin{gather}\n", after="\n\\end{gather}"),
    "table": _each("| ${a}$ | ${b}$ |", "\n", before="| q | f |\n|---|---|\n"),
    "colon": _each("- ${a}$: ${b}$", "\n"),
    "bold and display": _each("**${a}**: $${b}$$".replace("**${a}**", "**${a}$**")),
    "heading": _each("### ${a}$\n\n$$= {b}$$"),
    "heading without =": _each("### ${a}$\n\n$${b}$$"),
    "sentence": _each("The value of ${a}$ is ${b}$."),
    "implies": _each("$$\\implies {a} = {b}$$"),
    "rightarrow": _each("$${a} \\rightarrow {b}$$"),
    "left and right": lambda page: "\n\n".join(
        f"$${a} = {b}$$".replace("(", "\\left(").replace(")", "\\right)") for a, b in page
    ),
    "codecogs": lambda page: "\n\n".join(
        f"![f](https://latex.codecogs.com/gif.latex?{quote(f'{a} = {b}')})" for a, b in page
    ),
    "renderer of GitHub": lambda page: "\n\n".join(
        '<img src="https://render.githubusercontent.com/render/math?math='
        + f"{a} = {b}".replace("+", "%2B")
        + '">'
        for a, b in page
    ),
}
PAGES = [
    *(
        (f"{layout}, {name}", LAYOUTS[layout], PLAIN[name])
        for k, layout in enumerate(LAYOUTS)
        for name in (list(PLAIN)[k % 7], list(PLAIN)[(k + 3) % 7])
    ),
    *(
        (f"tex {layout}, {name}", TEX_LAYOUTS[layout], TEX[name])
        for k, layout in enumerate(TEX_LAYOUTS)
        for name in (list(TEX)[k % 3],)
    ),
]
pages = pytest.mark.parametrize(
    ("layout", "spelt"), [pytest.param(lay, spelt, id=name) for name, lay, spelt in PAGES]
)


def read(text: str) -> DocumentFormulas:
    return read_document(markdown_lines(text, "README.md"), "README.md")


def page(layout: Layout, spelt: Spelling, statements: Statements) -> DocumentFormulas:
    return read("# Part 1\n\n" + layout([(spelt(a), spelt(b)) for a, b in statements]) + "\n")


@pages
def test_every_layout_is_read_in_every_spelling(layout: Layout, spelt: Spelling) -> None:
    found = page(layout, spelt, STATEMENTS).lines
    assert [
        (x.verdict.value, x.reading, x.reason) for x in found if x.verdict is not FormulaVerdict.RIGHT
    ] == []
    assert Counter(x.states for x in found) == Counter(left for left, _ in STATEMENTS)


@pages
def test_one_wrong_statement_is_the_only_one_accused(layout: Layout, spelt: Spelling) -> None:
    for left, right in WRONG[:: 1 + (len(layout([("a", "b")])) % 2)]:
        found = page(layout, spelt, [(a, right if a == left else b) for a, b in STATEMENTS]).lines
        bad = [x for x in found if x.verdict is not FormulaVerdict.RIGHT]
        assert {x.states for x in bad} <= {left}, [(x.reading, x.reason) for x in bad]
        assert bad or len(found) < len(STATEMENTS)
