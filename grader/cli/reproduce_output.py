"""What `grader reproduce` prints: an epoch a line, what the checks say of it, and what stood between the code
and this machine.
"""

import time

import click
import msgspec

from grader.cli.output import echo_line
from grader.core.facts.reproduced import How, ReproducedFacts
from grader.core.rubric import Rubric


class EpochLines:
    """Prints each epoch to stderr as it ends, with the time that the budget of so many minutes still
    allows.
    """

    def __init__(self, minutes: float) -> None:
        self._begin = self._last = time.monotonic()
        self._minutes = minutes

    def __call__(self, number: int) -> None:
        """Print one epoch."""
        now = time.monotonic()
        took, self._last = now - self._last, now
        left = max(0.0, self._minutes - (now - self._begin) / 60)
        click.echo(f"epoch {number} done ({took:.0f} s; at most {left:.0f} min left)", err=True)


def echo_facts(facts: ReproducedFacts, rubric: Rubric | None = None) -> None:
    """Print the epochs, the outcome of RT603 under a rubric's limits without a training of ours, and that of
    RT604.
    """
    from grader.checks.retrain import leaked_test_set, reproduced_accuracy

    echo_line(
        f"{facts.name}: trained on {facts.training_size:,} digits by its own notebook ({facts.isolation})"
    )
    for epoch in facts.epochs:
        beside = (
            "by its own answers"
            if epoch.how is How.ANSWERS
            else f"{100 * epoch.visible / facts.visible_size:.2f} % of its own split"
        )
        right = 100 * epoch.correct / facts.test_size
        echo_line(f"  epoch {epoch.number}: {right:.2f} % of the true test digits, {beside}")
    limits = rubric.assignment.limits_of(reproduced_accuracy.Params) if rubric else {}
    params = msgspec.convert(limits, reproduced_accuracy.Params)
    for name, outcome in (
        ("accuracy", reproduced_accuracy.check(facts, None, params)),
        ("leak", leaked_test_set.check(facts, leaked_test_set.Params())),
    ):
        echo_line(f"{name}: {outcome.verdict.value}: {outcome.summary}")
    if facts.cut:
        echo_line(f"cut short: {facts.cut}")
    for cell in facts.failed:
        echo_line(f"cell {cell.cell} line {cell.line} failed: {cell.error}: {cell.message[:200]}")
    for note in facts.notes:
        echo_line(f"note: {note}")
