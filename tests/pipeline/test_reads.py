"""A product is kept under what its reader is given, and the reader is given nothing else.

The key of every product held all artefacts of the hand-in: a typo that was mended in a README ran the
notebook again, for ten seconds of a sandbox, and read the workbook again.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.checks.catalogue import catalogue
from grader.core.evidence.base import Evidence
from grader.core.facts.notebook import Ending, Isolation, NotebookRun
from grader.core.retrain_rule import Retraining
from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.core.submission import Reads, Sources, Submission
from grader.execute.notebook import files_beside
from grader.ingest.read import from_bytes
from grader.pipeline.classroom.grade_class import grade_class
from grader.pipeline.grade.products import Known
from grader.pipeline.plan.plan import Step
from grader.pipeline.plan.product_key import key_of
from grader.pipeline.plan.providers import PROVIDERS, Phase, Provider, by_product
from grader.pipeline.plan.rubrics import parse
from grader.pipeline.stages.request import Request
from tests.pipeline.test_batch import NOTEBOOK, Here

FILES = {
    "README.md": b"# w1\n",
    "docs/notes.rst": b"notes",
    "labels.txt": b"zero one two",
    "S4.ipynb": NOTEBOOK.encode(),
    "book.xlsx": b"PK\x03\x04",
    "net.py": b"import torch\n",
    "curve.png": b"\x89PNG",
    "data.bin": b"\0\1",
}
RUNS = {"labels.txt", "S4.ipynb", "book.xlsx", "net.py", "curve.png", "data.bin"}


class Seen(Evidence, frozen=True, kw_only=True):
    """What a reader was given."""

    paths: tuple[str, ...]
    listed: tuple[str, ...]


def look(sources: Sources, submission: Submission) -> Seen:
    return Seen(
        paths=tuple(s.artefact.path for s in sources), listed=tuple(a.path for a in submission.artefacts)
    )


@pytest.mark.parametrize(
    ("reads", "given"),
    [
        (Reads.ALL, set(FILES)),
        (Reads.TEXTS, {"README.md", "docs/notes.rst", "labels.txt", "S4.ipynb"}),
        (Reads.WORKBOOKS, {"book.xlsx"}),
        (Reads.IMAGES, {"curve.png"}),
        (Reads.MODULES, {"net.py"}),
        (Reads.RUNS, RUNS),
    ],
)
def test_a_reader_is_given_what_its_key_holds_and_nothing_else(reads: Reads, given: set[str]) -> None:
    provider = Provider(name="look", target=f"{__name__}:look", product="Seen", phase=Phase.READ, reads=reads)
    known = Known(from_bytes("ann", FILES), Settings(), Profile())
    known.provide(Step(provider=provider, product=Seen, wanted_by=("test",)))
    seen = known.get(Seen)
    assert isinstance(seen, Seen), seen
    assert set(seen.paths) == set(seen.listed) == given
    whole = _key(provider, FILES)
    changed = {p for p in FILES if _key(provider, FILES | {p: FILES[p] + b"\n"}) != whole}
    assert changed == given


def _key(provider: Provider, files: dict[str, bytes]) -> str:
    return key_of(provider, from_bytes("ann", files).submission, Settings(), Profile(), Retraining())


@pytest.mark.parametrize(
    ("changed", "anew"),
    [
        # What is trained is kept by its network; `retrain` only asks the logs how long the notebook trained.
        (
            "README.md",
            {"documents", "formulas", "conclusions", "notebooks", "logs", "summaries", "claims", "retrain"},
        ),
        (
            "book.xlsx",
            {"workbooks", "formulas", "replay", "run", "network", "recipe", "retrain", "reproduce"},
        ),
        ("curve.png", {"formulas", "run", "network", "recipe", "retrain", "reproduce"}),
    ],
)
def test_a_changed_file_changes_the_products_of_those_who_read_it(changed: str, anew: set[str]) -> None:
    other = FILES | {changed: FILES[changed] + b" "}
    assert {p.name for p in PROVIDERS if _key(p, FILES) != _key(p, other)} == anew


def test_prose_is_not_laid_beside_a_notebook_that_runs_and_a_text_of_data_is() -> None:
    sources = from_bytes("ann", FILES)
    entry = next(s for s in sources if s.artefact.path == "S4.ipynb")
    assert set(files_beside(sources, entry)) == RUNS


def test_a_file_that_a_student_calls_readme_is_prose_whatever_its_suffix() -> None:
    found = from_bytes(
        "ann", {"README": b"a", "readme.txt": b"b", "notes.txt": b"c", "x.md": b"d"}
    ).submission
    assert {a.path for a in found.artefacts if a.prose} == {"README", "readme.txt", "x.md"}


RUBRIC = b"""
id = "network"
title = "Network"
[[criterion]]
id = "network"
check = "NN401"
points = 6
"""


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    ran: list[str] = []

    def run_notebook(sources: Sources, settings: Settings) -> NotebookRun:
        ran.append(sources.submission.id)
        isolation = Isolation(backend="none", isolated=False)
        return NotebookRun(artefact="S4.ipynb", ending=Ending.OK, isolation=isolation, data="synthetic")

    monkeypatch.setattr("grader.execute.notebook.run_notebook", run_notebook)
    return ran


def test_a_typo_that_is_mended_in_a_readme_runs_no_notebook_again(tmp_path: Path, runs: list[str]) -> None:
    assert by_product()["NotebookRun"].load().__module__ == __name__
    ann = tmp_path / "class" / "ann"
    ann.mkdir(parents=True)
    (ann / "README.md").write_text("# w1 is teh weight\n", encoding="utf-8")
    (ann / "S4.ipynb").write_text(NOTEBOOK, encoding="utf-8")

    def grade() -> None:
        grade_class(
            Request(
                path=ann.parent,
                loaded=parse(RUBRIC, "network.toml", catalogue()),
                rubric_bytes=RUBRIC,
                settings=Settings(retrain=False),
                out=tmp_path / "out",
                store=tmp_path / "out" / "store.sqlite",
            ),
            Here(),
        )

    grade()
    assert runs == ["ann"]
    (ann / "README.md").write_text("# w1 is the weight\n", encoding="utf-8")
    grade()
    assert runs == ["ann"]
    (ann / "S4.ipynb").write_text(NOTEBOOK + " ", encoding="utf-8")
    grade()
    assert runs == ["ann", "ann"]
