"""Bytes of a text artefact -> text, with a record of everything that had to be repaired.

Students' READMEs reach us as UTF-8, UTF-16, Windows code pages, and as *mojibake*: UTF-8 that some editor
read as Windows-1252 or -1254 and saved again (`Ïƒ` for σ). The repair is conservative: a run of characters is
decoded again only where its bytes are valid UTF-8 for a character that formulas and prose use.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from grader.core.evidence.documents import TextRepair
from grader.extract.documents.code_pages import other_code_page

_Note = Callable[[str, str], None]


class DecodedText(NamedTuple):
    """Decoded text with `\\n` line ends. `encoding` names the code page that was used."""

    text: str
    encoding: str
    repairs: tuple[TextRepair, ...]
    cut: bool = False
    """Whether the text goes on beyond the limit."""
    rest: int = 0
    """Line ends beyond the limit."""


def decode(data: bytes, limit: int | None = None) -> DecodedText:
    """Decode the bytes of a text file and mend mojibake; any bytes give a text, none raises.

    `\\r\\n` and `\\r` become `\\n`, so that lines count as an editor counts them. Pictures that stand in the
    text itself are cut out of it: base64 is nothing to read. Of a text above `limit` characters the first are
    returned.
    """
    text, encoding = decode_bytes(data)
    text = without_pasted(text.replace("\r\n", "\n").replace("\r", "\n"))
    cut = limit is not None and len(text) > limit
    rest = text.count("\n", limit) if cut else 0
    text, repairs = mend_mojibake(text[:limit] if cut else text)
    return DecodedText(text, encoding, repairs, cut, rest)


_PASTED = re.compile(r"(data:image/[a-z+.-]{1,20};base64,)[A-Za-z0-9+/=\s]{100,}+")


def without_pasted(text: str) -> str:
    """Cut the bytes of pictures out of a text, and keep where they stood."""
    return _PASTED.sub(r"\1", text) if "data:image/" in text else text


def decode_bytes(data: bytes) -> tuple[str, str]:
    """Return the text of any bytes and the name of the code page that was used."""
    for mark, name in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe\x00\x00", "utf-32"),
        (b"\x00\x00\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(name, errors="replace"), name
    if data.count(0) > len(data) // 4:
        little = data[1::2].count(0) >= data[0::2].count(0)
        name = "utf-16-le" if little else "utf-16-be"
        return data.decode(name, errors="replace"), name
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    lenient = data.decode("utf-8", errors="replace")
    if lenient.count("\ufffd") * 8 <= sum(c > "\x7f" for c in lenient):  # UTF-8 with a few broken characters
        return lenient, "utf-8 (damaged)"
    found = other_code_page(data)
    if found is not None:
        return found
    # Bytes that Windows-1252 leaves undefined keep their number, as browsers do (WHATWG Encoding, index
    # windows-1252).
    return "".join(_WINDOWS_1252.get(b, chr(b)) for b in data), "windows-1252"


_UNDEFINED_FREE = [b for b in range(0x80, 0x100) if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)]
_WINDOWS_1252 = {b: bytes([b]).decode("cp1252") for b in _UNDEFINED_FREE}


def _images() -> dict[str, int]:
    """Characters that one byte >= 0x80 shows as in Windows-1252, Windows-1254 or Latin-1, with that byte."""
    images: dict[str, int] = {}
    for byte in range(0x80, 0x100):
        for page in ("cp1252", "cp1254", "latin-1"):
            try:
                images.setdefault(bytes([byte]).decode(page), byte)
            except UnicodeDecodeError:
                continue
    return images


_BYTE = _images()
_RUN = re.compile("[" + re.escape("".join(_BYTE)) + "]{2,}")
_PLAUSIBLE = (  # what a repaired character may be; `×·` would otherwise become Hebrew
    (0x00A0, 0x0178), (0x0192, 0x0192), (0x02C0, 0x02DF), (0x0370, 0x03FF), (0x2000, 0x209F), (0x20A0, 0x20BF),
    (0x2100, 0x25FF), (0x2600, 0x27BF), (0x27C0, 0x2BFF), (0xFE0F, 0xFE0F), (0xFF08, 0xFF1F), (0x1D400, 0x1D7FF),
    (0x1F300, 0x1FAFF),
)  # fmt: skip


def mend_mojibake(text: str) -> tuple[str, tuple[TextRepair, ...]]:
    """Undo UTF-8 read as a Windows code page, also twice over; returns the text and what was changed.

    Every mathematical letter U+1D400..1D7FF starts with the bytes F0 9D, and 9D is undefined in Windows-1252
    and -1254, so editors drop it: `ğœ•` is 𝜕 without its 9D. It is put back where exactly that gives such a
    letter.
    """
    if text.isascii():
        return text, ()
    counts: dict[tuple[str, str], list[int]] = {}
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if line.isascii():
            continue
        lines[number - 1] = _mend_line(line, number, counts)
    repairs = tuple(
        TextRepair(found=found, became=became, count=count, line=first)
        for (found, became), (count, first) in counts.items()
    )
    return "\n".join(lines), repairs


def _mend_line(line: str, number: int, counts: dict[tuple[str, str], list[int]]) -> str:
    def note(found: str, became: str) -> None:
        entry = counts.setdefault((found, became), [0, number])
        entry[0] += 1

    for _ in range(3):
        mended = _RUN.sub(lambda match: _mend_run(match.group(0), note), line)
        if mended == line:
            break
        line = mended
    return _mend_with_ftfy(line, note)


_SAFE = (
    "\xa0\xad·´–—―…’"  # what ftfy calls common
    "²³¹±¼½¾×µ÷⁄∂∆∏∑√∞∩∫≈≠≡≤≥№"  # what it calls numeric
    "\u0386-\u03ff\u2032-\u2037\u2070-\u209c\u2190-\u22ff\U0001d400-\U0001d7ff"  # Greek; unknown to it
)
_TWO = re.compile("[^\x00-\x7f]{2}|[\x80-\x9fŒœÂÃ]")
_DOUBTFUL = re.compile(f"[^\x00-\x7f{_SAFE}]|×[²³]|√[±∂≠≤≥µ´]")


def may_be_bad(line: str) -> bool:
    """Whether ftfy's heuristic can see mojibake in a line. It looks for two characters beyond ASCII in a row
    or one of five, and one of them is never a Greek letter or a sign of arithmetic: of the lines of a
    derivation few are left, and ftfy takes 0.07 s to be imported.
    """
    return _TWO.search(line) is not None and _DOUBTFUL.search(line) is not None


def _mend_with_ftfy(line: str, note: _Note) -> str:
    """Mend what ftfy can, which knows more code pages; asked only where its own heuristic sees mojibake."""
    if not may_be_bad(line):
        return line
    import ftfy
    from ftfy.badness import is_bad

    if not is_bad(line):
        return line
    fixed: str = ftfy.fix_encoding(line)
    if fixed == line:
        return line
    old, new = _changed_part(line, fixed)
    note(old, new)
    return fixed


def _changed_part(old: str, new: str) -> tuple[str, str]:
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    tail = 0
    while tail < min(len(old), len(new)) - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return old[start : len(old) - tail], new[start : len(new) - tail]


def _mend_run(run: str, note: _Note) -> str:
    raw = bytes(_BYTE[c] for c in run)
    out: list[str] = []
    at = 0
    while at < len(raw):
        became, used = _one_character(raw, at)
        if used:
            note(run[at : at + used], became)
            out.append(became)
            at += used
        else:
            out.append(run[at])
            at += 1
    return "".join(out)


def _one_character(raw: bytes, at: int) -> tuple[str, int]:
    """The UTF-8 character that starts at `raw[at]` and how many bytes of `raw` it takes; 0 where there is
    none.
    """
    lead = raw[at]
    length = 2 if 0xC2 <= lead <= 0xDF else 3 if 0xE0 <= lead <= 0xEF else 4 if 0xF0 <= lead <= 0xF4 else 0
    if not length:
        return "", 0
    candidates = [(raw[at : at + length], length)]
    if length == 4:
        candidates.append((bytes([lead, 0x9D]) + raw[at + 1 : at + 3], 3))
    for piece, used in candidates:
        try:
            char = piece.decode("utf-8")
        except UnicodeDecodeError:
            continue
        restored = used < len(piece)
        if len(char) == 1 and (0x1D400 <= ord(char) <= 0x1D7FF if restored else _plausible(char)):
            return char, used
    return "", 0


def _plausible(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in _PLAUSIBLE)
