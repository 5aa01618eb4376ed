"""Marks for other programs carry no formula, no forged command and no broken XML."""

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.outcome import Finding, Verdict, Weight
from grader.core.place import Place
from grader.core.report import Marked, Provenance, Report, RubricRef
from grader.ingest.read import from_bytes
from grader.render import class_page, student_page
from grader.render.class_rows import ClassRow
from grader.render.code_quality import to_code_quality
from grader.render.exports import _attribute, _xml, cell, to_csv, to_json, to_junit
from grader.render.github import PLACES_SHOWN, SHOWN, annotations, classroom_points, summary
from grader.render.sarif import to_sarif
from grader.render.strings import STAMP_ISOLATION, STAMP_PROVISIONAL
from grader.render.terminal import class_lines, print_report
from tests.command_line import ROOT, grader

HOSTILE = '=HYPERLINK("http://x")'


def _marked(code: str, verdict: Verdict, *findings: Finding, **more: object) -> Marked:
    credit = {Verdict.PASS: 1.0, Verdict.PARTIAL: 0.5}.get(verdict, 0.0)
    fields: dict = {
        "criterion": code.lower(),
        "code": code,
        "name": code.lower(),
        "title": f"Title of {code}",
        "verdict": verdict,
        "credit": credit,
        "points": 10 * credit,
        "max_points": 10.0,
        "summary": f"summary of {code}",
        "findings": findings,
    }
    return Marked(**(fields | more))


def _report(name: str, *outcomes: Marked) -> Report:
    return Report(
        submission=from_bytes(name, {"README.md": b"x"}).submission,
        rubric=RubricRef(id="r", title="R", sha256="0" * 64),
        outcomes=outcomes,
        verdict=Verdict.FAIL,
        score=sum(m.points for m in outcomes),
        max_score=10.0 * len(outcomes),
        pending_points=sum(m.pending_points for m in outcomes),
        provenance=Provenance(grader="0", python="3", platform="x"),
    )


BAD_LINE = Finding(
    message="wrong sign\n::error::forged",
    place=Place(artefact="part 1/README.md", line=7),
    expected="a - t",
    found="t - a, 100%",
    hint="swap them",
    diagnosis="sign",
)
BAD_CELL = Finding(
    message="wrong cell", place=Place(artefact="b.xlsx", sheet="S", ref="Z33"), diagnosis="cell"
)
REMARK = Finding(message="a remark", place=Place(artefact="README.md", line=1), weight=Weight.REMARK)
REPORT = _report(
    HOSTILE,
    _marked("AA001", Verdict.FAIL, BAD_LINE, BAD_CELL),
    _marked("AA002", Verdict.PASS, REMARK),
    _marked("AA003", Verdict.UNKNOWN),
    _marked("AA004", Verdict.ERROR, decided_by="@prof: why"),
    _marked("AA005", Verdict.SKIPPED),
)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r=1", "\uff1d1", "\n=cmd|x"])
def test_a_cell_is_never_a_formula(text: str) -> None:
    assert cell(text).startswith("'")


def test_a_plain_cell_is_left_alone() -> None:
    assert cell("Ann-Marie (a=b)") == "Ann-Marie (a=b)"


def test_csv_has_a_column_a_criterion_and_leaves_pending_ones_empty() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv([REPORT]))))
    assert rows[0]["id"] == "'" + HOSTILE
    assert (rows[0]["aa001"], rows[0]["aa002"], rows[0]["aa003"]) == ("0", "10", "")
    assert rows[0]["waits_for"] == "AA003 AA004"
    assert rows[0]["pending_points"] == "30"


def test_json_is_the_list_of_results() -> None:
    assert [r["submission"]["id"] for r in json.loads(to_json([REPORT]))] == [HOSTILE]


@given(st.text("ab\"'<>&\n\t é\x01", max_size=8))
def test_junit_quotes_as_the_library_does_that_loads_http_and_tls(text: str) -> None:
    assert _attribute(text) == quoteattr(_xml(text))


def test_junit_is_xml_whatever_students_write() -> None:
    nasty = _report("a\x1b]8;;b\ud800<&\"'", _marked("AA001", Verdict.FAIL, BAD_LINE))
    for report, counts in ((REPORT, ("1", "1", "2")), (nasty, ("1", "0", "0"))):
        suite = ET.fromstring(to_junit([report]))[0]
        assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == counts


def test_annotations_stand_on_the_students_line_and_cannot_be_forged() -> None:
    lines = annotations(REPORT, "hand-in").splitlines()
    assert lines[0].startswith(
        "::error file=hand-in/part 1/README.md,line=7,title=AA001 aa001 (10 points missed)"
        "::part 1/README.md:7: wrong sign%0A"
    )
    assert "100%25" in lines[0]
    assert not [line for line in lines if line.startswith("::error::forged")]
    assert "b.xlsx S!Z33: wrong cell" in lines[0]
    assert len([line for line in lines if "AA001" in line]) == 1
    assert any(line.startswith("::notice file=hand-in/README.md,line=1") for line in lines)
    assert any(line.startswith("::warning title=AA003 aa003 (10 points open)::") for line in lines)


def test_the_costliest_criterion_comes_first_and_takes_one_annotation() -> None:
    """GitHub shows ten of a level and ours went by family: the 10-point finding came last of nine."""
    small = [
        _marked(f"BP{n}", Verdict.FAIL, *[BAD_LINE] * 5, max_points=float(n - 100)) for n in range(101, 113)
    ]
    lines = annotations(_report("x", *small)).splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == SHOWN
    assert "title=BP112 " in errors[0]
    assert errors[0].count("part 1/README.md:7: wrong sign") == 5
    assert lines[-1] == ("::notice::2 more criteria with findings stand in the job summary and the report")


def test_a_criterion_with_many_findings_lists_the_places_of_the_rest() -> None:
    many = [BAD_LINE] * (PLACES_SHOWN + 2)
    (line,) = annotations(_report("x", _marked("AA001", Verdict.FAIL, *many))).splitlines()
    assert line.count("wrong sign") == PLACES_SHOWN
    assert line.endswith("and the same kind at part 1/README.md:7, part 1/README.md:7")


def test_notices_leave_room_for_the_two_of_the_points() -> None:
    remarks = [_marked(f"RD{n}", Verdict.PASS, REMARK) for n in range(701, 713)]
    notices = [
        line
        for line in (classroom_points(REPORT) + annotations(_report("x", *remarks))).splitlines()
        if line.startswith("::notice")
    ]
    assert len(notices) == SHOWN
    assert notices[2].startswith("::notice::5 more criteria")


def test_provisional_points_are_stamped_in_every_form() -> None:
    """The marks that a gradebook takes said nothing of it."""
    claimed = _report("x", _marked("AA001", Verdict.PASS, provisional=True), _marked("AA002", Verdict.PASS))
    (row,) = csv.DictReader(io.StringIO(to_csv([claimed])))
    assert row["provisional"] == "AA001"
    assert [case.findtext("system-out", "") for case in ET.fromstring(to_junit([claimed]))[0]] == [
        STAMP_PROVISIONAL,
        "",
    ]
    text = summary(claimed)
    assert f"> {STAMP_PROVISIONAL}" in text
    assert text.count("10 / 10 provisional") == 1
    assert class_lines([claimed])[1].strip().startswith("provisional")
    assert STAMP_PROVISIONAL in " ".join(print_report(claimed).split())
    assert "provisional" in student_page.render(claimed).partition("<main")[2]
    assert "provisional" in class_page.render([ClassRow.of(claimed)]).partition("<main")[2]
    assert [o["provisional"] for o in json.loads(to_json([claimed]))[0]["outcomes"]] == [True, False]


def test_a_run_without_isolation_is_stamped_in_the_job_summary() -> None:
    bare = msgspec.structs.replace(
        REPORT, provenance=Provenance(grader="0", python="3", platform="x", isolation="none")
    )
    assert STAMP_ISOLATION in summary(bare)
    assert STAMP_ISOLATION not in summary(REPORT)


def test_summary_is_one_table_whatever_students_write() -> None:
    text = summary(_report("x", _marked("AA001", Verdict.FAIL, summary="a | b <img src=x> `c`\n| d |")))
    rows = [line for line in text.splitlines() if line.startswith("| ❌")]
    assert len(rows) == 1
    assert "<img" not in rows[0]
    assert rows[0].count("|") == 6


def test_classroom_reads_whole_points() -> None:
    assert classroom_points(REPORT).splitlines() == [
        "::notice title=Autograding complete::Points 10/50",
        '::notice title=Autograding report::{"totalPoints":10,"maxPoints":50}',
    ]


def test_sarif_names_rules_places_and_stable_fingerprints() -> None:
    log = json.loads(to_sarif(REPORT, {"AA001": "page"}, "hand-in"))
    run = log["runs"][0]
    assert log["version"] == "2.1.0"
    first, second, remark = run["results"]
    location = first["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "hand-in/part%201/README.md"
    assert location["region"] == {"startLine": 7}
    assert "region" not in second["locations"][0]["physicalLocation"]
    assert (first["level"], remark["level"]) == ("error", "note")
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "AA001"
    again = json.loads(to_sarif(REPORT, {}, "hand-in"))["runs"][0]["results"]
    assert [r["partialFingerprints"] for r in again] == [r["partialFingerprints"] for r in run["results"]]
    assert len({str(r["partialFingerprints"]) for r in again}) == 3


def test_code_quality_has_the_fields_of_gitlab_and_no_fingerprint_twice() -> None:
    """https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""
    twice = _report("x", _marked("AA001", Verdict.FAIL, BAD_LINE, BAD_LINE, BAD_CELL), *REPORT.outcomes[1:])
    entries = json.loads(to_code_quality(twice, "hand-in"))
    assert [e["severity"] for e in entries] == ["major", "major", "major", "info", "minor", "info"]
    for entry in entries:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert entry["location"]["path"].startswith("hand-in/")
        assert type(entry["location"]["lines"]["begin"]) is int
    assert len({e["fingerprint"] for e in entries}) == len(entries)
    assert entries[0]["location"] == {"path": "hand-in/part 1/README.md", "lines": {"begin": 7}}
    assert entries[2]["location"] == {"path": "hand-in/b.xlsx", "lines": {"begin": 1}}
    assert entries[4]["location"]["path"] == "hand-in/README.md", "what has no place stands on the README"
    moved = msgspec.structs.replace(BAD_LINE, message="said otherwise")
    again = json.loads(to_code_quality(_report("x", _marked("AA001", Verdict.FAIL, moved)), "hand-in"))
    assert again[0]["fingerprint"] == entries[0]["fingerprint"]


def test_check_writes_every_form_in_one_run(tmp_path: Path) -> None:
    sample = ROOT / "submissions" / "no-notebook"
    files = {form: tmp_path / form for form in ("junit", "codequality", "sarif")}
    options = [word for form, path in files.items() for word in (f"--{form}", path)]
    assert grader("check", sample, "--static", *options).returncode == 1
    assert ET.parse(files["junit"]).getroot().tag == "testsuites"
    assert json.loads(files["codequality"].read_bytes())
    assert json.loads(files["sarif"].read_bytes())["version"] == "2.1.0"
    printed = grader("check", sample, "--static", "--format", "junit")
    assert printed.stdout == files["junit"].read_text("utf-8")
    assert not grader("check", sample, "--static", "--format", "junit", "-o", tmp_path / "j.xml").stdout
    assert (tmp_path / "j.xml").read_bytes() == files["junit"].read_bytes()
