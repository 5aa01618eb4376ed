"""What comes first: steps, groups, stamps, and what students do not see."""

import msgspec
import pytest

from grader.core.outcome import Finding, Verdict
from grader.render import student_page
from grader.render.strings import sentence
from grader.render.summary import anchor_of, for_student, groups, next_steps, stamps, verdict_for_people
from grader.render.terminal import print_report
from tests.render.samples import bare, good, hostile, marked, mixed, report


def test_most_valuable_step_comes_first() -> None:
    steps = next_steps(mixed())
    assert [(s.points, s.title) for s in steps] == [
        (3, "The network has more parameters than the assignment allows"),
        (2.0, "In ∂E/∂w3 the hidden activation does not belong to this weight, and 1 more"),
    ]
    assert steps[0].text.startswith("conv5 alone holds 18,464")


def test_what_is_missing_on_our_side_is_no_step_of_the_student() -> None:
    assert not [step for step in next_steps(mixed()) if "MNIST" in step.text]


def test_missing_file_of_the_student_is_one_step_for_all_its_criteria() -> None:
    (step,) = next_steps(bare())
    assert (step.points, step.title) == (5, "The workbook is missing")


def test_two_missing_files_are_two_steps() -> None:
    reason = "running student code was not allowed"
    outcomes = tuple(
        marked(code, Verdict.SKIPPED, title=code, summary=reason, points=p)
        for code, p in (("WB201", 1), ("NN401", 2), ("RT601", 3))
    )
    assert [(s.points, s.title) for s in next_steps(report("x", outcomes))] == [
        (5, "The notebook is missing"),
        (1, "The workbook is missing"),
    ]


def test_at_most_three_steps_and_none_when_all_is_right() -> None:
    finding = Finding(message="m", hint="")
    many = tuple(
        marked(
            "BP101",
            Verdict.FAIL,
            title=f"t{n}",
            summary="s",
            points=n,
            findings=(msgspec.structs.replace(finding, message=f"m{n}"),),
        )
        for n in range(1, 6)
    )
    assert [step.text for step in next_steps(report("x", many))] == ["m5", "m4", "m3"]
    assert next_steps(good()) == ()


def test_wait_for_a_person_is_a_step_only_with_a_hint() -> None:
    hinted = marked(
        "BP101",
        Verdict.UNKNOWN,
        title="t",
        summary="s",
        findings=(Finding(message="m", hint="Write them as text."),),
    )
    silent = marked("WB201", Verdict.UNKNOWN, title="u", summary="s", findings=(Finding(message="m"),))
    assert [step.text for step in next_steps(report("x", (hinted, silent)))] == ["Write them as text."]


def test_failed_first_passed_last() -> None:
    assert [g.verdict.value for g in groups(mixed())] == [
        "fail",
        "partial",
        "unknown",
        "error",
        "skipped",
        "pass",
    ]


def test_isolation_and_provisional_points_are_stamped() -> None:
    assert len(stamps(hostile())) == 1
    assert "without isolation" in stamps(hostile())[0]
    assert "provisional" in stamps(mixed())[0]
    assert stamps(good()) == ()


def test_paths_of_the_grading_machine_are_left_out() -> None:
    assert mixed().provenance.options["data"] == "/home/teacher/mnist"
    assert "data" not in for_student(mixed()).provenance.options
    assert for_student(mixed()).outcomes == mixed().outcomes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a notebook is missing", "A notebook is missing"),
        ("w5 is wrong", "w5 is wrong"),
        ("a_h1 is wrong", "a_h1 is wrong"),
        ("readme.md is empty", "readme.md is empty"),
        ("∂E/∂w1 is wrong", "∂E/∂w1 is wrong"),
        ("", ""),
    ],
)
def test_sentences_begin_with_a_capital_and_names_keep_theirs(text: str, shown: str) -> None:
    assert sentence(text) == shown


def test_hidden_criteria_never_reach_a_student() -> None:
    secret = msgspec.structs.replace(marked("IN801", Verdict.FAIL, title="Copies", summary="s"), hidden=True)
    assert for_student(report("x", (secret,))).outcomes == ()


def test_anchors_stay_apart_for_any_criterion_id() -> None:
    ids = ["a-b", "a.b", "a b", "äb", "a_b", 'a"b']
    assert len({anchor_of(marked("X", Verdict.PASS, title="t", name=i, summary="")) for i in ids}) == len(ids)


def test_headline_fits_the_score() -> None:
    """`Not checked` stood over full points, because a criterion worth none had been skipped."""
    full = marked("AR001", Verdict.PASS, title="Files", summary="s")
    for verdict in (Verdict.SKIPPED, Verdict.FAIL, Verdict.UNKNOWN):
        sample = report("x", (full, marked("LR303", verdict, title="Charts", summary="s", points=0.0)))
        assert sample.verdict is verdict
        assert verdict_for_people(sample) is Verdict.PASS
        page = student_page.render(sample)
        assert "Passed</span></p>" in page
        assert "takes no points away is listed below" in page
        assert print_report(sample).startswith("✓ Passed")
    bonus = msgspec.structs.replace(marked("NN409", Verdict.FAIL, title="Pooling", summary="s"), bonus=True)
    assert verdict_for_people(report("x", (full, bonus))) is Verdict.PASS
    only = report("x", (marked("LR303", Verdict.FAIL, title="Charts", summary="s", points=0.0),))
    assert verdict_for_people(only) is Verdict.FAIL
    waiting = report("x", (full, marked("RT601", Verdict.SKIPPED, title="Training", summary="s")))
    assert verdict_for_people(waiting) is Verdict.SKIPPED
    assert print_report(waiting).startswith("○ Not all checked")
