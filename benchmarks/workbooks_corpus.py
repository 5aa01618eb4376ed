"""Verdicts, findings, times and memory on a labelled corpus of workbooks.

    python benchmarks/workbooks_corpus.py CORPUS_DIR

CORPUS_DIR holds `workbooks.json` (labels: `file`, `verdict`, `defects`) and the folder `workbooks/`. A file
counts as named when a finding of severity fail speaks of something its label speaks of; every other fail
finding is listed.
"""

import json
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

NAMES = {
    "inherited-class-error": r"a_h1\*\(1-a_h1\)_instead|class file",
    "eta-drift": r"eta reference drifts|\$G19|drift",
    "activation-confused": r"h\*\(1-h\)|uses h2|h2 instead",
    "swapped-gradients": r"swapped",
    "frozen-gradient": r"frozen|first row",
    "wrong-gradient-in-update": r"updated with|update uses|w4 update",
    "overwritten-by-update": r"overwritten",
    "brackets": r"parenthes",
    "wrong-references": r"use w\d|uses? .* (?:instead|in place)|uses i\d instead|addend",
    **dict.fromkeys(("wrong-reference", "index-swapped", "wrong-weight"), r"use|uses|instead"),
    **dict.fromkeys(("wrong-quantity", "wrong-quantity-and-index"), r"use|uses|instead"),
    "factor-missing": r"broken|missing|lost",
}


def main() -> None:
    corpus = Path(sys.argv[1])
    labels = {one["file"]: one for one in json.loads((corpus / "workbooks.json").read_text("utf-8"))}
    tally = {"verdict": 0, "named": 0, "wrong": 0, "unnamed": 0}
    times = []
    for name, label in sorted(labels.items()):
        start = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "grader",
            "inspect",
            "workbook",
            "--json",
            str(corpus / "workbooks" / name),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode not in (0, 1) or not done.stdout:
            print(f"{name}: crashed: {done.stderr[-300:]}")
            continue
        book = json.loads(done.stdout)[0]
        wanted = "correct" if "correct" in label["verdict"] else label["verdict"]
        fails = [one for one in book["findings"] if one["severity"] == "fail"]
        unnamed = [one for one in fails if not names(one, label["defects"])]
        tally["verdict"] += book["verdict"] == wanted
        tally["wrong"] += wanted == "wrong"
        tally["named"] += wanted == "wrong" and len(unnamed) < len(fails)
        tally["unnamed"] += len(unnamed)
        times.append((seconds, name, sum(t["iterations"] for t in book["tables"])))
        mark = "ok " if book["verdict"] == wanted else "BAD"
        print(
            f"{mark} {name} {book['verdict']:8} label {label['verdict']:8} {seconds:5.2f} "
            f"s  fails {len(fails)}"
        )
        for one in unnamed:
            print(f"      not in the label: {one['cells']} {one['diagnosis']}: {one['message']}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    times.sort()
    print(
        f"verdicts {tally['verdict']}/{len(labels)}; wrong ones named {tally['named']}/{tally['wrong']}; "
        f"fail findings not in a label {tally['unnamed']}"
    )
    print(
        f"seconds a file, all in: median {times[len(times) // 2][0]:.2f}, largest {times[-1][0]:.2f} "
        f"({times[-1][1]}); peak memory {peak:.0f} MiB"
    )


def names(finding: dict[str, str], defects: list[str]) -> bool:
    """Whether a label speaks of what a finding says."""
    pattern = NAMES.get(finding["diagnosis"], finding["diagnosis"].replace("-", ".?"))
    return any(re.search(pattern, defect, re.IGNORECASE) for defect in defects)


if __name__ == "__main__":
    main()
