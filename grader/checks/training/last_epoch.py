"""The accuracy still holds in the last epoch.

## What it checks
Whether the last epoch of the saved log is as good as the threshold that its best epoch reached, on the test
images or, where the rubric asks for that, on the training images.

## Why it matters
The weights that a notebook keeps are those of its last epoch, unless it saves the best ones. In half of the
real runs that reach 99.4 % the last epoch is below it (34 of 39 labelled public notebooks and 34 of fifty
hand-ins that nothing was tuned on were ruled on, each as labelled or printed), and
`best = model.state_dict().copy()` keeps no copy: the tensors go on changing.

## Example
    epoch 13   99.48 %
    epoch 19   99.39 %     the weights that are left

## What to do instead
Save the weights of the best epoch with `copy.deepcopy(model.state_dict())` or `torch.save`, or lower the
learning rate towards the end.
"""

from collections.abc import Mapping
from typing import ClassVar

from grader.checks.training._runs import of_another, shown_by, submitted, unless_another, without_log
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import Answer, Epoch, LogEvidence, Origin, Run, SequenceKind
from grader.core.outcome import Finding, Outcome, Weight, failed, skipped, unknown
from grader.core.rubric import AccuracyOf, Assignment, CheckParams, CheckPolicy, Treatment
from grader.core.rule import Rule


class Params(CheckParams, frozen=True, kw_only=True):
    """`threshold` in percent, of test or training images."""

    threshold: float = Assignment().accuracy
    accuracy_of: AccuracyOf = Assignment().accuracy_of
    limits: ClassVar[Mapping[str, str]] = {"threshold": "accuracy", "accuracy_of": "accuracy_of"}

    @property
    def of_training(self) -> bool:
        """Whether the training accuracy is asked for."""
        return self.accuracy_of is AccuracyOf.TRAINING


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`falls_back`: the best epoch reaches the threshold and the last one does not."""

    falls_back: Treatment = Treatment.WARN


def check(logs: LogEvidence, documents: Documents, params: Params, policy: Policy) -> Outcome:
    """Pass where a run's last epoch reaches the threshold; a remark, or as the rubric says, where only its
    best does.
    """
    found = submitted(logs)
    if found.of_another:
        return of_another(found)
    if not found.judged:
        return without_log(logs, documents)
    if params.of_training and not any(_percents(r, params) for r in found.judged):
        return unknown("the log prints no training accuracy")
    reaching = [r for r in found.judged if _reaches(r, _best_epoch(r, params), params)]
    runs = [r for r in reaching if not _quoted_in_part(r)]
    if reaching and not runs:
        return unknown(
            f"the README quotes an excerpt, which does not show the last epoch: {reaching[0].gaps[0]}"
        )
    if not runs:
        return skipped(f"no run reaches {params.threshold:g} % in any epoch")
    holding = next((r for r in runs if _reaches(r, len(r.epochs), params)), None)
    if holding:
        last = _shown(holding.epochs[-1], params)
        text = f"the last epoch has {last} ({holding.epochs[-1].place})"
        return shown_by(holding, logs, text)
    run = runs[0]
    best = _best_epoch(run, params)
    last = _shown(run.epochs[-1], params)
    text = f"best {_shown(run.epochs[best - 1], params)} in epoch {best}, last {last}"
    finding = Finding(
        message=f"the accuracy falls below {params.threshold:g} % again after epoch {best}",
        place=run.epochs[-1].place,
        expected=f"at least {params.threshold:g} % in epoch {len(run.epochs)}",
        found=last,
        hint=f"keep the weights of epoch {best} with copy.deepcopy(model.state_dict())",
        excerpt=run.epochs[-1].excerpt,
        diagnosis="last-epoch-below",
        weight=Weight.FAULT if policy.falls_back is Treatment.FAIL else Weight.REMARK,
    )
    if policy.falls_back is Treatment.FAIL:
        if not run.complete:
            return unknown(f"{text}, but {run.gaps[0]}", [finding])
        if params.of_training and _open(run.epochs[-1], params):
            return unknown(f"{text} while it goes on; the test accuracy reaches it", [finding])
        holds = (r for r in found.elsewhere if _reaches(r, len(r.epochs), params))
        return unless_another(failed(text, [finding]), holds)
    return shown_by(run, logs, text, [finding] if policy.falls_back is Treatment.WARN else [])


def _quoted_in_part(run: Run) -> bool:
    return run.origin is Origin.README and run.kind is SequenceKind.EXCERPT


def _reaches(run: Run, number: int, params: Params) -> bool:
    epoch = run.epochs[number - 1]
    answer = epoch.trained_to(params.threshold) if params.of_training else epoch.at_least(params.threshold)
    return answer is Answer.YES


def _percents(run: Run, params: Params) -> list[tuple[float, int]]:
    """What each epoch has of the accuracy that is asked for, with its number; without those that print
    none.
    """
    told = ((e.train_percent if params.of_training else e.percent, n) for n, e in enumerate(run.epochs, 1))
    return [(percent, number) for percent, number in told if percent is not None]


def _best_epoch(run: Run, params: Params) -> int:
    if not params.of_training:
        return run.best_epoch
    return max(_percents(run, params), key=lambda told: (told[0], -told[1]), default=(0.0, 1))[1]


def _shown(epoch: Epoch, params: Params) -> str:
    percent = epoch.train_percent if params.of_training else epoch.percent
    return "no training accuracy" if percent is None else f"{percent:.2f} %"


def _open(epoch: Epoch, params: Params) -> bool:
    """Whether an epoch that is short while it goes on may have reached it at its end."""
    return epoch.train_percent is None or epoch.at_least(params.threshold) is not Answer.NO


rule = Rule(code="TR503", name="last-epoch", check=check)
