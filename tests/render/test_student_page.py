"""The student's page: what it says (golden) and how large it may become."""

import json
import re

import msgspec
import pytest

from grader.core.outcome import Finding, Verdict, Weight
from grader.core.place import Place
from grader.core.report import Report
from grader.render import same_fault, student_cards, student_page, student_parts
from grader.render.same_fault import exchanged
from grader.render.student_parts import Agreement, Claim
from tests.render.golden_files import assert_golden
from tests.render.samples import bare, decided, everyone, good, hostile, marked, mixed, report

SHARED = (
    student_cards._shared,
    student_parts._common,
    student_parts._sum,
    student_parts._guide,
    student_parts._origin,
    exchanged,
)
"""What is remembered of one page for the next."""
GUIDES = {code: f"{code}\n\nWhat it *checks*." for code in ("BP101", "RD701", "WB201", "LR301")}


@pytest.mark.parametrize("sample", [mixed(), hostile(), bare(), decided()], ids=lambda r: r.submission.slug)
def test_what_the_page_says(sample: Report) -> None:
    claims = (Claim(what="Parameters", readme="25.3K", code="7,723", ours="7,723", agrees=Agreement.NO),)
    view = student_page.view(
        sample, claims=claims, guides={"BP101": "Guide", "AR001": "not shown: it passed"}
    )
    tree = msgspec.to_builtins(view)
    assert_golden(
        f"student-{sample.submission.slug}.json",
        json.dumps(tree, indent=1, ensure_ascii=False, sort_keys=True) + "\n",
    )


def test_same_report_same_bytes() -> None:
    assert student_page.render(mixed()) == student_page.render(mixed())


def test_what_one_page_says_is_on_no_other() -> None:
    """Parts that many pages share are drawn once: whatever was drawn before, a page is the same."""
    samples = [*everyone(), *(msgspec.structs.replace(s, outcomes=s.outcomes[::-1]) for s in everyone())]
    views = {"README.md": "readme.html"}
    alone = []
    for sample in samples:
        for kept in SHARED:
            kept.cache_clear()
        same_fault._told.clear()
        alone.append(student_page.render(sample, guides=GUIDES, views=views))
    for _ in range(2):
        assert [student_page.render(s, guides=GUIDES, views=views) for s in samples] == alone
    assert all(kept.cache_info().hits for kept in SHARED if kept is not exchanged)


def test_faults_are_those_of_the_findings_that_are_asked_for() -> None:
    """A tuple that is gone leaves its address to another."""
    for n in range(300):
        found = (Finding(message=f"slip {n}"), Finding(message=f"remark {n}", weight=Weight.REMARK))
        assert [f.sentence for f in same_fault.one_by_one(found, Weight.FAULT)] == [f"slip {n}"]
        assert [f.sentence for f in same_fault.one_by_one(found, Weight.REMARK)] == [f"remark {n}"]
    assert len(same_fault._told) <= same_fault._REMEMBERED


def test_every_verdict_is_word_and_symbol() -> None:
    page = student_page.render(mixed())
    for word, symbol in (
        ("Failed", "✗"),
        ("Partly right", "◐"),
        ("Needs a person", "?"),
        ("Our error", "!"),
        ("Not checked", "○"),
        ("Passed", "✓"),
    ):
        assert f'<span class="sym" aria-hidden="true">{symbol}</span> {word}' in page


def test_first_screen_stands_before_the_evidence() -> None:
    page = student_page.render(mixed())
    order = [
        "mixed-work</bdi></h1>",
        "Our error</span>",
        "<b>9</b> of 23 points",
        "9 earned, 9 open, 5 missed of 23 points",
        "Do this next</h2>",
        "To correct</h2>",
        "Partly right</h2>",
        "Passed</h2>",
    ]
    positions = [page.index(text) for text in order]
    assert positions == sorted(positions)


def test_passed_is_folded_and_failed_is_open() -> None:
    page = student_page.render(mixed())
    assert page.index('<details class="card passed">') > page.index('class="card e-fail"')
    assert "<details open" not in page


def test_nothing_left_to_correct_is_said() -> None:
    assert "Nothing is left to correct." in student_page.render(good())
    waiting = report("w", (marked("WB201", Verdict.UNKNOWN, title="t", summary="s"),))
    assert "nothing for you to correct" in student_page.render(waiting)


def test_hundred_findings_do_not_fill_the_page() -> None:
    findings = tuple(
        Finding(
            message=f"Row {n} is wrong.",
            place=Place(artefact="S4.xlsx", sheet="S", ref=f"K{n}"),
            excerpt="=" + "A1+" * 2_000,
            marked="A1",
        )
        for n in range(1, 501)
    )
    page = student_page.render(
        report("x", (marked("WB201", Verdict.FAIL, title="t", summary="s", findings=findings),))
    )
    assert "475 more findings" in page
    assert len(page.encode()) < 400_000


def test_page_of_a_report_without_outcomes_or_points() -> None:
    page = student_page.render(report("empty", ()))
    assert "Nothing could be decided yet." in page


def test_private_options_never_reach_the_page() -> None:
    for sample in everyone():
        assert "/home/teacher" not in student_page.render(sample)


def test_command_to_reproduce_names_what_was_asked_for_and_no_path_that_is_not_there() -> None:
    """`grader grade 'Ivy Noor_4008' -r default` named a folder that nobody has, and left the options out."""
    sample = report("x", (), submission_id="my work; rm -rf ~")
    assert student_page.view(sample).reproduce[0][1] == "grader grade FOLDER -r default"
    made = msgspec.structs.replace(
        sample.provenance,
        isolation="none: no bubblewrap",
        options={"execute": "yes", "retrain": "no", "device": "cpu", "reproduce": "yes"},
    )
    rubric = msgspec.structs.replace(sample.rubric, id="my rubric")
    told = student_page.view(msgspec.structs.replace(sample, provenance=made, rubric=rubric))
    assert told.reproduce[0][1] == (
        "grader grade FOLDER -r 'my rubric' --no-retrain --reproduce --unsafe-no-sandbox --device cpu"
    )


def test_places_link_to_the_pages_of_their_files() -> None:
    views = {"README.md": "readme.html", "S4.ipynb": "notebook.html"}
    page = student_page.render(mixed(), views=views)
    assert re.search(r'<a href="readme.html#f0-c-[\w-]+"><bdi dir="auto">README.md:41</bdi></a>', page)
    assert re.search(
        r'<a href="notebook.html#f\d-c-[\w-]+"><bdi dir="auto">S4.ipynb cell 7 line 3</bdi></a>', page
    )
    assert "README.md:41</bdi></a>" not in student_page.render(mixed()), "no page, no link"
