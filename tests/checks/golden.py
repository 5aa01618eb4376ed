"""Reads golden cases of checks: a small submission or evidence literals, and the outcome that must follow."""

import ast
import dataclasses
import io
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from unittest import mock

import msgspec
import openpyxl

from grader.checks.catalogue import catalogue
from grader.core.evidence.base import Evidence
from grader.core.evidence.documents import Documents
from grader.core.evidence.workbook import Book
from grader.core.facts.base import Fact
from grader.core.facts.replay import BookFacts
from grader.core.missing import Missing
from grader.core.outcome import Outcome, Verdict, Weight
from grader.core.rubric import Criterion, Profile, Rubric
from grader.core.rule import Rule
from grader.core.settings import Settings
from grader.core.submission import Sources
from grader.execute.replay import provider as replays
from grader.execute.replay.book.replay_book import replay_book
from grader.extract.workbook import child
from grader.extract.workbook import provider as books
from grader.ingest.read import from_bytes
from grader.pipeline.grade.judge import judge_one
from grader.pipeline.grade.products import Known, NothingKept, fill
from grader.pipeline.plan.plan import make_plan
from grader.pipeline.plan.providers import Phase
from tests.generate.workbook import BookSpec, make

ROOT = Path(__file__).parent


class Expect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must come out; fields that are not given are not compared."""

    verdict: Verdict
    credit: float | None = None
    summary: str | None = None
    diagnoses: tuple[str, ...] | None = None
    places: tuple[str, ...] | None = None
    expected: tuple[str, ...] | None = None
    """What the faults say that was expected, word for word."""
    provisional: bool = False
    """Always compared: nothing earns by a claim unnoticed."""


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One golden file."""

    expect: Expect
    files: dict[str, str] = {}
    known: dict[str, object] = {}
    params: dict[str, object] = {}
    policy: dict[str, object] = {}
    profile: Profile = Profile()
    single_file: bool = False
    missing: dict[str, str] = {}
    provisional_claims: bool = False
    """Whether the rubric lets claims earn; nothing is executed for a golden file."""


def folder_of(rule: Rule) -> Path:
    """The golden folder of a rule."""
    *_, family, name = rule.check.__module__.split(".")
    return ROOT / family / name


def cases() -> list[tuple[Rule, Path]]:
    """Every rule with every golden file of it."""
    return [(r, p) for r in catalogue().values() for p in sorted(folder_of(r).glob("*.toml"))]


def run(rule: Rule, path: Path) -> tuple[Case, Outcome]:
    """Judge one golden file."""
    case = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Case, strict=False)
    criterion = Criterion(id="golden", check=rule.code, points=1.0, params=case.params, policy=case.policy)
    rubric = Rubric(
        id="golden",
        title="golden",
        criterion=(criterion,),
        profile=case.profile,
        provisional_claims=case.provisional_claims,
    )
    sources = _sources(case)
    known = Known(sources, Settings(execute=False, retrain=False), case.profile)
    types = {n.type.__name__: n.type for n in (*rule.needs, *rule.claim_needs)}
    for name, literal in case.known.items():
        product = msgspec.convert(literal, types[name], strict=False)
        assert isinstance(product, Evidence | Fact)
        known.put(product)
    if not case.files:
        known.put(Documents(documents=()))
    for name, verdict in case.missing.items():
        known.miss(name, Missing(reason=f"{name} cannot be had", verdict=Verdict(verdict)))
    if case.files:
        plan = make_plan(rubric, {rule.code: rule})
        with (
            mock.patch.object(books, "read_book", _read_book),
            mock.patch.object(replays, "replay_book", _replay_book),
        ):
            fill(plan, known, NothingKept(), plan.named((Phase.READ, Phase.REPLAY, Phase.EXECUTE)))
    return case, judge_one(criterion, rule, rubric, known)


@cache
def _read_book(data: bytes, name: str, sha256: str) -> Book:
    """A workbook as its child process reads it, in this one and once: our own books need no limits."""
    book = msgspec.msgpack.decode(msgspec.msgpack.encode(child.read(data, name)), type=Book)
    return msgspec.structs.replace(book, artefact=name, sha256=sha256)


_replayed: dict[tuple[str, str, bytes], BookFacts] = {}


def _replay_book(book: Book, profile: Profile) -> BookFacts:
    """The replay of a workbook, once for each profile."""
    key = (book.sha256, book.artefact, msgspec.msgpack.encode(profile))
    if key not in _replayed:
        _replayed[key] = replay_book(book, profile)
    return _replayed[key]


def _sources(case: Case) -> Sources:
    files = {name: _content(text) for name, text in case.files.items()}
    return from_bytes("golden", files, single=case.single_file)


def _content(text: str) -> bytes:
    if text == "@empty-workbook":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
        return buffer.getvalue()
    if text.startswith("@workbook"):
        return _workbook(text)
    if text.startswith("@cells"):
        return _of_texts(text)
    return text.encode("utf-8")


@cache
def _of_texts(text: str) -> bytes:
    """`@cells` and below it the rows of a sheet, their texts divided by tabs."""
    book = openpyxl.Workbook()
    for row in text.splitlines()[1:]:
        book.active.append(row.split("\t"))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@cache
def _workbook(text: str) -> bytes:
    """`@workbook defect=class-error rows=20 eta=0.5 charts=true`: a book of the generator; the words are its
    spec.
    """
    words = dict(word.split("=", 1) for word in text.split()[1:])
    spec = BookSpec(rows=20, defect_row=8)
    kinds = {field.name: type(getattr(spec, field.name)) for field in dataclasses.fields(spec)}
    given = {
        name: word == "true"
        if kinds[name] is bool
        else ast.literal_eval(word)
        if kinds[name] in (tuple, type(None))
        else kinds[name](word)
        for name, word in words.items()
    }
    return make(dataclasses.replace(spec, **given))[0]  # type: ignore[arg-type]


def observed(outcome: Outcome, expect: Expect) -> Expect:
    """The outcome in the shape of an expectation, with the same fields filled."""
    faults = [f for f in outcome.findings if f.weight is Weight.FAULT]
    return Expect(
        verdict=outcome.verdict,
        provisional=outcome.provisional,
        credit=None if expect.credit is None else round(outcome.credit, 6),
        summary=None if expect.summary is None else outcome.summary,
        diagnoses=None
        if expect.diagnoses is None
        else tuple(sorted({f.diagnosis for f in outcome.findings if f.diagnosis})),
        places=None
        if expect.places is None
        else tuple(sorted(str(f.place) for f in faults if f.place is not None)),
        expected=None if expect.expected is None else tuple(f.expected for f in faults),
    )
