"""The training stays within the allowed number of epochs.

## What it checks
The number of epochs of every training run in the notebook's saved log, counted in log order, against the
allowed number.

## Why it matters
The assignment limits the training as well as the network. `range(1, 20)` runs 19 epochs and `range(20)` runs
20, so "less than 20" and "at most 20" differ by one run: the rubric says which holds.

Measured on 39 labelled public notebooks (39 of 39 counted as labelled), on fifty hand-ins that nothing was
tuned on (43 counted, all as a script of ours counts the printed lines) and on 643 other public notebooks: 562
of 569 counts are that script's; six of the others hold several runs in one cell, which it does not part, and
one of another data set is one too high. No verdict was wrong.

## Example
    for epoch in range(1, 25):     # 24 epochs

## What to do instead
Shorten the loop, or stop when the goal is reached, and run the notebook again.
"""

from collections.abc import Mapping
from typing import ClassVar

from grader.checks.training._runs import of_another, shown_by, submitted, unless_another, without_log
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import LogEvidence, Run
from grader.core.outcome import Finding, Outcome, failed, unknown
from grader.core.rubric import Assignment, CheckParams
from grader.core.rule import Rule


class Params(CheckParams, frozen=True, kw_only=True):
    """`epochs` allowed, itself included or not."""

    epochs: int = Assignment().epochs
    epochs_inclusive: bool = Assignment().epochs_inclusive
    limits: ClassVar[Mapping[str, str]] = {"epochs": "epochs", "epochs_inclusive": "epochs_inclusive"}


def check(logs: LogEvidence, documents: Documents, params: Params) -> Outcome:
    """Pass if one run of the notebook keeps the limit, fail if none does, unknown where its length cannot be
    told.
    """
    limit = params.epochs if params.epochs_inclusive else params.epochs - 1
    found = submitted(logs)
    runs = found.judged
    if found.of_another:
        return of_another(found)
    if not runs:
        return without_log(logs, documents)
    within = [r for r in runs if r.before + len(r.epochs) <= limit]
    if not within:
        failure = failed(f"every run is longer than {limit} epochs", [_finding(r, limit) for r in runs])
        return unless_another(failure, (r for r in found.elsewhere if r.before + len(r.epochs) <= limit))
    sure = next((r for r in within if r.complete), None)
    if sure:
        return shown_by(sure, logs, f"{len(sure.epochs)} epochs ({sure.place})")
    return unknown(
        f"{len(within[0].epochs)} epochs were found, but {within[0].gaps[0]}", [_finding(within[0], limit)]
    )


def _finding(run: Run, limit: int) -> Finding:
    count = run.before + len(run.epochs)
    over = count > limit
    first = run.epochs[max(limit - run.before, 0)] if over else run.epochs[0]
    return Finding(
        message="the training runs longer than allowed" if over else "the log may not show every epoch",
        place=first.place,
        expected=f"at most {limit} epochs",
        found=f"{count} epochs" if over else run.gaps[0],
        hint=f"let the loop end after {limit} epochs" if over else "number the epochs in the log",
        excerpt=first.excerpt if over else "",
        diagnosis="too-many-epochs" if over else "incomplete-log",
    )


rule = Rule(code="TR502", name="epoch-budget", check=check)
