"""Forgeries, hostile and broken hand-ins: what grader, otter and nbgrader make of each.

    python benchmarks/attacks_compare.py --nbgrader VENV/bin/nbgrader --otter VENV/bin/otter

Six forgeries (each has what a test that asks objects wants to see, and computes something else) and the 21
broken hand-ins of `broken_hand_ins.py`, in one assignment of three questions. Counted for each grader: `honest` (a score that
is earned, or none with a reason), `forged` (points that were not earned), `unjust` (earned points not given),
`lost` (no answer: it hung, or the whole batch ended). A grader whose path is not given is left out.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from batch import Answer, nbgrader, otter, ours
from broken_hand_ins import FORGERIES, PROBES, make_probes

EVERY = {**FORGERIES, **PROBES}


def judge(name: str, answer: Answer | None) -> str:
    """Return what one answer is worth."""
    if answer is None or (answer.score is None and not answer.reason):
        return "lost"
    if answer.score is None or answer.score in EVERY[name].honest:
        return "honest"
    return "forged" if answer.score > max(EVERY[name].honest) else "unjust"


def main() -> int:
    """Print a row a hand-in and a line of counts a grader; 1 where ours was fooled, unjust or lost one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nbgrader", type=Path, help="path of the program nbgrader")
    parser.add_argument("--otter", type=Path, help="path of the program otter")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "hand-ins"
        make_probes(root, EVERY)
        answers = {"grader": ours(root, Path(folder) / "out", "-j", "2")[1]}
        if given.nbgrader:
            answers["nbgrader"] = nbgrader(given.nbgrader.absolute(), root)[1]
        if given.otter:
            answers["otter"] = otter(given.otter.absolute(), root)[1]
    print(f"{'hand-in':20}" + "".join(f"{who:22}" for who in answers))
    counts = {who: Counter[str]() for who in answers}
    for name in EVERY:
        row = f"{name:20}"
        for who, found in answers.items():
            verdict = judge(name, found.get(name))
            counts[who][verdict] += 1
            score = found[name].score if name in found else None
            row += f"{verdict + ('' if score is None else f' ({score:g})'):22}"
        print(row)
    for who, count in counts.items():
        print(f"{who}: {', '.join(f'{count[k]} {k}' for k in ('honest', 'forged', 'unjust', 'lost'))}")
    return int(counts["grader"]["honest"] < len(EVERY))


if __name__ == "__main__":
    sys.exit(main())
