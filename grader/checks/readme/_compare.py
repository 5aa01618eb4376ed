"""Does a claim say the same as what was printed? Shared by the README checks.

A claim is contradicted only where nothing that was printed agrees with it. Numbers may be rounded down (99.43 as `99.4`), never up over
what was measured (99.36 as `99.4`).
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from grader.core.evidence.claims import Bound, Claim
from grader.core.evidence.logs import Epoch, Run

EPS = 1e-6


class Match(Enum):
    """How a claim relates to printed numbers."""

    AGREES = "agrees"
    ROUNDED_UP = "rounded-up"
    OTHER_EPOCH = "other-epoch"
    """The value was printed, but for another epoch than the claim names."""
    DIFFERS = "differs"


def value_match(claim: Claim, measured: float, half_unit: float = 0.0) -> Match:
    """Compare a claimed accuracy with one printed accuracy, both in percent."""
    difference = measured - claim.value
    if claim.bound is Bound.AT_LEAST:
        return Match.AGREES if difference >= -half_unit - EPS else Match.DIFFERS
    if claim.bound is Bound.ABOUT or claim.unit >= 1.0:
        near = claim.unit if claim.bound is Bound.ABOUT else 0.5
        down = claim.unit >= 1.0 and 0 <= difference < 1.0
        return Match.AGREES if abs(difference) <= near + half_unit + EPS or down else Match.DIFFERS
    if claim.unit <= 0.01 + EPS:  # two decimals are exact for 10,000 images; a third is noise
        return Match.AGREES if abs(difference) <= 0.005 + half_unit + EPS else Match.DIFFERS
    if -half_unit - EPS <= difference < claim.unit - EPS:
        return Match.AGREES
    return Match.ROUNDED_UP if -claim.unit / 2 - EPS <= difference < 0 else Match.DIFFERS


def accuracy_match(claim: Claim, runs: Sequence[Run], others: Iterable[Epoch] = ()) -> Match:
    """Compare a claimed accuracy with whole runs and single evaluations; agreement with any of them is agreement."""
    found = {_in_run(claim, run) for run in runs}
    if not claim.epochs:
        found |= {value_match(claim, e.percent, e.half_unit) for e in others}
    for match in (Match.AGREES, Match.OTHER_EPOCH, Match.ROUNDED_UP):
        if match in found:
            return match
    return Match.DIFFERS


def _in_run(claim: Claim, run: Run) -> Match:
    if claim.best and not claim.epochs:
        match = value_match(claim, run.best)
        if match is not Match.DIFFERS:
            return match
    each = [value_match(claim, e.percent, e.half_unit) for e in run.epochs]
    if claim.epochs:
        named = [_best_of(each[i] for i in _positions(run, number)) for number in claim.epochs]
        wanted = any if claim.any_epoch else all
        if wanted(m is Match.AGREES for m in named):
            return Match.AGREES
        if Match.AGREES in each:
            return Match.OTHER_EPOCH
        if wanted(m in (Match.AGREES, Match.ROUNDED_UP) for m in named):
            return Match.ROUNDED_UP
        return Match.DIFFERS
    return _best_of(each)


def _best_of(matches: Iterable[Match]) -> Match:
    found = set(matches)
    return next((m for m in (Match.AGREES, Match.ROUNDED_UP) if m in found), Match.DIFFERS)


def _positions(run: Run, number: int) -> list[int]:
    """Indices of the epochs that a person may call number `number`: as printed, counted from 1, from 0 where none is printed."""
    printed = [i for i, e in enumerate(run.epochs) if e.printed == number]
    spots = {*printed, number - 1}
    if run.starts_at != 1 and all(e.printed is None for e in run.epochs):
        spots.add(number)
    return sorted(i for i in spots if 0 <= i < len(run.epochs))


def count_match(claim: Claim, total: int) -> bool:
    """Compare a claimed parameter count with a printed total: digits have to agree, `K` and `~` may be rounded or cut."""
    if claim.bound is Bound.ABOUT:
        return abs(claim.value - total) <= claim.unit + EPS
    if claim.unit >= 100:
        return abs(claim.value - total) < claim.unit
    return abs(claim.value - total) < EPS


class Nearest(NamedTuple):
    """The printed epoch that comes closest to a claim."""

    run: Run
    epoch: Epoch
    number: int


def nearest(claim: Claim, runs: Sequence[Run]) -> Nearest:
    """The epoch to show as evidence: the one that the claim names, else the best of the run whose best is nearest."""
    run = min(runs, key=lambda r: abs(r.best - claim.value))
    spots = [i for number in claim.epochs for i in _positions(run, number)]
    index = min(spots, key=lambda i: run.epochs[i].percent) if spots else run.best_epoch - 1
    return Nearest(run, run.epochs[index], index + 1)
