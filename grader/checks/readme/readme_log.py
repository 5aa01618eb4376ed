"""The log in the README is the notebook's log, every epoch of it.

## What it checks
The test accuracies that the README quotes, aligned as a sequence with those that the notebook saved: whether
epochs were left out and the rest renumbered, and whether single values were changed.

## Why it matters
A log that drops its first epoch and counts again from 1 turns a run of 14 epochs into one of 13. Only the
sequence shows it: every quoted line is true by itself.

Measured on the 15 labelled public hand-ins whose README quotes a log: 15 of 15 as labelled, one of them
renumbered and two of another run. Of fifty that nothing was tuned on 21 quote one: 19 passes, 18 of them
compared with the notebook's lines, none wrong, and two `unknown`: one of them quotes the best line of four
runs.

## Example
    notebook   98.31  98.77  98.94 ... 99.45 (epoch 12 of 14)
    README            98.77  98.94 ... 99.45 (epoch 11 of 13)

## What to do instead
Paste the whole output of the training cell. A shortened log is fine where its epochs keep their numbers.
"""

from grader.checks.readme._quoted_log import Alignment, align, changed
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import LogEvidence, Origin, Run
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, skipped, unknown
from grader.core.rubric import CheckParams
from grader.core.rule import Rule
from grader.core.submission import Kind


class Params(CheckParams, frozen=True, kw_only=True):
    """`edited`: share of equal epochs from which two sequences count as one log with changed values rather
    than two runs.
    """

    edited: float = 0.8


def check(logs: LogEvidence, documents: Documents, params: Params) -> Outcome:
    """Fail for renumbered or changed epochs; unknown for a log of another run; pass for the same or a
    shortened one.
    """
    saved, quoted = logs.of(Origin.NOTEBOOK), [r for r in logs.of(Origin.README) if len(r.epochs) > 1]
    if not quoted:
        return skipped("the README quotes no training log")
    if not saved:
        if not logs.notebooks:
            quotes = f"the README quotes a log of {len(quoted[0].epochs)} epochs"
            return documents.absent("a notebook", Kind.NOTEBOOK).outcome(quotes)
        return skipped("the notebook saved no log to compare the README's with")
    faults: list[Finding] = []
    doubts: list[Finding] = []
    remarks: list[Finding] = []
    for run in quoted:
        best = max((align(run, other) for other in saved), key=lambda a: (len(a.pairs), -len(a.run.epochs)))
        share = len(best.pairs) / len(run.epochs)
        if share == 1.0:
            if len(run.epochs) < len(best.run.epochs):
                dropped = _dropped(run, best)
                (faults if dropped.weight is Weight.FAULT else remarks).append(dropped)
        elif best.changed(run, params.edited):
            faults.append(changed(run, best))
        else:
            doubts.append(_other(run, best))
    if faults:
        return failed(faults[0].message, [*faults, *doubts, *remarks])
    if doubts:
        return unknown(doubts[0].message, [*doubts, *remarks])
    return passed("the README's log is the notebook's" + (", shortened" if remarks else ""), remarks)


def _dropped(quoted: Run, aligned: Alignment) -> Finding:
    kept = {j for _, j in aligned.pairs}
    missing = [j for j in range(len(aligned.run.epochs)) if j not in kept]
    renumbered = _renumbered(quoted, aligned)
    first = aligned.run.epochs[missing[0]]
    epochs = ", ".join(str(j + 1) for j in missing[:5]) + (", …" if len(missing) > 5 else "")
    what = f"epoch {epochs} of {len(aligned.run.epochs)}"
    return Finding(
        message=f"the README's log leaves out {what} and numbers the rest anew"
        if renumbered
        else f"the README shortens the log: it leaves out {what}",
        place=quoted.place,
        expected=f"{len(aligned.run.epochs)} epochs; the first that is missing has "
        f"{first.percent:.2f} % ({first.place})",
        found=f"{len(quoted.epochs)} epochs",
        hint="paste the whole log, or keep the numbers that the notebook printed",
        excerpt=quoted.epochs[0].excerpt,
        diagnosis="epochs-renumbered" if renumbered else "log-shortened",
        weight=Weight.FAULT if renumbered else Weight.REMARK,
    )


def _renumbered(quoted: Run, aligned: Alignment) -> bool:
    """Whether the quoted numbers hide the gap: they run without one, and fit neither the notebook's numbers
    nor the positions.
    """
    numbers = [quoted.epochs[i].printed for i, _ in aligned.pairs]
    if None in numbers:
        return False
    saved = [aligned.run.epochs[j].printed for _, j in aligned.pairs]
    positions = [j + 1 for _, j in aligned.pairs]
    fits = [saved, positions]
    if aligned.run.starts_at in (0, None):
        fits.append([j for _, j in aligned.pairs])
    return numbers not in fits


def _other(quoted: Run, aligned: Alignment) -> Finding:
    return Finding(
        message="the README's log is of another run than the notebook's",
        place=quoted.place,
        expected=f"the log at {aligned.run.place}, best {aligned.run.best:.2f} %",
        found=f"{len(quoted.epochs)} epochs, best {quoted.best:.2f} %, {len(aligned.pairs)} of "
        "them in the notebook",
        hint="quote the log of the submitted notebook, or hand in the notebook that the README describes",
        excerpt=quoted.epochs[0].excerpt,
        diagnosis="log-of-another-run",
    )


rule = Rule(code="RD702", name="readme-log", check=check)
