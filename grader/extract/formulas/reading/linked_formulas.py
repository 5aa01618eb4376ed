"""LaTeX inside images and their addresses, and equations that stand for a picture."""

import re
from urllib.parse import unquote

from grader.extract.formulas.reading.source_map import SourceText

_TITLE = re.compile(r'title="([^"]*)"')
_GITHUB_MATH = re.compile(
    r"render\.githubusercontent\.com/render/math\?math=(.+?)(?:\)\s*$|\)(?=[,;.\s])|\">)"
)
_GITHUB_SRC = re.compile(r"src=[\"'][^\"']*render/math\?math=([^\"']+)[\"']")
_CODECOGS = re.compile(
    r"(?:codecogs\.com/[a-z]+\.(?:latex|image)\?|chart\.googleapis\.com/chart\?cht=tx(?:&|&amp;)chl=)"
    r"(.+?)(?:\)\s*$|\"|\)(?=\s|<)|\s)"
)
_OTHER_HOSTS = re.compile(
    r"(?:math\.vercel\.app/?\?(?:[^)\s\"]*&)?from=|upmath\.me/(?:svg|png)/)(.+?)(?:\)\s*$|\"|\)(?=\s|<)|\s(?=/?>))"
)
_WITH_BLANKS = re.compile(r"=\"https?://[\w.]*codecogs\.com/[a-z]+\.(?:latex|image)\?([^\"]*\s[^\"]*)\"")
"""An address in quotes as a browser takes it, with the blanks that another would have escaped."""
_EDITOR = re.compile(r"codecogs\.com/eqnedit\.php\?latex=([^\"]+)\"")
_CUT_OFF = re.compile(r"codecogs\.com/eqnedit\.php\?latex=([^\"]+\\\\)[^\"]*$")
_ALT = re.compile(r"!\[([^\]]*\\[^\]]*)\]\(")
ALTERNATIVE = re.compile(r"[\s*+>-]*!\[([^\]]*(?:∂|(?<!\w)d[EL]\w*\s?/\s?dw)[^\]=]*=[^\]]*)\]\([^()]*\)\W*$")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_STATEMENT_END = re.compile(r"(?<=[\w)}])\s+\\?[.,]\s+(?=\w)|\\% ?\.\\?%? ?")
_PLUS, _SPACE = re.compile(r"&plus;"), re.compile(r"&space;")


def linked_formulas(line: SourceText) -> list[SourceText]:
    """LaTeX inside images and their addresses (codecogs, GitHub's math renderer, Google charts).

    The first that is there in full counts, of: title, address, address of the editor, alternative text.
    """
    github = _GITHUB_MATH.search(line.text) is not None
    for pattern in (
        _TITLE,
        _GITHUB_SRC,
        _GITHUB_MATH,
        _WITH_BLANKS,
        _CODECOGS,
        _OTHER_HOSTS,
        _EDITOR,
        _ALT,
        ALTERNATIVE,
    ):
        parts = [line[m.start(1) : m.end(1)] for m in pattern.finditer(line.text)]
        if not parts:
            continue
        seen: dict[str, SourceText] = {}
        for part in parts:
            seen.setdefault(part.text, part)
        if pattern in (_TITLE, _ALT, ALTERNATIVE):
            return [_unescaped(part) for part in seen.values()]
        plain = [_unescaped(part).sub(_PERCENT, lambda m: unquote(m.group(0))) for part in seen.values()]
        if not github:
            return plain
        spaced = [part.sub(_ESCAPED_SPACE, " ") for part in plain]
        return [piece for part in spaced for piece in part.split(_STATEMENT_END)]
    cut = _CUT_OFF.search(line.text)  # a line that stops inside the address: its last row is not whole
    return [_unescaped(line[cut.start(1) : cut.end(1)])] if cut else []


_ESCAPED_SPACE = re.compile(r"\\ ")


def _unescaped(part: SourceText) -> SourceText:
    return part.sub(_PLUS, "+").sub(_SPACE, " ")


_HOSTS = r"https?://[^\s()\"'<>]*(?:codecogs\.com/[a-z]+\.(?:latex|image)\?|render/math\?math=|chart\?cht=tx(?:&|&amp;)chl=)"
_PICTURE = re.compile(
    rf"!\[[^\]]*\]\(\s*{_HOSTS}([^\s()]*(?:\([^\s()]*\)[^\s()]*)*)\)|<img\b[^<>]*?src=[\"']{_HOSTS}([^\"'<>]*)[\"'][^<>]*>"
)
_OPERATOR = r"(?:[=*+/·×-]|\\cdot|\\times)"
_JOINT = re.compile(
    rf"\$\s*({_OPERATOR})\s*\$|\$\s*\$(?=\s*{_OPERATOR})|(?<=[=*+(·×-])\s*\$\s*\$|(?<=\\cdot)\s*\$\s*\$|(?<=\\times)\s*\$\s*\$"
)


def written_in_line(line: SourceText) -> tuple[SourceText, bool] | None:
    """The line with LaTeX between dollars for each picture of it, and whether one formula stands over several:
    `A` in one and `= B` in the next. None for a line that is one picture.
    """
    if not _PICTURE.search(line.text):
        return None
    written = line.sub(
        _PICTURE, lambda m: f"${unquote(m[1] or m[2]).replace('&plus;', '+').replace('&space;', ' ')}$"
    )
    joined = written.sub(_JOINT, lambda m: f" {m[1] or ''} ")
    alone = joined.text.strip(" *_-\t").strip("$").count("$") == 0
    return None if alone and joined.text == written.text else (joined, joined.text != written.text)
