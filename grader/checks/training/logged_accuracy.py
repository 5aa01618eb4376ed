"""The saved log reaches the required test accuracy within the allowed epochs.

## What it checks
The test accuracy of every epoch in the log that the notebook saved, recomputed from the fractions (`9943/10000`), over the first
20 epochs. Where the notebook saved no log, a log quoted in the README is read instead.

## Why it matters
The assignment asks for 99.4 % within 20 epochs. A log is a claim, but one that admits failure decides: if every epoch is
there, all over the 10,000 test images, and none reaches the threshold, the run did not. Whole percents (`99%`) hide it, so
the fractions count.

## Example
    Test set: Average loss: 0.0193, Accuracy: 9936/10000 (99%)     best of all 20 epochs

## What to do instead
Run the notebook from top to bottom, keep the outputs, and hand in the run whose log shows the accuracy. `9940/10000` is 99.40 %;
`9936/10000` is not.
"""

from enum import Enum
from typing import NamedTuple

from grader.core.evidence.claims import ClaimEvidence, What
from grader.core.evidence.logs import Answer, Epoch, LogEvidence, Origin, Run
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, skipped, unknown
from grader.core.rubric import CheckParams
from grader.core.rule import Rule
from grader.core.submission import Kind, Submission


class Which(Enum):
    """Which epoch has to reach the threshold."""

    BEST = "best"
    LAST = "last"


class Params(CheckParams, frozen=True, kw_only=True):
    """`threshold` in percent; `epochs` allowed, itself included or not; `denominator` is the size of the test set."""

    threshold: float = 99.4
    epochs: int = 20
    epochs_inclusive: bool = True
    best_or_last: Which = Which.BEST
    denominator: int = 10_000

    @property
    def limit(self) -> int:
        """The last epoch that counts, from 1."""
        return self.epochs if self.epochs_inclusive else self.epochs - 1


class _Ruling(NamedTuple):
    run: Run
    answer: Answer
    finding: Finding
    summary: str


def check(logs: LogEvidence, claims: ClaimEvidence | None, submission: Submission, params: Params) -> Outcome:
    """Pass if one run reaches the threshold; fail if all are complete and none does; else unknown.

    A log of another notebook can pass; it fails nobody whose main notebook was saved without one.
    """
    runs = logs.of(Origin.NOTEBOOK)
    readme = logs.of(Origin.README)
    if not runs and readme:
        runs = readme
    if not runs:
        return _without_log(logs, claims, submission)
    rulings = [_judge(run, params) for run in runs]
    by_answer = {answer: [r for r in rulings if r.answer is answer] for answer in Answer}
    notes = [note for run in runs if (note := _rounding(run))]
    if reached := by_answer[Answer.YES]:
        summary = reached[0].summary + (
            "" if reached[0].run.origin is Origin.NOTEBOOK else ", as the README quotes its log"
        )
        return passed(summary, notes)
    if doubtful := by_answer[Answer.MAYBE]:
        return unknown(doubtful[0].summary, [*(r.finding for r in doubtful), *notes])
    best = max(rulings, key=lambda r: r.run.best)
    main = next(
        (a.path for a in submission.artefacts if a.kind is Kind.NOTEBOOK and a.main and a.readable), ""
    )
    if main and best.run.origin is Origin.NOTEBOOK and main not in {r.run.place.artefact for r in rulings}:
        elsewhere = (
            f"{main} saved no log; the one in {best.run.place.artefact} does not reach {params.threshold:g} %"
        )
        return unknown(
            elsewhere,
            [*(_doubt(r.finding, "log-of-another-notebook", r.finding.found) for r in rulings), *notes],
        )
    return failed(best.summary, [*(r.finding for r in rulings), *notes])


def _judge(run: Run, params: Params) -> _Ruling:
    limit = params.limit
    window = run.epochs[:limit]
    answers = [
        e.at_least(params.threshold) for e in run.counting(limit, last=params.best_or_last is Which.LAST)
    ]
    wrong_total = [t for t in run.denominators if t != params.denominator]
    best = max(window, key=lambda e: e.percent)
    shown = run.epochs[-1] if params.best_or_last is Which.LAST else best
    number = run.epochs.index(shown) + 1
    which = "last" if params.best_or_last is Which.LAST else "best"
    said = (
        f"{which} test accuracy {shown.percent:.2f} % in epoch {number} of {len(run.epochs)} ({shown.place})"
    )
    finding = _finding(run, shown, said, params)
    if wrong_total:
        text = f"the log counts {wrong_total[-1]:,} test images, not {params.denominator:,} ({run.place})"
        return _Ruling(
            run, Answer.MAYBE, _doubt(finding, "wrong-denominator", f"{wrong_total[-1]:,} images"), text
        )
    if Answer.YES in answers:
        return _Ruling(run, Answer.YES, finding, said)
    if Answer.MAYBE in answers:
        text = f"{said}, rounded too much to compare with {params.threshold:g} %"
        return _Ruling(run, Answer.MAYBE, _doubt(finding, "rounded-accuracy", finding.found), text)
    if not run.complete:
        text = f"{said}, but the log may not be complete: {run.gaps[0]}"
        return _Ruling(run, Answer.MAYBE, _doubt(finding, "incomplete-log", run.gaps[0]), text)
    if not run.denominators:
        text = f"{said}, but the log does not show over how many images"
        return _Ruling(run, Answer.MAYBE, _doubt(finding, "no-denominator", finding.found), text)
    return _Ruling(run, Answer.NO, finding, f"{said}, below {params.threshold:g} %")


def _finding(run: Run, epoch: Epoch, said: str, params: Params) -> Finding:
    late = next((i for i, e in enumerate(run.epochs, 1) if e.at_least(params.threshold) is Answer.YES), None)
    least = -(-params.threshold * params.denominator // 100)
    if late is not None:
        hint = f"epoch {late} reaches it; shorten the training so that it is reached within {params.limit} epochs"
    elif epoch.correct is not None:
        missing = int(least) - epoch.correct
        hint = f"{missing} more of the {params.denominator:,} test images have to be right ({int(least):,} make {params.threshold:g} %)"
    else:
        hint = f"print correct/total in the test function; {int(least):,} of {params.denominator:,} make {params.threshold:g} %"
    return Finding(
        message=f"the log never reaches {params.threshold:g} % within {params.limit} epochs"
        if late is None
        else f"the log reaches {params.threshold:g} % too late",
        place=epoch.place,
        expected=f"at least {params.threshold:g} % in the {params.best_or_last.value} of at most {params.limit} epochs",
        found=said,
        hint=hint,
        excerpt=epoch.excerpt,
        marked=f"{epoch.correct}/{epoch.total}"
        if epoch.correct is not None and f"{epoch.correct}/{epoch.total}" in epoch.excerpt
        else "",
        diagnosis="threshold-missed" if late is None else "reached-too-late",
    )


def _doubt(finding: Finding, diagnosis: str, found: str) -> Finding:
    messages = {
        "wrong-denominator": "the test accuracy is not over the 10,000 test images",
        "rounded-accuracy": "the printed accuracy is rounded too much to decide",
        "incomplete-log": "the log does not show every epoch",
        "no-denominator": "the log prints percents without the number of images",
        "log-of-another-notebook": "this log belongs to a notebook that is not the main one",
    }
    hints = {
        "wrong-denominator": "check that the test loader uses MNIST(train=False), and run the notebook again",
        "rounded-accuracy": "print the accuracy with two decimals, or as correct/total",
        "incomplete-log": "number the epochs in the log and keep the whole output",
        "no-denominator": "print the accuracy as correct/total, for example 9941/10000",
        "log-of-another-notebook": "run the main notebook and keep its output",
    }
    return Finding(
        message=messages[diagnosis],
        place=finding.place,
        expected=finding.expected,
        found=found,
        hint=hints[diagnosis],
        excerpt=finding.excerpt,
        diagnosis=diagnosis,
    )


def _rounding(run: Run) -> Finding | None:
    if not run.rounded_percent:
        return None
    epoch = run.epochs[run.best_epoch - 1]
    return Finding(
        message="the log prints whole percents, so the accuracy was recomputed from the fractions",
        place=epoch.place,
        found=f"{epoch.percent:.2f} % from {epoch.correct}/{epoch.total}",
        hint="print {:.2f}% instead of {:.0f}%",
        excerpt=epoch.excerpt,
        diagnosis="rounded-percent",
        weight=Weight.REMARK,
    )


def _evaluation(epoch: Epoch) -> Finding:
    return Finding(
        message="a single evaluation does not say what the best epoch reached",
        place=epoch.place,
        expected="the test accuracy after every epoch",
        found=f"{epoch.percent:.2f} % once",
        hint="call the test function in the loop over the epochs, and keep its output",
        excerpt=epoch.excerpt,
        diagnosis="single-evaluation",
    )


def _without_log(logs: LogEvidence, claims: ClaimEvidence | None, submission: Submission) -> Outcome:
    if pasted := logs.of(Origin.PASTED):
        finding = Finding(
            message="the log was printed from text in the cell's own source; that is no record of a training",
            place=pasted[0].place,
            hint="run the training and keep its output",
            excerpt=pasted[0].epochs[0].excerpt,
            diagnosis="pasted-log",
        )
        return unknown("the only log is text that a cell prints", [finding])
    said = [c for c in claims.of(What.ACCURACY) if not c.aside] if claims else []
    findings = [
        Finding(
            message="an accuracy is claimed without any log",
            place=claim.place,
            found=claim.written,
            hint="hand in the notebook with its outputs, or quote the log of all epochs",
            excerpt=claim.excerpt,
            marked=claim.written,
            diagnosis="claim-without-log",
        )
        for claim in said
    ]
    if logs.notebooks and not logs.notebooks_with_outputs:
        return unknown("the notebook was saved without its outputs, so there is no log to read", findings)
    single = [e.epoch for e in logs.evaluations if e.origin is Origin.NOTEBOOK]
    if single:
        best = max(single, key=lambda e: e.percent)
        text = f"the only test accuracy that the notebook prints is {best.percent:.2f} % ({best.place}), and no epoch's"
        return unknown(text, [_evaluation(best), *findings])
    if logs.notebooks:
        return unknown("no line of the notebook's outputs was recognised as a test accuracy", findings)
    if findings:
        return unknown(f"{said[0].written} is claimed, but no log shows it", findings)
    damaged = [a.path for a in submission.artefacts if a.kind is Kind.NOTEBOOK and not a.readable]
    if damaged:
        return unknown(f"{damaged[0]} cannot be read, so its log is not known")
    return skipped("there is no notebook, and the README quotes no training log")


rule = Rule(code="TR501", name="logged-accuracy", check=check)
