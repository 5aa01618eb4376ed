"""The saved log reaches the required test accuracy within the allowed epochs.

## What it checks
The test accuracy of every epoch in the log that the notebook saved, recomputed from the fractions
(`9943/10000`), over the first 20 epochs. Where the notebook saved no log, a log quoted in the README is read
instead; it passes where no notebook was handed in, and a person looks where one was. Where the cell above a
log cannot have printed it, because it reads a name that nothing in the notebook makes or because nothing in
it prints, a person looks; so where the log that reaches it is of another class of network than the one that
the notebook trains last. So where no epoch reaches it and the notebook prints an accuracy outside the log
that does: at the end, of averaged weights, of a validation part. So where the loop above it trains on the
digits that it tests on: a `ConcatDataset` of both halves, a training loop over the test loader, two loaders
of one half. A part that is split off the training digits, a fold, and training digits scored beside the test
digits are none of these. So where the fraction of the line that reaches it contradicts the percent beside
it, and those of other lines agree. So where the source shows that what is printed is no plain accuracy on
the test digits (an F1 score, digits with noise, percents of a part of them, a count that is raised), and
where a loop that tests nothing trains the same network before the log begins, longer than the limit leaves
room for. Lines that do not say what they are, `correct 9946` or `0.9946` alone, are read by the statement
that prints them. That a cell fails when we run it says nothing about its log.

## Why it matters
The assignment asks for 99.4 % within 20 epochs. A log is a claim, but one that admits failure decides: if
every epoch is there, all over the 10,000 test images, and none reaches the threshold, the run did not. Whole
percents (`99%`) hide it, so the fractions count. Percents alone decide where the source shows that the loop
tests on all test digits, to the end, and divides by no number of full batches, and where they are more than
0.15 points short. Of a log that shows some epochs of a loop within the limit, one that reaches it is enough.

A course may ask for the training accuracy instead (`accuracy_of = "training"`). It is printed while an epoch
goes on and lies below what the network has at its end, so a log that is short of it fails only where the test
accuracy is short as well. Where the course is about another data set than MNIST and the notebook loads a
third one, a person looks.

## Example
    Test set: Average loss: 0.0193, Accuracy: 9936/10000 (99%)     best of all 20 epochs

## What to do instead
Run the notebook from top to bottom, keep the outputs, and hand in the run whose log shows the accuracy.
`9940/10000` is 99.40 %; `9936/10000` is not.
"""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import msgspec

from grader.checks.training._networks import another_network as whose_log
from grader.checks.training._runs import (
    another_notebook,
    claimed_without_log,
    doubtful,
    is_loop_within,
    of_another_data,
    outside_the_log,
    rounding,
    shown_by,
    submitted,
    which_epoch,
    without_log,
)
from grader.checks.training._training_accuracy import told
from grader.core.evidence.claims import ClaimEvidence
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import Answer, Epoch, LogEvidence, Origin, Run, SequenceKind
from grader.core.outcome import Finding, Outcome, failed, unknown
from grader.core.rubric import AccuracyOf, Assignment, CheckParams, Which
from grader.core.rule import Rule
from grader.core.submission import Kind, Submission

_PLAINLY = (90.0, 0.15)
"""A share of all images lies above the first, and no further from a mean over batches than the second, in
points: a smaller last batch counts as much.
"""


class Params(CheckParams, frozen=True, kw_only=True):
    """`threshold` in percent; `epochs` allowed, itself included or not; `denominator` is the size of the test
    set.

    Where `best_or_last = "last"`, each of the `last_epochs` last epochs has to reach it.
    """

    threshold: float = Assignment().accuracy
    epochs: int = Assignment().epochs
    epochs_inclusive: bool = Assignment().epochs_inclusive
    best_or_last: Which = Assignment().which
    last_epochs: int = Assignment().last_epochs
    denominator: int = Assignment().test_images
    accuracy_of: AccuracyOf = Assignment().accuracy_of
    loaded_by: str = Assignment().loaded_by
    limits: ClassVar[Mapping[str, str]] = {
        "threshold": "accuracy",
        "epochs": "epochs",
        "epochs_inclusive": "epochs_inclusive",
        "best_or_last": "which",
        "last_epochs": "last_epochs",
        "denominator": "test_images",
        "accuracy_of": "accuracy_of",
        "loaded_by": "loaded_by",
    }

    @property
    def limit(self) -> int:
        """The last epoch that counts, from 1."""
        return self.epochs if self.epochs_inclusive else self.epochs - 1


class _Ruling(NamedTuple):
    run: Run
    answer: Answer
    finding: Finding
    summary: str


def check(
    logs: LogEvidence,
    claims: ClaimEvidence | None,
    *,
    documents: Documents,
    submission: Submission,
    params: Params,
) -> Outcome:
    """Pass if one run reaches the threshold; fail if all are complete and none does; else unknown.

    The logs of the main notebook are judged. What another one reaches earns nothing, and it keeps the main
    one from failing.
    """
    found = submitted(logs)
    if found.of_another:
        return _elsewhere(found.elsewhere, submission, params)
    if not found.judged:
        return without_log(logs, documents, claimed_without_log(claims))
    rulings = [_on_the_data(_judge(run, params), documents, params) for run in found.judged]
    rulings = [_of_its_network(ruling, rulings, documents) for ruling in rulings]
    rulings = [_beside(ruling, logs, params) for ruling in rulings]
    others = [_judge(run, params) for run in found.elsewhere]
    by_answer = {answer: [r for r in rulings if r.answer is answer] for answer in Answer}
    of_test = params.accuracy_of is AccuracyOf.TEST
    notes = [note for run in found.judged if of_test and (note := rounding(run, params.threshold))]
    if reached := by_answer[Answer.YES]:
        rivals = [r for r in others if _may_be_meant(r.run, submission)]
        if rivals and all(r.answer is not Answer.YES for r in rivals):
            first = rivals[0].run
            text = (
                f"{reached[0].summary}; but {first.artefact} could be the submitted "
                f"notebook: {rivals[0].summary}"
            )
            return unknown(text, [*(another_notebook(r.run) for r in rivals), *notes])
        return shown_by(reached[0].run, logs, reached[0].summary, notes)
    if unsure := by_answer[Answer.MAYBE]:
        return unknown(unsure[0].summary, [*(r.finding for r in unsure), *notes])
    best = max(rulings, key=lambda r: r.run.best)
    if reached := [r for r in others if r.answer is Answer.YES]:
        text = f"{best.summary}; {reached[0].run.artefact} reaches it: which notebook is the submission?"
        return unknown(text, [*(another_notebook(r.run) for r in reached), *notes])
    return failed(best.summary, [*(r.finding for r in rulings), *notes], _headline(best, params))


def _headline(ruling: _Ruling, params: Params) -> str:
    """Say by how much a log misses the threshold, where that is what is wrong with it."""
    if ruling.finding.diagnosis != "threshold-missed":
        return ""
    epochs = ruling.run.counting(
        params.limit, last=params.last_epochs if params.best_or_last is Which.LAST else 0
    )
    reached = max(e.percent for e in epochs or ruling.run.epochs)
    return f"test accuracy {reached:.2f} %, {params.threshold - reached:.2f} short of {params.threshold:g} %"


def _may_be_meant(run: Run, submission: Submission) -> bool:
    """Whether the choice of the main notebook names this run's notebook as one that could be it as well."""
    return any(run.artefact in doubt for doubt in submission.doubts)


def _elsewhere(runs: tuple[Run, ...], submission: Submission, params: Params) -> Outcome:
    rulings = [_judge(run, params) for run in runs]
    best = max(rulings, key=lambda r: (r.answer is Answer.YES, r.run.best))
    does = "reaches" if best.answer is Answer.YES else "does not reach"
    notebooks = (a.path for a in submission.artefacts if a.kind is Kind.NOTEBOOK and a.main)
    main = next(notebooks, "the main notebook")
    text = f"{main} saved no log; the one in {best.run.artefact} {does} {params.threshold:g} %"
    return unknown(text, [another_notebook(r.run) for r in rulings])


def _on_the_data(ruling: _Ruling, documents: Documents, params: Params) -> _Ruling:
    """The ruling, and a doubt in the place of a pass where the notebook loads another data set than is asked
    for.
    """
    other = of_another_data(documents, ruling.run.artefact, params.loaded_by)
    if ruling.answer is not Answer.YES or not other:
        return ruling
    text = f"{ruling.summary}, but the notebook loads {other}, and the assignment is about {params.loaded_by}"
    finding = msgspec.structs.replace(
        ruling.finding,
        message="the log is of another data set",
        expected=f"a log of a network trained on {params.loaded_by}",
        found=other,
        hint=f"load datasets.{params.loaded_by}, and run the notebook again",
        diagnosis="another-data-set",
    )
    return ruling._replace(answer=Answer.MAYBE, finding=finding, summary=text)


def _of_its_network(ruling: _Ruling, rulings: Sequence[_Ruling], documents: Documents) -> _Ruling:
    """The ruling, and a doubt in the place of a pass where the notebook trains another network after it, of
    which no log reaches the threshold.
    """
    last = rulings[-1]
    if ruling.answer is not Answer.YES or last.answer is Answer.YES:
        return ruling
    whose = whose_log(ruling.run, last.run, documents)
    if not whose:
        return ruling
    finding = msgspec.structs.replace(
        ruling.finding,
        message="the log is of another network than the one that the notebook trains last",
        expected="a log of the network that is handed in",
        found=whose,
        hint="say in the README which network is handed in, and train it last",
        diagnosis="log-of-another-network",
    )
    text = f"{ruling.summary}, but this is the log of {whose}"
    return ruling._replace(answer=Answer.MAYBE, finding=finding, summary=text)


def _beside(ruling: _Ruling, logs: LogEvidence, params: Params) -> _Ruling:
    """The ruling, and a doubt in the place of a fail where the notebook prints an accuracy outside its logs
    that reaches the threshold.
    """
    other = logs.beside(ruling.run, params.threshold, params.denominator)
    missed = ruling.answer is Answer.NO and ruling.finding.diagnosis == "threshold-missed"
    if other is None or not missed or params.best_or_last is Which.LAST:
        return ruling
    finding = outside_the_log(ruling.finding, other)
    text = f"{ruling.summary}; but the notebook prints {finding.found}, which is no epoch of this log"
    return ruling._replace(answer=Answer.MAYBE, finding=finding, summary=text)


def _judge(run: Run, params: Params) -> _Ruling:
    limit = params.limit
    last = params.last_epochs if params.best_or_last is Which.LAST else 0
    if params.accuracy_of is AccuracyOf.TRAINING:
        of_training = told(run, params.threshold, limit=limit, last=last)
        return _Ruling(run, of_training.answer, of_training.finding, of_training.summary)
    counted = run.counting(limit, last=last)
    answers = [e.at_least(params.threshold) for e in counted]
    wrong_total = [t for t in run.denominators if t != params.denominator]
    if last:
        shown = min(counted, key=lambda e: e.percent, default=run.epochs[-1])
    else:
        shown = max(counted or run.epochs, key=lambda e: e.percent)
    which = params.best_or_last.value if len(counted) < 2 or not last else f"least of the last {last}:"
    said = f"{which} test accuracy {shown.percent:.2f} % in {which_epoch(run, shown)} ({shown.place})"
    finding = _finding(run, shown, said, params)
    reached = all(a is Answer.YES for a in answers) and bool(answers) if last else Answer.YES in answers
    missed = Answer.NO in answers or not answers if last else Answer.MAYBE not in answers

    def doubt(diagnosis: str, found: str) -> Finding:
        return doubtful(finding, diagnosis, found, params.denominator)

    if run.unprinted:
        text = f"{said}, but {run.unprinted}"
        return _Ruling(run, Answer.MAYBE, doubt("log-without-source", run.unprinted), text)
    if wrong_total:
        text = f"the log counts {wrong_total[-1]:,} test images, not {params.denominator:,} ({run.place})"
        return _Ruling(
            run,
            Answer.MAYBE,
            doubt("wrong-denominator", f"{wrong_total[-1]:,} images"),
            text,
        )
    enough = run.start_cut or (not last and Answer.YES in answers and is_loop_within(run, limit))
    if run.kind is SequenceKind.EXCERPT and not (enough and run.origin is Origin.NOTEBOOK):
        text = f"{said}, but this is an excerpt: {run.gaps[0]}"
        return _Ruling(run, Answer.MAYBE, doubt("excerpt", run.gaps[0]), text)
    doubted, why = _doubted(run, counted, params, reached=reached)
    if why:
        return _Ruling(run, Answer.MAYBE, doubt(doubted, why), f"{said}, but {why}")
    if reached:
        return _Ruling(run, Answer.YES, finding, said)
    if not missed:
        text = f"{said}, rounded too much to compare with {params.threshold:g} %"
        return _Ruling(run, Answer.MAYBE, doubt("rounded-accuracy", finding.found), text)
    if not run.complete:
        text = f"{said}, but the log may not be complete: {run.gaps[0]}"
        return _Ruling(run, Answer.MAYBE, doubt("incomplete-log", run.gaps[0]), text)
    if not (run.denominators or (run.tested == params.denominator and _is_plain(shown, params))):
        text = f"{said}, but the log does not show over how many images"
        return _Ruling(run, Answer.MAYBE, doubt("no-denominator", finding.found), text)
    why = f"below {params.threshold:g} %" if answers else f"in a run longer than {limit} epochs"
    return _Ruling(run, Answer.NO, finding, f"{said}, {why}")


def _doubted(run: Run, counted: Sequence[Epoch], params: Params, *, reached: bool) -> tuple[str, str]:
    """Why nobody can tell from a run whether the threshold is reached: a diagnosis, and a sentence."""
    found = {"no-plain-accuracy": run.measured}
    if reached:
        found |= {
            "counts-outputs": run.miscounted,
            "leaked-test-set": run.leaked,
            "fraction-contradicts-percent": _edited(run, counted, params),
            "silent-epochs": _silent(run, params),
            "more-training": _more(run, params),
        }
    return next(((name, why) for name, why in found.items() if why), ("", ""))


def _silent(run: Run, params: Params) -> str:
    """The epochs before a run without a test, where it does not reach the threshold within the limit with
    them.
    """
    counted = run.counting(params.limit - run.silent)
    enough = any(e.at_least(params.threshold) is Answer.YES for e in counted)
    return "" if enough or not run.silent else f"{run.silent} epochs are trained before it without a test"


def _more(run: Run, params: Params) -> str:
    """How a run was trained more than its epochs show, where it does not reach the threshold without that."""
    if run.loaded:
        return f"its network starts from the weights in {run.loaded}, which no cell saves"
    enough = any(e.at_least(params.threshold) is Answer.YES for e in run.counting(params.limit // run.passes))
    return "" if enough or run.passes == 1 else f"each of its epochs trains {run.passes} times over"


def _is_plain(shown: Epoch, params: Params) -> bool:
    return _PLAINLY[0] < shown.percent < params.threshold - _PLAINLY[1]


def _edited(run: Run, counted: Sequence[Epoch], params: Params) -> str:
    """The fraction and the percent of an epoch that contradict each other, where a run reaches the
    threshold by such epochs alone.
    """
    reaching = [e for e in counted if e.at_least(params.threshold) is Answer.YES]
    edited = [e for e in reaching if e in run.edited]
    if not edited or (params.best_or_last is Which.BEST and len(edited) < len(reaching)):
        return ""
    first = edited[0]
    return f"{first.correct}/{first.total} stands beside {first.shown} % ({first.place})"


def _finding(run: Run, epoch: Epoch, said: str, params: Params) -> Finding:
    diagnosis, message, hint = _miss(run, epoch, params)
    fraction = f"{epoch.correct}/{epoch.total}"
    return Finding(
        message=message,
        place=epoch.place,
        expected=f"at least {params.threshold:g} % in {_asked(params)} of at most {params.limit} epochs",
        found=said,
        hint=hint,
        excerpt=epoch.excerpt,
        marked=fraction if epoch.correct is not None and fraction in epoch.excerpt else "",
        diagnosis=diagnosis,
    )


def _asked(params: Params) -> str:
    if params.best_or_last is Which.BEST:
        return "the best"
    return "the last" if params.last_epochs == 1 else f"each of the last {params.last_epochs}"


def _miss(run: Run, epoch: Epoch, params: Params) -> tuple[str, str, str]:
    """What is wrong, in a word and in a sentence, and what to do about it."""
    goal, limit = f"{params.threshold:g} %", params.limit
    spots = (
        i for i, e in enumerate(run.epochs, 1 + run.before) if e.at_least(params.threshold) is Answer.YES
    )
    first = next(spots, None)
    if params.best_or_last is Which.LAST and run.before + len(run.epochs) > limit:
        message = f"the run is longer than {limit} epochs, so its last epoch does not count"
        return "too-many-epochs", message, f"end the training after {limit} epochs"
    if first is not None and first > limit:
        hint = f"epoch {first} reaches it; shorten the training so that it is reached within {limit} epochs"
        return "reached-too-late", f"the log reaches {goal} too late", hint
    if first is not None and params.best_or_last is Which.LAST:
        message = f"epoch {first} reaches {goal}, and {_asked(params)} does not"
        return "last-epoch-below", message, "lower the learning rate towards the end"
    least = math.ceil(params.threshold * params.denominator / 100 - 1e-9)
    if epoch.correct is not None and epoch.total == params.denominator:
        hint = f"{least - epoch.correct} more of the {params.denominator:,} test images have to be right"
        hint += f" ({least:,} make {goal})"
    else:
        hint = f"print correct/total in the test function; {least:,} of {params.denominator:,} make {goal}"
    return "threshold-missed", f"the log never reaches {goal} within {limit} epochs", hint


rule = Rule(code="TR501", name="logged-accuracy", check=check, proven_by="RT601")
