"""What Gradescope takes: results.json of an autograder, a test a criterion.

https://gradescope-autograders.readthedocs.io/en/latest/specs/: a test's `score`, `max_score` and `status` are
optional as long as the submission has a `score`, which "overrides total of tests"; `output_format` `html` is
sanitised by Gradescope; `visibility` is hidden, after_due_date, after_published or visible. A test without
score and status is neither passed nor failed: that is how what is open is told.
"""

import json
from collections.abc import Sequence

from grader.core.outcome import Verdict, Weight
from grader.core.report import Marked, Report
from grader.render.html import environment
from grader.render.same_fault import one_by_one
from grader.render.strings import HEADLINE, VERDICTS
from grader.render.student_cards import FINDINGS_SHOWN
from grader.render.summary import next_steps, stamps, title_of, verdict_for_people, where

VISIBILITIES = ("visible", "after_published", "after_due_date", "hidden")


def to_results(
    view: Report, visibility: str = "visible", *, score: float | None = None, hidden: Sequence[Marked] = ()
) -> str:
    """Return results.json of a report that holds the student's view alone.

    `score` is the mark, where criteria that the view leaves out count in it; `hidden` are those criteria,
    for tests that Gradescope shows to instructors alone.
    """
    tests = [_test(number, marked) for number, marked in enumerate(view.outcomes, 1)]
    tests += [
        _test(number, marked) | {"visibility": "hidden"}
        for number, marked in enumerate(hidden, len(tests) + 1)
    ]
    tree: dict[str, object] = {
        "score": view.score if score is None else score,
        "output": _overall(view),
        "output_format": "html",
        "test_output_format": "html",
        "test_name_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "extra_data": {
            "grader": view.provenance.grader,
            "rubric": view.rubric.id,
            "submission_sha256": view.submission.sha256,
        },
        "tests": tests,
    }
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def _test(number: int, marked: Marked) -> dict[str, object]:
    worth = f": {marked.max_points:g} points{' (bonus)' if marked.bonus else ''} open"
    label = VERDICTS[marked.verdict].word
    test: dict[str, object] = {"number": str(number), "tags": [marked.code]}
    if marked.verdict.pending:
        test["name"] = f"{title_of(marked)} ({label}{worth if marked.max_points else ''})"
    else:
        test["name"] = f"{title_of(marked)} ({label})"
        test["score"] = marked.points
        test["max_score"] = 0.0 if marked.bonus else marked.max_points
        test["status"] = "passed" if marked.verdict is Verdict.PASS else "failed"
    test["output"] = _output(marked)
    test["extra_data"] = {"criterion": marked.criterion, "verdict": marked.verdict.value}
    return test


def _overall(report: Report) -> str:
    template = environment().get_template("gradescope_overall.html.j2")
    headline = HEADLINE[verdict_for_people(report)]
    return template.render(report=report, headline=headline, stamps=stamps(report), steps=next_steps(report))


def _output(marked: Marked) -> str:
    told = (*one_by_one(marked.findings, Weight.FAULT), *one_by_one(marked.findings, Weight.REMARK))
    template = environment().get_template("gradescope_test.html.j2")
    more = max(0, len(told) - FINDINGS_SHOWN)
    return template.render(marked=marked, faults=told[:FINDINGS_SHOWN], where=where, more=more)
