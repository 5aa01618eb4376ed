"""The pages of a student's own files with the findings in them: each finding once, at its place, reached from
the report and leading back; formulas ticked; nothing of a student's alive; never a large page.
"""

import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.checks.catalogue import catalogue
from grader.core.evidence.base import Evidence
from grader.core.evidence.formulas import (
    DocumentFormulas,
    FormulaConvention,
    FormulaEvidence,
    FormulaKind,
    FormulaLine,
    FormulaVerdict,
    Unread,
    UnreadPlace,
)
from grader.core.evidence.workbook import Book, CellKind, Column, Run, Sheet, Table, WorkbookEvidence
from grader.core.facts.base import Fact
from grader.core.outcome import Finding, Verdict, Weight
from grader.core.place import Place
from grader.core.report import Report
from grader.core.settings import Settings
from grader.core.submission import Kind, Sources
from grader.ingest.read import read_submission
from grader.pipeline.grade.grade_one import grade_one
from grader.pipeline.plan.rubrics import load
from grader.render import student_page
from grader.render.files import notebook_page, text_page
from grader.render.files.from_products import book_of, readings_of
from grader.render.files.notes import NOTES, Annotations, FileNote, NoteKind, Reading, notes_of
from grader.render.files.sheet.cells import SheetCells
from grader.render.files.sheet.page import render as render_book
from grader.render.files.sheet.view import GridRow
from grader.render.files.sheet.view import view as view_book
from grader.render.files.sheet.window import areas, window
from grader.render.pictures.cells import Area
from tests.extract.test_notebook_view import code, notebook, stream
from tests.render.samples import HOSTILE, marked, report
from tests.render.test_safety import ATTRIBUTES, Page

ROOT = Path(__file__).parents[2]
SAMPLES = sorted(p.name for p in (ROOT / "submissions").iterdir() if p.is_dir() and p.name[0] != "_")
VIEWS = {"README.md": "readme.html", "S4.ipynb": "notebook.html", "b.xlsx": "workbook.html"}


@cache
def graded(sample: str) -> tuple[Sources, Report, dict[str, Evidence | Fact]]:
    rules = catalogue()
    sources = read_submission(ROOT / "submissions" / sample)
    made, known = grade_one(sources, load("default", rules), rules, Settings(execute=False, retrain=False))
    return sources, made, dict(known.products())


@cache
def pages_of(sample: str) -> dict[str, str]:
    """The page of each file by its path."""
    sources, made, products = graded(sample)
    notes = notes_of(made)
    drawn = {}
    for artefact in sources.submission.artefacts:
        path = artefact.path
        told = Annotations(notes=notes.get(path, ()), readings=readings_of(products, path))
        if not artefact.readable:
            continue
        if artefact.kind is Kind.WORKBOOK:
            book = book_of(products, path, told)
            assert book is not None
            drawn[path] = render_book(book, submission=sample)
        elif artefact.kind is Kind.README:
            drawn[path] = text_page.render(
                text_page.view(sources.fetch(artefact.sha256), path, told), submission=sample
            )
        elif artefact.kind is Kind.NOTEBOOK:
            drawn[path] = notebook_page.render(
                notebook_page.view(sources.fetch(artefact.sha256), path, told), submission=sample
            )
    return drawn


def ids(page: str) -> list[str]:
    return [value for name, value in Page(page).attributes if name == "id"]


def hrefs(page: str) -> list[str]:
    return [value for name, value in Page(page).attributes if name == "href"]


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_finding_stands_once_in_the_page_of_its_file(sample: str) -> None:
    _, made, _ = graded(sample)
    for path, page in pages_of(sample).items():
        found = ids(page)
        assert len(found) == len(set(found)), path
        wanted = {note.id for note in notes_of(made).get(path, ())}
        assert {name for name in found if re.match(r"f\d+-c-", name)} == wanted
        placed = [f for o in made.outcomes for f in o.findings if f.place and f.place.artefact == path]
        assert len(wanted) == len(placed)
        assert len(page.encode()) < 400_000


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES)
def test_report_and_files_lead_to_each_other(sample: str) -> None:
    _, made, _ = graded(sample)
    names = {path: f"{n}.html" for n, path in enumerate(pages_of(sample))}
    pages = {names[path]: page for path, page in pages_of(sample).items()}
    pages["index.html"] = student_page.render(made, views=names)
    anchors = {name: set(ids(page)) for name, page in pages.items()}
    for name, page in pages.items():
        for link in hrefs(page):
            target, _, anchor = link.partition("#")
            assert not anchor or anchor in anchors[target or name], f"{name}: {link}"
    told = {link for link in hrefs(pages["index.html"]) if re.search(r"#f\d+-c-", link)}
    assert bool(told) == bool(sum(len(notes) for path, notes in notes_of(made).items() if path in names))


def test_wrong_lines_are_marked_and_right_ones_ticked() -> None:
    page = pages_of("wrong-gradient")["README.md"]
    lines = dict(re.findall(r'(<span class="l[^>]*id="line-(?:33|41|40)">)(<span class="tick v-\w+)?', page))
    assert [
        (re.search(r'"l( g-\w+)?"', line)[1], tick.rpartition("-")[2])  # type: ignore[index]
        for line, tick in lines.items()
    ] == [(" g-wrong", "fail"), (None, ""), (None, "pass")]
    assert page.count('<span class="tick v-pass">') == 16
    assert page.count('<span class="tick v-fail">') == 4
    tally = page[page.index('<div class="tally">') :].partition("</div>")[0]
    said = " ".join(re.sub(r"<[^>]+>", "", tally).split())
    assert said.startswith("Formulas: ✓ 16 right ✗ 4 wrong Findings: ✗ 4 to correct ↓ to the first")
    assert page.count("It should be</dt>") == 4, "each line's own, of which three are folded"
    assert page.count("the same slip as in") == 3


def test_notes_are_a_chain_of_links() -> None:
    page = pages_of("wrong-gradient")["README.md"]
    chain = re.findall(r'<div class="note [^>]*id="([^"]+)"', page)
    for before, after in pairwise(chain):
        part = page[page.index(f'id="{before}"') : page.index(f'id="{after}"')]
        assert f'href="#{after}"' in part
        assert f'href="#{before}"' in page[page.index(f'id="{after}"') :]
    assert f'<a href="#{chain[0]}"><span aria-hidden="true">↓</span> to the first</a>' in page
    assert set(re.findall(r'href="index.html#([^"]+)"', page)) == {"c-derivation"}


def test_a_guilty_cell_shows_its_value_its_formula_and_the_right_one() -> None:
    page = pages_of("wrong-gradient")["neural_network.xlsx"]
    assert re.search(r'<td class="num g-wrong" id="s0-X14"><bdi dir="auto">0\.0564194</bdi>', page)
    assert "rows 17 to 72 are left out" in page
    assert '<th scope="col">B–V</th>' in page
    text = re.sub(r"<[^>]+>", "", page)
    assert "=(R14-A14)*R14*(1-R14)*M14+(T14-B14)*T14*(1-T14)*O14*J14*(1-J14)*C14" in text
    assert "=((R14-A14)*R14*(1-R14)*M14+(T14-B14)*T14*(1-T14)*O14)*J14*(1-J14)*C14" in text
    assert "X14 holds the stored value 0.0564194" in text
    assert "27 right" in text
    assert "4 wrong" in text
    assert "=I14*E14" not in text


def test_a_finding_about_an_output_stands_below_it() -> None:
    page = pages_of("wrong-gradient")["MNIST.ipynb"]
    assert page.index("<mark>Epoch 1: Test set") < page.index('class="note n-wrong"')
    assert page.index('class="note n-wrong"') < page.index('id="cell-5"')


def test_what_cannot_be_read_has_no_page() -> None:
    assert set(pages_of("truncated-notebook")) == {"README.md", "assignment4.xlsx"}
    nothing = WorkbookEvidence(books=(Book(artefact="b.xlsx", sha256="", message="broken"),))
    assert book_of({"WorkbookEvidence": nothing}, "b.xlsx", Annotations()) is None
    assert book_of({}, "b.xlsx", Annotations()) is None


def test_a_decision_is_not_an_accusation_and_doubt_is_none() -> None:
    place = Place(artefact="README.md", line=1)
    fault = Finding(message="m", place=place)
    kinds = {
        Verdict.FAIL: NoteKind.WRONG,
        Verdict.PARTIAL: NoteKind.WRONG,
        Verdict.UNKNOWN: NoteKind.DOUBT,
        Verdict.PASS: NoteKind.REMARK,
        Verdict.ERROR: NoteKind.REMARK,
    }
    for verdict, kind in kinds.items():
        credit = 0.5 if verdict is Verdict.PARTIAL else None
        one = marked("BP101", verdict, title="T", summary="s", findings=(fault,), credit=credit)
        assert [n.kind for n in notes_of(report("x", (one,)))["README.md"]] == [kind]
    gentle = Finding(message="m", place=place, weight=Weight.REMARK)
    one = marked("BP101", Verdict.FAIL, title="T", summary="s", findings=(fault, gentle))
    assert [n.kind for n in notes_of(report("x", (one,)))["README.md"]] == [NoteKind.WRONG, NoteKind.REMARK]


# Any finding in any file


PLACES = st.one_of(
    st.builds(Place, artefact=st.just("README.md"), line=st.none() | st.integers(1, 12)),
    st.builds(
        Place,
        artefact=st.just("S4.ipynb"),
        cell=st.none() | st.integers(1, 5),
        line=st.none() | st.integers(1, 9),
    ),
    st.builds(
        Place,
        artefact=st.just("b.xlsx"),
        sheet=st.none() | st.sampled_from(["Sheet1", "Empty", "a chart"]),
        ref=st.none() | st.sampled_from(["A1", "B2:B9", "C3, D4:D6", "ZZ900", "nothing", "A1:XFD1048576"]),
    ),
)
TEXTS = st.sampled_from(["", "x = 1", "h1 = w1*i1", HOSTILE, "=A1+B1", "∂E/∂w1 = i1"])
EVERY_KIND = [
    Finding(message=HOSTILE, place=place, expected=HOSTILE, found=HOSTILE, hint=HOSTILE, excerpt=HOSTILE)
    for place in (
        Place(artefact="README.md", line=2),
        Place(artefact="README.md", line=99),
        Place(artefact="S4.ipynb"),
        Place(artefact="S4.ipynb", cell=1, line=2),
        Place(artefact="S4.ipynb", cell=2),
        Place(artefact="b.xlsx", sheet="Sheet1", ref="B2:B9"),
        Place(artefact="b.xlsx"),
    )
]
"""One finding at every kind of place, for the tests in a browser."""
FINDINGS = st.lists(
    st.builds(
        Finding,
        message=TEXTS.filter(bool),
        place=PLACES,
        expected=TEXTS,
        found=TEXTS,
        hint=TEXTS,
        excerpt=TEXTS,
        marked=TEXTS,
        subject=st.sampled_from(["", "∂E/∂w1", HOSTILE]),
        slip=st.sampled_from(["", "index swapped"]),
        weight=st.sampled_from(Weight),
    ),
    max_size=12,
)
README = f"# T\nh1 = w1*i1\n{HOSTILE}\nx = 1\n\nlast".encode()
NOTEBOOK = notebook(
    code(stream("x = 1\nEpoch 1\n"), stream(HOSTILE, "stderr"), source=f"x = 1\ny = '''{HOSTILE}'''"),
    {"cell_type": "markdown", "metadata": {}, "source": f"h1 = w1*i1\n\n{HOSTILE}"},
    {"cell_type": "raw", "metadata": {}, "source": "x = 1"},
)
BOOK = Book(
    artefact="b.xlsx",
    sha256="",
    forms=("R[0]C[-1]*R1C1",),
    sheets=(
        Sheet(
            name="Sheet1",
            runs=(
                Run(column=1, row=1, count=1, kind=CellKind.TEXT, texts=(HOSTILE,)),
                Run(column=2, row=2, count=9, numbers=tuple(range(9))),
                Run(column=3, row=3, count=2, form=0, kind=CellKind.MISSING),
            ),
        ),
        Sheet(name="Empty", runs=()),
    ),
)
READINGS = (
    Reading(place=Place(artefact="README.md", line=2), standing="right"),
    Reading(place=Place(artefact="README.md", line=3), standing="wrong", told=HOSTILE),
    Reading(place=Place(artefact="S4.ipynb", cell=2, line=1), standing="unsure", told=HOSTILE),
    Reading(place=Place(artefact="S4.ipynb", cell=1, line=2), standing="unread", told=HOSTILE),
    Reading(place=Place(artefact="b.xlsx", sheet="Sheet1", ref="A1"), standing="typo", told=HOSTILE),
)


def made_of(findings: list[Finding], verdict: Verdict) -> dict[str, str]:
    """The pages of three hostile files, and the report that leads to them."""
    one = marked("BP101", verdict, title=HOSTILE, name="one", summary="s", findings=tuple(findings))
    two = marked("WB201", Verdict.UNKNOWN, title="Two", summary="s", findings=tuple(findings[:3]))
    made = report("x", (one, two))
    notes = notes_of(made)

    def told(path: str) -> Annotations:
        return Annotations(
            notes=notes.get(path, ()), readings=tuple(r for r in READINGS if r.place.artefact == path)
        )

    return {
        "readme.html": text_page.render(
            text_page.view(README, "README.md", told("README.md")), submission=HOSTILE
        ),
        "notebook.html": notebook_page.render(
            notebook_page.view(NOTEBOOK, "S4.ipynb", told("S4.ipynb")), submission=HOSTILE
        ),
        "workbook.html": render_book(view_book(BOOK, None, told("b.xlsx")), submission=HOSTILE),
        "index.html": student_page.render(made, views=VIEWS),
    }


@pytest.mark.slow
@given(FINDINGS, st.sampled_from([Verdict.FAIL, Verdict.UNKNOWN]))
@settings(max_examples=30)
def test_any_finding_stands_once_and_no_link_is_dead(findings: list[Finding], verdict: Verdict) -> None:
    pages = made_of(findings, verdict)
    anchors = {name: ids(page) for name, page in pages.items()}
    for path, name in VIEWS.items():
        placed = [f for f in (*findings, *findings[:3]) if f.place and f.place.artefact == path]
        found = [a for a in anchors[name] if re.match(r"f\d+-c-", a)]
        assert len(found) == len(set(found)) == len(placed)
    for name, page in pages.items():
        assert len(anchors[name]) == len(set(anchors[name]))
        for link in hrefs(page):
            target, _, anchor = link.partition("#")
            assert target in ("", *pages), link
            assert not anchor or anchor in anchors[target or name], f"{name}: {link}"


@pytest.mark.slow
@given(FINDINGS)
@settings(max_examples=15)
def test_nothing_of_a_student_is_markup(findings: list[Finding]) -> None:
    for name, page in made_of(findings, Verdict.FAIL).items():
        found = Page(page)
        assert found.balance == []
        assert found.tags.count("script") <= 1
        assert not {"iframe", "object", "embed", "form", "link", "base", "input", "img"} & set(found.tags)
        assert {n for n, _ in found.attributes} <= ATTRIBUTES | {"class", "start"}, name
        assert "{{" not in page or "7*7" in page


@pytest.mark.slow
def test_many_and_heavy_findings_never_make_a_large_page() -> None:
    long = "∂E/∂w1 = " + " + ".join(["(a_o1 - t1) * a_o1"] * 40)
    unseen = "\u200b" * 3_000
    findings = tuple(
        Finding(
            message=f"{n} {unseen}",
            place=Place(artefact="README.md", line=n + 1),
            expected=f"{long} + {n}",
            found=long,
            hint=unseen,
            excerpt=unseen,
        )
        for n in range(400)
    )
    one = marked("BP101", Verdict.FAIL, title="T", summary="s", findings=findings)
    notes = notes_of(report("x", (one,)))["README.md"]
    assert len(notes) == NOTES
    readings = tuple(
        Reading(place=Place(artefact="README.md", line=n), standing="wrong", told=unseen[:300])
        for n in range(1, 2_000)
    )
    told = Annotations(notes=notes, readings=readings)
    view = text_page.view(b"x\n" * 4_000, "README.md", told)
    page = text_page.render(view, submission="s")
    assert len(page.encode()) < 400_000
    assert set(ids(page)) >= {note.id for note in notes}, "even the last of them can be reached"
    assert view.left_out > 0
    cells = notebook(*[code(stream("\u200b" * 8_000), source="\u200b" * 3_000) for _ in range(60)])
    placed = tuple(
        FileNote(**_fields(n) | {"place": Place(artefact="S4.ipynb", cell=1, line=1)}) for n in notes
    )
    shown = notebook_page.view(cells, "S4.ipynb", Annotations(notes=placed))
    assert len(notebook_page.render(shown, submission="s").encode()) < 400_000
    wide = Sheet(
        name="S",
        runs=tuple(
            Run(column=c, row=1, count=60, kind=CellKind.TEXT, texts=(unseen,) * 60) for c in range(1, 60)
        ),
    )
    table = Table(
        sheet=0,
        header_row=1,
        first_row=2,
        last_row=60,
        columns=tuple(Column(quantity=f"w{c}", column=c, header=unseen) for c in range(1, 60)),
    )
    book = Book(artefact="b.xlsx", sha256="", sheets=(wide,) * 9, tables=(table,))
    cell = tuple(
        FileNote(**_fields(n) | {"place": Place(artefact="b.xlsx", sheet="S", ref=f"C{k + 1}")})
        for k, n in enumerate(notes)
    )
    page = render_book(view_book(book, None, Annotations(notes=cell)), submission="s")
    assert len(page.encode()) < 400_000


def test_a_plain_row_is_drawn_as_one_of_which_something_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = ("", "a < b", HOSTILE, "\u202e", "tab\there", "0.15\u00a0", "x" * 60)
    rows = (Run(column=1, row=1, count=7, kind=CellKind.TEXT, texts=hidden), BOOK.sheets[0].runs[1])
    columns = tuple(Column(quantity=f"w{c}", column=c, header=f"w{c}") for c in (1, 2))
    table = Table(sheet=0, header_row=1, first_row=2, last_row=10, columns=columns)
    book = Book(artefact="b.xlsx", sha256="", sheets=(Sheet(name="S", runs=rows),), tables=(table,))
    view = view_book(book, None, Annotations())
    assert sum(row.plain for row in view.sheets[0].rows) > 2
    quick = render_book(view, submission="s")
    monkeypatch.setattr(GridRow, "plain", False)
    assert render_book(view, submission="s") == quick


def _fields(note: FileNote) -> dict[str, object]:
    return {name: getattr(note, name) for name in note.__struct_fields__}


def test_formulas_of_cells_stand_as_in_the_sheet() -> None:
    forms = ('R[0]C[-1]*R1C2+SUM(R[-2]C[0]:R[-1]C[0])&"R[0]C[0]"', "'My sheet'!R3C[1]")
    cells = SheetCells(
        Sheet(name="S", runs=(Run(column=3, row=4, count=3, form=0, numbers=(1.0, 2.5, 3.0)),
                              Run(column=4, row=4, count=1, form=1, numbers=(1.0,)))), forms
    )  # fmt: skip
    assert cells.formula(5, 3) == '=B5*$B$1+SUM(C3:C4)&"R[0]C[0]"'
    assert cells.formula(4, 4) == "='My sheet'!E$3"
    assert cells.value(5, 3) == ("2.5", True)
    assert cells.value(9, 3) == ("", False)
    assert cells.first_formula(3, 1).startswith("=B4")


def test_what_lies_between_is_said() -> None:
    assert areas("Z33:Z100, AB4") == (Area(33, 26, 100, 26), Area(4, 28, 4, 28))
    piece = window((), [Area(33, 26, 100, 26)], ())
    assert piece.rows == ("rows 1 to 31 are left out", 32, 33, 34, "rows 35 to 99 are left out", 100)
    assert piece.columns == ("A–X", 25, 26, 27)
    assert window((), [], ()).rows == ()


def test_prose_about_what_a_formula_states_is_not_asked_about() -> None:
    """ "We update the weights w1" stood with a question mark above the eight update rules."""
    update = FormulaLine(
        place=Place(artefact="README.md", line=9),
        text="w1 = w1 - η * ∂E/∂w1",
        reading="",
        kind=FormulaKind.UPDATE,
        verdict=FormulaVerdict.RIGHT,
        states="w1",
        sides=(),
        updates=("w1",),
    )
    document = DocumentFormulas(
        artefact="README.md", main=True, encoding="utf-8", convention=FormulaConvention(), lines=(update,)
    )
    unread = tuple(
        UnreadPlace(what=what, place=Place(artefact="README.md", line=line), names=names)
        for line, what, names in (
            (2, Unread.LINE, ("w1",)),
            (3, Unread.LINE, ("w1", "w2")),
            (4, Unread.PICTURE, ()),
            (5, Unread.FILE, ()),
        )
    )
    found = readings_of(
        {"FormulaEvidence": FormulaEvidence(documents=(document,), unread=unread)}, "README.md"
    )
    assert [(r.place.line, r.standing) for r in found] == [(9, "right"), (3, "unread")]
    assert found[1].told == "this may state w2; its words or its layout are not read"
