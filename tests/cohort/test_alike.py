"""What looks alike is found; what honest students have in common is not."""

import json
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from grader.cohort.alike import SMALLEST_CLASS, Cohort, compare_class
from grader.cohort.traits import Slip, Traits, traits_of
from grader.core.rubric import Profile
from grader.core.submission import Kind, Sources
from grader.execute.replay.provider import replay_workbooks
from grader.extract.documents.documents import read_documents
from grader.extract.formulas.provider import read_formulas
from grader.extract.logs.training_log import read_logs
from grader.extract.workbook.provider import read_workbooks
from grader.ingest.read import from_bytes

SAMPLES = Path(__file__).parents[2] / "submissions"
STARTER = [f"starter_{n} = transforms.Compose([step_{n}])" for n in range(60)]
RIGHT = """\
∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1
∂E/∂w6 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h2
∂E/∂w7 = (a_o2 - t2) * a_o2 * (1 - a_o2) * a_h1
∂E/∂w8 = (a_o2 - t2) * a_o2 * (1 - a_o2) * a_h2
"""


def notebook(*cells: list[str]) -> bytes:
    made = [
        {"cell_type": "code", "source": "\n".join(c), "metadata": {}, "outputs": [], "execution_count": None}
        for c in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()


def own_code(who: str, lines: int = 40) -> list[str]:
    rng = random.Random(who)
    return [f"{who}_{n} = conv(x, {rng.randrange(10**6)})" for n in range(lines)]


def of(name: str, files: Mapping[str, bytes]) -> Traits:
    sources = from_bytes(name, dict(files))
    return traits_of(sources.submission, read_documents(sources))


def read(sources: Sources) -> Traits:
    """Traits as the batch makes them, from what was read."""
    has_book, has_readme = sources.of(Kind.WORKBOOK), sources.of(Kind.README)
    books = read_workbooks(sources, Profile()) if has_book else None
    documents = read_documents(sources)
    return traits_of(
        sources.submission,
        documents,
        formulas=read_formulas(documents, sources.submission) if has_readme else None,
        workbooks=books,
        replay=replay_workbooks(books, Profile()) if books is not None else None,
    )


def school(**extra: Traits) -> dict[str, Traits]:
    """Nine honest students with code of their own, and some more."""
    honest = {
        f"honest{n}": of(f"honest{n}", {"a.ipynb": notebook(STARTER, own_code(f"h{n}"))}) for n in range(9)
    }
    return honest | extra


def pairs(cohort: Cohort) -> list[tuple[str, tuple[str, ...]]]:
    return [(group.what, group.submissions) for group in cohort.alike]


def test_the_same_starter_notebook_pairs_nobody() -> None:
    assert compare_class(school()) == Cohort()
    unchanged = of("x", {"a.ipynb": notebook(STARTER)})
    handed_out = {f"s{n}": unchanged for n in range(5)}
    assert compare_class(school(**handed_out)).alike == (), "a file of more than a third was handed out"


def test_the_same_code_in_other_cells_with_other_spacing_and_comments_is_alike() -> None:
    code = own_code("ann")
    disguised = [line.replace("=", " =  ").replace(",", ", ") + "  # mine" for line in code]
    found = compare_class(
        school(
            ann=of("ann", {"a.ipynb": notebook(STARTER, code)}),
            bob=of("bob", {"b.ipynb": notebook(disguised, ["extra = 1"], STARTER)}),
        )
    )
    assert pairs(found) == [("notebook", ("ann", "bob"))]
    (group,) = found.alike
    assert "passages that few others have" in group.how
    assert group.examples[0].text.startswith("ann_")
    assert [p.partition(" ")[0] for p in group.examples[0].places] == ["a.ipynb", "b.ipynb"]


def test_half_a_notebook_in_common_is_not_enough() -> None:
    mixed = own_code("ann", 20)
    found = compare_class(
        school(
            ann=of("ann", {"a.ipynb": notebook(STARTER, mixed + own_code("ann2", 20))}),
            bob=of("bob", {"a.ipynb": notebook(STARTER, mixed + own_code("bob2", 20))}),
        )
    )
    assert found.alike == ()


def test_a_ring_of_copies_is_one_group() -> None:
    code = own_code("ring")
    ring = {f"r{n}": of(f"r{n}", {"a.ipynb": notebook(STARTER, code, [f"mine = {n}"])}) for n in (1, 2, 3, 4)}
    assert pairs(compare_class(school(**ring))) == [("notebook", ("r1", "r2", "r3", "r4"))]


def test_order_does_not_matter() -> None:
    ring = {n: of(n, {"a.ipynb": notebook(own_code("ring"))}) for n in "abc"}
    whole = school(**ring)
    assert compare_class(whole) == compare_class(dict(reversed(whole.items())))


def test_the_same_file_is_alike_and_a_tiny_one_is_not() -> None:
    long = ("A derivation in my own words, of which no two are the same. " * 12).encode()
    found = compare_class(school(ann=of("ann", {"README.md": long}), bob=of("bob", {"README.md": long})))
    assert [(g.what, g.submissions, g.how) for g in found.alike] == [
        ("readme", ("ann", "bob"), "the same file, byte for byte")
    ]
    tiny = b"# w1\nsee the notebook"
    found = compare_class(school(ann=of("ann", {"README.md": tiny}), bob=of("bob", {"README.md": tiny})))
    assert found.alike == ()


def test_a_small_class_says_why_nothing_was_compared() -> None:
    few = {n: of(n, {"a.ipynb": notebook(own_code("same"))}) for n in "abcde"}
    assert len(few) < SMALLEST_CLASS
    found = compare_class(few)
    assert found.alike == ()
    assert "handed out" in found.note


def test_the_same_right_derivation_pairs_nobody() -> None:
    def work(name: str) -> Traits:
        text = f"# {name}, my own heading\n\n{RIGHT}"
        return read(from_bytes(name, {"README.md": (text + f"<!-- {name} -->\n" * 30).encode()}))

    found = compare_class(school(ann=work("ann"), bob=work("bob")))
    assert found == Cohort()


@pytest.fixture(scope="module")
def books() -> dict[str, bytes]:
    return {"perfect": next((SAMPLES / "perfect").glob("*.xlsx")).read_bytes()}


def test_two_right_workbooks_saved_apart_pair_nobody(books: dict[str, bytes]) -> None:
    book = books["perfect"]
    ann, bob = (read(from_bytes(n, {"a.xlsx": data})) for n, data in (("ann", book), ("bob", resaved(book))))
    assert ann.pieces[0].passages == (), "right formulas below recognised headings are nobody's own"
    assert compare_class(school(ann=ann, bob=bob)).alike == ()
    assert pairs(compare_class(school(ann=ann, bob=ann))) == [("workbook", ("ann", "bob"))], "the same bytes"


def resaved(book: bytes) -> bytes:
    """The same workbook as another program would save it: other bytes."""
    import io
    import zipfile

    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return out.getvalue()


def slips(*made: tuple[str, str]) -> Traits:
    return Traits(
        slips=tuple(Slip(key=f"{root} at {at}", root=root, text=f"wrong {at}", place=at) for root, at in made)
    )


def test_rare_mistakes_of_two_kinds_in_common_are_told() -> None:
    ann = slips(("index-swapped", "w5"), ("sign", "w7"), ("half", "E"))
    bob = slips(("index-swapped", "w5"), ("sign", "w7"))
    found = compare_class(school(ann=ann, bob=bob))
    (group,) = found.mistakes
    assert group.submissions == ("ann", "bob")
    assert group.how.startswith("2 mistakes in the same places, of 2 kinds")
    assert {e.text for e in group.examples} == {"wrong w5", "wrong w7"}
    assert found.alike == ()


@pytest.mark.parametrize(
    ("ann", "bob"),
    [
        ((("sign", "w5"), ("half", "E")), (("sign", "w6"), ("half", "E1"))),
        ((("sign", "w5"), ("sign", "w6"), ("sign", "w7")), (("sign", "w5"), ("sign", "w6"), ("sign", "w7"))),
        ((("sign", "w5"),), (("sign", "w5"),)),
    ],
    ids=["other places", "one misunderstanding in three places", "one mistake"],
)
def test_mistakes_that_chance_explains_are_not_told(
    ann: tuple[tuple[str, str], ...], bob: tuple[tuple[str, str], ...]
) -> None:
    assert compare_class(school(ann=slips(*ann), bob=slips(*bob))).mistakes == ()


def test_mistakes_of_many_are_not_told() -> None:
    common = slips(("sign", "w5"), ("half", "E"))
    assert compare_class(school(**dict.fromkeys("abc", common))).mistakes == ()


def test_the_same_saved_log_is_alike() -> None:
    def with_log(name: str, correct: list[int]) -> Traits:
        output = "".join(
            f"Epoch {n}\nTest set: Average loss: 0.05, Accuracy: {c}/10000 ({c / 100}%)\n"
            for n, c in enumerate(correct, 1)
        )
        book = json.loads(notebook(own_code(name)))
        book["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": output}]
        sources = from_bytes(name, {"a.ipynb": json.dumps(book).encode()})
        documents = read_documents(sources)
        return traits_of(sources.submission, documents, logs=read_logs(documents))

    log = [9801, 9855, 9873, 9890, 9911, 9925]
    found = compare_class(
        school(ann=with_log("ann", log), bob=with_log("bob", log), eve=with_log("eve", [c + 1 for c in log]))
    )
    assert pairs(found) == [("training log", ("ann", "bob"))]
