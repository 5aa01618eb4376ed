"""A claim meets the truth: does a number of the README say the same as what was printed or counted?

The one comparison that the README check and the page's table of claims both show. A claim is contradicted
only where nothing that was printed agrees with it. Numbers may be rounded down (99.43 as `99.4`), and as the
log itself prints them (`9946/10000 (99.5%)`), but never up over what was measured (99.36 as `99.4`).
"""

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from grader.core.evidence.claims import Bound, Claim, ClaimEvidence, On, What
from grader.core.evidence.logs import Epoch, LogEvidence, Origin, Run, SequenceKind
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.network import NetworkFacts
from grader.core.place import Place

EPS = 1e-6


class Match(Enum):
    """How a claim relates to printed numbers."""

    AGREES = "agrees"
    AS_PRINTED = "as-printed"
    """It repeats the rounded figure that the log prints beside the exact one, or gives both itself."""
    ROUNDED_UP = "rounded-up"
    OTHER_EPOCH = "other-epoch"
    """The value was printed, but for another epoch than the claim names."""
    DIFFERS = "differs"
    OPEN = "open"
    """Nothing was printed that it could be compared with, or not all of it was kept."""


RIGHT = (Match.AGREES, Match.AS_PRINTED)


class Compared(NamedTuple):
    """One claim and how it relates to the truth."""

    claim: Claim
    match: Match
    elsewhere: bool = False
    """Whether the README says the true number in another place, so that this one speaks of something else."""


class Comparison(NamedTuple):
    """Every claim about the submitted network beside what it was compared with."""

    parameters: tuple[Compared, ...]
    accuracies: tuple[Compared, ...]
    epochs: tuple[Compared, ...]
    stated: tuple[Claim, ...]
    """The claims about the submitted network: no asides, and no section about a model that was never printed.
    """
    totals: tuple[tuple[int, Place], ...]
    """Parameter counts that summaries show, with their places: saved ones, or quoted ones where none was
    saved or counted.
    """
    counted: frozenset[int]
    """Parameters of the network that ran: all declared ones and those that are used."""
    runs: tuple[Run, ...]
    """The runs that accuracies and epochs were compared with."""


def compare(
    claims: ClaimEvidence, logs: LogEvidence, summaries: SummaryEvidence, network: NetworkFacts | None
) -> Comparison:
    """Compare every stated number with the notebook's log and summary, and with the network that ran."""
    counted = frozenset({network.declared_parameters, network.parameters} if network else ())
    totals = _totals(summaries, counted)
    stated = _stated(claims, frozenset(t for t, _ in totals) | counted)
    runs = tuple(r for r in logs.of(Origin.NOTEBOOK) or logs.of(Origin.README))
    singles = [e.epoch for e in logs.evaluations if runs and e.origin is runs[0].origin]
    accuracies = [
        Compared(c, accuracy_match(c, runs, singles))
        for c in stated
        if c.what is What.ACCURACY and c.on is On.TEST
    ]
    return Comparison(
        parameters=_parameters(stated, frozenset(t for t, _ in totals) | counted),
        accuracies=_beside_exact(_of_the_log(accuracies, runs), runs),
        epochs=_epochs(stated, runs, accuracies),
        stated=stated,
        totals=totals,
        counted=counted,
        runs=runs,
    )


def _totals(summaries: SummaryEvidence, counted: frozenset[int]) -> tuple[tuple[int, Place], ...]:
    if summaries.saved_totals or counted:
        return summaries.saved_totals
    return tuple(
        (s.total, s.total_place or s.place)
        for s in summaries.summaries
        if not s.saved and s.total is not None
    )


def _stated(claims: ClaimEvidence, known: frozenset[int]) -> tuple[Claim, ...]:
    own = [c for c in claims.claims if not c.aside and c.place.cell is None]
    counts = [c for c in own if c.what is What.PARAMETERS]
    matching = {c.section for c in counts if any(count_match(c, t) for t in known)}
    foreign = {c.section for c in counts} - matching if matching else set()
    return tuple(c for c in own if c.section not in foreign)


def _parameters(stated: Sequence[Claim], known: frozenset[int]) -> tuple[Compared, ...]:
    claims = [c for c in stated if c.what is What.PARAMETERS]
    agrees = [any(count_match(c, total) for total in known) for c in claims]
    other = Match.DIFFERS if known else Match.OPEN
    return tuple(
        Compared(c, Match.AGREES if right else other, elsewhere=not right and any(agrees))
        for c, right in zip(claims, agrees, strict=True)
    )


_OF_VALIDATION = re.compile(r"(?<![a-z])val(?:idation)?(?![a-z])", re.IGNORECASE)
_OF_TEST = re.compile(r"(?<![a-z])test(?:ing)?(?![a-z])", re.IGNORECASE)


def _of_the_log(accuracies: Sequence[Compared], runs: Sequence[Run]) -> list[Compared]:
    """Leave open what is said of the test digits beside a right number for the validation digits, where the
    log prints the validation accuracy alone: the evaluation behind the training was not kept.
    """
    validated = any(c.match in RIGHT and _OF_VALIDATION.search(c.claim.excerpt) for c in accuracies)
    printed = [e.excerpt for r in runs for e in r.epochs]
    if not validated or not all(_OF_VALIDATION.search(e) and not _OF_TEST.search(e) for e in printed):
        return list(accuracies)
    return [
        c._replace(match=Match.OPEN)
        if c.match is Match.DIFFERS
        and _OF_TEST.search(c.claim.excerpt)
        and not _OF_VALIDATION.search(c.claim.excerpt)
        else c
        for c in accuracies
    ]


def _beside_exact(accuracies: Sequence[Compared], runs: Sequence[Run]) -> tuple[Compared, ...]:
    """An accuracy in another section than one that agrees to the last digit is of another run than the
    submitted one; so is one in a sentence that names the log's best, which is higher: `with Adam 99.21 %,
    with SGD 99.43 %`.
    """
    exact = {c.section for c, match, _ in accuracies if match in RIGHT and c.unit <= 0.01}
    best = [(run.best, re.compile(rf"(?<![\d.]){run.best:.2f}(?!\d)")) for run in runs]

    submitted = [
        re.compile(rf"{_SUBMITTED}[^%]{{0,60}}(?<![\d.]){run.best:.2f}(?!\d)", re.IGNORECASE) for run in runs
    ]

    def elsewhere(at: int, one: Compared) -> bool:
        claim = one.claim
        if one.match in RIGHT:
            return False
        if (exact and (claim.numbered or claim.section not in exact)) or _is_a_step(accuracies, at):
            return True
        if not (claim.epochs or claim.best) and any(own.search(claim.excerpt) for own in submitted):
            return True
        plain = not (claim.epochs or claim.best or _OF_THE_LAST.search(claim.excerpt))
        return plain and any(claim.value < value and named.search(claim.excerpt) for value, named in best)

    return tuple(c._replace(elsewhere=elsewhere(at, c)) for at, c in enumerate(accuracies))


_SUBMITTED = r"(?<![a-z])(?:submitted|submission|handed[ -]in)(?![a-z])"
"""`With 25,000 parameters 99.55 %; the submitted network reaches 99.46 %`: the first is of another."""
_OF_THE_LAST = re.compile(
    r"(?<![a-z])(?:last|final|end(?:s|ed|ing)?|lowest|worst|average|mean)(?![a-z])", re.IGNORECASE
)


STEPS = 3
"""Accuracies that tell a story of steps, each higher than the one before it, up to the submitted network's;
two where the last is said to be.
"""
_AT_LAST = re.compile(
    r"(?<![a-z])(?:final(?:ly)?|in the end|at last|eventually|ultimately)(?![a-z])", re.IGNORECASE
)


def _is_a_step(accuracies: Sequence[Compared], at: int) -> bool:
    """Whether the claims around one, in its section and on lines of their own, rise over it to one that
    agrees to the last digit: the steps that led to the submitted network, of which no log was kept.
    """
    first = last = at
    while first > 0 and _rises(accuracies[first - 1].claim, accuracies[first].claim):
        first -= 1
    while last + 1 < len(accuracies) and _rises(accuracies[last].claim, accuracies[last + 1].claim):
        last += 1
    after = ((k, accuracies[k]) for k in range(at + 1, last + 1))
    right = ((k, c.claim) for k, c in after if c.match in RIGHT and c.claim.unit <= 0.01)
    return any(k - first + 1 >= STEPS or _AT_LAST.search(claim.excerpt) for k, claim in right)


def _rises(before: Claim, after: Claim) -> bool:
    together = (before.section, before.place.artefact) == (after.section, after.place.artefact)
    return together and before.place != after.place and before.value < after.value


def _epochs(
    stated: Sequence[Claim], runs: Sequence[Run], accuracies: Sequence[Compared]
) -> tuple[Compared, ...]:
    """Numbers of epochs; several different ones are of several experiments."""
    compared = [Compared(c, _length_match(c, runs)) for c in stated if c.what is What.EPOCHS]
    named = {n for c in accuracies for n in c.claim.epochs}
    settled = (
        any(c.match is Match.AGREES for c in compared)
        or bool(named & {len(r.epochs) for r in runs})
        or len({c.claim.value for c in compared}) > 1
    )
    return tuple(c._replace(elsewhere=settled and c.match is not Match.AGREES) for c in compared)


def count_match(claim: Claim, total: int) -> bool:
    """Compare a claimed parameter count with a printed total: digits have to agree, `K` and `~` may be
    rounded or cut.
    """
    if claim.bound is Bound.ABOUT:
        return abs(claim.value - total) <= claim.unit + EPS
    if claim.unit >= 100 or claim.written.rstrip()[-1:] in ("k", "K"):
        return abs(claim.value - total) < claim.unit
    return abs(claim.value - total) < EPS


def value_match(claim: Claim, epoch: Epoch) -> Match:
    """Compare a claimed accuracy with one that was printed."""
    difference, half_unit = epoch.percent - claim.value, epoch.half_unit
    if claim.bound is Bound.AT_LEAST:
        return Match.AGREES if difference >= -half_unit - EPS else Match.DIFFERS
    if claim.bound is Bound.ABOUT or claim.unit >= 1.0:
        near = claim.unit if claim.bound is Bound.ABOUT else 0.5
        down = claim.unit >= 1.0 and 0 <= difference < 1.0
        return Match.AGREES if abs(difference) <= near + half_unit + EPS or down else Match.DIFFERS
    if _padded(claim) and 0 <= difference < 0.1 - EPS:
        return Match.AGREES
    if claim.unit <= 0.01 + EPS:  # two decimals are exact for 10,000 images; a third is noise
        right = Match.AS_PRINTED if claim.rounded else Match.AGREES
        return right if abs(difference) <= 0.005 + half_unit + EPS else Match.DIFFERS
    if -half_unit - EPS <= difference < claim.unit - EPS:
        return Match.AGREES
    if _is_shown(claim, epoch):
        return Match.AS_PRINTED
    return Match.ROUNDED_UP if -claim.unit / 2 - EPS <= difference < 0 else Match.DIFFERS


def _padded(claim: Claim) -> bool:
    """Whether a percentage of two decimals may be one of a single decimal with a zero behind it: `99.40 %` is
    what was asked for, written beside a log that reached 99.46.
    """
    return (
        claim.written.rstrip("% ").endswith("0") and 0.009 < claim.unit < 0.011 and "/" not in claim.written
    )


def _is_shown(claim: Claim, epoch: Epoch) -> bool:
    """Whether the log prints the claimed figure itself, with as many digits."""
    digits = len(epoch.shown.partition(".")[2])
    return (
        bool(epoch.shown)
        and abs(float(epoch.shown) - claim.value) < EPS
        and claim.unit <= 10.0**-digits + EPS
    )


_BEST_FIRST = (Match.AGREES, Match.AS_PRINTED, Match.OTHER_EPOCH, Match.ROUNDED_UP)


def accuracy_match(claim: Claim, runs: Sequence[Run], others: Iterable[Epoch] = ()) -> Match:
    """Compare a claimed accuracy with whole runs and single evaluations; agreement with any of them is
    agreement.
    """
    if not runs:
        return Match.OPEN
    found = {_in_run(claim, run) for run in runs}
    if not claim.epochs:
        found |= {value_match(claim, e) for e in others}
    match = next((m for m in _BEST_FIRST if m in found), Match.DIFFERS)
    return Match.OTHER_EPOCH if match in RIGHT and _comes_later(claim, runs) else match


def _comes_later(claim: Claim, runs: Sequence[Run]) -> bool:
    """Whether every run shows an accuracy only after the epochs within which it is said to be reached."""
    limit = claim.within
    if limit is None or not all(r.complete and r.kind is SequenceKind.LOG for r in runs):
        return False
    early = (
        e
        for run in runs
        for at, e in enumerate(run.epochs, 1)
        if at <= limit or (e.printed is not None and e.printed <= limit)
    )
    return not any(_reaches(claim, e) for e in early)


def _reaches(claim: Claim, epoch: Epoch) -> bool:
    """Whether an epoch has a claimed accuracy, rounded as it may be, or a higher one."""
    return epoch.percent + epoch.half_unit >= claim.value - claim.unit / 2 - EPS


def _in_run(claim: Claim, run: Run) -> Match:
    if claim.best and not claim.epochs:
        match = value_match(claim, run.epochs[run.best_epoch - 1])
        if match is not Match.DIFFERS:
            return match
    each = [value_match(claim, e) for e in run.epochs]
    if not claim.epochs:
        return _best_of(each)
    named = [_best_of(each[i] for i in positions(run, number)) for number in claim.epochs]
    wanted = any if claim.any_epoch else all
    if wanted(m is Match.AGREES for m in named):
        return Match.AGREES
    if wanted(m in RIGHT for m in named):
        return Match.AS_PRINTED
    if Match.AGREES in each:
        return Match.OTHER_EPOCH
    return Match.ROUNDED_UP if wanted(m in (*RIGHT, Match.ROUNDED_UP) for m in named) else Match.DIFFERS


def _best_of(matches: Iterable[Match]) -> Match:
    found = set(matches)
    return next((m for m in _BEST_FIRST if m in found), Match.DIFFERS)


def positions(run: Run, number: int) -> list[int]:
    """Indices of the epochs that a person may call number `number`: as printed, counted from 1, from 0 where
    none is printed.
    """
    printed = [i for i, e in enumerate(run.epochs) if e.printed == number]
    spots = {*printed, number - 1}
    if run.starts_at != 1 and all(e.printed is None for e in run.epochs):
        spots.add(number)
    if (
        run.kind is SequenceKind.EXCERPT
    ):  # its first epoch is not the first of the run: only its numbers say which is which
        spots = set(printed)
    return sorted(i for i in spots if 0 <= i < len(run.epochs))


def lengths(runs: Sequence[Run]) -> frozenset[int]:
    """Numbers of epochs that a README may speak of: of each run, as planned, and of all together."""
    planned = {r.planned for r in runs if r.planned}
    return frozenset({r.before + len(r.epochs) for r in runs} | planned | {sum(len(r.epochs) for r in runs)})


def _length_match(claim: Claim, runs: Sequence[Run]) -> Match:
    if not runs:
        return Match.OPEN
    if int(claim.value) in lengths(runs):
        return Match.AGREES
    incomplete = any(not r.complete and len(r.epochs) < claim.value for r in runs)
    return Match.OPEN if incomplete else Match.DIFFERS


class Nearest(NamedTuple):
    """The printed epoch that comes closest to a claim."""

    run: Run
    epoch: Epoch
    number: int


def _away(epoch: Epoch, claim: Claim) -> float:
    return abs(epoch.percent - claim.value)


def nearest(claim: Claim, runs: Sequence[Run]) -> Nearest:
    """The epoch to show as evidence: the one that the claim names, else the best of the run whose best is
    nearest.
    """
    run = min(runs, key=lambda r: abs(r.best - claim.value))
    spots = [i for number in claim.epochs for i in positions(run, number)]
    index = run.best_epoch - 1
    if claim.within is not None and not spots:
        index = next((i for i, e in enumerate(run.epochs) if _reaches(claim, e)), index)
    if spots:  # what the log itself calls so comes before what a person may count so
        index = min(
            spots, key=lambda i: (run.epochs[i].printed not in claim.epochs, _away(run.epochs[i], claim), i)
        )
    return Nearest(run, run.epochs[index], index + 1 + run.before)
