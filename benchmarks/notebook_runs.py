"""Runs real notebooks in the sandbox and compares the networks that come out with hand-made labels.

    python benchmarks/notebook_runs.py LABELS.json FOLDER [--data DIR] [--only N ...]

LABELS is a list of objects with `path`, `params_true`, `params_executed`, `bn`, `dropout`, `gap`; FOLDER holds one folder for each
label, named by its position in two digits, with the submission's files. Neither is part of this repository.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path
from typing import Any

from grader.core.faults import GraderFault
from grader.core.settings import Settings
from grader.core.submission import Artefact, Kind, Source, Sources, Submission
from grader.execute.engine.recipe import decode_recipe, resolve
from grader.execute.graph.provider import network_facts
from grader.execute.notebook import run_notebook

KINDS = {".ipynb": Kind.NOTEBOOK, ".py": Kind.SOURCE}


def sources(folder: Path, main: str) -> Sources:
    items = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name, data = path.relative_to(folder).as_posix(), path.read_bytes()
        kind = KINDS.get(path.suffix, Kind.OTHER)
        if kind is Kind.SOURCE and main.endswith(".py") and name != main:
            kind = Kind.OTHER
        artefact = Artefact(
            path=name, kind=kind, sha256=hashlib.sha256(data).hexdigest(), size=len(data), main=name == main
        )
        items.append(Source(artefact=artefact, data=data))
    submission = Submission(id="x", slug="x", sha256="0", artefacts=tuple(i.artefact for i in items))
    return Sources(submission=submission, items=tuple(items))


def differences(label: dict[str, Any], network: Any) -> list[str]:
    gap = label.get("gap") or "none"
    norms = label.get("bn")
    pairs = [
        ("declared", label.get("params_true"), network.declared_parameters),
        ("bn", norms.get("calls") if isinstance(norms, dict) else None, len(network.batchnorm)),
        (
            "gap",
            gap.split(":", 1)[0],
            "none" if network.gap.value in ("absent", "conv-collapse", "max") else network.gap.value,
        ),
    ]
    return [
        f"{name}: label {want}, graph {got}" for name, want, got in pairs if want is not None and want != got
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", default="")
    parser.add_argument("--only", type=int, nargs="*")
    options = parser.parse_args()
    labels = json.loads(options.labels.read_text())
    settings = Settings(data=options.data)
    ran = exported = 0
    for number, label in enumerate(labels):
        folder = options.folder / f"{number:02d}"
        if (options.only and number not in options.only) or not folder.is_dir():
            continue
        began = time.monotonic()
        try:
            run = run_notebook(sources(folder, label["path"]), settings)
        except GraderFault as fault:
            print(f"{number:02d} {type(fault).__name__}: {fault}", flush=True)
            continue
        seconds = time.monotonic() - began
        ran += run.ending.value == "ok" and not run.failed
        line = f"{number:02d} {run.ending.value} {seconds:.0f}s cells {len(run.cells)} failed {len(run.failed)} {run.choice.value}"
        try:
            network = network_facts(run)
            exported += 1
            line += f" {network.declared_parameters}/{network.parameters} {'; '.join(differences(label, network)) or 'as labelled'}"
        except GraderFault as fault:
            line += f" NO NETWORK: {fault}"
        plan = resolve(decode_recipe(run.recipe), (1, 28, 28))
        line += f" | recipe {'complete: ' + plan.plan.summary if plan.plan else 'lacks ' + '; '.join(plan.missing)}"
        print(line, flush=True)
        for cell in run.failed:
            print(f"     cell {cell.cell} line {cell.line}: {cell.error}: {cell.message[:150]}", flush=True)
        print(
            f"     label: {label.get('runs_as_is', '')[:80]} epochs {label.get('n_epochs')} shims {[s.name for s in run.shims]}",
            flush=True,
        )
    print(f"{ran} ran every cell, {exported} gave a network")


if __name__ == "__main__":
    main()
