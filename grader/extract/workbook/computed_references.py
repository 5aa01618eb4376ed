"""References that a formula computes from constants, written out: `INDIRECT("G1")`, `OFFSET(A5,-1,0)`,
`INDEX($F$1:$G$1,1,2)`, `INDIRECT("C"&ROW())`.

What is computed from other cells stays as it is; the evaluator refuses it by name.
"""

import re
from functools import lru_cache

from grader.core.place import letters as column_letters

_REF = r"(?P<prefix>(?:'(?:[^']|'')+'|[^\W\d][\w.]*)!)?(?P<c1>\$?[A-Za-z]{1,3})(?P<r1>\$?\d{1,7})"
_INDIRECT = re.compile(
    r'\bINDIRECT\(\s*"(?P<text>[^"]{1,60})"\s*(?:&\s*(?P<more>\d{1,7}|ROW\(\s*\)\s*(?P<step>[-+]\s*\d{1,4})?)\s*)?\)',
    re.IGNORECASE,
)
_PLAIN = re.compile(r"(?P<prefix>(?:'(?:[^']|'')+'|[^\W\d][\w.]*)!)?\$?(?P<c>[A-Za-z]{1,3})\$?(?P<r>\d{1,7})")
_COLUMN = re.compile(r"(?P<prefix>(?:'(?:[^']|'')+'|[^\W\d][\w.]*)!)?\$?(?P<c>[A-Za-z]{1,3})\$?")
_OFFSET = re.compile(
    rf"\bOFFSET\(\s*{_REF}\s*,\s*(?P<rows>[-+]?\d{{0,5}})\s*,\s*(?P<columns>[-+]?\d{{0,4}})\s*\)",
    re.IGNORECASE,
)
_INDEX = re.compile(
    rf"\bINDEX\(\s*{_REF}:(?P<c2>\$?[A-Za-z]{{1,3}})(?P<r2>\$?\d{{1,7}})\s*,\s*(?P<m>\d{{1,5}})\s*(?:,\s*(?P<n>\d{{1,4}})\s*)?\)",
    re.IGNORECASE,
)


@lru_cache(maxsize=1_024)  # asked once a cell
def column_number(letters: str) -> int:
    """`A` is 1, `Z` 26, `AA` 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def written_out(formula: str, row: int) -> str:
    """Return the formula of a cell in a row with its computed references as plain ones."""
    if (
        "INDIRECT" not in formula.upper()
        and "OFFSET" not in formula.upper()
        and "INDEX" not in formula.upper()
    ):
        return formula
    formula = _INDIRECT.sub(lambda m: _indirect(m, row), formula)
    return _INDEX.sub(_index, _OFFSET.sub(_offset, formula))


def _indirect(match: re.Match[str], row: int) -> str:
    text, more = match["text"], match["more"]
    if more is None:
        whole = _PLAIN.fullmatch(text)
        return f"{whole['prefix'] or ''}${whole['c']}${whole['r']}" if whole else match[0]
    column = _COLUMN.fullmatch(text)
    if column is None:
        return match[0]
    if more.isdigit():
        return f"{column['prefix'] or ''}${column['c']}${more}"
    at = row + int((match["step"] or "0").replace(" ", ""))
    return f"{column['prefix'] or ''}${column['c']}{at}" if at > 0 else match[0]


def _offset(match: re.Match[str]) -> str:
    return _moved(match, _whole(match["rows"]), _whole(match["columns"]))


def _index(match: re.Match[str]) -> str:
    one_row = match["r1"].lstrip("$") == match["r2"].lstrip("$")
    m, n = int(match["m"]), int(match["n"] or 0)
    if n == 0 and one_row:
        m, n = 1, m
    if m < 1 or max(n, 1) < 1:
        return match[0]
    return _moved(match, m - 1, max(n, 1) - 1)


def _whole(text: str) -> int:
    return int(text) if text.strip("+-") else 0


def _moved(match: re.Match[str], rows: int, columns: int) -> str:
    letters, digits = match["c1"], match["r1"]
    column = column_number(letters.lstrip("$")) + columns
    row = int(digits.lstrip("$")) + rows
    if row < 1 or column < 1:
        return match[0]
    fixed = "$" if letters.startswith("$") else "", "$" if digits.startswith("$") else ""
    return f"{match['prefix'] or ''}{fixed[0]}{column_letters(column)}{fixed[1]}{row}"
