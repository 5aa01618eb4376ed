"""The claimed accuracy is one that the network can have.

## What it checks
The best test accuracy of the saved log against the best of our own training of the same network with the same
recipe. Up to 0.2 points apart are consistent; single epochs are never compared.

## Why it matters
Two honest trainings of one network differ: in their best epoch by 0.03 points on average, by 0.15 at most in
the runs that we repeated. A log far above what the network reaches belongs to another network, another recipe
or another test set, and a person should look.

## Example
    log: best 99.61        retrained: best 98.84 after all 15 epochs

## What to do instead
Hand in the notebook that made the log, run from top to bottom, with the network and the recipe that the log
belongs to.
"""

from grader.core.evidence.logs import LogEvidence, Origin, Run
from grader.core.facts.retrain import RecipeUsed, RetrainFacts, SeedRun
from grader.core.outcome import Finding, Outcome, passed, skipped, unknown
from grader.core.rubric import CheckParams
from grader.core.rule import Rule


class Params(CheckParams, frozen=True, kw_only=True):
    """Largest difference in points of percent between the best of the log and the best of our training."""

    tolerance: float = 0.2


def check(retrained: RetrainFacts, logs: LogEvidence, params: Params) -> Outcome:
    """Compare best with best; a run that we stopped early may well have gone higher."""
    runs = logs.of(Origin.NOTEBOOK) or logs.of(Origin.README)
    if not runs or not any(run.correct for run in retrained.runs):
        return skipped("no log shows an accuracy that could be compared")
    if retrained.recipe is RecipeUsed.REFERENCE or not retrained.recipe_complete:
        return skipped("the network was not trained with the whole recipe of the student")
    claimed = min(
        runs, key=lambda run: abs(run.best - _best(retrained))
    )  # several experiments: the nearest is meant
    best = _best(retrained)
    difference = claimed.best - best
    summary = f"the log's best is {claimed.best:.2f} %, ours {best:.2f} %"
    stopped = any(_stopped(run) for run in retrained.runs)
    if abs(difference) <= params.tolerance + 1e-9 or (difference > 0 and stopped):
        return passed(summary + (" where we stopped" if stopped else ""))
    return unknown(
        f"{summary}: more than {params.tolerance:g} apart", [_apart(claimed, best, difference, params)]
    )


def _best(retrained: RetrainFacts) -> float:
    return 100 * max(run.best for run in retrained.runs) / retrained.test_size


def _stopped(run: SeedRun) -> bool:
    return len(run.correct) < run.planned


def _apart(claimed: Run, best: float, difference: float, params: Params) -> Finding:
    side = "above" if difference > 0 else "below"
    return Finding(
        message=f"the log is {abs(difference):.2f} points {side} what the network reaches",
        place=claimed.epochs[claimed.best_epoch - 1].place,
        expected=f"within {params.tolerance:g} points of {best:.2f} %",
        found=f"best {claimed.best:.2f} % in epoch {claimed.best_epoch} of {len(claimed.epochs)}",
        hint="hand in the notebook that made the log, with the network and the recipe that it belongs to",
        excerpt=claimed.epochs[claimed.best_epoch - 1].excerpt,
        diagnosis=f"log-{side}-retraining",
    )


rule = Rule(code="RT602", name="claim-and-retraining", check=check)
