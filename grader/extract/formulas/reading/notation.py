"""One line of a document -> plain one-line notation: `∂`, `*`, `^`, round brackets, `σ`, `η`.

The order is not free: LaTeX before HTML before superscripts before NFKC (which turns ² into 2) before look-alikes.
"""

import html
import re
import unicodedata

from grader.backprop.assigned import made
from grader.core.assigned_network import AssignedNetwork, up_to
from grader.extract.formulas.reading.source_map import Rule, SourceText, rules

_OPENING = ("\\{", "\\lbrace")
_BRACKETS = {"\\{": "(", "\\}": ")", ".": ""}
_LATEX_NAMES = (
    ("delta", " ∂"), ("Delta", " ∂"), ("partial", " ∂"), ("nabla", " ∂"), ("sigma", " σ "), ("eta", " η "),
    ("alpha", " η "), ("cdots", " ; "), ("ldots", " ; "), ("dots", " ; "),
    ("cdot", " * "), ("times", " * "), ("ast", " * "), ("bullet", " * "), ("exp", " exp "), ("implies", " => "),
    ("Longrightarrow", " => "), ("Rightarrow", " => "), ("rightarrow", " → "), ("therefore", " ; "), ("div", " / "),
    ("prime", " ' "), ("leftarrow", " := "), ("gets", " := "), ("equiv", " = "),
)  # fmt: skip
_STACKED = rules(
    (
        r"\\(?:under|over)brace\s*(\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})\s*[_^]\s*\{(?:[^{}]|\{[^{}]*\})*\}",
        r"\1",
    ),
    (r"\{\s*((?:[^{}]|\{[^{}]*\})*?)\s*\\over(?![a-z])\s*((?:[^{}]|\{[^{}]*\})*)\}", r"\\frac{\1}{\2}"),
)
"""Fractions by `\\over`, and braces with a label under them."""
_LATEX_BEFORE = rules(
    (r"(?<=\d)\{,\}(?=\d)", ","),
    (r"(?<=[A-Za-z])\s+_\s*(?=[{\w])", "_"),
    (r"\\color\{[^}]*\}|\\textcolor\{[^}]*\}", ""),
    (
        r"\\(?:tiny|small|large|Large|LARGE|huge|Huge|footnotesize|normalsize|bg_white|dpi\{\d+\}|inline|mathbf|bf)(?![a-zA-Z])",
        " ",
    ),
    (r"(?<![A-Za-z\\])([aE])~(?=[A-Za-z])", r"\1_"),
    (r"\\space(?![a-zA-Z])|~", " "),
    (
        r"\\[dt]?frac\s*\{\s*(?:\\partial|∂|d)\s*\}\s*\{\s*(?:\\partial|∂|d)\s*([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}",
        r" ∂/∂(\1) ",
    ),
    (r"\\(?:displaystyle|textstyle|limits|nonumber|quad|qquad)(?![a-zA-Z])|\\[,;:! ]", " "),
    (r"\\begin\{[^}]*\}(?:\{[^}]*\})?|\\end\{[^}]*\}|\\tag\{[^}]*\}|\\label\{[^}]*\}", " "),
    (r"\\(?:hat|widehat|bar|tilde)\s*(?:\{\s*y\s*\}|y(?![a-zA-Z]))", "yhat"),
    (r"\\sum(?![a-zA-Z])\s*(?:\\limits\s*)?(?:_\s*(?:\{[^{}]*\}|\w)|\^\s*(?:\{[^{}]*\}|\w)|\s)*", " Σ "),
    # Some write α for ∂; a quotient that both parts of begin with it is no learning rate.
    (
        r"(\\[dt]?frac\s*\{\s*)\\alpha(?![a-zA-Z])((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}\s*\{\s*)\\alpha(?![a-zA-Z])",
        r"\1∂\2∂",
    ),
    # The squared norm of one number is its square.
    (
        r"(?:\\\||\\[lr]?[Vv]ert(?![a-zA-Z])|‖)([^|‖\\]{1,80})(?:\\\||\\[lr]?[Vv]ert|‖)\s*\^\s*(?:2|\{\s*2\s*\})",
        r"(\1)^2",
    ),
    (r"\\[lr]?Vert(?![a-zA-Z])", "‖"),
    (r"\\(?:boxed|underbrace|overbrace|mathbf|mathit|boldsymbol|vec|hat|bar)\b", ""),
    (
        r"\\(?:left|right|bigl?|bigr?|Bigl?|Bigr?|Big|biggl?|biggr?)\b\s*([()\[\]|.]|\\[{}])",
        lambda m: _BRACKETS.get(m.group(1), m.group(1)),
    ),
    # A brace that is shown groups as a bracket does; after `\\\\`, which ends a row, it is none.
    (r"(?<!\\)\\[{}]|\\[lr]brace(?![a-zA-Z])", lambda m: "(" if m.group(0) in _OPENING else ")"),
    (
        r"\\(?:text|mathrm|mathcal|mathsf|mathit|mathbf|textbf|textit|operatorname|mbox|rm)\s*\{((?:[^{}]|\{[^{}]*\})*)\}",
        r"\1",
    ),
)
_COMMAND = re.compile(r"\\([a-zA-Z]+)")
_COMMANDS = {name: Rule(re.compile(rf"\\{name}(?![a-zA-Z])"), new) for name, new in _LATEX_NAMES}
_ESCAPED_UNDERSCORE = rules((r"\\_", "_"))
_SUBSCRIPT = re.compile(r"_\s*\{\s*([A-Za-z0-9_ ]*?)\s*\}")
_LATEX_AFTER = rules(
    (r"\^\s*\{([^{}]*)\}", r"^(\1)"),
    (r"&", " "),
    (r"\\\\", " "),
    (r"\\([a-zA-Z]+)", r"\1"),
)
_FRACTION = re.compile(r"\\[dtc]?frac(?![a-zA-Z])\s*")


def _subscripts(line: SourceText, times: int) -> SourceText:
    for _ in range(times):
        changed = line.sub(_SUBSCRIPT, lambda m: "_" + m.group(1).replace(" ", ""))
        if changed is line:
            break
        line = changed
    return line


def group_end(text: str, start: int) -> int:
    """End of the LaTeX argument that starts at `start`: a braced group or one character; -1 where there is none."""
    if start >= len(text):
        return -1
    if text[start] != "{":
        return start + 1 if text[start].isalnum() else -1
    depth = 0
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    return -1


def _fractions(line: SourceText) -> SourceText:
    """`\\frac{a}{b}` -> `((a)/(b))`, the last one first, so that inner ones are done before outer ones."""
    for match in reversed(list(_FRACTION.finditer(line.text))[:200]):
        top = match.end()
        middle = group_end(line.text, top)
        bottom = middle + len(line.text[middle:]) - len(line.text[middle:].lstrip()) if middle > 0 else -1
        end = group_end(line.text, bottom) if bottom > 0 else -1
        if end < 0:
            continue
        line = line.replace(end, end, "))").replace(bottom, bottom, "(").replace(middle, middle, ")/")
        line = line.replace(match.start(), top, "((")
    return line


_DELTA = r"(?:\\delta(?![a-zA-Z])|δ|𝛿)"
_NEURON = r"((?:a_?|out_?|net_?|z_?)?[hoHO0])_?"


def _signals(assigned: AssignedNetwork) -> tuple[Rule, ...]:
    n = up_to(max(len(assigned.hidden), len(assigned.outputs)))
    low = "".join(char for char in "₁₂₃₄₅₆₇₈₉"[: max(len(assigned.hidden), len(assigned.outputs))])
    return rules(
        (_DELTA + rf"\s*_?\s*\{{\s*(?:\\(?:text|mathrm)\{{)?{_NEURON}\{{?({n})\}}{{1,3}}", r" delta_\1\2 "),
        (_DELTA + rf"\s*_?\s*\(?{_NEURON}({n})\)?", r" delta_\1\2 "),
        (_DELTA + rf"\s*([{low}])\s*\^?\(?([ho])\)?", r" delta_\2\1 "),
        (_DELTA + r"([₁-₉])", lambda m: f" delta_{unicodedata.normalize('NFKC', m[1])} "),
        (_DELTA + rf"\s*\^\s*[{{(]\s*{_NEURON}\{{?({n})\}}?[}})]", r" delta_\1\2 "),
        (
            _DELTA + r"\s*_?\s*(?:\{([1-9])\}|([1-9]))(?!\w)",
            lambda m: f" delta_{m.group(1) or m.group(2)} ",
        ),
    )


_DERIVATIVE_IN_DELTAS = re.compile(r"(?:/|\}\s*\{)\s*\(?" + _DELTA)


def error_signals(line: SourceText) -> SourceText:
    """`δ_o1` as `delta_o1`, where no fraction over a δ shows that the line writes δ for ∂."""
    if ("Δ" in line.text or "∆" in line.text) and not _IN_DELTAS.search(line.text):
        line = line.sub(_CAPITAL, "δ")
    if not any(mark in line.text for mark in _DELTAS) or _DERIVATIVE_IN_DELTAS.search(line.text):
        return line
    return line.rewritten(made(_signals))


_IN_DELTAS = re.compile(r"[Δ∆]\s*[ELJC]\w*\s*/|/\s*\(?[Δ∆]")
_CAPITAL = re.compile(r"[Δ∆](?=\s*_?[{(]?(?:(?:[ao]_?)?[oh]_?\{?)?\d)")
_DELTAS = ("\\delta", "δ", "𝛿")


def latex_to_plain(line: SourceText) -> SourceText:
    """Rewrite the LaTeX that formulas of this assignment use; unknown commands keep their name."""
    if "\\" not in line.text and "{" not in line.text and "~" not in line.text and "&" not in line.text:
        return line
    if "\\over" in line.text or "\\underbrace" in line.text:
        line = line.rewritten(_STACKED)
    line = line.rewritten(_LATEX_BEFORE)
    used = set(_COMMAND.findall(line.text))
    line = line.rewritten(rule for name, rule in _COMMANDS.items() if name in used)
    line = _fractions(line.rewritten(_ESCAPED_UNDERSCORE))
    return _subscripts(_paired_braces(line), 4).rewritten(_LATEX_AFTER)


def _paired_braces(line: SourceText) -> SourceText:
    """Drop braces that bracket nothing of a formula.

    Those without a partner (a group that spans rows was cut with them), and those round a whole statement
    (`{\\color{red} a = b}`).
    """
    if "{" not in line.text and "}" not in line.text:
        return line
    opened: list[int] = []
    drop: list[int] = []
    for index, char in enumerate(line.text):
        if char == "{":
            opened.append(index)
        elif char == "}" and opened:
            start = opened.pop()
            if "=" in line.text[start:index]:
                drop += [start, index]
        elif char == "}":
            drop.append(index)
    for index in sorted(drop + opened, reverse=True):
        line = line.replace(index, index + 1, "")
    return line


_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-", strict=True))
_LOOK_ALIKE = {
    **dict.fromkeys("×·∙⋅∗•✕✖⨯", "*"),
    **dict.fromkeys("−–—‐‑‒﹣", "-"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("δΔ∆ðꝺд∇ӘәƏə", "∂"),
    **dict.fromkeys("αɳⴄղŋȠⲏƞηɑ", "η"),
    **dict.fromkeys("[{", "("),
    **dict.fromkeys("]}", ")"),
    **dict.fromkeys("’′", "'"),
    **dict.fromkeys("\u00a0\t", " "),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", ""),
    "ς": "σ", "¡": "i", "ℯ": "e", "ƒ": "f", "≡": "=", "⇒": "=>", "⟹": "=>", "←": ":=", "∴": ";",
    "≔": ":=", "≜": "=", "≝": "=", "≙": "=", "⟸": ":=", "⇐": ":=", "⟵": ":=", "∑": "Σ",
}  # fmt: skip
_LOOK_ALIKE_TABLE = {ord(char): new for char, new in _LOOK_ALIKE.items()}
_FUNCTIONS = rules(
    (r"\b(?:math|np|numpy|torch)\.(?=exp|log|square|pow)", ""),
    (r"\bsquare\(((?:[^()]|\([^()]*\))*)\)", r"(\1)^2"),
    (r"\bpow(?:er)?\(((?:[^(),]|\([^()]*\))*),\s*2(?:\.0*)?\)", r"(\1)^2"),
)
"""Functions of Python, where a bracket follows the name of one."""
_HAS_FUNCTION = re.compile(r"\.(?:exp|log)|square\(|pow(?:er)?\(")
_TAGS = (
    "b|i|u|s|em|strong|p|font|center|pre|code|samp|kbd|var|tt|mark|small|big|del|ins|li|ul|ol|div|span|section|blockquote"
    "|details|summary|figure|figcaption|td|tr|th|h\\d"
)
_D = r"(?:del_?|dou_?|partial_?|d_?)"
"""`∂` as the names of programs and sentences spell it."""
_CYRILLIC = str.maketrans("аАеЕоОхХсСтТНі", "aAeEoOxXcCtTHi")
_INLINE = rules(
    (r"(?<![А-яё])[аАеЕоОхХсСтТНі](?![А-яё])", lambda m: m.group(0).translate(_CYRILLIC), *"аАеЕоОхХсСтТНі"),
    (r"(?<=[\w)])\s*\.\*\s*(?=[\w(])", " * ", ".*"),
    (r"(?<=[\d)])\s_\s(?=\(?[A-Za-z][A-Za-z_]{0,6}\d)", " * ", "_"),  # a formatter's emphasis: `*` became `_`
    (r"\(\s*[d∂]\s*\)\s*(?=[A-Za-zσ(])", "∂", "d", "∂"),
    (
        rf"(?<![\w\\]){_D}(\w{{1,20}}?)_(?:by|over|upon|wrt)_(?:{_D})?([A-Za-z]\w{{0,12}})(?!\w)",
        r"d\1_d\2",
        "_by_",
        "_over_",
        "_upon_",
        "_wrt_",
    ),
    (
        rf"(?<![\w\\]){_D}(\w{{1,20}}?)_(?:del|dou|partial)_?([A-Za-z]\w{{0,12}})(?!\w)",
        r"d\1_d\2",
        "_del",
        "_dou",
        "_partial",
    ),
    (r"(?<![A-Za-z])(?:del|dou)\s+(?=[A-Za-z])", "∂", "del", "dou"),
    (
        r"(?<![A-Za-z\\])(?:del|dou|partial)[\s_]*(?=[EJLwWhHoO]_?(?![a-z])|(?:a|out|net|z)_)",
        "∂",
        "del",
        "dou",
        "partial",
    ),
    (
        r"(?<![A-Za-z])([d∂]\s?[EJLCaoh]\w{0,8})\s+(?:by|upon|over)\s+(?=[d∂]\s?[wWaoh]_?\w{0,5}\d)",
        r"\1/",
        "by",
        "upon",
        "over",
    ),
    (r"(?<=[aAEhHiIoOtTwWzZ])_\(([A-Za-z]{0,5}_?[1-9]\d?)\)", r"_\1", "_("),
    (r"(?i)</(?:li|p)\s*>|(?<=[\w)²;])\s*<(?:li|p)\b[^<>]*>", " ; ", "<"),
    (r"(?i)<\s*sup\s*>(.{0,300}?)<\s*/\s*sup\s*>", r"^(\1)", "<"),
    (r"(?i)<\s*sub\s*>(.{0,300}?)<\s*/\s*sub\s*>", r"_\1", "<"),
    (r"(?<=[\w)\]}])\s+[xX]\s+(?=[\w(\[{∂δ])", " * ", "x", "X"),
    (r"(?i)(?<=[\w)²`*])\s*<br\s*/?>(?=[\s`*]*[∂dδwaohE(\\][^<=]{0,60}=)", " ; ", "<"),
    (r"(?i)<br\s*/?>", " ", "<"),
    (rf"(?i)</?(?:{_TAGS})\b[^<>]*>", " ", "<"),
    (r"‖([^‖]{1,200})‖|\|\|([^|]{1,200})\|\|", lambda m: f"({m.group(1) or m.group(2)})", "‖", "||"),
    (r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z]{2,31});", lambda m: html.unescape(m.group(0)), "&"),
)
_SUPERSCRIPT_RUN = re.compile("[" + "".join(_SUPERSCRIPTS) + "]+")
_VULGAR = rules((r"½", "(1/2)"), (r"¼", "(1/4)"))
_DECIMAL_COMMA = rules(
    (r"(?<![\w.,])(\d{1,2}),(\d{1,4})(?=\s*(?:[*/·×⋅∙•∗(]|\\cdot|\\times))", r"\1.\2"),
    (r"(?<=[*/·×⋅∙•∗])(\s*\d{1,2}),(\d{1,4})(?![\w,.])", r"\1.\2"),
)
"""A comma between digits is a decimal point where an operator stands beside the number."""
_RUN = re.compile(r"\s{9,}|-{9,}|_{9,}")


def _of_eight(run: re.Match[str]) -> str:
    return (" " if run.group(0).isspace() else run.group(0)[0]) * 8


def without_runs(text: str) -> str:
    """The text with every run of blanks, dashes or underscores cut to eight of them.

    No formula needs more, and patterns that begin or end in such a class take quadratic time on a long run.
    """
    return _RUN.sub(_of_eight, text)


def _of_superscripts(run: re.Match[str]) -> str:
    """`²` as `^(2)`; a sign alone, as in `e⁻h1`, belongs to what follows."""
    plain = "".join(_SUPERSCRIPTS[c] for c in run.group(0))
    return f"^{plain}" if plain == "-" else f"^({plain})"


def plain_notation(line: SourceText) -> SourceText:
    """Replace HTML, superscripts, compatibility characters, look-alikes and all kinds of brackets."""
    line = line.sub(_RUN, _of_eight)
    if "," in line.text:
        line = line.rewritten(_DECIMAL_COMMA)
    if _HAS_FUNCTION.search(line.text):
        line = line.rewritten(_FUNCTIONS)
    line = _subscripts(line, 3).rewritten(_INLINE)
    if not line.text.isascii():
        line = line.sub(_SUPERSCRIPT_RUN, _of_superscripts)
        line = line.rewritten(_VULGAR)
        line = line.translate(
            {ord(c): unicodedata.normalize("NFKC", c) for c in set(line.text) if not c.isascii()}
        )
    line = line.translate(_LOOK_ALIKE_TABLE)
    return line.rewritten(_POSITIVE_PARTS) if ">" in line.text or "max" in line.text else line


_POSITIVE_PARTS = rules(
    (r"\bmax(?:imum)?\(\s*0(?:\.0*)?\s*,\s*(\w+)\s*\)", r"relu(\1)"),
    (r"\bmax(?:imum)?\(\s*(\w+)\s*,\s*0(?:\.0*)?\s*\)", r"relu(\1)"),
    (r"\b1\s+if\s+(\w+)\s*>\s*0\s+else\s+0\b", r"step(\1)"),
    (r"(?:(?<![\w.])[1I]\s*_?\s*)?(?<![A-Za-z])\(\s*(\w+)\s*>\s*0\s*\)", r"step(\1)"),
)
"""What a ReLU keeps, and where it keeps it: names that only a network with one knows."""

LIST_MARK = re.compile(r"^\s*(?:[-+*]|\d{1,2}[.)])\s+")
_MARKDOWN = rules(
    (r"!\[[^\]]{0,500}\]\([^)]*\)", " ", "!["),
    (r"\[([^\]]{0,500})\]\((?:https?:|\.|/)[^)]*\)", r"\1", "]("),
    (r"^\s*(?:>\s*)+", "", ">"),
    (r"^\s*#{1,6}\s+", "", "#"),
)
_EMPHASIS = rules(
    (r"^(\s*)\*(?=[^\s*])(.*[^\s*\\])\*(?=\s*(?:<br\s*/?>)?\s*$)", r"\1\2", "*"),
    (
        r"(?<=[\w)\]²])\*(?=\s+(?:&|and|,|;)\s+\*[\w∂(])|(?<=[\w)\]²]\*\s&\s)\*|(?<=[\w)\]²]\*\sand\s)\*",
        " ",
        "&",
        "and",
        ",",
        ";",
    ),
    (r"`", " ", "`"),
    (r"\\([*_\[\]()#+.!<>~-])", r"\1", "\\"),
    (
        r"\*{3}|(?<![\w)\]])\*\*(?![23](?!\w))(?=[\w∂(\[])|(?<=[\w)\]²])\s?\*\*(?!\s*[\w(\[∂])|\*\*(?=\s*$)|^\s*\*\*",
        " ",
        "**",
    ),
    (r"(?<![\w])__?(?=[∂aEehowσ])|__?(?=\s*$)|(?<=[\w)\]])__(?=\W)", " ", "_"),
    (r"\\\s*$", "", "\\"),
)


_LOOSE_STAR = re.compile(r"(?<=[\w)\]²])\*(?=\s*(?:<br\s*/?>\s*)?$)")
"""The end of an emphasis, alone on its line: no product goes on where the other stars are escaped."""


def strip_markdown(line: SourceText) -> SourceText:
    """Undo Markdown's own decoration on a raw line; never render it, for emphasis eats the `*` of products."""
    if "\\*" in line.text and not line.text.lstrip().startswith("*"):
        line = line.sub(_LOOSE_STAR, " ")
    line = line.rewritten(_MARKDOWN)
    for _ in range(2):
        if LIST_MARK.match(line.text):
            line = line.sub(LIST_MARK, "")
    return line.rewritten(_EMPHASIS)
