"""Which of the logs a training check rules on: those of the submitted notebook, and no other's in their
place; and why there is none, where there is none.

One network, one log and one recipe are judged together. Where the submitted notebook saved no log and another
one did, the check cannot tell whose training is meant, and a person chooses.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from grader.core.evidence.claims import ClaimEvidence, On, What
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import Epoch, LogEvidence, Origin, Run, SequenceKind
from grader.core.outcome import Finding, Outcome, Verdict, Weight, passed, unknown
from grader.core.submission import Kind

_EXAMPLE = 0.9941


class Runs(NamedTuple):
    """The runs that are judged, and the saved runs of other notebooks."""

    judged: tuple[Run, ...]
    elsewhere: tuple[Run, ...]

    @property
    def of_another(self) -> str:
        """The notebook whose log is there while the submitted one has none; empty where it has."""
        return self.elsewhere[0].artefact if self.elsewhere and not self.judged else ""


def submitted(logs: LogEvidence) -> Runs:
    """Return the runs that the submitted notebook saved; those that a README quotes where no notebook saved
    any.
    """
    saved = logs.of(Origin.NOTEBOOK)
    main = tuple(run for run in saved if run.main)
    elsewhere = tuple(run for run in saved if not run.main)
    return Runs(main if saved else logs.of(Origin.README), elsewhere)


def shown_by(run: Run, logs: LogEvidence, text: str, findings: Iterable[Finding] = ()) -> Outcome:
    """Pass on what a run shows; ask a person where only a README quotes it, beside a notebook without it.

    Outputs can be left out and a log typed in their place: who hands in the notebook is asked for its log.
    """
    if run.origin is not Origin.README:
        return passed(text, findings)
    quoted = f"{text}, as the README quotes its log"
    if logs.notebooks:
        return unknown(f"{quoted}; the notebook saved none", [_quoted(run), *findings])
    return passed(quoted, findings)


_LOADED = re.compile(r"\b(MNIST|FashionMNIST|KMNIST|EMNIST|QMNIST|CIFAR10|CIFAR100|SVHN)[ \t]*\(")
"""Calls of the data sets of torchvision that small networks are trained on."""


def of_another_data(documents: Documents, artefact: str, asked: str) -> str:
    """Return the data set that a notebook loads in the place of the one that is asked for; empty where it
    loads that one, or none that is known by its name.
    """
    found = [d.notebook for d in documents.of(Kind.NOTEBOOK) if d.path == artefact and d.notebook]
    loaded = [n for notebook in found for cell in notebook.code_cells for n in _LOADED.findall(cell.source)]
    return loaded[0] if loaded and asked not in loaded else ""


def of_another(found: Runs) -> Outcome:
    """Ask a person which notebook is meant, where the submitted one saved no log and another one did."""
    return unknown(
        f"the main notebook saved no log, and the one in {found.of_another} is of another",
        [another_notebook(run) for run in found.elsewhere],
    )


def which_epoch(run: Run, epoch: Epoch) -> str:
    """Say which epoch of its run it is; an excerpt says what the log itself calls it."""
    number = run.epochs.index(epoch) + 1
    if run.kind is SequenceKind.EXCERPT:
        return f"the epoch printed as {epoch.printed}" if epoch.printed else f"line {number} of an excerpt"
    told = f"epoch {number} of {len(run.epochs)}"
    if epoch.printed is None or epoch.printed == number:
        return told
    counts = ", which counts from zero," if run.epochs[0].printed == 0 else ""
    return f"{told}; the log{counts} calls it epoch {epoch.printed}"


def is_loop_within(run: Run, limit: int) -> bool:
    """Whether the loop above a notebook's log is no longer than the limit, so that every epoch that it shows
    is within it, whichever that is: one test after the loop, one in every second epoch.
    """
    numbers = [e.printed + (run.starts_at == 0) for e in run.epochs if e.printed is not None]
    if run.origin is not Origin.NOTEBOOK or run.planned is None or run.starts_at not in (0, 1):
        return False
    return len(run.epochs) <= run.planned and max([run.planned, *numbers]) <= limit


def without_log(logs: LogEvidence, documents: Documents, claims: Iterable[Finding] = ()) -> Outcome:
    """Say why there is no log to judge, in the same words for every check: text that a cell prints, outputs
    that were not saved, single accuracies, a notebook that was not handed in or cannot be read.

    `claims` are findings about what was claimed all the same; they stand below.
    """
    said = tuple(claims)
    if pasted := logs.of(Origin.PASTED):
        return unknown("the only log is text that a cell prints", [_pasted(pasted[0])])
    if logs.notebooks and not logs.notebooks_with_outputs:
        return unknown("the notebook was saved without its outputs, so there is no log to read", said)
    listed = [e.epoch for e in logs.evaluations if e.kind is SequenceKind.TABLE_OF_RUNS]
    if listed:
        text = (
            f"{len(listed)} accuracies stand at {listed[0].place} and below, one of each run: no log "
            "shows the epochs of one"
        )
        return unknown(text, [_table_of_runs(max(listed, key=lambda e: e.percent)), *said])
    single = [
        e.epoch for e in logs.evaluations if e.origin is Origin.NOTEBOOK and e.kind is SequenceKind.SINGLE
    ]
    if single:
        best = max(single, key=lambda e: e.percent)
        text = (
            f"the only test accuracy that the notebook prints is {best.percent:.2f} % "
            f"({best.place}), and no epoch's"
        )
        return unknown(text, [_evaluation(best), *said])
    if logs.notebooks:
        return unknown("no line of the notebook's outputs was recognised as a test accuracy", said)
    if said:
        return unknown(f"{said[0].found} is claimed, but no log shows it", said)
    return _nowhere(documents)


def _nowhere(documents: Documents) -> Outcome:
    """What is said where nothing of a log was found: what was read holds none, and what was not read may."""
    read = "the README quotes no training log" if documents.of(Kind.README) else ""
    rest = documents.unread(Kind.README)
    if rest:
        told = f"a log may stand in what could not be read ({rest[0].path}: {rest[0].problem})"
        return unknown(f"{read}; {told}" if read else told)
    return documents.absent("a notebook", Kind.NOTEBOOK).outcome(read)


def _quoted(run: Run) -> Finding:
    return Finding(
        message="this log stands in the README alone",
        place=run.place,
        expected="a log in the outputs of the notebook",
        found=f"{len(run.epochs)} epochs, best {run.best:.2f} %",
        hint="run the notebook and save it with its outputs",
        excerpt=run.epochs[0].excerpt,
        diagnosis="log-in-the-readme-alone",
    )


def _pasted(run: Run) -> Finding:
    return Finding(
        message="the log was printed from text in the cell's own source; that is no record of a training",
        place=run.place,
        hint="run the training and keep its output",
        excerpt=run.epochs[0].excerpt,
        diagnosis="pasted-log",
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


def _table_of_runs(epoch: Epoch) -> Finding:
    return Finding(
        message="a table of runs does not say in which epoch a run reached its accuracy",
        place=epoch.place,
        expected="the test accuracy after every epoch of one run",
        found=f"{epoch.percent:.2f} % as the result of a run",
        hint="quote the log of the submitted run, or hand in the notebook that printed it",
        excerpt=epoch.excerpt,
        diagnosis="table-of-runs",
    )


def unless_another(failure: Outcome, elsewhere: Iterable[Run]) -> Outcome:
    """Ask a person in place of a fail where a run of another notebook has what the submitted one lacks."""
    runs = list(elsewhere)
    if failure.verdict is not Verdict.FAIL or not runs:
        return failure
    text = f"{failure.summary}; {runs[0].artefact} has it: which notebook is the submission?"
    return unknown(text, [*(another_notebook(run) for run in runs), *failure.findings])


def outside_the_log(missed: Finding, other: Epoch) -> Finding:
    """Turn the finding about a log that misses the threshold into one about an accuracy outside it that
    reaches it.

    It may be of the network that is handed in (the best weights loaded again, averaged weights) or of
    something else (a validation part, augmented digits): a person looks.
    """
    return msgspec.structs.replace(
        missed,
        message="an accuracy outside the log reaches the threshold",
        place=other.place,
        found=f"{other.percent:.2f} % ({other.place})",
        hint="print the test accuracy of the network that is handed in after every epoch",
        excerpt=other.excerpt,
        marked="",
        diagnosis="reached-outside-the-log",
    )


def rounding(run: Run, threshold: float) -> Finding | None:
    """Return a remark where the percent that a log prints beside its fractions is rounded; None for none."""
    epoch = run.epochs[run.best_epoch - 1]
    found = f"{epoch.percent:.2f} % from {epoch.correct}/{epoch.total}"
    if run.rounded_percent:
        message = "the log prints whole percents, so the accuracy was recomputed from the fractions"
    elif epoch.shown and epoch.percent < threshold - 1e-9 <= float(epoch.shown):
        message = f"the log prints {epoch.shown} %, rounded up: the fraction beside it decides"
    else:
        return None
    return Finding(
        message=message,
        place=epoch.place,
        found=found,
        hint="print {:.2f}% instead of {:.0f}%" if run.rounded_percent else "print {:.2f}% or more decimals",
        excerpt=epoch.excerpt,
        diagnosis="rounded-percent",
        weight=Weight.REMARK,
    )


def claimed_without_log(claims: ClaimEvidence | None) -> list[Finding]:
    """Findings about the test accuracies that are claimed where no log shows any."""
    return [
        Finding(
            message="an accuracy is claimed without any log",
            place=claim.place,
            found=claim.written,
            hint="hand in the notebook with its outputs, or quote the log of all epochs",
            excerpt=claim.excerpt,
            marked=claim.written,
            diagnosis="claim-without-log",
        )
        for claim in (claims.of(What.ACCURACY) if claims else ())
        if not claim.aside and claim.on is On.TEST
    ]


def another_notebook(run: Run) -> Finding:
    """Say that a log is of a notebook that is not the submitted one."""
    return Finding(
        message="this log belongs to a notebook that is not the main one",
        place=run.place,
        expected="a log in the main notebook",
        found=f"{len(run.epochs)} epochs, best {run.best:.2f} %",
        hint="run the main notebook and keep its output, or name this one in the README as the submission",
        excerpt=run.epochs[0].excerpt,
        diagnosis="log-of-another-notebook",
    )


def doubtful(finding: Finding, diagnosis: str, found: str, total: int) -> Finding:
    """Turn the finding about a log that misses the threshold into one about what nobody can tell of it."""
    messages = {
        "wrong-denominator": f"the test accuracy is not over the {total:,} test images",
        "rounded-accuracy": "the printed accuracy is rounded too much to decide",
        "incomplete-log": "the log does not show every epoch",
        "no-denominator": "the log prints percents without the number of images",
        "log-without-source": "the cells under which the log stands cannot have printed it",
        "excerpt": "the log shows only some of its epochs, so it does not show how long was trained",
        "leaked-test-set": "the test accuracy is of digits that the network was trained on",
        "fraction-contradicts-percent": "the fraction and the percent beside it contradict each other",
        "counts-outputs": "the accuracy may be that of each of the ten outputs",
        "no-plain-accuracy": "what the log shows may be no accuracy on the test digits",
        "silent-epochs": "the network may have been trained before the log begins",
        "more-training": "the network was trained more than the epochs of the log show",
    }
    hints = {
        "wrong-denominator": "check that the test loader uses the test set (train=False), and run "
        "the notebook again",
        "rounded-accuracy": "print the accuracy with two decimals, or as correct/total",
        "incomplete-log": "number the epochs in the log and keep the whole output",
        "no-denominator": "print the accuracy as correct/total, for example "
        f"{round(_EXAMPLE * total)}/{total}",
        "log-without-source": "hand in the notebook as it ran: restart it, run it from top "
        "to bottom, and save it",
        "excerpt": "quote the log from its first epoch, or hand in the notebook that printed it",
        "leaked-test-set": "train on train=True alone, test on train=False, and run the notebook again",
        "fraction-contradicts-percent": "run the notebook again and hand in its output as it is",
        "no-plain-accuracy": "print how many of the test digits are right, as correct/total",
        "silent-epochs": "print the test accuracy after every epoch, from the first",
        "more-training": "start from a new network, and test after each pass over the digits",
        "counts-outputs": "compile with loss='categorical_crossentropy', or metrics=['categorical_accuracy']",
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
