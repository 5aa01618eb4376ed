"""Forgeries, hostile and broken hand-ins: what grader, otter and nbgrader make of each.

    python -m benchmarks attacks_compare --nbgrader VENV/bin/nbgrader --otter VENV/bin/otter

Six forgeries (each has what a test that asks objects wants to see, and computes something else) and the 21
hostile or broken hand-ins of `broken_hand_ins`, in one assignment of three questions, in the form that each
grader wants: a rubric, `assert` cells in the notebook, test files. Counted for each grader: `forged` (points that
were not earned), `unjust` (earned points not given), `lost` (no answer for this hand-in), `stopped` (this hand-in
held up the rest: the batch ended, or a call did not end in five minutes), and honest answers: `scored` (the score
that is earned) and `open` (none, with a reason for a person). Prints Markdown with `--markdown`. A grader whose path
is not given is left out. With `--probes DIR` a second table: the hand-ins that the scripts of another folder write,
byte for byte (`given_probes`); it needs `--nbgrader`, whose Python has what the scripts import.

It compares what each promises with what it was given here, not which is better: nbgrader and otter run tests that a
teacher writes for any course, in the student's own interpreter, and their pages say that isolation is the matter of
whoever runs them (otter's `otter grade` uses a container for each hand-in, which is not tried here: it stops the
endless ones, and the tests still run beside the student's code). grader knows one assignment and believes nothing
that ran beside it.
"""

import argparse
import importlib.metadata
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from batch import Answer, nbgrader, otter, ours
from broken_hand_ins import FORGERIES, PROBES, make_probes
from given_probes import HONEST, lay_out

EVERY = {**FORGERIES, **PROBES}
Scores = Mapping[str, tuple[float, ...]]
"""The scores that an honest grader may give to each hand-in."""
COUNTED = ("forged", "unjust", "lost", "stopped", "scored", "open")


def judge(honest: tuple[float, ...], answer: Answer | None) -> str:
    """Return what one answer is worth beside the scores that an honest grader may give."""
    if answer is not None and answer.stopped:
        return "stopped"
    if answer is None or (answer.score is None and not answer.reason):
        return "lost"
    if answer.score is None:
        return "open"
    if answer.score in honest:
        return "scored"
    return "forged" if answer.score > max(honest) else "unjust"


def version(who: str, program: Path | None) -> str:
    """Return name and version of a grader."""
    if program is None:
        return f"{who} {importlib.metadata.version('backprop-mnist-grader')}"
    code = f"import importlib.metadata; print(importlib.metadata.version({who!r}))"
    python = program.absolute().parent / "python"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    return f"{who} {found.strip()}"


def shown(scores: Scores, answers: Mapping[str, Mapping[str, Answer]], *, markdown: bool) -> str:
    """Return the table: a row a hand-in, then a row a count."""
    rows = [["hand-in", *answers]]
    counts = {who: Counter[str]() for who in answers}
    for name, honest in scores.items():
        row = [f"`{name}`" if markdown else name]
        for who, found in answers.items():
            verdict = judge(honest, found.get(name))
            counts[who][verdict] += 1
            score = found[name].score if name in found else None
            row.append(verdict + ("" if score is None else f" ({score:g})"))
        rows.append(row)
    total = f"of {len(scores)}"
    rows += [[f"{kind} {total}", *(str(count[kind]) for count in counts.values())] for kind in COUNTED]
    if markdown:
        rows.insert(1, ["---"] * len(rows[0]))
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n".join("".join(f"{part:24}" for part in row).rstrip() for row in rows)


def compared(root: Path, out: Path, programs: Mapping[str, Path]) -> dict[str, dict[str, Answer]]:
    """Return what each grader answers to the hand-ins that lie under `root`, ours first."""
    answers = {version("grader", None): ours(root, out, "-j", "2")[1]}
    for name, call in (("nbgrader", nbgrader), ("otter-grader", otter)):
        if name in programs:
            answers[version(name, programs[name])] = call(programs[name], root)[1]
    return answers


def main() -> int:
    """Print the table; 1 where ours was fooled, unjust, lost one or stopped."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nbgrader", type=Path, help="path of the program nbgrader")
    parser.add_argument("--otter", type=Path, help="path of the program otter")
    parser.add_argument(
        "--probes", type=Path, metavar="DIR", help="a folder with scripts that write hand-ins"
    )
    parser.add_argument("--markdown", action="store_true", help="print a table for a page")
    given = parser.parse_args()
    if given.probes and not given.nbgrader:
        parser.error("--probes needs --nbgrader")
    named = {"nbgrader": given.nbgrader, "otter-grader": given.otter}
    programs = {name: path.absolute() for name, path in named.items() if path}
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "own"
        make_probes(own, EVERY)
        tables: list[tuple[Path, Scores]] = [(own, {name: EVERY[name].honest for name in EVERY})]
        if given.probes:
            theirs = Path(folder) / "given"
            lay_out(given.probes.absolute(), programs["nbgrader"].parent / "python", theirs)
            tables.append((theirs, HONEST))
        for root, scores in tables:
            answers = compared(root, root / "out", programs)
            print(shown(scores, answers, markdown=given.markdown), end="\n\n", flush=True)
            for who, found in answers.items():
                for name in (n for n in scores if n in found and found[n].score is None):
                    print(f"{who}: {name}: {found[name].reason[:150] or 'no end'}", file=sys.stderr)
            first = next(iter(answers.values()))
            wrong = [
                n for n, honest in scores.items() if judge(honest, first.get(n)) not in ("scored", "open")
            ]
            status |= bool(wrong)
    return status


if __name__ == "__main__":
    sys.exit(main())
