"""Operating characteristics of the retraining rule on recorded curves of real students.

    python benchmarks/decision_rule.py CURVES.json [--draws 1000] [--seed 1]
        [--below 8000] [--epochs 15] [--last 3]

CURVES.json is a list of {"params": N, "acc": [percent per epoch]}. Every distinct curve of a network of at
most 20,000 parameters, 10 to 25 epochs and a best of at least 98.5 is taken as the truth about one
submission: its smoothed trend, plus a level for each fresh seed and noise for each epoch (standard deviations
of `retrain_rule`). The rule of the product then decides.

`--last K` is the rule "consistently", in each of the last K epochs: curves are grouped by the least of these.
`--below` takes the networks of a stricter budget alone.
"""

import argparse
import json
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec

from grader.core.retrain_rule import (
    EPOCH_DEVIATION,
    SEED_DEVIATION,
    Answer,
    Continue,
    Curve,
    Decided,
    RuleParams,
    decisive,
    next_step,
    trend,
)
from grader.core.rubric import Which

GROUPS = (
    ("claimed >= 99.45", 9_945, 10_001),
    ("claimed 99.40-99.44", 9_940, 9_945),
    ("claimed 99.30-99.39", 9_930, 9_940),
    ("claimed < 99.30", 0, 9_930),
)


class Ran(NamedTuple):
    """What the rule made of one submission, and what that cost."""

    answer: Answer
    runs: int
    epochs: int


def once(path: list[float], params: RuleParams, rng: random.Random) -> Ran:
    """Let the rule decide about one submission whose curves scatter around `path`."""
    curves: list[Curve] = []
    level = 0.0
    while True:
        step = next_step(curves, params)
        if isinstance(step, Decided):
            return Ran(step.answer, len(curves), sum(len(curve.correct) for curve in curves))
        if isinstance(step, Continue):
            value = round(path[step.epoch - 1] + level + rng.gauss(0, EPOCH_DEVIATION))
            last = curves.pop()
            curves.append(Curve(correct=(*last.correct, value), planned=last.planned))
        else:
            level = rng.gauss(0, SEED_DEVIATION)
            curves.append(Curve(correct=(), planned=len(path)))


def _claimed(percents: tuple[float, ...], params: RuleParams) -> int:
    """The right answers that a recorded curve is judged by."""
    rights = tuple(round(100 * value) for value in percents)
    return decisive(Curve(correct=rights, planned=len(rights)), params)[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("curves", type=Path)
    parser.add_argument("--draws", type=int, default=1000, help="submissions drawn a curve")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--below", type=int, default=20_001, help="parameters that a network stays below")
    parser.add_argument("--epochs", type=int, default=RuleParams().epochs, help="epochs that count at most")
    parser.add_argument("--last", type=int, default=0, help="how many of the last epochs have to reach it")
    options = parser.parse_args()
    rows = json.loads(options.curves.read_text())
    distinct = {
        tuple(row["acc"])
        for row in rows
        if row["params"]
        and row["params"] < options.below
        and 10 <= len(row["acc"]) <= 25
        and max(row["acc"]) >= 98.5
    }
    params = RuleParams(epochs=options.epochs)
    if options.last:
        params = msgspec.structs.replace(params, counting=Which.LAST, last_epochs=options.last)
    rng = random.Random(options.seed)
    least = {curve: _claimed(curve, params) for curve in distinct}
    print(f"{len(distinct)} distinct curves, {options.draws} draws each, seed {options.seed}")
    print(f"{'group':<22}{'curves':>7}{'pass':>8}{'border':>8}{'fail':>8}{'runs':>7}{'epochs':>8}")
    for name, low, high in GROUPS:
        chosen = sorted(curve for curve in distinct if low <= least[curve] < high)
        answers: Counter[Answer] = Counter()
        runs = epochs = 0
        for curve in chosen:
            path = trend([100 * value for value in curve[: params.epochs]])
            for _ in range(options.draws):
                ran = once(path, params, rng)
                answers[ran.answer] += 1
                runs += ran.runs
                epochs += ran.epochs
        total = sum(answers.values()) or 1
        shares = "".join(
            f"{answers[answer] / total:8.3f}" for answer in (Answer.PASS, Answer.BORDERLINE, Answer.FAIL)
        )
        print(f"{name:<22}{len(chosen):>7}{shares}{runs / total:7.2f}{epochs / total:8.1f}")


if __name__ == "__main__":
    main()
