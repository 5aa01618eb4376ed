"""Student text on pages and terminals: nothing live, nothing hidden."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.render import escape
from grader.render.escape import bare, clip, code, codepoint, excerpt, plain, prose, visible


@pytest.mark.parametrize(
    "char",
    [
        "\u202e",
        "\u2066",
        "\u200b",
        "\ufeff",
        "\x1b",
        "\x00",
        "\x9b",
        "\u00ad",
        "\U000e0041",
        "\ud800",
        "\u2028",
        "\r",
    ],
)
def test_characters_that_nobody_sees_are_written_out(char: str) -> None:
    for shown in (prose(f"a{char}b"), code(f"a{char}b"), excerpt(f"a{char}b")):
        assert char not in shown
        assert codepoint(char) in shown
    assert codepoint(char) in plain(f"a{char}b") or char == "\x1b"
    assert char not in plain(f"a{char}b")


def test_no_break_space_is_innocent_in_a_sentence_and_shown_in_code() -> None:
    assert "U+00A0" not in prose("99.4\u00a0%")
    assert "U+00A0" in code("w1\u00a0* i1")
    assert "U+00A0" in excerpt("w1\u00a0* i1")


def test_layout_survives() -> None:
    assert excerpt("a\r\nb\n") == "a\nb"
    assert "\t" in excerpt("a\tb")


def test_markup_of_students_is_text() -> None:
    assert prose("<b>&'\"") == '<bdi dir="auto">&lt;b&gt;&amp;&#x27;&quot;</bdi>'


@pytest.mark.parametrize(
    ("sequence", "left"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a new title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPpayload\x1b\\rest", "rest"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1bcreset", "reset"),
        ("\x9b31mred", "[U+009B]31mred"),
        ("ends in \x1b", "ends in [U+001B]"),
    ],
)
def test_terminal_never_gets_a_control_sequence(sequence: str, left: str) -> None:
    assert plain(sequence) == left


@given(st.text())
def test_plain_holds_no_control_character(text: str) -> None:
    assert not [c for c in plain(text) if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]


@given(st.text(max_size=60), st.text(max_size=20))
def test_pages_get_no_bare_markup(text: str, marked: str) -> None:
    left = excerpt(text + marked, marked)
    for tag in ("<mark>", "</mark>", '<span class="hid" title="', '<span class="cut">', '">', "</span>"):
        left = left.replace(tag, "")
    assert "<" not in left
    assert ">" not in left


def test_guilty_part_is_marked_and_far_context_is_cut() -> None:
    shown = excerpt("x" * 5_000 + "GUILTY" + "y" * 5_000, "GUILTY")
    assert "<mark>GUILTY</mark>" in shown
    assert shown.count("4,200 characters left out") == 2
    assert len(shown) < 2_000


def test_part_that_does_not_occur_marks_nothing() -> None:
    assert "<mark>" not in excerpt("text", "other")
    assert "<mark>" not in excerpt("text", "")


def test_long_text_keeps_head_and_tail() -> None:
    assert clip("abcdefghi", 6) == ("abcd", 3, "hi")
    assert clip("abc", 6) == ("abc", 0, "")
    assert plain("a" * 5_000).count("a") < 1_600


def test_piles_of_combining_marks_are_flattened() -> None:
    assert prose("a" + "\u0301" * 50).count("\u0301") == 3
    assert "+47 marks" in prose("a" + "\u0301" * 50)
    assert prose("é ệ".replace("é", "e\u0301")).count("\u0301") == 1


def test_texts_that_are_not_looked_at_twice_are_shown_as_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [chr(number) for number in range(0x300)] + [
        "a < b & 'c'",
        "tab\there",
        "two\r\nlines",
        "\x1b[1mbold",
    ]
    quick = [(bare(text), visible(text, in_code=True), visible(text, in_code=False)) for text in every]
    monkeypatch.setattr(escape, "_is_plain", lambda _: False)
    assert quick == [(bare(t), visible(t, in_code=True), visible(t, in_code=False)) for t in every]
