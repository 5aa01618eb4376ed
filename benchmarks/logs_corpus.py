"""Compare the training logs that grader finds in real notebooks with hand-checked labels.

Usage: python benchmarks/logs_corpus.py NOTEBOOK_DIR LABELS.json [-v]

NOTEBOOK_DIR holds one folder per label row, `00`, `01`, …, with the notebook at the label's `path`.
"""

import json
import sys
from pathlib import Path

from grader.core.evidence.logs import Origin, Run
from grader.extract.documents.documents import read_documents
from grader.extract.logs.training_log import read_logs
from grader.ingest.read import from_bytes


def shape(run: Run) -> tuple[int, float, int, float]:
    return len(run.epochs), round(run.best, 2), run.best_epoch, round(run.last, 2)


def main() -> int:
    folder, labels = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text("utf-8"))
    right = measured = 0
    for index, row in enumerate(labels):
        path = folder / f"{index:02d}" / row.get("path", "")
        if path.suffix != ".ipynb" or not path.is_file():
            continue
        found = read_logs(read_documents(from_bytes("row", {path.name: path.read_bytes()})))
        runs = [r for r in found.runs if r.origin is Origin.NOTEBOOK]
        want = [(r["n"], r["best"], r["best_epoch"], r["last"]) for r in row["log_runs"]]
        want = want or [(row["n_epochs"], row["best_acc_logged"], row["best_epoch"], row["last_acc_logged"])]
        got = [shape(r) for r in runs]
        measured += 1
        right += got == want
        complete = [r.complete for r in runs]
        print(
            f"{index:02d} {'ok ' if got == want else 'BAD'} {got} complete={complete}",
            "" if got == want else f"label {want}",
        )
        if "-v" in sys.argv:
            for run in runs:
                print(
                    "    ",
                    run.place,
                    run.cells,
                    run.planned,
                    run.denominators,
                    run.gaps,
                    [e.printed for e in run.epochs],
                )
            print(
                "     evaluations", [(str(e.epoch.place), e.epoch.percent, e.what) for e in found.evaluations]
            )
    print(
        f"{right} of {measured} notebooks: every run equals its label (number of epochs, "
        "best, best epoch, last)"
    )
    return 0 if right == measured else 1


if __name__ == "__main__":
    raise SystemExit(main())
