"""The network reaches 99.4 % when we train it ourselves.

## What it checks
We take your network as data, draw fresh weights, train it on the 60,000 training digits with your recipe
(optimizer, schedule, batch size, epochs, loss, augmentation) and count right answers on the 10,000 test
digits after every epoch. Any epoch of at most 20 with 9,940 right passes. Below 99.25 after a full run fails;
in between up to two more seeds are run, and a mean best of 99.35 or more goes to a person.

The test digits are shown in an order of ours, and the deciding weights are asked once more in another order
and in other batches: an answer must depend on its image and not on its place. Where it does not, where
training and evaluation are two networks, or where the network keeps a table of numbers, a person looks.

## Why it matters
A log is a claim; a training is a fact. Two trainings of the same network differ by about 0.05 points, so one
that ends just below the threshold proves nothing, and the rule leaves room for that. Where your recipe could
not be read whole, we use our own, and then a miss is no fail. Where the rubric says `admission = "decides"`,
a complete saved log that never reaches the threshold fails without a training.

## Example
    seed 0: 99.31, 99.35, 99.38 ...    best 99.38 in epoch 17: not reached, but too close to say; two more
    seeds are run

## What to do instead
Leave yourself a margin: a network whose plateau is at 99.45 passes nearly always. A schedule that lowers the
learning rate at the end lifts the last epochs by about 0.1.
"""

from grader.core.admission import admitted
from grader.core.evidence.logs import Answer as Reached
from grader.core.evidence.logs import LogEvidence, Origin, Run
from grader.core.facts.retrain import RecipeUsed, RetrainFacts, SeedRun
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, unknown
from grader.core.place import Place
from grader.core.retrain_rule import (
    REFERENCE_EPOCHS,
    Admission,
    Answer,
    Continue,
    Curve,
    Decided,
    RetrainParams,
    RunSeed,
    asked,
    deciding,
    decisive,
    describe,
    next_step,
)
from grader.core.rubric import AccuracyOf
from grader.core.rule import Rule


class Params(RetrainParams, frozen=True, kw_only=True):
    """The rule's parameters and budget; `constants` is how many fixed numbers of the network may have been
    kept for the training.
    """

    constants: int = 0


def check(retrained: RetrainFacts, logs: LogEvidence | None, params: Params) -> Outcome:
    """Apply the published rule to the curves; say fail only where the whole recipe of the student was
    followed.

    Without a curve a complete log that admits the miss decides, where the rubric wants that.
    """
    if not retrained.runs and params.admission is Admission.DECIDES:
        log = admitted(logs, params)
        if log is not None:
            admission = _admission(log, params)
            below = f"stays below {params.percent(params.right)}"
            return failed(f"the saved log is complete and {below}: {admission.found}", [admission])
    if why := _not_counted(retrained, params):
        return unknown(why)
    doubts = [fault for run in retrained.runs for fault in run.proof.faults]
    if doubts:
        return unknown("our training cannot be trusted: " + doubts[0], [_doubt(retrained, params, doubts)])
    if retrained.kept_constants > params.constants:
        kept = f"{retrained.kept_constants:,} numbers of the network could not be drawn anew"
        return unknown(f"{kept}, so the training did not start afresh", [_doubt(retrained, params, [kept])])
    step = next_step([_curve(run) for run in retrained.runs], params)
    if isinstance(step, RunSeed):
        return unknown(
            f"needs another run: {len(retrained.runs)} of up to {params.seeds} are there",
            _shown(retrained, params),
        )
    if isinstance(step, Continue):
        done = step.epoch - 1
        return unknown(
            f"needs {_limit(retrained, params, done) - done} more epochs: {done} were run",
            _shown(retrained, params),
        )
    if step.answer is Answer.PASS:
        hits = f"{step.hits} of {step.runs} runs" if step.runs > 1 else "the first run"
        return passed(
            f"{step.reason}; {hits} reached {params.percent(params.right)}", _shown(retrained, params)
        )
    planned = retrained.runs[-1].planned
    short = min(REFERENCE_EPOCHS, params.epochs) - planned
    if retrained.recipe is RecipeUsed.REFERENCE and short > 0:
        # Our schedule is stretched over the epochs that a rubric allows: a longer run is another run.
        return unknown(
            f"needs {short} more epochs: our recipe was run over {planned}", _shown(retrained, params)
        )
    if step.answer is Answer.BORDERLINE:
        return unknown(
            f"borderline: {step.reason}; chance of another run {step.probability:.0%}",
            [_miss(retrained, step, params, "borderline"), *_shown(retrained, params)],
        )
    return _below(retrained, step, params)


def _not_counted(retrained: RetrainFacts, params: Params) -> str:
    """Why a training does not count what the rubric asks for; empty where it does."""
    if params.accuracy_of is AccuracyOf.TRAINING:
        counted = all(run.trained for run in retrained.runs)
        return "" if counted else "the training accuracy was not counted in this training: train again"
    if retrained.runs and retrained.test_size != params.digits:
        return (
            f"the network was scored on {retrained.test_size:,} digits, the rubric counts {params.digits:,}"
        )
    return ""


def _below(retrained: RetrainFacts, step: Decided, params: Params) -> Outcome:
    followed = retrained.recipe is RecipeUsed.STUDENT and retrained.recipe_complete
    if followed and not _of_training(retrained, params):
        return failed(
            step.reason, [_miss(retrained, step, params, "threshold-not-reached"), *_shown(retrained, params)]
        )
    if _of_training(retrained, params):
        why = f"{step.reason}; the test accuracy reaches it, so a count after the epoch may be enough"
    elif retrained.recipe is RecipeUsed.REFERENCE:
        why = f"our recipe did not reach it: {step.reason}"
    else:
        why = f"your recipe was followed only in part and did not reach it: {step.reason}"
    return unknown(why, [_miss(retrained, step, params, "recipe-incomplete"), *_shown(retrained, params)])


def _of_training(retrained: RetrainFacts, params: Params) -> bool:
    """Whether a miss is of the training accuracy alone, which at an epoch's end may be what was asked."""
    if params.accuracy_of is AccuracyOf.TEST:
        return False
    least = params.right / params.digits
    counted = (run.correct[: params.epochs] for run in retrained.runs)
    return any(right / retrained.test_size >= least for curve in counted for right in curve)


def _curve(run: SeedRun) -> Curve:
    return Curve(correct=run.correct, planned=run.planned, trained=run.trained, seen=run.seen)


def _limit(retrained: RetrainFacts, params: Params, done: int) -> int:
    """The epochs that the run asks for which was cut after `done`: runs may be planned for different ones."""
    limits = (min(run.planned, params.epochs) for run in retrained.runs if len(run.correct) == done)
    return next(limit for limit in limits if limit > done)


def _miss(retrained: RetrainFacts, step: Decided, params: Params, diagnosis: str) -> Finding:
    run = max(retrained.runs, key=lambda run: decisive(_curve(run), params))
    right, epoch = decisive(_curve(run), params)
    hint = f"{params.right - right} more right answers of {params.digits:,} were missing in epoch {epoch}"
    if retrained.recipe_missing:
        hint += f"; of your recipe we could not follow: {'; '.join(retrained.recipe_missing[:4])}"
    elif epoch == len(run.correct) and not params.last:
        hint += "; the last epoch was the best, so the training has not settled yet"
    return Finding(
        message=f"the retrained network does not reach {params.percent(params.right)}",
        place=_place(retrained),
        expected=f"{asked(params)} with {params.right:,} of {params.digits:,} right",
        found=f"{deciding(params)} {right:,} in epoch {epoch} of {len(run.correct)} (seed {run.seed}); "
        f"{step.reason}",
        hint=hint,
        diagnosis=diagnosis,
    )


def _shown(retrained: RetrainFacts, params: Params) -> list[Finding]:
    """The curves and how they came about, as a remark."""
    curves = "; ".join(
        f"seed {run.seed}: {', '.join(params.percent(right).removesuffix(' %') for right in run.correct)}"
        for run in retrained.runs
    )
    whose = "your recipe" if retrained.recipe is RecipeUsed.STUDENT else "our recipe"
    return [
        Finding(
            message=f"trained with {whose}: {retrained.recipe_summary}",
            place=_place(retrained),
            expected=describe(params),
            found=f"{curves} ({retrained.device}, torch {retrained.versions.torch})",
            hint="; ".join((*retrained.recipe_missing[:6], *retrained.notes)),
            diagnosis="curves",
            weight=Weight.REMARK,
        )
    ]


def _admission(log: Run, params: Params) -> Finding:
    counted = log.counting(params.epochs, last=params.last)
    epoch = (min if params.last else max)(counted, key=lambda e: e.percent)
    number = log.epochs.index(epoch) + 1
    return Finding(
        message=f"the notebook's own log does not reach {params.percent(params.right)}",
        place=epoch.place,
        expected=f"{asked(params)} with {params.right:,} of {params.digits:,} right",
        found=f"{deciding(params)} {epoch.percent:.2f} % in epoch {number} of {len(log.epochs)}",
        hint="hand in a run that reaches it; this course lets a complete log decide, and nothing was trained",
        excerpt=epoch.excerpt,
        diagnosis="log-admits-miss",
    )


def _doubt(retrained: RetrainFacts, params: Params, doubts: list[str]) -> Finding:
    return Finding(
        message="the training shows no proof of its work",
        place=_place(retrained),
        expected=f"all steps taken, parameters changed, {params.digits:,} digits scored, "
        "finite and repeatable answers",
        found="; ".join(dict.fromkeys(doubts)),
        hint="a person should look at the network",
        diagnosis="no-proof-of-work",
    )


def _place(retrained: RetrainFacts) -> Place | None:
    return Place(artefact=retrained.artefact) if retrained.artefact else None


def claimed(logs: LogEvidence, params: Params) -> Outcome | None:
    """Earn by a complete log that the main notebook saved, each epoch counted over all the test digits, that
    reaches the threshold.
    """
    if params.accuracy_of is AccuracyOf.TRAINING:
        return _claimed_training(logs, params)
    for run in logs.of(Origin.NOTEBOOK):
        if (
            run.unprinted
            or run.leaked
            or run.miscounted
            or not (run.main and run.complete and all(epoch.total == params.digits for epoch in run.epochs))
        ):
            continue
        counted = run.counting(params.epochs, last=params.last)
        threshold = 100 * params.right / params.digits
        hits = [epoch for epoch in counted if epoch.at_least(threshold) is Reached.YES]
        if hits and not (params.last and len(hits) < len(counted)):
            hit = hits[-1] if params.last else hits[0]
            number = run.epochs.index(hit) + 1
            return passed(
                f"the saved log has {hit.percent:.2f} % in epoch {number} of {len(run.epochs)} ({hit.place})"
            )
    return None


def _claimed_training(logs: LogEvidence, params: Params) -> Outcome | None:
    """Earn by a complete log of the main notebook that prints the training accuracy beside each epoch."""
    threshold = 100 * params.right / params.digits
    for run in logs.of(Origin.NOTEBOOK):
        if run.unprinted or not (run.main and run.complete):
            continue
        counted = run.counting(params.epochs, last=params.last)
        hits = [epoch for epoch in counted if epoch.trained_to(threshold) is Reached.YES]
        if hits and not (params.last and len(hits) < len(counted)):
            number = run.epochs.index(hits[0]) + 1
            return passed(
                f"the saved log has a training accuracy of {hits[0].train_percent:.2f} % in epoch {number} "
                f"of {len(run.epochs)} ({hits[0].place})"
            )
    return None


rule = Rule(code="RT601", name="accuracy-retrained", check=check, claimed=claimed)
