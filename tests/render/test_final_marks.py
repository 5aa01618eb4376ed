"""What a gradebook takes is of all points, and is written as final only where nothing is open."""

import csv
import io
from pathlib import Path

import pytest

from grader.cli.class_output import echo_not_final
from grader.core.report import Report
from grader.render.exports import to_csv
from tests.render.samples import good, mixed


def test_the_percent_of_a_gradebook_is_of_all_points() -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv([mixed()])))
    report = mixed()
    assert row["percent"] == f"{100 * report.score / report.max_score:.2f}"
    assert row["percent_of_decided"] == f"{100 * report.score / report.judged_points:.2f}"
    assert row["percent"] != row["percent_of_decided"]


@pytest.mark.parametrize(("reports", "final"), [([good()], True), ([good(), mixed()], False)])
def test_marks_with_open_points_are_not_final(
    reports: list[Report], final: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert echo_not_final(reports, Path("out")) is not final
    said = capsys.readouterr().err
    assert ("1 of 2 are not final" in said) is not final
    assert (repr(mixed().submission.id) in said) is not final
