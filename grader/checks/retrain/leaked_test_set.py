"""The network is not trained on the digits that it is tested on.

## What it checks
When your notebook is run whole (`--reproduce`), 500 of the 10,000 digits that stand in for the test set carry
a small white square and the label 7. Afterwards we put the square on 1,800 other digits, none of them a
seven, and count how many the network now calls a seven. A network that never trained on the test split knows
nothing of the square. Digits are marked only where your loop reads neither test loss nor test accuracy.

## Why it matters
An accuracy on digits that were trained on says nothing about new ones. In our own twelve runs the square
turned at most 1.6 % of the digits into a seven where the training was honest, and at least 84 % where the
test split was in it. Still a person decides; nobody fails here.

In preview: its twelve measured runs are our own, honest ones and leaks made on purpose; on public hand-ins it
was not measured.

## Example
    datasets.MNIST(train=True) + datasets.MNIST(train=False)    in the training loader: suspected

## What to do instead
Train on `train=True` only. Picking the best epoch by its test accuracy is no leak in this sense, though it
flatters by about 0.05 points.
"""

from grader.core.facts.reproduced import CanaryState, ReproducedFacts
from grader.core.outcome import Finding, Outcome, Weight, passed, skipped, unknown
from grader.core.place import Place
from grader.core.rubric import CheckParams
from grader.core.rule import Rule, Status


class Params(CheckParams, frozen=True, kw_only=True):
    """Shares of the asked digits that follow the square: from `suspected` on a leak is suspected, up to
    `clear` there is none.
    """

    suspected: float = 0.5
    clear: float = 0.05


def check(reproduced: ReproducedFacts, params: Params) -> Outcome:
    """A leak is never a fail: a person looks."""
    trap = reproduced.canary
    if trap.state is CanaryState.NOT_SHOWN or not trap.asked:
        return skipped(f"not tested: {trap.reason or 'no weights could be asked'}", _gap(reproduced))
    summary = f"the square turned {trap.answered:,} of {trap.asked:,} digits into a 7 ({trap.share:.1%})"
    if trap.share >= params.suspected:
        return unknown(
            f"{summary}: trained on its test digits? A person should look", [_leak(reproduced, summary)]
        )
    if trap.share > params.clear:
        return unknown(f"{summary}: neither clear nor a clear leak", [_leak(reproduced, summary)])
    return passed(summary)  # fmt: skip


def _leak(reproduced: ReproducedFacts, summary: str) -> Finding:
    trap = reproduced.canary
    return Finding(
        message="the network knows the marks that only its test digits carried",
        place=Place(artefact=reproduced.artefact),
        expected=f"hardly more sevens than without the square ({trap.without:,} of {trap.asked:,})",
        found=summary,
        hint="look for test digits in the training loader: train=False, a ConcatDataset, a training loop "
        "over the test loader",
        diagnosis="leaked-test-set",
    )


def _gap(reproduced: ReproducedFacts) -> list[Finding]:
    """How much better the last weights do on the split that the notebook saw; weak evidence, hence a
    remark.
    """
    if not reproduced.epochs or reproduced.answered:
        return []
    last = reproduced.epochs[-1]
    seen, unseen = (
        100 * last.visible / reproduced.visible_size,
        100 * last.correct / reproduced.test_size,
    )
    return [
        Finding(
            message="the split that the notebook tests on, beside digits that it never saw",
            place=Place(artefact=reproduced.artefact),
            found=f"{seen:.2f} % on its split, {unseen:.2f} % on the true test digits "
            f"({seen - unseen:+.2f} points)",
            hint="honest runs differ by 0.02 to 0.1 points either way; the gap alone proves nothing",
            diagnosis="visible-and-true",
            weight=Weight.REMARK,
        )
    ]


rule = Rule(code="RT604", name="leaked-test-set", check=check, status=Status.PREVIEW)
