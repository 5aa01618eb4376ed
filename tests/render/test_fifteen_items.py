"""The fifteen items that reports of other graders are praised for, on the page of a real submission of the
sample class.

The table in docs/explanation/reports.md names the place and the test of each; what other tests hold is only
pointed at there.
"""

import base64
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.checks.retrain import accuracy_retrained
from grader.core.outcome import Finding, Verdict
from grader.core.report import Report
from grader.core.settings import Settings
from grader.ingest.read import read_submission
from grader.pipeline.grade.grade_one import grade_one
from grader.pipeline.grade.publish import publish
from grader.pipeline.plan.rubrics import load
from grader.render import class_page, strings, student_page
from grader.render.class_rows import ClassRow
from grader.render.pictures.curves import AccuracyRun, accuracy_curve
from grader.render.result_json import decode, encode
from grader.render.terminal import print_report
from tests.facts import retrained
from tests.render.samples import everyone, hostile, marked, mixed
from tests.render.samples import report as one_report

ROOT = Path(__file__).parents[2]


class Written:
    """What publishing one submission leaves on disk."""

    def __init__(self, out: Path, slug: str, report: Report) -> None:
        self.out = out
        self.folder = out / slug
        self.report = report
        self.page = (self.folder / "index.html").read_text(encoding="utf-8")
        self.result = json.loads((self.folder / "result.json").read_text(encoding="utf-8"))

    def part(self, start: str, end: str = "</main>") -> str:
        return self.page[self.page.index(start) :].partition(end)[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The sample with wrong gradients, graded without running code and published beside its class."""
    rules = catalogue()
    loaded = load("default", rules)
    sources = read_submission(ROOT / "submissions" / "wrong-gradient")
    report, known = grade_one(sources, loaded, rules, Settings(execute=False, retrain=False))
    out = tmp_path_factory.mktemp("reports")
    publish(report, known.products(), out, loaded.rubric, sources.fetch)
    (out / "index.html").write_text(class_page.render([ClassRow.of(report)]), encoding="utf-8")
    return Written(out, report.submission.slug, report)


def test_1_first_screen_is_verdict_score_and_three_steps_and_the_rest_folds(made: Written) -> None:
    first = made.part('<section class="first card"', "</section>")
    assert "Failed</span>" in first
    assert re.search(r'class="score"><b>[\d.]+</b> of 100 points', first)
    assert "45 earned, 30 open, 25 missed of 100 points" in first
    assert re.search(r'<a href="#s-remarks">\d+ remarks</a>', first), "what passed with remarks is counted"
    assert "--" not in first, "no option of the command line is named to a student"
    assert 1 <= first.count('class="worth">up to') <= 3
    headings = re.findall(r'<section id="s-(\w+)"', made.page)
    order = ["fail", "partial", "remarks", "unknown", "error", "skipped", "pass"]
    assert headings == [name for name in order if name in headings]
    assert headings[0] == "fail"
    assert headings[-1] == "pass"
    skipped = made.part('<section id="s-skipped"', "</section>")
    assert "No code was run" in skipped, "a skip names what it lacks"


def test_2_each_finding_has_a_sentence_expected_found_where_and_a_link(made: Written) -> None:
    card = made.part('<article id="c-', "</article>")
    for label in ("Expected</dt>", "Found</dt>", "Where</dt>", "What to do:"):
        assert label in card
    for label in ("You wrote</dt>", "It should be</dt>", 'class="come"'):
        assert label in made.page, "a wrong formula stands over the right one, with the difference coloured"
    links = set(re.findall(r'href="((?:readme|notebook|workbook)\.html#f\d+-[\w-]+)"', made.page))
    assert {link.partition(".")[0] for link in links} == {"notebook", "readme", "workbook"}
    for link in links:
        name, _, anchor = link.partition("#")
        assert f'id="{anchor}"' in (made.folder / name).read_text(encoding="utf-8"), link
    assert "<mark>" in made.page


def test_2_about_this_check_leads_to_the_page_of_the_check_inside_the_report(made: Written) -> None:
    """A link to a site could be dead where the page is read; the words of the check travel with it."""
    links = re.findall(r'<a href="#(about-[A-Z]+\d+)" aria-label="About this check [A-Z]+\d+">', made.page)
    assert links
    for link in links:
        guide = made.part(f'<details class="guide" id="{link}">', "</details>")
        assert "What it checks" in guide
    anchors = re.findall(r' id="([^"]+)"', made.page)
    assert {link[1:] for link in re.findall(r'href="(#[^"]+)"', made.page)} <= set(anchors)


def test_4_points_stand_beside_their_reason_and_add_up(made: Written) -> None:
    sums = made.part('<table class="sums cards"', "</table>")
    earned = [float(x) for x in re.findall(r"= ([\d.]+)</td>", sums)]
    assert sum(earned) == pytest.approx(made.report.score)
    worth = [float(x) for x in re.findall(r">× ([\d.]+)", sums)]
    assert sum(worth) == made.report.max_score
    for article in re.findall(r"<article .*?</article>", made.page, re.DOTALL):
        assert 'class="worth"' in article
        assert 'class="criterion"' in article or "Passed</span>" in article, (
            "what was asked for, in small print"
        )


def test_5_a_trained_number_comes_with_its_seeds_and_its_rule() -> None:
    facts = retrained(*range(9_800, 9_932, 12), planned=11)
    runs = tuple(msgspec.structs.replace(facts.runs[0], seed=seed) for seed in (3, 5, 8))
    outcome = accuracy_retrained.check(
        msgspec.structs.replace(facts, runs=runs), None, accuracy_retrained.Params()
    )
    shown = " ".join(f"{f.found} {f.expected}" for f in outcome.findings)
    for text in ("seed 3: 98.00", "seed 5: 98.00", "seed 8: 98.00", "failed when a full run stays below"):
        assert text in shown
    picture = accuracy_curve((AccuracyRun(name="ours, seed 3", percents=(98.0, 99.2)),), threshold=99.4)
    assert picture is not None
    assert "how far the same training can land from itself" in picture.description


def test_6_claims_stand_in_one_table_of_four_voices(made: Written) -> None:
    head = made.part('aria-labelledby="h-claims"', "</thead>")
    names = ("README says", "Code does", "Saved log shows", "Our run gave", "Agree?")
    assert [head.index(name) for name in names] == sorted(head.index(name) for name in names)


def test_7_what_we_read_stands_before_what_we_judge(made: Written) -> None:
    assert made.page.index("How we read your formulas") < made.page.index('<section id="s-fail"')
    assert made.page.count("<math") >= 8
    read = made.part('aria-labelledby="h-read"', "</section>")
    for text in (
        "20 formulas, in utf-8",
        "training table of 60 iterations at sheet1!a13",
        "notebook of 5 cells",
        ">yes<",
    ):
        assert text in read.lower()


def test_8_one_file_without_script_or_network_and_small(made: Written) -> None:
    for page in sorted(made.folder.glob("*.html")):
        text = page.read_text(encoding="utf-8")
        assert text.count("<script") <= 1, "for the keys n and p, by hash; everything reads without it"
        assert not re.search(
            r'(?:src|href)="(?!#|data:image/png;base64,|index\.html|(?:readme|notebook|workbook)[\w.-]*\.(?:html|txt))',
            text,
        ), page.name
        assert "url(" not in text
        assert "@import" not in text
        assert len(text.encode()) < 400_000, page.name
    assert (made.out / "index.html").read_text(encoding="utf-8").count("<script>") == 1


def test_9_the_data_keep_what_the_page_cuts() -> None:
    long = "x" * 9_000 + "GUILTY" + "y" * 9_000
    finding = Finding(message="m", excerpt=long, marked="GUILTY")
    sample = one_report(
        "x", (marked("BP101", Verdict.FAIL, title="Gradients", summary="s", findings=(finding,)),)
    )
    assert "8,200 characters left out" in student_page.render(sample)
    assert json.loads(encode(sample))["outcomes"][0]["findings"][0]["excerpt"] == long


def test_10_policy_of_every_page_is_none(made: Written) -> None:
    for page in [*made.folder.glob("*.html"), made.out / "index.html"]:
        assert "content=\"default-src 'none'; style-src 'sha256-" in page.read_text(encoding="utf-8").replace(
            "&#39;", "'"
        )


class Headings(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.unnamed = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))


def test_11_headings_in_order_captions_scopes_and_a_way_to_the_next_failure(made: Written) -> None:
    levels = Headings(made.page).levels
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    for table in re.findall(r"<table.*?</table>", made.page, re.DOTALL):
        assert "<caption>" in table
        assert '<th scope="col"' in table
    assert strings.NEXT_CARD in made.page
    style = made.part("<style>", "</style>")
    for rule in ("prefers-color-scheme: dark", "prefers-reduced-motion", "@media print", ":focus-visible"):
        assert rule in style


def test_11_print_is_the_verdict_and_the_faults_and_never_dark(made: Written) -> None:
    style = made.part("<style>", "</style>")
    assert "@media screen and (prefers-color-scheme: dark)" in style, "pale letters on white paper"
    paper = style[style.index("@media print") :]
    assert "details-content" not in paper, "what is folded stays folded"
    hidden = next(line for line in paper.splitlines() if line.endswith("{ display: none; }"))
    assert {".beyond", "#s-pass"} <= set(hidden.partition(" {")[0].strip().split(", "))
    faults = made.part('<section id="s-fail"', 'id="s-pass"')
    assert "beyond" not in faults
    assert "tfoot { display: table-row-group; }" in paper, "the total stood at the end of every sheet"


def test_12_terminal_says_the_same(made: Written) -> None:
    text = print_report(made.report, width=100)
    assert all(len(line) <= 100 for line in text.splitlines())
    for shown in made.report.outcomes:
        assert shown.code in text


def test_13_reproduce_box_is_folded_and_complete(made: Written) -> None:
    box = made.part('aria-labelledby="h-reproduce"', "</section>")
    assert '<details class="card"><summary>' in box
    for text in (
        "grader grade",
        "default",
        made.report.submission.sha256,
        made.report.rubric.sha256,
        "Python",
        "Libraries",
        "Isolation",
    ):
        assert text in box


def test_14_hidden_criteria_are_taken_out_before_anything_is_drawn(made: Written) -> None:
    first = made.report.outcomes[0]
    secret = msgspec.structs.replace(first, hidden=True, title="Secret criterion", summary="secret summary")
    report = msgspec.structs.replace(made.report, outcomes=(secret, *made.report.outcomes[1:]))
    rubric = load("default", catalogue()).rubric
    out = made.out / "hidden"
    publish(report, {}, out, rubric, lambda _: b"")
    for path in sorted((out / report.submission.slug).iterdir()):
        assert "ecret" not in path.read_text(encoding="utf-8"), path.name


def test_15_result_has_a_version_and_is_read_back(made: Written) -> None:
    assert made.result["schema"] == 1
    again = decode((made.folder / "result.json").read_bytes())
    assert again.outcomes == made.report.outcomes
    for sample in (*everyone(), mixed(), hostile()):
        assert sample.schema == 1


def test_the_page_about_reports_names_tests_that_there_are() -> None:
    """What the page claims is held by a test, and the test by its name."""
    rows = [
        line.split("|")[1:-1]
        for line in (ROOT / "docs" / "explanation" / "reports.md").read_text("utf-8").splitlines()
        if re.match(r"\| \d+ \|", line)
    ]
    assert [int(row[0]) for row in rows] == list(range(1, 16))
    for row in rows:
        named = re.findall(r"`((?:[\w/]+\.py)?)(?:::(test_\w+…?))?`", row[3])
        assert named, row
        for file, test in named:
            paths = list((ROOT / "tests").rglob(Path(file or "test_fifteen_items.py").name))
            assert len(paths) == 1, file
            start = f"def {test.removesuffix('…')}" if test else "def test_"
            assert start in paths[0].read_text("utf-8"), (file, test)


def test_style_is_one_and_named_by_its_hash(made: Written) -> None:
    import hashlib

    style = made.part("<style>", "</style>").removeprefix("<style>")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"sha256-{digest}" in made.page
