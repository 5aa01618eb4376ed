"""The notebook itself reaches 99.4 % when it is run whole.

## What it checks
Where an instructor asks for it (`--reproduce`), your notebook is run from top to bottom in the sandbox on
50,000 training digits, with the other 10,000 training digits as its test split. The weights of every epoch
leave the sandbox and we count right answers on the true 10,000 test digits. An epoch of at most 20 with 99.40
% passes. A network that cannot leave as data is asked inside instead: the true test pictures go in, shuffled
and without labels, and we count what it answers.

## Why it matters
This is your own code with your own recipe, so it supports a training of ours that was not sure. It never
fails: 10,000 digits fewer cost about 0.05 points. Where it ends far above what we reach when we train your
network, one of the two is not what it seems, and a person looks. Answers never pass: they come from the
process in which your code runs, so they are its claim about itself, and code that knows the public test set
by heart could give them. They are shown to a person.

In preview: it needs a whole run of the notebook (`--reproduce`), twenty epochs over 50,000 digits, which the
public hand-ins were not given, so that how often it errs on them is not known.

## Example
    reproduced: 99.21, 99.38, 99.43    retrained: best 99.40    within 0.2 points: they agree

## What to do instead
Hand in a notebook that runs from top to bottom on a fresh machine, with its seed set, and that leaves itself
a margin above 99.4 %.
"""

from collections.abc import Mapping
from typing import ClassVar

from grader.core.facts.reproduced import ReproducedFacts
from grader.core.facts.retrain import RetrainFacts
from grader.core.outcome import Finding, Outcome, Weight, passed, skipped, unknown
from grader.core.place import Place
from grader.core.rubric import AccuracyOf, Assignment, CheckParams, Which
from grader.core.rule import Rule, Status


class Params(CheckParams, frozen=True, kw_only=True):
    """`threshold` in percent, `epochs` that count, and the largest difference in points from our training
    that needs no person.
    """

    threshold: float = Assignment().accuracy
    epochs: int = Assignment().last_epoch
    tolerance: float = 0.2
    accuracy_of: AccuracyOf = Assignment().accuracy_of
    counting: Which = Assignment().which
    last_epochs: int = Assignment().last_epochs
    """How many of the last epochs have to reach it where `counting = "last"`."""
    limits: ClassVar[Mapping[str, str]] = {
        "threshold": "accuracy",
        "epochs": "last_epoch",
        "accuracy_of": "accuracy_of",
        "counting": "which",
        "last_epochs": "last_epochs",
    }


def check(reproduced: ReproducedFacts, retrained: RetrainFacts | None, params: Params) -> Outcome:
    """Support only: pass, or nothing that costs anything."""
    if params.accuracy_of is AccuracyOf.TRAINING:
        return skipped("a whole run is scored on the test images, and the training accuracy is asked for")
    within = [epoch for epoch in reproduced.epochs if epoch.number <= params.epochs]
    counted = [_percent(reproduced, epoch.correct) for epoch in within]
    if not counted:
        why = "; ".join((*reproduced.notes, reproduced.cut)).strip("; ") or "no epoch was seen"
        return unknown(
            f"the notebook was run whole and nothing could be scored: {why}", [_shown(reproduced, params)]
        )
    if reproduced.unsteady:
        return unknown(reproduced.unsteady, [_shown(reproduced, params)])
    best = max(counted)
    shown = [_shown(reproduced, params)]
    if retrained is not None and any(run.correct for run in retrained.runs):
        ours = max(100 * run.best / retrained.test_size for run in retrained.runs)
        stopped = any(len(run.correct) < run.planned for run in retrained.runs)
        if best - ours > params.tolerance + 1e-9 and not stopped:
            return unknown(
                f"the notebook's own training reaches {best:.2f} %, ours {ours:.2f} %: a person should look",
                [_apart(reproduced, best, ours, params), *shown],
            )
    at = within[counted.index(best)].number
    summary = f"best {best:.2f} % in epoch {at} of {within[-1].number} on the true test digits"
    reached = best >= params.threshold - 1e-9
    if reached and params.counting is Which.LAST and (short := _not_to_its_end(reproduced, params)):
        return skipped(f"{summary}: {short}, which decides nothing", shown)
    if reached and reproduced.answered:
        return unknown(f"{summary}, by its own answers only: no proof, a person should look", shown)
    if reached:
        return passed(summary, shown)
    return skipped(
        f"{summary}: below {params.threshold:g} %, which decides nothing on "
        f"{reproduced.training_size:,} digits",
        shown,
    )


def _not_to_its_end(reproduced: ReproducedFacts, params: Params) -> str:
    """Why the last epochs of a run do not show what is asked of each of them; empty where they do."""
    last = reproduced.epochs[-params.last_epochs :]
    if reproduced.cut or len(last) < params.last_epochs or last[-1].number > params.epochs:
        return f"the last {params.last_epochs} of at most {params.epochs} epochs were not seen"
    worst = min(_percent(reproduced, epoch.correct) for epoch in last)
    if worst < params.threshold - 1e-9:
        return f"{worst:.2f} % among the last {params.last_epochs}"
    return ""


def _percent(reproduced: ReproducedFacts, correct: int) -> float:
    return 100 * correct / reproduced.test_size


def _shown(reproduced: ReproducedFacts, params: Params) -> Finding:
    curve = ", ".join(f"{_percent(reproduced, epoch.correct):.2f}" for epoch in reproduced.epochs)
    failed = [f"cell {cell.cell} failed: {cell.error}" for cell in reproduced.failed]
    return Finding(
        message=(
            "the notebook's own training, its answers counted by us after every epoch"
            if reproduced.answered
            else "the notebook's own training, scored by us after every epoch"
        ),
        place=Place(artefact=reproduced.artefact),
        expected=f"an epoch of at most {params.epochs} with {params.threshold:g} %",
        found=curve or "no epoch",
        hint="; ".join(
            [*([f"cut short: {reproduced.cut}"] if reproduced.cut else []), *failed[:3], *reproduced.notes]
        ),
        diagnosis="reproduced-curve",
        weight=Weight.REMARK,
    )  # fmt: skip


def _apart(reproduced: ReproducedFacts, best: float, ours: float, params: Params) -> Finding:
    return Finding(
        message=f"the notebook's own training ends {best - ours:.2f} points above ours",
        place=Place(artefact=reproduced.artefact),
        expected=f"within {params.tolerance:g} points of {ours:.2f} %",
        found=f"{best:.2f} %",
        hint="a recipe that we could not follow, an initialisation of its own, or weights that it loads",
        diagnosis="reproduced-above-retrained",
    )


rule = Rule(code="RT603", name="reproduced-accuracy", check=check, status=Status.PREVIEW)
