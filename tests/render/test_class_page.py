"""The class page: order, counts, and that it reads without its script."""

import json
import re
from html import unescape

import msgspec
import pytest

from grader.core.outcome import Verdict
from grader.render import class_page
from grader.render.class_rows import ClassRow, Head, Similar, SimilarGroup, decide
from grader.render.summary import anchor_of
from grader.render.terminal import class_lines
from tests.render.golden_files import assert_golden
from tests.render.samples import SWAPPED, bare, everyone, good, marked, mixed, report, rows_from


def test_what_the_page_says() -> None:
    rows = [
        *rows_from(everyone()),
        ClassRow.ungraded("zip", "broken.zip", "The archive stops in the middle."),
    ]
    tree = msgspec.to_builtins(class_page.view(rows, "Session 6"), enc_hook=list)
    assert_golden("class.json", json.dumps(tree, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def test_who_needs_a_person_comes_first() -> None:
    rows = [
        ClassRow.of(good()),
        ClassRow.of(mixed()),
        ClassRow.of(bare()),
        ClassRow.ungraded("zip", "zip", "broken"),
    ]
    assert [row.slug for row in class_page.view(rows).rows] == ["zip", "mixed-work", "good-work", "bare"]
    assert class_page.view(rows) == class_page.view(rows[::-1])


def test_one_students_eight_mistakes_count_once() -> None:
    eight = report(
        "a", (marked("BP101", Verdict.FAIL, title="Gradients", summary="s", findings=(SWAPPED,) * 8),)
    )
    one = report(
        "b",
        (marked("BP101", Verdict.PARTIAL, title="Gradients", summary="s", credit=0.5, findings=(SWAPPED,)),),
    )
    (bar,) = class_page.view(rows_from([eight, one])).mistakes
    assert (bar.cells, bar.count) == (("Index swapped", "Gradients (BP101)"), 2)


def test_mistakes_that_nobody_judged_are_not_counted() -> None:
    open_case = report(
        "a", (marked("BP101", Verdict.UNKNOWN, title="Gradients", summary="s", findings=(SWAPPED,)),)
    )
    assert class_page.view(rows_from([open_case])).mistakes == ()


def test_scores_fall_into_ten_bins_and_full_marks_into_the_last() -> None:
    rows = [
        ClassRow(slug=str(n), id="x", verdict="pass", percent=p)
        for n, p in enumerate((0.0, 9.99, 10.0, 99.9, 100.0))
    ]
    assert [bar.count for bar in class_page.view(rows).scores] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]


def test_a_share_that_may_still_grow_is_drawn_grey() -> None:
    """The median said 97.6 % of a class in which one had 39 of 100 points."""
    rows = [
        ClassRow(slug="a", id="a", verdict="pass", percent=95.0, max_score=100.0),
        ClassRow(slug="b", id="b", verdict="unknown", percent=39.0, pending_points=59.0, max_score=100.0),
        ClassRow(slug="c", id="c", verdict="unknown", percent=36.0, pending_points=1.0, max_score=100.0),
        ClassRow(slug="d", id="d", verdict="fail", percent=31.0, max_score=100.0),
    ]
    view = class_page.view(rows)
    assert (view.median, view.open) == (37.5, 2)
    assert [(bar.count, bar.open, bar.sure_share) for bar in view.scores if bar.count] == [
        (3, 2, 33.3),
        (1, 0, 33.3),
    ]
    assert class_page.render(rows).count('<rect class="open"') == 1


def test_page_reads_without_its_script() -> None:
    page = class_page.render(rows_from(everyone()))
    assert '<div class="tools" id="tools" hidden>' in page
    assert "<button" not in page.partition("<script>")[0]
    for sample in everyone():
        assert f'href="{sample.submission.slug}/index.html"' in page


def test_empty_class() -> None:
    assert "No submission was graded." in class_page.render([])


def test_similar_hand_ins_stand_side_by_side_and_lead_to_their_pages() -> None:
    pair = Similar(
        names=("good-work", "gone"),
        what="README",
        how="30 % of the lines",
        passages=((("README.md:3", "README.md:9"), "∂E/∂w5 = 1"),),
    )
    page = class_page.render(
        rows_from([good()]),
        similar=(SimilarGroup(caption="Alike", members=(pair,)),),
        note="one was not read",
    )
    section = page[page.index("Alike") :].partition("</section>")[0]
    assert '<a href="good-work/index.html">' in section
    assert section.count("<pre") == 2, "each place has its own column"
    assert "one was not read" in page


def test_of_a_thousand_that_look_alike_some_are_named_and_the_others_counted() -> None:
    set_of = Similar(names=tuple(f"student {n:04}" for n in range(1_200)), what="notebook", how="all")
    page = class_page.render(rows_from([good()]), similar=(SimilarGroup(caption="Alike", members=(set_of,)),))
    section = page[page.index("Alike") :].partition("</section>")[0]
    assert section.count("student 0") == class_page.ALIKE_NAMED
    assert "and 1,180 more, each named in alike.json" in section


def test_a_table_of_students_and_criteria_leads_to_each_finding() -> None:
    page = class_page.render(rows_from([good(), mixed()]))
    table = page[page.index('<table id="submissions"') :].partition("</table>")[0]
    codes = [m.code for m in good().outcomes] + [m.code for m in mixed().outcomes]
    for code in dict.fromkeys(codes):
        assert re.search(rf'class="heat" title="[^"]+">{code}</th>', table), code
    failed = next(m for m in mixed().outcomes if m.verdict is Verdict.FAIL)
    link = f'<td class="heat v-fail"><a href="mixed-work/index.html#{anchor_of(failed)}"'
    assert f'{link} aria-label="{failed.code} Failed">✗</a>' in table
    assert '<td class="heat v-pass">✓</td>' in table, "what is right needs no link"
    assert 'aria-label="WB201 Passed, 1 remark">✓1</a>' in table, "what passed with remarks does"
    view = class_page.view(rows_from([good(), mixed()]))
    assert view.passed[good().outcomes[0].criterion] == 2


def test_what_waits_has_the_command_that_decides_it() -> None:
    sample = report("x", (marked("WB201", Verdict.UNKNOWN, title="t", summary="s"),), submission_id="Ann B")
    command = decide("Ann B", sample.outcomes[0].criterion)
    assert command.startswith("grader override 'Ann B' ")
    page = class_page.render(rows_from([sample]))
    fields = re.findall(r'<textarea class="copy" readonly rows="1" aria-label="[^"]+">(.*?)</textarea>', page)
    assert [unescape(field) for field in fields] == [command]


def test_the_head_says_rubric_run_and_date_and_leads_to_the_marks() -> None:
    head = Head(
        rubric="MNIST",
        run="3",
        graded="2026-11-29 07:01 UTC",
        exports=(("marks.csv", "_class/marks.csv"),),
        commands=("grader export --format canvas --roster FILE",),
    )
    page = class_page.render(rows_from([good()]), head=head)
    for text in (
        "MNIST",
        "Run 3",
        "2026-11-29 07:01 UTC",
        'href="_class/marks.csv"',
        "grader export --format canvas",
    ):
        assert text in page


def test_a_class_of_a_thousand_stays_light() -> None:
    """The cells are small: a browser opens a thousand students by thirty criteria within two seconds."""
    rows = rows_from([mixed(), good()])
    many = [
        msgspec.structs.replace(row, slug=f"s{n}", id=f"student {n}", link=f"s{n}/index.html", waiting=())
        for n in range(500)
        for row in rows
    ]
    assert len(class_page.render(many).encode()) < 3_000_000


def test_long_queue_is_folded() -> None:
    waiting = [
        report(f"s{n}", (marked("WB201", Verdict.UNKNOWN, title="t", summary="s"),)) for n in range(15)
    ]
    assert "10 more wait" in class_page.render(rows_from(waiting))


def test_slowest_needs_times() -> None:
    assert class_page.view([ClassRow.of(good())]).slowest == ()
    rows = rows_from(
        [good(), bare()],
        {good().submission.id: {"read": 1.0}, bare().submission.id: {"read": 2, "execute": 7}},
    )
    slowest = class_page.view(rows).slowest
    assert [(row.slug, row.seconds) for row in slowest] == [("bare", 9.0), ("good-work", 1.0)]
    assert "read 2.0, execute 7.0" in class_page.render(rows)


def test_one_reason_stands_once_for_all_criteria_that_wait_for_it() -> None:
    damaged = "the workbook is damaged"
    row = ClassRow.of(
        report(
            "a",
            tuple(
                marked(code, Verdict.UNKNOWN, title=f"Title of {code}", summary=summary)
                for code, summary in (("WB201", damaged), ("BP101", "pictures"), ("WB202", damaged))
            ),
        )
    )
    assert [(r.codes, r.title) for r in row.reasons] == [
        (("WB201", "WB202"), ""),
        (("BP101",), "Title of BP101"),
    ]
    page = class_page.render([row])
    assert page.count("The workbook is damaged") == 1
    assert "2 criteria wait for the same reason" in page


def test_a_class_row_speaks_of_the_score_and_names_what_takes_no_points() -> None:
    """`Not checked` and `Failed` stood beside full marks."""
    full = marked("AR001", Verdict.PASS, title="Files", summary="s")
    named = {}
    for verdict in (Verdict.SKIPPED, Verdict.FAIL, Verdict.UNKNOWN):
        sample = report("x", (full, marked("LR303", verdict, title="Charts", summary="s", points=0.0)))
        row = ClassRow.of(sample)
        named[verdict] = row.besides
        assert row.verdict == "pass"
        first, *second = class_lines([sample])
        assert first.startswith("\N{CHECK MARK} Passed")
        assert ["takes no points away" in line for line in second] == [True] * bool(row.besides)
        assert class_page.render([row]).count("takes no points away") == bool(row.besides)
    assert named == {Verdict.SKIPPED: "", Verdict.FAIL: "fail", Verdict.UNKNOWN: "unknown"}
    waiting = report("x", (full, marked("RT601", Verdict.SKIPPED, title="Training", summary="s")))
    page = class_page.render([ClassRow.of(waiting)]).partition("<main")[2]
    assert "Not all checked" in page
    row = page[page.index("<tbody") :].partition("</table>")[0]
    assert row.count("Not checked") == 1, "of the criterion alone"


def test_a_class_of_thousands_is_shown_in_pages_that_know_one_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(class_page, "SECTION", 3)
    waits = report("w", (marked("WB201", Verdict.UNKNOWN, title="t", summary="look here"),))
    rows = [
        ClassRow.ungraded("zip", "broken.zip", "The archive stops in the middle."),
        *(
            msgspec.structs.replace(row, slug=f"s{n}{k}", id=f"student {n}{k}", link=f"s{n}{k}/index.html")
            for n in range(3)
            for k, row in enumerate(rows_from([good(), waits]))
        ),
    ]
    parts = dict(class_page.pages(rows))
    index = parts.pop("")
    assert index == class_page.render(rows)
    assert list(parts) == ["part-2.html", "part-3.html"]
    pages = [index, *parts.values()]
    for row in rows[1:]:
        assert sum(f'data-state="{row.verdict}"' in p and f">{row.id}<" in p for p in pages) == 1, row.id
    assert '<b aria-current="page">1–3</b>' in index
    assert 'href="_class/part-2.html">4–6</a>' in index
    assert 'href="../index.html">1–3</a>' in parts["part-2.html"]
    assert 'href="part-3.html">7–7</a>' in parts["part-2.html"]
    assert 'href="../s' in parts["part-3.html"]
    assert "<b>7</b> submissions" in index
    assert "Distribution of scores" in index
    assert "Distribution of scores" not in parts["part-2.html"]
    assert sum(p.casefold().count("look here") for p in pages) == 3


def test_a_page_without_those_who_wait_says_where_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page of a large class held archives that nobody could open, and said that nobody waits."""
    monkeypatch.setattr(class_page, "SECTION", 2)
    waits = report("w", (marked("WB201", Verdict.UNKNOWN, title="t", summary="look here"),))
    broken = [ClassRow.ungraded(f"{n}.zip", f"{n}.zip", "The archive stops.") for n in range(2)]
    index, second, third = dict(class_page.pages([*broken, *rows_from([waits, good(), good()])])).values()
    assert "Nobody waits" not in index + second + third
    assert 'The first who does is one of <a href="_class/part-2.html">3–4</a>' in index
    assert "Look here" in second
    assert 'The first who does is one of <a href="part-2.html">3–4</a>' in third
    pages = dict(class_page.pages([*broken, *rows_from([good()])])).values()
    assert all("Nobody waits for a person." in page for page in pages)


def test_a_small_class_is_one_page() -> None:
    rows = rows_from(everyone())
    assert list(dict(class_page.pages(rows))) == [""]
    assert "aria-current" not in class_page.render(rows)
