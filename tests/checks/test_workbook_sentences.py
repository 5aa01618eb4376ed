"""No sentence of a workbook or sweep check names a number, a place or a count that its facts do not hold."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from grader.checks.sweep import charts_agree, every_rate_shown, losses_of_the_sweep
from grader.checks.workbook import (
    class_values,
    formulas_not_numbers,
    forward_and_updates,
    gradient_columns,
    learning_rate,
    stored_values,
)
from grader.core.facts.replay import (
    Agreement,
    BookFacts,
    BookVerdict,
    CellFault,
    ChartFacts,
    QuantityFacts,
    ReplayFacts,
    Severity,
    ShownAs,
    ShownLosses,
    State,
    TableFacts,
)
from grader.core.outcome import Outcome
from grader.core.rubric import Profile
from grader.core.submission import Artefact, Kind, Submission

QUANTITIES = (
    *("t1", "t2", "i1", "i2"),
    *(f"w{k}" for k in range(1, 9)),
    *("h1", "a_h1", "h2", "a_h2", "o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_total"),
    *(f"dw{k}" for k in range(1, 9)),
)
DIAGNOSES = (
    *(
        "eta-drift",
        "eta-contradiction",
        "inherited-class-error",
        "wrong-reference",
        "hard-coded-cell",
        "wrong-value",
    ),
    *(
        "stale-cache",
        "cached-value-differs",
        "stored-error",
        "number-as-text",
        "replay-deviates",
        "other-numbering",
        "losses-together",
    ),
)
SHEETS = ("Sheet7351", "Sheet9273")
"""Names with numbers that no sentence invents."""
rates = st.sampled_from([0.1, 0.2, 0.5, 0.8, 1.0, 2.0, 7.0])
gaps = st.sampled_from([0.0, 1e-12, 5e-4, 0.0317, 0.27, 13.7, 1e300])
counts = st.integers(0, 9_999)


@st.composite
def faults(draw: st.DrawFn) -> CellFault:
    return CellFault(
        sheet=draw(st.sampled_from(SHEETS)),
        cells=f"Z{draw(counts)}",
        quantity=draw(st.sampled_from(("", *QUANTITIES))),
        diagnosis=draw(st.sampled_from(DIAGNOSES)),
        severity=draw(st.sampled_from(Severity)),
        message=f"fault {draw(counts)}",
        expected="the right one",
        found="another",
        count=draw(st.integers(1, 60)),
    )


@st.composite
def tables(draw: st.DrawFn) -> TableFacts:
    complete = draw(st.booleans())
    return TableFacts(
        sheet=draw(st.sampled_from(SHEETS)),
        header_row=4,
        first_column="A",
        iterations=draw(st.integers(0, 60)),
        layout="",
        eta_known=draw(st.booleans()),
        eta=draw(rates),
        eta_cell="G2",
        inputs=(draw(st.sampled_from([0.05, 0.0613])), 0.1) if complete else (),
        targets=(0.01, 0.99),
        weights=(0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, draw(st.sampled_from([0.55, 0.7819]))),
        quantities=tuple(
            QuantityFacts(quantity=name, column="C", state=draw(st.sampled_from(State)))
            for name in QUANTITIES
        ),
        agreement=draw(st.sampled_from(Agreement)),
        deviation=draw(gaps),
        deviates_at=f"X{draw(counts)}",
    )


@st.composite
def losses(draw: st.DrawFn) -> ShownLosses:
    return ShownLosses(
        eta=draw(rates),
        shown_as=draw(st.sampled_from(ShownAs)),
        sheet=draw(st.sampled_from(SHEETS)),
        cells=f"W{draw(counts)}",
        losses=tuple(draw(st.lists(st.floats(0, 1), min_size=2, max_size=6))),
        own_deviation=draw(gaps),
        own_known=draw(st.booleans()),
        reference_deviation=draw(gaps),
        fits=draw(st.sampled_from([0.0, 0.5, 2.0])),
    )


@st.composite
def books(draw: st.DrawFn, name: str) -> BookFacts:
    checked = draw(counts)
    return BookFacts(
        artefact=name,
        sha256="",
        verdict=draw(st.sampled_from(BookVerdict)),
        tables=tuple(draw(st.lists(tables(), max_size=3))),
        faults=tuple(draw(st.lists(faults(), max_size=5))),
        shown=tuple(draw(st.lists(losses(), max_size=5))),
        charts=tuple(
            ChartFacts(
                title=f"Loss {draw(counts)}",
                sheet=SHEETS[0],
                ranges=("W5:W9",),
                eta=draw(rates),
                consistent=not problems,
                problems=problems,
            )
            for problems in draw(
                st.lists(st.sampled_from([(), ("the range leaves something out",)]), max_size=3)
            )
        ),
        images=draw(st.integers(0, 3)),
        unread=draw(st.sampled_from([(), ("the sheet 'lost' is damaged",)])),
        cache_checked=checked,
        cache_off=draw(st.integers(0, checked)),
        cache_unclear=draw(st.integers(0, 50)),
    )


def outcomes(replay: ReplayFacts, pictures: int) -> Iterable[Outcome]:
    profile = Profile()
    files = tuple(
        Artefact(path=f"p/lr_{rate}.png", kind=Kind.IMAGE, sha256="", size=1)
        for rate in (0.1, 0.8, 2.0)[:pictures]
    )
    submission = Submission(id="s", slug="s", sha256="", artefacts=files)
    yield gradient_columns.check(replay, gradient_columns.Policy())
    yield forward_and_updates.check(replay)
    yield stored_values.check(replay, stored_values.Policy())
    yield formulas_not_numbers.check(replay, formulas_not_numbers.Params())
    yield class_values.check(replay, profile, class_values.Params())
    yield learning_rate.check(replay, learning_rate.Policy())
    yield charts_agree.check(replay)
    yield losses_of_the_sweep.check(replay, submission, profile, losses_of_the_sweep.Params(), None)
    yield every_rate_shown.check(replay, submission, profile, every_rate_shown.Params(), None)


def numbers(text: str) -> set[str]:
    """Every number of a text, without the separators of thousands."""
    return set(re.findall(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.sub(r"(?<=\d),(?=\d{3})", "", text)))


def known(replay: ReplayFacts) -> set[str]:
    """Every number that the facts hold, as they are written and as sentences write them."""
    found = numbers(msgspec.json.encode((replay, Profile())).decode())
    held: set[str] = set(found)
    for text in found:
        value = float(text)
        held |= numbers(f"{value:g} {value:.6g} {100 * value:.3g} {100 * value:.0f}")
    cells = {n for text in held for n in [text] if n.isdigit()}
    checked = [book.cache_checked - book.cache_off for book in replay.books]
    total = sum(len(book.charts) for book in replay.books)
    return held | cells | {str(n) for n in checked} | {str(n) for n in range(total + 1)}


SMALL = {str(n) for n in range(130)}
"""Counts of columns, tables, rates and pictures; and the digits in names of checks and quantities."""


@given(st.tuples(books("b8461.xlsx"), books("b2957.xlsx")), st.integers(0, 3))
def test_every_number_of_a_sentence_is_one_of_the_facts(
    pair: tuple[BookFacts, BookFacts], pictures: int
) -> None:
    replay = ReplayFacts(books=pair)
    held = known(replay) | SMALL | {"201", "202", "206"} | {"0.0", "100.0"}
    for outcome in outcomes(replay, pictures):
        texts = [outcome.summary]
        for finding in outcome.findings:
            texts += [finding.message, finding.expected, finding.found, finding.hint, str(finding.place)]
        for text in texts:
            assert "nan" not in re.findall(r"[a-z]+", text.lower()), text
            assert "inf" not in re.findall(r"[a-z]+", text.lower()), text
            assert "e+" not in text, text
            invented = numbers(text) - held
            assert not invented, (invented, text)


@given(st.tuples(books("b8461.xlsx"), books("b2957.xlsx")), st.integers(0, 3))
def test_every_place_of_a_finding_is_one_of_the_facts(
    pair: tuple[BookFacts, BookFacts], pictures: int
) -> None:
    replay = ReplayFacts(books=pair)
    for outcome in outcomes(replay, pictures):
        for finding in outcome.findings:
            place = finding.place
            assert place.artefact in {book.artefact for book in pair} or place.artefact.startswith("p/lr_")
            assert place.sheet in (None, *SHEETS)
            refs = {f.cells for b in pair for f in b.faults} | {s.cells for b in pair for s in b.shown}
            assert place.ref is None or place.ref in refs


@given(books("b8461.xlsx"))
def test_counts_in_a_summary_are_no_larger_than_their_whole(book: BookFacts) -> None:
    for outcome in outcomes(ReplayFacts(books=(book,)), 0):
        for part, whole in re.findall(r"([\d,]+) of ([\d,]+)", outcome.summary):
            assert int(part.replace(",", "")) <= int(whole.replace(",", "")), outcome.summary
