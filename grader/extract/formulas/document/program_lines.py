"""Gradients as a program in a README gives them: the value that a function returns, a `lambda`, the entries of a dictionary.

Each becomes the line that assigns it, `dE_dw5 = …`. A function of bare neurons, `def dE_dw5(o1, h1)`, stays as it is:
whether its o1 is a sum or an activation, only its callers know. Cells of notebooks are left alone: what runs there may
be about anything.
"""

import re
from collections.abc import Sequence

from grader.backprop.assigned import network
from grader.backprop.name_patterns import Named
from grader.core.evidence.documents import Block, SourceLine

MOST_LINES = 12
"""Lines of a function that are looked at."""
_GRADIENT = r"(?:d[ELJ]?_?(?:total|tot|t)?_?(?:by_)?d?_?w_?|grad(?:ient)?s?_?(?:of_|for_)?(?:d[ELJ]_?d)?w_?)(@weights@)(?!\d)"
_NAMED = r"(?:\w*(?:[gG]rad|[dD]eriv)\w*|d[ELJ](?:_?\w*)?)"
"""How a dictionary of gradients is called; `model` holds weights."""
_FUNCTION = Named(rf"^\s*def\s+{_GRADIENT}\s*\((?P<parameters>[^()]*)\)[^:]*:\s*(?P<rest>.*)$")
_LAMBDA = Named(rf"^\s*{_GRADIENT}\s*=\s*lambda\b(?P<parameters>[^:]*):(?P<value>.+)$")
_ITEM = Named(rf"^\s*\w*\[\s*['\"](?:{_GRADIENT}|w_?(?P<plain>@weights@))['\"]\s*\]\s*=(?!=)(?P<value>.+)$")
_ENTRY = Named(
    rf"^\s*[{{(]?\s*['\"](?:{_GRADIENT}|w_?(?P<plain>@weights@))['\"]\s*:(?P<value>.+?),?\s*\}}?\s*$"
)
_JSON = Named(rf"^\s*\{{?\s*\"{_GRADIENT}\"\s*:\s*\"(?P<value>[^\"]+)\"\s*,?\s*\}}?\s*$")
"""A gradient as a text of JSON."""
_KEYWORD = Named(rf"^\s*{_GRADIENT}\s*=(?!=)(?P<value>.+?),\s*$")
_OPENS = re.compile(rf"^\s*{_NAMED}\s*(?::[^=]*)?=\s*(?:\{{|dict\s*\()")
_CLOSES = re.compile(r"^\s*[})]")
_RETURNS = re.compile(r"^\s*return\s+(?P<value>.+?)\s*;?\s*$")
_ASSIGNS = re.compile(r"^\s*(?P<name>[A-Za-z_]\w*)\s*=(?!=)(?P<value>.+)$")
_BARE = re.compile(r"(?<![A-Za-z0-9_])(?:[hoyxz]_?\d|out_?\d|net_?\d)\s*(?=,|$|:|=)")
_OF_GRADIENTS = re.compile(rf"\s*{_NAMED}$")
_PRODUCT = "np.multiply("


def as_assignments(lines: Sequence[SourceLine]) -> list[SourceLine]:
    """The lines, with each gradient of a program as a line that assigns it, in its place."""
    lines = _counted_from_one(lines)
    found = list(lines)
    in_dictionary = False
    for k, line in enumerate(lines):
        if line.block is not Block.FENCE:
            in_dictionary = False
            continue
        if _PRODUCT in line.text:
            found[k] = line._replace(text=_with_products(line.text))
        if in_dictionary:
            in_dictionary = _CLOSES.match(line.text) is None
            match = _ENTRY().match(line.text) or _KEYWORD().match(line.text)
            if match is not None:
                found[k] = _assigned(line, match.groupdict().get("plain") or match[1], match["value"])
        elif _OPENS.match(line.text):
            in_dictionary = not line.text.rstrip().endswith(("}", ")", "{}"))
        elif (entry := _JSON().match(line.text)) is not None:
            found[k] = _assigned(line, entry[1], entry["value"])
        elif "def" in line.text and (function := _FUNCTION().match(line.text)):
            _put_value(found, k, function)
        else:
            _put_line(found, k)
    return found


_ENTRY_OF = re.compile(r"(?<![\w\].])(?P<name>[A-Za-z_]\w{0,20})\[\s*(?P<k>\d)\s*\](?!\s*\[)")

_WEIGHTS = re.compile(r"(?:\w*_)?(?:[wW]|[wW]eights?)")
_OF_WEIGHTS = re.compile(r"[wW]$|[wW]eight|[gG]rad")
"""Ends or parts of the names of lists that have an entry for each weight."""


def _counted_from_one(lines: Sequence[SourceLine]) -> Sequence[SourceLine]:
    """The lines with the entries of a list that a program counts from zero, `dw[0] = …`, counted from one."""
    entries = [m for line in lines if line.block is Block.FENCE for m in _ENTRY_OF.finditer(line.text)]
    from_zero = {m["name"] for m in entries if m["k"] == "0"}
    if not from_zero:
        return lines
    last = str(len(network().weights))
    from_one = {m["name"] for m in entries if m["k"] == last}  # `dw[0] = … * w[4] …`: no w[0] is needed
    if any(_OF_WEIGHTS.search(name) for name in from_zero):  # `losses[0]` says nothing of them
        from_zero |= {m["name"] for m in entries if _WEIGHTS.fullmatch(m["name"])} - from_one

    def counted(match: re.Match[str]) -> str:
        return f"{match['name']}[{int(match['k']) + 1}]" if match["name"] in from_zero else match[0]

    return [
        line._replace(text=_ENTRY_OF.sub(counted, line.text)) if line.block is Block.FENCE else line
        for line in lines
    ]


def _put_line(found: list[SourceLine], k: int) -> None:
    """The assignment of a lambda or of one entry of a dictionary."""
    text = found[k].text
    item = _ITEM().match(text) if "[" in text else None
    if item is not None and (item["plain"] is None or _OF_GRADIENTS.match(text.partition("[")[0].rstrip())):
        found[k] = _assigned(found[k], item["plain"] or item[1], item["value"])
        return
    function = _LAMBDA().match(text) if "lambda" in text else None
    if function is not None and not _BARE.search(function["parameters"]):
        found[k] = _assigned(found[k], function[1], function["value"])


def _put_value(found: list[SourceLine], k: int, function: re.Match[str]) -> None:
    """What a function returns as the value of its gradient, in the line that gives it."""
    if _BARE.search(function["parameters"]):
        return
    inside = _RETURNS.match(function["rest"])
    if inside is not None:
        found[k] = _assigned(found[k], function[1], inside["value"])
        return
    assigned: dict[str, int] = {}
    for n in range(k + 1, min(k + 1 + MOST_LINES, len(found))):
        text = found[n].text
        if text.strip() and not text[:1].isspace():
            return
        returned = _RETURNS.match(text)
        made = _ASSIGNS.match(text)
        if returned is not None:
            at = assigned.get(returned["value"])
            if at is None:
                found[n] = _assigned(found[n], function[1], returned["value"])
            else:
                found[at] = _assigned(found[at], function[1], found[at].text.partition("=")[2])
            return
        if made is not None:
            assigned[made["name"]] = n


def _with_products(text: str) -> str:
    """`np.multiply(a, b)` as `((a) * (b))`, the last one first."""
    for _ in range(MOST_LINES):
        start = text.rfind(_PRODUCT)
        if start < 0:
            break
        depth, comma = 0, -1
        for k in range(start + len(_PRODUCT) - 1, len(text)):
            depth += (text[k] == "(") - (text[k] == ")")
            comma = k if text[k] == "," and depth == 1 else comma
            if depth == 0:
                break
        if depth or comma < 0:
            break
        one, other = text[start + len(_PRODUCT) : comma], text[comma + 1 : k]
        text = f"{text[:start]}(({one}) * ({other.strip()})){text[k + 1 :]}"
    return text


def _assigned(line: SourceLine, weight: str, value: str) -> SourceLine:
    return line._replace(text=f"dE_dw{weight} = {value.strip()}")
