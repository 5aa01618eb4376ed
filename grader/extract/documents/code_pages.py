"""Which code page a text that is neither UTF-8 nor Windows-1252 was written in: decided by whether
mathematics appears.

A derivation is mostly ASCII, and a detector of languages sees too little of one: a GB18030 file whose only
other signs are ∂ is taken for cp775. Where a code page turns the bytes into `∂E` or `σ(`, no other
explanation is left.
"""

import re
from collections.abc import Iterator
from typing import Final

SAMPLE: Final = 65_536
"""Bytes that are looked at."""
_SHARE: Final = 0.1
"""Share of bytes above ASCII from which a text may be of another script: prose of Western Europe has about
0.04."""
_CODE_PAGES: Final = ("gb18030", "cp932", "euc_jp", "euc_kr", "big5", "mac_roman")
_OF_TWO_BYTES: Final = ("gb18030", "cp932", "shift_jis", "euc_jp", "euc_kr", "cp949", "big5", "johab")
_MATHEMATICS: Final = re.compile(r"∂\s?[A-Za-z(]|σ\s?\(|η\s?[*×∂(]|∇\s?[wE]")
_PLAUSIBLE: Final = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3\u3000-\u3003\uff01-\uff1f]")


def other_code_page(data: bytes) -> tuple[str, str] | None:
    """Return the text and the code page of bytes that are no UTF-8; None where Windows-1252 explains them as
    well.
    """
    best, most = "", 0
    for name in dict.fromkeys((*_CODE_PAGES, *_detected(data))):
        text = _decoded(data, name)
        count = len(_MATHEMATICS.findall(text[:SAMPLE])) if text else 0
        if count > most:
            best, most = name, count
    if not best:
        best = next((name for name in _detected(data) if name in _OF_TWO_BYTES and _reads(data, name)), "")
    return (_decoded(data, best), best) if best else None


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode(name)
    except (UnicodeDecodeError, LookupError):
        return ""


def _reads(data: bytes, name: str) -> bool:
    """Whether what is no ASCII is mostly of the scripts that the code page was made for."""
    other = [char for char in _decoded(data, name)[:SAMPLE] if char > "\x7f"]
    return bool(other) and len(_PLAUSIBLE.findall("".join(other))) >= 0.8 * len(other)


def _detected(data: bytes) -> Iterator[str]:
    """Code pages that a detector of languages finds, the likeliest first; it is asked where enough speaks for
    one.
    """
    sample = data[:SAMPLE]
    if sum(byte > 0x7F for byte in sample) < _SHARE * len(sample):
        return
    try:
        from charset_normalizer import from_bytes
    except ModuleNotFoundError:  # an installation that was made before grader needed it
        return
    yield from (match.encoding for match in from_bytes(sample))
