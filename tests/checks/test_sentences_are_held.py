"""A sentence of a report is held by its facts: no percentage, place, epoch or count in it that the facts do
not hold.
"""

import re
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from grader.checks.integrity import saved_outputs, summary_adds_up
from grader.checks.readme import readme_log, readme_numbers
from grader.checks.training import epoch_budget, epoch_count, images_tested, last_epoch, logged_accuracy
from grader.core.evidence.claims import Bound, Claim, ClaimEvidence, What
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import Epoch, Evaluation, LogEvidence, Origin, Run, SequenceKind
from grader.core.evidence.notebook import (
    CellKind,
    Channel,
    Notebook,
    NotebookCell,
    NotebookEvidence,
    OutputText,
)
from grader.core.evidence.summaries import LayerRow, Style, Summary, SummaryEvidence
from grader.core.outcome import Outcome
from grader.core.place import Place
from grader.core.rubric import Which
from grader.core.submission import Artefact, Kind, Submission

PATHS = ("S4.ipynb", "b/other.ipynb", "README.md")


@st.composite
def epochs(draw: st.DrawFn, artefact: str, first: int | None) -> tuple[Epoch, ...]:
    total = draw(st.sampled_from([10_000, 10_000, 60_000, None]))
    cell = None if artefact.endswith(".md") else draw(st.integers(1, 9))
    lines = draw(st.integers(1, 50))
    found = []
    for i in range(draw(st.integers(1, 24))):
        right = draw(st.integers(9_300, 9_999))
        correct = right * (total // 10_000) if total else None
        found.append(
            Epoch(
                place=Place(artefact=artefact, cell=cell, line=lines + 3 * i),
                percent=right / 100,
                half_unit=0.0 if total else draw(st.sampled_from([0.005, 0.05, 0.5])),
                printed=None if first is None else first + i,
                correct=correct,
                total=total,
                shown=draw(st.sampled_from(["", f"{right / 100:.1f}"])) if total else "",
                excerpt=f"line {right}",
            )
        )
    return tuple(found)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    artefact = draw(st.sampled_from(PATHS))
    first = draw(st.sampled_from([None, 0, 1, 1, 7, 20]))
    late = (first or 0) > 1
    return Run(
        origin=Origin.README
        if artefact.endswith(".md")
        else draw(st.sampled_from([Origin.NOTEBOOK, Origin.PASTED])),
        artefact=artefact,
        main=artefact != "b/other.ipynb",
        epochs=draw(epochs(artefact, first)),
        kind=SequenceKind.EXCERPT if late else SequenceKind.LOG,
        start_cut=draw(st.booleans()),
        planned=draw(st.sampled_from([None, 5, 20, 25])),
        starts_at=draw(st.sampled_from([None, 0, 1])),
        gaps=(f"the log starts with epoch {first}",) if late else draw(st.sampled_from([(), ("a gap",)])),
    )


@st.composite
def log_evidence(draw: st.DrawFn) -> LogEvidence:
    found = draw(st.lists(runs(), max_size=4))
    listed = draw(epochs("README.md", None))[:3]
    kind = draw(st.sampled_from([SequenceKind.SINGLE, SequenceKind.TABLE_OF_RUNS]))
    evaluations = tuple(Evaluation(origin=Origin.README, epoch=e, kind=kind) for e in listed)
    notebooks = draw(st.integers(0, 2))
    return LogEvidence(
        runs=tuple(sorted(found, key=lambda r: not r.main)),
        evaluations=evaluations if draw(st.booleans()) else (),
        notebooks=notebooks,
        notebooks_with_outputs=min(notebooks, draw(st.integers(0, 2))),
    )


@st.composite
def claim_evidence(draw: st.DrawFn) -> ClaimEvidence:
    claims = []
    for line in range(draw(st.integers(0, 6))):
        what = draw(st.sampled_from([What.ACCURACY, What.PARAMETERS, What.EPOCHS]))
        value = {
            What.ACCURACY: draw(st.integers(9_300, 9_999)) / 100,
            What.PARAMETERS: float(draw(st.integers(1_000, 30_000))),
            What.EPOCHS: float(draw(st.integers(1, 30))),
        }[what]
        claims.append(
            Claim(
                what=what,
                value=value,
                unit=0.01 if what is What.ACCURACY else 1.0,
                place=Place(artefact="README.md", line=100 + line),
                written=f"{value:g}",
                excerpt=f"said {value:g}",
                bound=draw(st.sampled_from([Bound.EXACT, Bound.EXACT, Bound.ABOUT, Bound.AT_LEAST])),
                best=draw(st.booleans()),
                epochs=tuple(draw(st.lists(st.integers(0, 25), max_size=2))) if what is What.ACCURACY else (),
                section=draw(st.integers(0, 2)),
            )
        )
    return ClaimEvidence(claims=tuple(claims), readmes=1)


@st.composite
def summary_evidence(draw: st.DrawFn) -> SummaryEvidence:
    tables = []
    for at in range(draw(st.integers(0, 2))):
        saved = draw(st.booleans())
        artefact = "S4.ipynb" if saved else "README.md"
        place = Place(artefact=artefact, cell=9 if saved else None, line=200 + 20 * at)
        counts = draw(st.lists(st.integers(0, 9_000), min_size=1, max_size=4))
        rows = tuple(
            LayerRow(place=place, type="Conv2d", number=i, shape=(8,), params=n, excerpt="row")
            for i, n in enumerate(counts, 1)
        )
        total = draw(st.sampled_from([sum(counts), sum(counts) + 810, None]))
        tables.append(Summary(place=place, saved=saved, style=Style.TORCHSUMMARY, rows=rows, total=total))
    return SummaryEvidence(summaries=tuple(tables))


def notebooks() -> NotebookEvidence:
    output = OutputText(channel=Channel.STDOUT, text="x", line=1)
    cells = tuple(
        NotebookCell(number=i, kind=CellKind.CODE, source="x", outputs=(output,), execution_count=None)
        for i in range(1, 10)
    )
    return NotebookEvidence(
        notebooks=tuple(
            Notebook(artefact=p, main=p == "S4.ipynb", format="4.5", cells=cells) for p in PATHS[:2]
        )
    )


def submission(doubt: bool) -> Submission:
    return Submission(
        id="s",
        slug="s",
        sha256="0" * 64,
        artefacts=tuple(
            Artefact(
                path=p,
                kind=Kind.README if p.endswith(".md") else Kind.NOTEBOOK,
                size=1,
                sha256="0" * 64,
                main=p != "b/other.ipynb",
            )
            for p in PATHS
        ),
        doubts=("S4.ipynb was taken as the main notebook; b/other.ipynb could be it as well",)
        if doubt
        else (),
    )


def sentences(outcome: Outcome) -> Iterable[str]:
    yield outcome.summary
    for f in outcome.findings:
        yield from (f.message, f.expected, f.found, f.hint)


def places(logs: LogEvidence, claims: ClaimEvidence, summaries: SummaryEvidence) -> set[str]:
    found = [e.place for r in logs.runs for e in r.epochs] + [e.epoch.place for e in logs.evaluations]
    found += [c.place for c in claims.claims] + [s.place for s in summaries.summaries]
    found += [n.place(c.number) for n in notebooks().notebooks for c in n.cells]
    return {str(p) for p in found} | set(PATHS)


LIMITS = (
    logged_accuracy.Params(),
    logged_accuracy.Params(epochs_inclusive=False),
    logged_accuracy.Params(best_or_last=Which.LAST),
    logged_accuracy.Params(best_or_last=Which.LAST, last_epochs=3),
)
_PERCENT = re.compile(r"(\d+\.\d\d) %")
_PLACE = re.compile(r"(?:b/other|S4|README)\.(?:ipynb|md)(?: cell \d+)?(?: line \d+|:\d+)?")
_EPOCH = re.compile(r"in epoch (\d+)(?: of (\d+))?(?: \()")
_COUNTED = re.compile(r"(?<![\d,.])(\d+) epochs")
_AGREE = re.compile(r"(\d+) numbers? agrees? with")


def held(outcome: Outcome, logs: LogEvidence, claims: ClaimEvidence, summaries: SummaryEvidence) -> None:
    """Assert that no sentence of the outcome says what the facts do not hold."""
    percents = {f"{e.percent:.2f}" for r in logs.runs for e in r.epochs}
    percents |= {f"{e.epoch.percent:.2f}" for e in logs.evaluations} | {"99.40"}
    known = places(logs, claims, summaries)
    lengths = {len(r.epochs) for r in logs.runs} | {r.before + len(r.epochs) for r in logs.runs}
    lengths |= {r.planned for r in logs.runs if r.planned} | {sum(len(r.epochs) for r in logs.runs)}
    asked = {19, 20}
    differences = {abs(n - 19) for n in lengths}
    highest = max([*lengths, 0])
    said = {n for c in claims.claims for n in c.epochs}
    for text in sentences(outcome):
        assert not re.search(r"(?<!\w)(?:None|nan)(?!\w)", text), text
        for percent in _PERCENT.findall(text):
            assert percent in percents, text
        for place in _PLACE.findall(text):
            assert place in known, text
        for number, of in _EPOCH.findall(text):
            assert 1 <= int(number) <= highest or int(number) in said, text
            assert not of or int(of) in lengths, text
        for count in _COUNTED.findall(text):
            assert int(count) in lengths | asked | differences, text
        for count in _AGREE.findall(text):
            quoted = sum(not s.saved for s in summaries.summaries)
            alone = sum(len(r.epochs) == 1 for r in logs.of(Origin.README))
            assert int(count) <= len(claims.claims) + len(logs.evaluations) + quoted + alone, text
    for f in outcome.findings:
        assert f.place is None or str(f.place) in known, f
        assert not f.marked or f.marked in f.excerpt, f


@given(logs=log_evidence(), claims=claim_evidence(), summaries=summary_evidence(), doubt=st.booleans())
def test_no_sentence_of_the_training_and_readme_checks_says_what_the_facts_do_not_hold(
    logs: LogEvidence, claims: ClaimEvidence, summaries: SummaryEvidence, doubt: bool
) -> None:
    here, books, documents = submission(doubt), notebooks(), Documents(documents=())
    outcomes = [
        *(
            logged_accuracy.check(logs, claims, documents=documents, submission=here, params=params)
            for params in LIMITS
        ),
        epoch_budget.check(logs, documents, epoch_budget.Params()),
        last_epoch.check(logs, documents, last_epoch.Params(), last_epoch.Policy()),
        images_tested.check(logs, documents, images_tested.Params()),
        epoch_count.check(logs, None, documents, epoch_count.Params()),
        readme_numbers.check(
            claims,
            logs=logs,
            summaries=summaries,
            network=None,
            notebooks=books,
            documents=documents,
            policy=readme_numbers.Policy(),
        ),
        readme_log.check(logs, documents, readme_log.Params()),
        saved_outputs.check(books, logs),
        summary_adds_up.check(summaries, books, documents),
    ]
    for outcome in outcomes:
        held(outcome, logs, claims, summaries)
