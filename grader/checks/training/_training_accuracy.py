"""What a saved log says of the training accuracy, where a rubric asks for that: printed while an epoch goes
on, it lies below what the same network has at the epoch's end.
"""

from typing import NamedTuple

from grader.core.evidence.logs import Answer, Epoch, Origin, Run, SequenceKind
from grader.core.outcome import Finding


class Told(NamedTuple):
    """Whether one run reaches it, with the finding and the sentence for where it does not."""

    answer: Answer
    finding: Finding
    summary: str


def told(run: Run, threshold: float, *, limit: int, last: int) -> Told:
    """Compare the training accuracies of a run's epochs up to `limit`, or of each of its `last` ones.

    A miss is one where all epochs are there and the test accuracy does not reach the threshold either: what
    is only short while its epoch goes on is for a person.
    """
    counted = run.counting(limit, last=last)
    printed = [epoch for epoch in counted if epoch.train_percent is not None]
    answers = [epoch.trained_to(threshold) for epoch in counted]
    asked = f"at least {threshold:g} % in {'each of the last ' + str(last) if last else 'one'} of at most "
    if not printed:
        text = "the log prints no training accuracy" + ("" if counted else f" within {limit} epochs")
        return _doubt(run, run.epochs[0], text, f"{asked}{limit} epochs")
    shown = (min if last else max)(printed, key=_trained)
    text = f"training accuracy {_trained(shown):.2f} % in epoch {run.epochs.index(shown) + 1} ({shown.place})"
    doubts = [run.unprinted]
    if run.kind is SequenceKind.EXCERPT and not (run.start_cut and run.origin is Origin.NOTEBOOK):
        doubts.append(f"this is an excerpt: {run.gaps[0]}")
    if any(doubts):
        return _doubt(run, shown, f"{text}, but {next(d for d in doubts if d)}", f"{asked}{limit} epochs")
    if all(a is Answer.YES for a in answers) if last else Answer.YES in answers:
        return Told(Answer.YES, _finding(shown, "", f"{asked}{limit} epochs"), text)
    if not run.complete:
        return _doubt(run, shown, f"{text}, and {run.gaps[0]}", f"{asked}{limit} epochs")
    missed = all(a is Answer.NO for a in answers) or (last and Answer.NO in answers)
    tested = any(epoch.at_least(threshold) is not Answer.NO for epoch in counted)
    if missed and not tested:
        finding = _finding(
            shown, f"the log never reaches {threshold:g} % in training", f"{asked}{limit} epochs"
        )
        return Told(Answer.NO, finding, f"{text}, below {threshold:g} %")
    why = "the test accuracy reaches it" if tested else f"rounded too much to compare with {threshold:g} %"
    return _doubt(run, shown, f"{text}; {why}", f"{asked}{limit} epochs")


def _trained(epoch: Epoch) -> float:
    return epoch.train_percent or 0.0


def _finding(epoch: Epoch, message: str, expected: str) -> Finding:
    found = "no training accuracy" if epoch.train_percent is None else f"{epoch.train_percent:.2f} %"
    return Finding(
        message=message or "the training accuracy of the log",
        place=epoch.place,
        expected=expected,
        found=found,
        hint="print the training accuracy of each epoch with two decimals, and train until it is reached",
        excerpt=epoch.excerpt,
        diagnosis="training-accuracy",
    )


def _doubt(run: Run, epoch: Epoch, text: str, expected: str) -> Told:
    message = "the log does not settle the training accuracy"
    return Told(Answer.MAYBE, _finding(epoch, message, expected), f"{text} ({run.place})")
