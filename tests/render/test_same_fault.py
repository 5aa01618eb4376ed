"""One fault is told once: grouping, places, the difference between two formulas, and what passed with remarks."""

import re
from pathlib import Path

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.checks.sweep._where import not_shown
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Finding, Verdict, Weight
from grader.core.place import Place
from grader.core.report import Report
from grader.core.settings import Settings
from grader.core.submission import Kind
from grader.ingest.read import read_submission
from grader.pipeline.grade.grade_one import grade_one
from grader.pipeline.plan.rubrics import load
from grader.render import github, student_page
from grader.render.difference import difference
from grader.render.result_json import encode
from grader.render.same_fault import Fault, exchanged, follows_from, named, one_by_one, same_slip, spots
from grader.render.summary import headline_of, next_steps, remarks_in, tally
from grader.render.terminal import print_report
from tests.execute.replay.sheets import replayed, workbook
from tests.render.samples import artefact, marked, report

SLOPE = "∂E/∂w{n} = (a_o1 - t1) * {a} * i1"


def swapped(n: int, line: int, wrote: str = "a_h1", right: str = "a_h2") -> Finding:
    return Finding(
        message=f"∂E/∂w{n} is wrong",
        place=Place(artefact="README.md", line=line),
        found=SLOPE.format(n=n, a=wrote),
        expected=SLOPE.format(n=n, a=right),
        hint="index swapped: you wrote …",
        diagnosis="index-swapped",
        subject=f"∂E/∂w{n}",
        slip="index swapped",
    )


def in_cells(ref: str, n: int, used: str = "a_h1", right: str = "a_h2") -> Finding:
    return Finding(
        message=f"∂E/∂w{n}: {used} where {right} belongs",
        place=Place(artefact="book.xlsx", sheet="S", ref=ref),
        found="=J7*C7",
        expected="=L7*C7",
        hint=f"Replace {used} by {right}.",
        diagnosis="index-swapped",
        subject=f"∂E/∂w{n}",
        slip=f"{used} where {right} belongs",
    )


def test_equal_slips_are_one_fault_and_other_symbols_another() -> None:
    findings = (swapped(3, 35), swapped(4, 36), swapped(1, 33, "w6", "w5"), swapped(5, 37))
    faults = one_by_one(findings, Weight.FAULT)
    assert [f.sentence for f in faults] == [
        "∂E/∂w3 … ∂E/∂w5: index swapped (a_h1 for a_h2), 3 places",
        "∂E/∂w1: index swapped (w6 for w5)",
    ]
    assert [s.text for s in spots(faults[0].findings)] == ["README.md:35", "36", "37"]
    assert one_by_one(findings, Weight.REMARK) == ()


def test_what_is_not_given_stands_at_no_place_and_is_named_all_the_same() -> None:
    """The third fault of a criterion had no sentence: its slip stood in the headline of all three."""
    absent = tuple(
        Finding(message=f"∂E/∂w{n} is not given", subject=f"∂E/∂w{n}", slip="not given") for n in (2, 3, 4)
    )
    sample = msgspec.structs.replace(
        marked("BP101", Verdict.FAIL, title="t", summary="s", findings=(swapped(1, 33), *absent)),
        headline="1 of 8 gradients: index swapped, 3 are not given",
    )
    text = print_report(report("x", (sample,)))
    assert text.endswith("• ∂E/∂w2 … ∂E/∂w4: not given")
    assert "places" not in text


def test_findings_without_a_slip_stay_apart() -> None:
    plain = Finding(message="the log never reaches 99.4 %", diagnosis="threshold-missed")
    assert len(one_by_one((plain, plain), Weight.FAULT)) == 2


def test_names_are_ranges_only_where_they_are_neighbours() -> None:
    assert named(["w1", "w2", "w3", "w5", "w6"]) == "w1 … w3, w5, w6"
    assert named(["η = 0.1", "η = 0.2"]) == "η = 0.1, η = 0.2"
    assert named([f"row{n * 3}" for n in range(9)]).endswith(" and 3 more")


def test_places_of_cells_and_of_other_files_are_named_in_full_once() -> None:
    findings = (in_cells("X7:X9", 3), in_cells("Y7:Y9", 4), swapped(3, 35))
    assert [s.text for s in spots(findings)] == ["book.xlsx S!X7:X9", "Y7:Y9", "README.md:35"]


def test_rows_of_cells_do_not_keep_a_filled_down_slip_apart() -> None:
    assert exchanged("=J7*C7", "=L7*C7") == exchanged("=J9*D9", "=L9*D9") == (("J", "L"),)
    assert exchanged("E = E1 + E1", "E = E1 + E2") == (("E1", "E2"),), "E1 in a derivation is no cell"


def test_readme_and_workbook_are_one_story_only_where_the_swap_is_the_same() -> None:
    def one(finding: Finding) -> Fault:
        return Fault(sentence="s", findings=(finding,))

    assert same_slip(one(swapped(3, 35)), one(in_cells("X7", 3)))
    assert not same_slip(one(swapped(3, 35)), one(in_cells("X7", 3, "w6", "w5")))
    assert not same_slip(one(swapped(3, 35)), one(in_cells("X7", 4)))
    empty = Finding(message="m")
    assert not same_slip(one(empty), one(empty)), "five steps became one, because nothing equals nothing"


def test_the_wrong_symbol_alone_is_coloured_on_both_sides() -> None:
    shown = difference(swapped(3, 35))
    assert shown is not None
    assert re.findall(r'class="gone">(.*?)<', shown.found) == ["1"]
    assert re.findall(r'class="come">(.*?)<', shown.expected) == ["2"]
    cells = difference(in_cells("X7", 3))
    assert cells is not None
    assert '<b class="gone">J7</b>' in cells.found
    assert '<b class="come">L7</b>' in cells.expected


def test_a_missing_pair_of_brackets_is_coloured_and_nothing_else() -> None:
    shown = difference(
        Finding(message="m", found="∂E/∂w1 = a + b * c", expected="∂E/∂w1 = (a + b) * c")
    ) or difference(Finding(message="m", found="∂E/∂w1 = h1 + h2 * i1", expected="∂E/∂w1 = (h1 + h2) * i1"))
    assert shown is not None
    assert "gone" not in shown.found
    assert re.findall(r'class="come">(.*?)<', shown.expected) == ["(", ")"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("README.md", "one file .xlsx"),
        ("7,482", "the summary prints 7,270 (S4.ipynb cell 3)"),
        ("∂E/∂w1 = <script>alert(1)</script>", "∂E/∂w1 = i1"),
        ("", "∂E/∂w1 = i1"),
    ],
)
def test_what_is_no_formula_has_no_difference(found: str, expected: str) -> None:
    assert difference(Finding(message="m", found=found, expected=expected)) is None


def test_a_hostile_cell_formula_stays_text() -> None:
    shown = difference(Finding(message="m", found='="<img src=x onerror=alert(1)>"', expected="=A1"))
    assert shown is not None
    assert "<img" not in shown.found
    assert "&lt;" in shown.found


@pytest.fixture(scope="module")
def remarked(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A README that gives all eight gradients, and four wrong lines on the way."""
    lines = [
        f"∂E/∂w{n} = ((a_o1 - t1)*a_o1*(1 - a_o1)*w{5 + k} + (a_o2 - t2)*a_o2*(1 - a_o2)*w{7 + k})"
        f"*a_h{1 + k}*(1 - a_h{1 + k})*i{1 + (n - 1) % 2}"
        for n, k in ((1, 0), (2, 0), (3, 1), (4, 1))
    ]
    lines += [
        f"∂E/∂w{n} = ∂(E1 + E1)/∂w{n} = (a_o{o} - t{o})*a_o{o}*(1 - a_o{o})*a_h{h}"
        for n, o, h in ((5, 1, 1), (6, 1, 2), (7, 2, 1), (8, 2, 2))
    ]
    folder = tmp_path_factory.mktemp("remarked") / "work"
    folder.mkdir()
    (folder / "README.md").write_text("```\n" + "\n".join(lines) + "\n```\n", encoding="utf-8")
    rules = catalogue()
    graded, _ = grade_one(
        read_submission(folder), load("default", rules), rules, Settings(execute=False, retrain=False)
    )
    return graded


def test_known_faults_are_named_and_counted_though_the_criterion_passed(remarked: Report) -> None:
    """A student handed in eight known faults with a tick: the remarks stood folded under `Passed`."""
    derivation = next(m for m in remarked.outcomes if m.code == "BP101")
    assert derivation.verdict is Verdict.PASS
    wrong = remarks_in(remarked)
    assert wrong >= 4
    text = print_report(remarked, width=100)
    assert f"Passed, {wrong} remarks" in text
    assert "∂E/∂w5 … ∂E/∂w8: index swapped (E1 for E2), 4 places (README.md:6, 7, 8, 9)" in " ".join(
        text.split()
    )
    page = student_page.render(remarked)
    first = page[page.index('class="first card"') : page.index('<section id="s-')]
    assert f'<a href="#s-remarks">{wrong} remarks</a>' in first
    section = page[page.index('<section id="s-remarks"') :].partition("</section>")[0]
    assert "<details" not in section, "open, not folded"
    assert "You wrote</dt>" in section
    assert f'"remarks": {wrong}' in encode(remarked).decode()
    assert github.annotations(remarked).count("::notice file=README.md,line=6") == 1


def test_a_remark_on_one_line_says_what_was_written(tmp_path: Path) -> None:
    """`BP101 remark: index swapped` named a line of a long README, and nothing to look for in it."""
    folder = tmp_path / "work"
    folder.mkdir()
    right = "∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"
    (folder / "README.md").write_text(
        f"```\n{right}\n∂E/∂w5 = ∂(E1 + E1)/∂w5 = ∂E1/∂w5\n```\n", encoding="utf-8"
    )
    rules = catalogue()
    graded, _ = grade_one(
        read_submission(folder), load("default", rules), rules, Settings(execute=False, retrain=False)
    )
    text = " ".join(print_report(graded, width=100).split())
    assert (
        "index swapped (E1 for E2) (README.md:3): you wrote ∂(E1 + E1)/∂w5, it should be ∂(E1 + E2)/∂w5"
        in text
    )


def test_a_result_that_follows_from_another_says_so() -> None:
    finding = Finding(message="other losses; this follows from WB201", weight=Weight.REMARK)
    assert follows_from([finding]) == "WB201"
    sample = marked("LR301", Verdict.PASS, title="Losses", summary="s", findings=(finding,))
    page = student_page.render(report("x", (sample,)))
    assert '<span class="worth">· follows from <bdi dir="auto">WB201</bdi></span>' in page


def test_titles_say_the_fault_and_a_decision_of_a_person_keeps_the_criterion() -> None:
    wrong = marked("BP101", Verdict.FAIL, title="Gradients", summary="s", findings=(swapped(3, 35),))
    assert headline_of(wrong) == "∂E/∂w3: index swapped (a_h1 for a_h2)"
    decided = marked(
        "BP101",
        Verdict.FAIL,
        title="Gradients",
        summary="s",
        findings=(swapped(3, 35),),
        decided_by="Ann: ok",
    )
    assert headline_of(decided) == "Gradients"
    long = marked("TR501", Verdict.UNKNOWN, title="Log", summary="because " * 40)
    assert headline_of(long) == "Log"


def test_a_single_file_is_not_told_what_other_files_could_earn() -> None:
    outcomes = (
        marked("BP101", Verdict.PASS, title="Gradients", summary="s", points=15),
        marked("WB201", Verdict.SKIPPED, title="Workbook", summary="no workbook", points=15),
        marked("AR001", Verdict.SKIPPED, title="Files", summary="one file was given", points=4),
    )
    whole = report("x", outcomes, artefacts=(artefact("README.md", Kind.README),))
    alone = msgspec.structs.replace(
        whole, submission=msgspec.structs.replace(whole.submission, single_file=True)
    )
    assert [s.title for s in next_steps(whole)] == ["The workbook is missing"]
    assert next_steps(alone) == ()
    text = print_report(alone)
    assert "One file was given" in text
    assert "WB201" not in text, "a README was told that its workbook was not handed in"
    assert "WB201" not in student_page.render(alone).partition("<main")[2]
    assert tally(whole).text == "15 earned, 19 open of 34 points"
    assert tally(alone).text == "15 earned of 15 points"


def test_a_missing_file_is_one_step_with_the_points_of_the_file_itself() -> None:
    gone = Finding(message="a workbook is missing", diagnosis="missing-workbook", hint="add it")
    outcomes = (
        marked("AR001", Verdict.PARTIAL, title="Files", summary="s", points=4, credit=0.5, findings=(gone,)),
        marked("WB201", Verdict.SKIPPED, title="Workbook", summary="no workbook", points=15),
    )
    (step,) = next_steps(report("x", outcomes))
    assert (step.title, step.points) == ("The workbook is missing", 17)


def test_no_student_page_names_an_option_of_the_command_line() -> None:
    root = Path(__file__).parents[2] / "grader"
    for folder in ("execute", "checks", "extract", "ingest"):
        for path in sorted((root / folder).rglob("*.py")):
            said = re.findall(r'Unavailable\(\s*f?"([^"]*)"', path.read_text(encoding="utf-8"))
            assert not [text for text in said if " --" in text or "(--" in text], path.name


def test_one_absence_told_by_two_criteria_is_one_story() -> None:
    """A learning rate that nothing shows has no losses to be right either: LR302 says `same as LR301`."""
    replay = ReplayFacts(books=(replayed(workbook()),))
    told, other = (not_shown(replay, [rate], {}, (0.5, 2.0)) for rate in (0.5, 2.0))
    first, second = (Fault(sentence=f.message, findings=(f,)) for f in (told, other))
    assert same_slip(first, first)
    assert not same_slip(first, second)
    both = (
        marked(code, Verdict.PARTIAL, title=code, summary="one of two", findings=(told,))
        for code in ("LR301", "LR302")
    )
    (step,) = next_steps(report("x", tuple(both)))
    assert "The same in" not in step.text, "the one file was named as another place"
