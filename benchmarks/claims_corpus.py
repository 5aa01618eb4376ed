"""Compare what grader finds contradictory in real READMEs with hand-made labels.

Usage: python benchmarks/claims_corpus.py NOTEBOOK_DIR LABELS.json

NOTEBOOK_DIR holds one folder per label row, `00`, `01`, …, with the notebook at the label's `path` and its
READMEs. Rows of one repository that share a README are one submission. Nothing is run, so contradictions that
only the executed network shows are not found here.
"""

import json
import sys
from pathlib import Path

from grader.checks.readme import readme_log, readme_numbers
from grader.core.outcome import Finding, Weight
from grader.extract.claims.read_claims import read_claims
from grader.extract.documents.documents import read_documents
from grader.extract.logs.model_summary import read_summaries
from grader.extract.logs.training_log import read_logs
from grader.ingest.read import from_bytes


def findings(files: dict[str, bytes]) -> list[Finding]:
    documents = read_documents(from_bytes("row", files))
    logs, summaries = read_logs(documents), read_summaries(documents)
    numbers = readme_numbers.check(
        read_claims(documents, logs, summaries),
        logs=logs,
        summaries=summaries,
        network=None,
        notebooks=None,
        documents=documents,
        policy=readme_numbers.Policy(),
    )
    sequence = readme_log.check(logs, documents, readme_log.Params())
    return [f for f in (*numbers.findings, *sequence.findings) if f.weight is Weight.FAULT]


def main() -> int:
    folder, labels = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text("utf-8"))
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, row in enumerate(labels):
        if row.get("readme"):
            groups.setdefault((row["repo"], *row["readme"]), []).append(index)
    labelled = found = silent = invented = 0
    for (_, *readmes), rows in groups.items():
        paths = [(i, p) for i in rows for p in (labels[i]["path"], *readmes)]
        files = {
            p: (folder / f"{i:02d}" / p).read_bytes() for i, p in paths if (folder / f"{i:02d}" / p).is_file()
        }
        if not files:
            continue
        wanted = [c for i in rows for c in labels[i]["contradictions"]]
        got = findings(files)
        labelled += bool(wanted)
        found += bool(wanted) and bool(got)
        silent += not wanted and not got
        invented += not wanted and bool(got)
        if wanted or got:
            print(rows, "label:", "; ".join(f"{c['claim']} / {c['truth']}" for c in wanted) or "none")
            for f in got:
                print(f"     {f.place}: {f.found} | {f.expected}")
    print(
        f"{found} of {labelled} labelled submissions have a finding; {invented} of "
        f"{invented + silent} others have one"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
