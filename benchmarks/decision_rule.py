"""Operating characteristics of the retraining rule on recorded curves of real students.

    python benchmarks/decision_rule.py CURVES.json [--draws 1000] [--seed 1]

CURVES.json is a list of {"params": N, "acc": [percent per epoch]}. Every distinct curve of a network of at
most 20,000 parameters, 10 to 25 epochs and a best of at least 98.5 is taken as the truth about one
submission: its smoothed trend, plus a level for each fresh seed and noise for each epoch (standard deviations
of `retrain_rule`). The rule of the product then decides.
"""

import argparse
import json
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from grader.core.retrain_rule import (
    EPOCH_DEVIATION,
    SEED_DEVIATION,
    Answer,
    Continue,
    Curve,
    Decided,
    RuleParams,
    next_step,
    trend,
)

GROUPS = (
    ("claimed >= 99.45", 99.445, 101.0),
    ("claimed 99.40-99.44", 99.395, 99.445),
    ("claimed 99.30-99.39", 99.295, 99.395),
    ("claimed < 99.30", 0.0, 99.295),
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("curves", type=Path)
    parser.add_argument("--draws", type=int, default=1000, help="submissions drawn a curve")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows = json.loads(options.curves.read_text())
    distinct = {
        tuple(row["acc"])
        for row in rows
        if row["params"]
        and row["params"] <= 20_000
        and 10 <= len(row["acc"]) <= 25
        and max(row["acc"]) >= 98.5
    }
    params, rng = RuleParams(), random.Random(options.seed)
    print(f"{len(distinct)} distinct curves, {options.draws} draws each, seed {options.seed}")
    print(f"{'group':<22}{'curves':>7}{'pass':>8}{'border':>8}{'fail':>8}{'runs':>7}{'epochs':>8}")
    for name, low, high in GROUPS:
        chosen = sorted(curve for curve in distinct if low <= max(curve[: params.epochs]) < high)
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
