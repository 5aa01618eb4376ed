"""Marks in the worksheets of platforms, read back as the platforms read them.

Canvas: `process_header`, `process_student` and `process_submissions` of lib/gradebook_importer.rb
(instructure/canvas-lms) and "How do I import grades in the Gradebook?". Moodle: `init` and `next` of
mod/assign/feedback/offline/importgradeslib.php and "Offline grading worksheet". Gradescope: the columns of its
"Download Grades".
"""

import csv
import io
import re

import msgspec
import pytest

from grader.core.faults import UsageFault
from grader.core.outcome import Verdict
from grader.core.report import Report
from grader.render.exports import to_csv
from grader.render.platforms.gradebooks import Filled, fill, points
from grader.render.platforms.match import Student, letters, match, name_of, number_of
from grader.render.platforms.worksheet import for_excel, neutral, read_worksheet, write_worksheet
from tests.render.platform_readers import MOODLE_HEAD, canvas_reads, moodle_reads
from tests.render.samples import marked, report

PEOPLE = {  # the platform's number: last name, first name, points
    4000: ("Müller", "Jörg", 61.25),
    4001: ("O'Neil, Jr.", 'Ann "Bo"', 70.0),
    4002: ("=cmd|'/C calc'!A0", "Eve", 33.3333),
    4003: ("Line\nBreak", "Zoë", 0.0),
    4004: ("Østby", "Åse", 100.0),
    4005: ("李", "小龍", 88.5),
    4006: ("Smith", "John", 12.0),
    4007: ("Smith", "John", 97.0),
    4008: ("+49 Berg", "-Uwe", 5.5),
}


def graded(name: str, score: float, *, open_points: float = 0.0) -> Report:
    verdict = Verdict.UNKNOWN if open_points else Verdict.PASS
    made = report("x", (marked("BP101", verdict, title="t", summary="s", points=100),), submission_id=name)
    return msgspec.structs.replace(made, score=score, pending_points=open_points)


def as_csv(rows: list[list[object]], delimiter: str = ",") -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    return buffer.getvalue().encode("utf-8")


def rows_of(filled: Filled) -> list[list[str]]:
    return list(csv.reader(io.StringIO(filled.data.decode("utf-8-sig"), newline="")))


# -- Canvas

CANVAS_HEAD = [
    "Student",
    "ID",
    "SIS User ID",
    "SIS Login ID",
    "Section",
    "Essay (11)",
    "Backprop (12)",
    "Final Score",
]


def canvas_file(possible: float = 100) -> bytes:
    rows: list[list[object]] = [CANVAS_HEAD]
    rows.append(["", "", "", "", "", "", "Manual Posting", ""])
    rows.append(["    Points Possible", "", "", "", "", 20, possible, "(read only)"])
    for number, (last, first, _) in PEOPLE.items():
        rows.append([f"{last}, {first}", number, f"S{number}", f"u{number}@uni.edu", "A and B", 17, "", 44])
    rows.append(["Student, Test", 9999, "", "abc", "A", "", "", ""])
    return as_csv(rows)


def canvas_ids() -> dict[str, float]:
    """Ids as the ingest makes them of Canvas's file names: the sortable name without blanks, and the user."""
    flat = {n: re.sub(r"[\W_]", "", last + first).lower() for n, (last, first, _) in PEOPLE.items()}
    return {f"{flat[number]}_{number}": score for number, (*_, score) in PEOPLE.items()}


def test_canvas_takes_every_mark_once_and_everything_else_is_kept() -> None:
    reports = [graded(name, score) for name, score in canvas_ids().items()]
    filled = fill("canvas", canvas_file(), "g.csv", reports, column="Backprop")
    assert not filled.unplaced
    taken = canvas_reads(filled.data, 12)
    assert {n: float(mark) for n, mark in taken.items() if mark} == {n: s for n, (*_, s) in PEOPLE.items()}
    assert taken[9999] == ""
    assert [s.split(" (row")[0] for s in filled.without] == ["'Student, Test 9999'"]
    before, after = read_worksheet(canvas_file(), "g").rows, rows_of(filled)
    for old, new in zip(before, after, strict=True):
        assert old[1:6] == new[1:6], "numbers, logins and sections stay"
        assert old[7] == new[7]
        assert new[0].removeprefix("'") == old[0]
    assert filled.data.startswith(b"\xef\xbb\xbf"), "Excel reads it with another code page otherwise"


def test_no_cell_of_the_platform_is_run_by_a_spreadsheet() -> None:
    filled = fill("canvas", canvas_file(), "g.csv", [], column="12")
    assert not [c for row in rows_of(filled) for c in row if c[:1] in ("=", "+", "@")]


@pytest.mark.parametrize("column", ["Backprop", "Backprop (12)", "12"])
def test_an_assignment_is_named_by_title_or_number(column: str) -> None:
    (name, score), *_ = canvas_ids().items()
    filled = fill("canvas", canvas_file(), "g.csv", [graded(name, score)], column=column)
    assert canvas_reads(filled.data, 12)[4000] == "61.25"
    assert canvas_reads(filled.data, 11)[4000] == "17"


def test_which_assignment_is_never_guessed() -> None:
    with pytest.raises(UsageFault, match=r"name one with --column.*'Essay \(11\)', 'Backprop \(12\)'"):
        fill("canvas", canvas_file(), "g.csv", [])
    with pytest.raises(UsageFault, match="'Bakprop' fits 0 of them"):
        fill("canvas", canvas_file(), "g.csv", [], column="Bakprop")
    with pytest.raises(UsageFault, match="not Canvas's gradebook"):
        fill("canvas", b"a,b\n1,2\n", "g.csv", [])


def test_columns_that_canvas_computes_or_a_course_added_are_no_assignments() -> None:
    head = [
        "Student",
        "ID",
        "SIS Login ID",
        "Section",
        "Notes",
        "Final Exam Score (5)",
        "Homework Current Score",
    ]
    rows: list[list[object]] = [[*head, "Unposted Final Grade"]]
    rows.append(["    Points Possible", "", "", "", "", 100, "(nur lesen)", "(nur lesen)"])
    rows.append(["Smith, John", 4006, "js", "A", "away in May", "", "", ""])
    filled = fill("canvas", as_csv(rows), "g.csv", [graded("smithjohn_4006", 12)])
    assert rows_of(filled)[2] == ["Smith, John", "4006", "js", "A", "away in May", "12", "", ""]


def test_another_maximum_is_refused_or_converted() -> None:
    """70 of 100 in a column out of 10 would be 700 per cent."""
    (name, _), *_ = canvas_ids().items()
    with pytest.raises(UsageFault, match="out of 10 points, the rubric out of 100"):
        fill("canvas", canvas_file(10), "g.csv", [graded(name, 70)], column="12")
    filled = fill("canvas", canvas_file(10), "g.csv", [graded(name, 75)], column="12", scale=True)
    assert canvas_reads(filled.data, 12)[4000] == "7.5"


def test_open_points_leave_the_cell_as_it_was() -> None:
    first, second, *_ = canvas_ids()
    reports = [graded(first, 70, open_points=30), graded(second, 50)]
    filled = fill("canvas", canvas_file(), "g.csv", reports, column="12")
    assert filled.left_open == (first,)
    assert canvas_reads(filled.data, 12)[4000] == ""
    told = fill("canvas", canvas_file(), "g.csv", reports, column="12", with_open=True)
    assert canvas_reads(told.data, 12)[4000] == "70"


def test_excused_is_not_overwritten() -> None:
    file = canvas_file().replace(b",17,,44", b",17,EX,44", 1)
    (name, _), *_ = canvas_ids().items()
    filled = fill("canvas", file, "g.csv", [graded(name, 70)], column="12")
    assert filled.kept == {name: "EX"}
    assert canvas_reads(filled.data, 12)[4000] == "EX"


def test_first_and_last_names_in_columns_of_their_own() -> None:
    rows: list[list[object]] = [["LastName", "FirstName", "ID", "SIS Login ID", "Section", "Backprop (12)"]]
    rows.append(["    Points Possible", "", "", "", "", 100])
    rows.append(["Smith", "John", 4006, "js", "A", ""])
    filled = fill("canvas", as_csv(rows), "g.csv", [graded("smithjohn_4006", 12)])
    assert rows_of(filled)[2] == ["Smith", "John", "4006", "js", "A", "12"]


# -- Moodle

GERMAN_HEAD = [
    "ID", "Vollständiger Name", "E-Mail-Adresse", "Status", "Gruppe", "Bewertung", "Bestwertung",
    "Bewertung kann geändert werden", "Zuletzt geändert (Abgabe)", "Zuletzt geändert (Bewertung)", "Kommentare",
]  # fmt: skip


def moodle_file(head: list[str] = MOODLE_HEAD, word: str = "Participant ", yes: str = "Yes") -> bytes:
    rows: list[list[object]] = [list(head)]
    for number, (last, first, _) in PEOPLE.items():
        mail = f"{number}@uni.edu"
        rows.append(
            [
                f"{word}{number}",
                f"{first} {last}",
                mail,
                "Submitted",
                "G1",
                "",
                "100,00",
                yes,
                "x",
                "-",
                "<p>a\nb</p>",
            ]
        )
    return as_csv(rows)


def moodle_ids() -> dict[str, float]:
    return {f"{first} {last}_{number}": score for number, (last, first, score) in PEOPLE.items()}


@pytest.mark.parametrize(
    ("head", "word", "yes"), [(MOODLE_HEAD, "Participant ", "Yes"), (GERMAN_HEAD, "Teilnehmer/in", "Ja")]
)
def test_moodle_takes_every_mark_once_in_the_language_of_the_site(
    head: list[str], word: str, yes: str
) -> None:
    reports = [graded(name, score) for name, score in moodle_ids().items()]
    filled = fill("moodle", moodle_file(head, word, yes), "w.csv", reports)
    assert not filled.unplaced
    assert not filled.without
    taken = moodle_reads(filled.data, head, word)
    assert {n: float(mark) for n, mark in taken.items()} == {n: s for n, (*_, s) in PEOPLE.items()}
    assert rows_of(filled)[0] == head
    assert {row[10] for row in rows_of(filled)[1:]} == {"<p>a\nb</p>"}


def test_the_worksheet_of_another_assignment_is_refused_student_by_student() -> None:
    """Moodle numbers participants anew in each assignment: 4000 is somebody else there."""
    (right, _), *_ = moodle_ids().items()
    reports = [graded("Bo Berg_4000", 70), graded(right.replace("4000", "4001"), 50)]
    filled = fill("moodle", moodle_file(), "w.csv", reports)
    assert set(filled.unplaced) == {r.submission.id for r in reports}
    assert all("is the worksheet of this assignment?" in reason for reason in filled.unplaced.values())
    assert not filled.marked


def test_a_grade_that_moodle_has_locked_is_left() -> None:
    (name, _), *_ = moodle_ids().items()
    filled = fill("moodle", moodle_file(yes="No"), "w.csv", [graded(name, 70)])
    assert filled.kept == {name: "locked"}


def test_blind_marking_has_no_names() -> None:
    head = [name for name in MOODLE_HEAD if name not in ("Full name", "Email address")]
    file = as_csv([list(head), ["Participant 17", "Submitted", "G", "", "100", "Yes", "x", "-", ""]])
    filled = fill("moodle", file, "w.csv", [graded("Participant_17", 70)])
    assert rows_of(filled)[1][3] == "70"


def test_a_language_that_we_do_not_know_names_its_column() -> None:
    head = ["Tunniste", "Koko nimi", "Arvosana", "Muokattu"]
    file = as_csv([list(head), ["Osallistuja 17", "Ann Berg", "", "-"]])
    with pytest.raises(UsageFault, match="--column"):
        fill("moodle", file, "w.csv", [])
    filled = fill("moodle", file, "w.csv", [graded("Ann Berg_17", 70)], column="Arvosana")
    assert rows_of(filled)[1] == ["Osallistuja 17", "Ann Berg", "70", "-"]


# -- Gradescope and lists

GRADESCOPE_HEAD = [
    "First Name", "Last Name", "SID", "Email", "Sections", "Total Score", "Max Points", "Status", "Submission ID",
    "Submission Time", "Lateness (H:M:S)", "View Count", "Submission Count",
]  # fmt: skip


def test_gradescope_by_submission_by_name_and_by_mail() -> None:
    rows: list[list[object]] = [list(GRADESCOPE_HEAD)]
    for number, (last, first, _) in PEOPLE.items():
        rows.append(
            [
                first,
                last,
                f"S{number}",
                f"{number}@uni.edu",
                "A",
                "",
                "100.0",
                "Ungraded",
                number,
                "t",
                "0",
                0,
                1,
            ]
        )
    ids = {f"{first} {last} (submission_{number})": score for number, (last, first, score) in PEOPLE.items()}
    filled = fill("gradescope", as_csv(rows), "g.csv", [graded(name, score) for name, score in ids.items()])
    assert not filled.unplaced
    assert [float(row[5]) for row in rows_of(filled)[1:]] == [s for *_, s in PEOPLE.values()]
    named = [graded("Åse Østby", 1), graded("John Smith", 2), graded("4000@uni.edu", 3)]
    filled = fill("gradescope", as_csv(rows), "g.csv", named)
    assert filled.marked == ("4000@uni.edu", "Åse Østby")
    assert "2 rows fit" in filled.unplaced["John Smith"]


def test_any_list_gets_our_columns_behind_its_own() -> None:
    file = as_csv([["username", "section"], ["ann-b", "A"], ["bo", "B"]], ";")
    filled = fill("csv", file, "c.csv", [graded("ann-b", 70, open_points=30), graded("eve", 1)])
    (head, ann, bo) = csv.reader(io.StringIO(filled.data.decode()), delimiter=";")
    assert head == ["username", "section", "score", "max_score", "pending_points", "verdict"]
    assert ann == ["ann-b", "A", "70", "100", "30", "unknown"]
    assert bo == ["bo", "B", "", "", "", ""]
    assert list(filled.unplaced) == ["eve"]
    assert not filled.data.startswith(b"\xef\xbb\xbf"), "plain letters need no mark"


# -- who is who

ANN = Student(row=1, name="Berg, Ann", number="17", logins=("aberg", "aberg@uni.edu"))
BO = Student(row=2, name="Bo Chen", number="18", logins=("bchen",))


@pytest.mark.parametrize(
    "name", ["aberg", "ABERG@uni.edu", "bergann_17", "Ann Berg_17", "Ann Berg", "Berg Ann"]
)
def test_by_login_by_number_and_by_name(name: str) -> None:
    assert match([name], [ANN, BO]).rows == {1: name}


def test_a_login_before_a_number_before_a_name() -> None:
    number = Student(row=3, name="X Y", logins=("Bo Chen_18",))
    assert match(["Bo Chen_18"], [ANN, BO, number]).rows == {3: "Bo Chen_18"}


def test_a_login_in_brackets_counts_where_the_name_agrees() -> None:
    li = Student(row=3, name="Li, Wei", logins=("li",))
    bo = Student(row=4, name="Bo (Li)", logins=("boli",))
    assert match(["Ann Berg(aberg)", "Bo (Li)"], [ANN, li, bo]).rows == {1: "Ann Berg(aberg)", 4: "Bo (Li)"}


def test_two_submissions_for_a_row_get_none() -> None:
    found = match(["Ann Berg_17", "bergann_17"], [ANN, BO])
    assert not found.rows
    assert all("fits" in reason for reason in found.unplaced.values())


def test_nobody_is_placed_by_a_part_of_a_name() -> None:
    found = match(["Ann", "Bergmann Ann_99", "17", "submission_99"], [ANN, BO])
    assert found.rows == {1: "17"}
    assert set(found.unplaced) == {"Ann", "Bergmann Ann_99", "submission_99"}


@pytest.mark.parametrize(
    ("name", "number", "rest"),
    [("Ana Diaz_4000", "4000", "Ana Diaz"), ("Ana (submission_7)", "7", "Ana"), ("Ana\nDiaz_7_assignsubmission_file_", "7", "Ana\nDiaz"), ("submission_7", "7", ""), ("ann", "", "ann")],
)  # fmt: skip
def test_what_an_id_says(name: str, number: str, rest: str) -> None:
    assert (number_of(name), name_of(name)) == (number, rest)


def test_letters_are_compared_without_accents_and_marks() -> None:
    assert letters("Müller, Ann-Lena") == letters("muller annlena")


# -- files as they are


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_worksheet_is_read_whatever_saved_it(encoding: str, delimiter: str) -> None:
    text = f'id{delimiter}name\r\n1{delimiter}"Jörg ""Bo"" Müller, Straße\n2"\r\n'
    sheet = read_worksheet(text.encode(encoding), "w.csv")
    assert sheet.rows == [["id", "name"], ["1", 'Jörg "Bo" Müller, Straße\n2']]
    again = read_worksheet(write_worksheet(sheet), "w.csv")
    assert (again.rows, again.delimiter) == (sheet.rows, delimiter)


@pytest.mark.parametrize("data", [b"", b"a", b"a,b", b"a\n1\n", b'a,b\n"'])
def test_what_is_no_worksheet_is_refused(data: bytes) -> None:
    with pytest.raises(UsageFault, match=r"w\.csv"):
        read_worksheet(data, "w.csv")


@pytest.mark.parametrize("text", ["-3.5", "-", "+1", "12,5", "", " - ", "'=1"])
def test_numbers_and_dashes_are_no_formulas(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "＝1"])
def test_formulas_are_neutralised_once(text: str) -> None:
    assert neutral(text) == f"'{text}"
    assert neutral(neutral(text)) == neutral(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(100.0, "100"), (0.0, "0"), (33.33333, "33.3333"), (1234567.5, "1234567.5"), (-2.0, "-2")],
)
def test_points_are_written_whole(value: float, text: str) -> None:
    assert points(value) == text


def test_our_own_csv_tells_excel_its_letters() -> None:
    assert for_excel(to_csv([graded("Jörg", 1)])).startswith(b"\xef\xbb\xbf")
    assert for_excel(to_csv([graded("Joerg", 1)])).startswith(b"id,")
