"""The terminal report: width, colours, quiet, and no control sequence of a student."""

import re

import msgspec
import pytest

from grader.core.outcome import Verdict
from grader.core.report import Report
from grader.render.terminal import class_lines, print_report
from tests.render.golden_files import assert_golden
from tests.render.samples import bare, everyone, good, hostile, mixed


def test_report_as_text() -> None:
    assert_golden("terminal-mixed.txt", print_report(mixed(), width=80) + "\n")


@pytest.mark.parametrize("sample", everyone(), ids=lambda r: r.submission.slug)
@pytest.mark.parametrize("width", [40, 79, 200])
def test_no_line_is_wider_than_the_terminal(sample: Report, width: int) -> None:
    assert max(len(line) for line in print_report(sample, width=width).splitlines()) <= width


def test_colour_only_on_request_and_always_closed() -> None:
    assert "\x1b" not in print_report(mixed(), color=False)
    coloured = print_report(mixed(), color=True)
    assert re.findall(r"\x1b\[([0-9;]*)m", coloured)[1::2] == ["0"] * (coloured.count("\x1b[") // 2)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == print_report(mixed(), color=False)


def test_students_cannot_move_the_cursor() -> None:
    text = print_report(hostile(), color=False)
    assert not [c for c in text if ord(c) < 32 and c != "\n"]
    assert "[U+202E]" in text


def test_quiet_is_the_verdict_line() -> None:
    assert print_report(good(), quiet=True) == "✓ Passed good-work: 9 earned of 9 points"


def test_narrow_encoding_gets_plain_letters() -> None:
    text = print_report(mixed(), unicode=False)
    assert text.isascii()
    assert "x The network has" in text
    assert "dE/dw3" in text


def test_wide_characters_are_broken_early() -> None:
    import unicodedata

    sample = mixed()
    text = print_report(sample, width=60).replace("The", "漢字" * 3)
    assert text
    from grader.render.terminal import _wrapped

    lines = _wrapped("漢字 " * 60, 60, "  ", "  ")
    columns = [sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) for line in lines]
    assert max(columns) <= 58


def test_class_lines_most_severe_first() -> None:
    lines = class_lines([good(), bare(), mixed()], width=60)
    assert lines.pop(1).split() == ["provisional"]
    assert [line.split()[-1] for line in lines] == ["open)", "open)", "9"]
    assert "mixed-work" in lines[0]
    assert "9 / 23 (+9 open)" in lines[0]
    assert all(len(line) <= 60 for line in lines)


def test_checks_that_lack_the_same_are_one_paragraph() -> None:
    """Without torch seven paragraphs said one thing, and what the student can mend was pages up."""
    report = good()
    lacking = tuple(
        msgspec.structs.replace(
            m, verdict=Verdict.SKIPPED, credit=0.0, points=0.0, summary="torch is missing", findings=()
        )
        for m in report.outcomes
    )
    text = print_report(msgspec.structs.replace(report, outcomes=lacking), width=200)
    assert text.count("orch is missing") == 1
    assert all(m.code in text for m in lacking)
    assert f"({sum(m.max_points for m in lacking):g} points open)" in text


def test_next_steps_stand_last_where_wanted() -> None:
    text = print_report(mixed(), steps_last=1)
    assert "Next:" not in text
    assert text.rindex("What to do next") > text.rindex("Passed")
    assert "  1. " in text
    assert "  2. " not in text
