"""Decoding of text artefacts and the repair of mojibake."""

import re

import pytest
from ftfy.badness import BADNESS_RE, MOJIBAKE_CATEGORIES, is_bad
from hypothesis import given
from hypothesis import strategies as st

from grader.extract.documents.text import decode, may_be_bad, mend_mojibake

LETTERS = [chr(c) for c in range(0x1D6A8, 0x1D7CC)]  # every mathematical Greek letter, 𝜕 and 𝟃 among them


def garble(text: str, page: str, *, keep_undefined: bool) -> str:
    """What an editor makes of UTF-8 bytes that it takes for a Windows code page."""
    out = []
    for byte in text.encode("utf-8"):
        try:
            out.append(bytes([byte]).decode(page))
        except UnicodeDecodeError:
            if keep_undefined:
                out.append(chr(byte))
    return "".join(out)


@pytest.mark.parametrize("page", ["cp1252", "cp1254", "latin-1"])
@pytest.mark.parametrize(
    "text", ["σ", "η", "∂E/∂w1", "a² × ½ · b", "−1", "δ α Δ", "“quoted”", "█▌", "𝜕E_t/𝜕w5", "é"]
)
def test_mojibake_is_undone(page: str, text: str) -> None:
    mended, repairs = mend_mojibake("x = " + garble(text, page, keep_undefined=True))
    assert mended == "x = " + text
    assert repairs


@pytest.mark.parametrize("page", ["cp1252", "cp1254"])
@pytest.mark.parametrize("keep", [True, False], ids=["9D kept", "9D lost"])
def test_every_mathematical_letter_comes_back(page: str, keep: bool) -> None:
    undefined = {0x81, 0x8D, 0x8E, 0x8F, 0x90, 0x9D, 0x9E}
    letters = [c for c in LETTERS if keep or not undefined & set(c.encode("utf-8")[2:])]
    assert len(letters) > 140
    for letter in letters:
        mended, repairs = mend_mojibake(f"({garble(letter, page, keep_undefined=keep)}E)")
        assert mended == f"({letter}E)"
        assert repairs[0].became == letter


def test_twice_garbled_text_comes_back() -> None:
    once = garble("σ(h1)", "latin-1", keep_undefined=True)
    assert mend_mojibake(garble(once, "cp1252", keep_undefined=True))[0] == "σ(h1)"


@pytest.mark.parametrize(
    "text",
    [
        "∂E/∂w1 = (a_o1 - t1) × a_o1·(1 − a_o1)²",
        "ğ is a letter",
        "δE × ½ – σ(h1)",
        "ðE/ðw5",
        "×·",
        "naïve café",
        "𝜕E_t/𝜕w1",
        "½·³",
    ],
)
def test_right_text_is_left_alone(text: str) -> None:
    assert mend_mojibake(text) == (text, ())


def test_repairs_are_counted_with_their_first_line() -> None:
    _, repairs = mend_mojibake("a\nÏƒ\nÏƒ Ïƒ")
    assert [(r.found, r.became, r.count, r.line) for r in repairs] == [("Ïƒ", "σ", 3, 2)]
    assert str(repairs[0]) == "'Ïƒ' read as 'σ' (first on line 2, 3 times)"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("σ² = ½\r\n1".encode(), "utf-8"),
        ("σ² = ½\n1".encode("utf-8-sig"), "utf-8-sig"),
        ("σ² = ½\n1".encode("utf-16"), "utf-16"),
        ("σ² = ½\r1".encode("utf-16-le"), "utf-16-le"),
        ("σ² = ½\n1".encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_encodings(data: bytes, encoding: str) -> None:
    # without a byte-order mark UTF-16 is told by its NULs, which this short text has too few of
    if encoding in ("utf-16-le", "utf-16-be"):
        data = data + ("\nplain text " * 4).encode(encoding)
    decoded = decode(data)
    assert decoded.text.startswith("σ² = ½\n1")
    assert decoded.encoding == encoding


def test_windows_text_and_damaged_utf8() -> None:
    assert decode("a² × ½ – é".encode("cp1252"))[:3] == ("a² × ½ – é", "windows-1252", ())
    damaged = "∂E/∂w1 = ∂E1/∂w1 + ∂E2/∂w1 — ½ × ²".encode() + b"\x82"
    assert decode(damaged).encoding == "utf-8 (damaged)"
    assert decode(damaged).text.startswith("∂E/∂w1")


@given(st.binary(max_size=300))
def test_any_bytes_give_text(data: bytes) -> None:
    decoded = decode(data)
    assert "\r" not in decoded.text


@given(st.text(max_size=200))
def test_repair_is_idempotent(text: str) -> None:
    once, _ = mend_mojibake(text)
    assert mend_mojibake(once)[0] == once


def test_no_line_that_ftfy_would_mend_is_kept_from_it() -> None:
    """Every pair of the characters that its heuristic knows, in the places where it may see one."""
    known = re.compile("[" + "".join(MOJIBAKE_CATEGORIES.values()) + "]")
    characters = [chr(code) for code in (*range(0x80, 0x2600), 0xF8FF, 0xFB01, 0xFB02, 0xFFFD)]
    characters = [char for char in characters if known.match(char)]
    assert len(characters) > 400
    lines = (
        form.format(a, b) for a in characters for b in characters for form in ("a{}{}x", "{} {}", " {}{} ")
    )
    missed = [line for line in lines if BADNESS_RE.search(line) and not may_be_bad(line)]
    assert missed == []


@given(st.text(st.sampled_from("aZ. ÂÃâ€œ™ðŸ∂ση·×²½√´≤±°¢вЂГўŒœ\x80\x9f\xa0ØÙ‚Ä"), max_size=12))
def test_nor_is_any_other_line(line: str) -> None:
    assert may_be_bad(line) or not is_bad(line)


@pytest.mark.parametrize(
    "line", ["∂E/∂w5 = (a_o1 − t1)·σ′(o1)·a_h1", "½*(t1 - a_o1)² ≤ η", "w₁ → 0.15 … “so”"]
)
def test_a_line_of_a_derivation_does_not_import_ftfy(line: str) -> None:
    assert not may_be_bad(line)
