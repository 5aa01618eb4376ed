"""Runs TR505, TR506, TR507 and NN407 over real submissions and prints what each read beside the lines of source that say it.

    python benchmarks/training_checks.py PATH [--only NAME ...] [--data DIR] [--save FILE.json]

PATH is a folder with one submission per folder, or the store.sqlite of a batch, of which nothing is executed again. Each check is asked twice: for the values of its own parameters, and for the value that it
read, which must pass. A person compares the value with the lines of source; the verdicts are counted.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grader.checks.catalogue import catalogue
from grader.core.evidence.logs import LogEvidence, Origin
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.facts.network import NetworkFacts
from grader.core.facts.recipe import RecipeFacts
from grader.core.rubric import Criterion, Profile, Rubric
from grader.core.settings import Settings
from grader.ingest.read import read_submission
from grader.pipeline.classroom.stored import stored_known
from grader.pipeline.grade.judge import judge_one
from grader.pipeline.grade.products import Known
from grader.pipeline.plan.plan import make_plan, plan_of
from grader.store.runs import Store

EXECUTED = ("NotebookRun", "NetworkFacts")

SAID = {
    "TR505": r"batch_?size|\bbs\b|DataLoader\s*\(",
    "TR506": r"Rotat|Affine|Rotate|RandomApply|augment",
    "TR507": r"\bepochs?\b.*[=(]|range\s*\(",
    "NN407": r"[Dd]ropout|\bdrop\w*\s*=",
}


def asked(params: dict[str, dict[str, Any]]) -> Rubric:
    """The four checks with these parameters."""
    criteria = tuple(Criterion(id=code, check=code, points=0, params=params.get(code, {})) for code in SAID)
    return Rubric(id="training", title="training", criterion=criteria)


def read(known: Known) -> dict[str, Any]:
    """The value that each check looks at, as a number or a list."""
    made = known.products()
    recipe, network, logs = made.get("RecipeFacts"), made.get("NetworkFacts"), made.get("LogEvidence")
    values: dict[str, Any] = {}
    if isinstance(recipe, RecipeFacts):
        turns = [
            p for p in recipe.recipe.training_transform or () if "Rotation" in p.kind or "Affine" in p.kind
        ]
        values |= {
            "artefact": recipe.artefact,
            "TR505": recipe.recipe.batch_size,
            "TR506": [[p.kind, p.arguments.get("degrees")] for p in turns],
            "transform read": recipe.recipe.training_transform is not None,
            "looped": recipe.recipe.epochs,
            "not read": list(recipe.recipe.missing),
        }
    if isinstance(logs, LogEvidence):
        values["TR507"] = [len(r.epochs) for r in logs.of(Origin.NOTEBOOK)]
        values["logs"] = [
            [r.place.artefact, len(r.epochs), r.complete, r.gaps[:1]] for r in logs.of(Origin.NOTEBOOK)
        ]
    if isinstance(network, NetworkFacts):
        values["NN407"] = sorted({round(d.p, 6) for d in network.dropout if d.active_in_training and d.p > 0})
    return values


def own(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Parameters that demand what was read; of a check that read several values, the first."""
    turns = [t for _, t in values.get("TR506", []) if t and -t[0] == t[1] > 0]
    return {
        **({"TR505": {"size": values["TR505"]}} if values.get("TR505") else {}),
        **({"TR506": {"degrees": sum(t[1] for t in turns)}} if turns else {}),
        **({"TR507": {"epochs": values["TR507"][0]}} if values.get("TR507") else {}),
        **({"NN407": {"p": values["NN407"][0]}} if values.get("NN407") else {}),
    }


def said(known: Known, code: str, artefact: str) -> list[str]:
    """Lines of the notebook's code cells that may say the value, at most 12."""
    notebooks = known.products().get("NotebookEvidence")
    if not isinstance(notebooks, NotebookEvidence):
        return []
    found: dict[str, None] = {}
    for notebook in notebooks.readable:
        if artefact in ("", notebook.artefact):
            lines = (line for cell in notebook.code_cells for line in cell.source.splitlines())
            found |= {line.strip()[:140]: None for line in lines if re.search(SAID[code], line)}
    return list(found)[:12]


def of_folder(options: argparse.Namespace) -> Iterator[Known]:
    """The submissions of a folder, nothing of them computed yet."""
    for folder in sorted(p for p in options.path.iterdir() if p.is_dir()):
        if not options.only or folder.name in options.only:
            yield Known(read_submission(folder), Settings(data=options.data), Profile())


def of_store(store: Store) -> Iterator[Known]:
    """The submissions of the newest run of a store, with what was executed."""
    run = store.run()
    for delivery in store.deliveries(run.id).values():
        yield stored_known(
            store, run, delivery, plan=plan_of(EXECUTED, "benchmark"), profile=Profile(), wanted=EXECUTED
        )


def one(known: Known, tally: Counter[str]) -> dict[str, Any]:
    """Everything about one submission, counted."""
    began = time.monotonic()
    for step in make_plan(asked({}), catalogue()).steps:
        known.provide(step)
    values, rules = read(known), catalogue()
    row: dict[str, Any] = {"submission": known.submission.id, "seconds": round(time.monotonic() - began, 1)}
    row |= {"read": values, "without": {name: m.reason for name, m in known.missing().items()}}
    for name, params in (("asked", {}), ("own", own(values))):
        plan = asked(params)
        for criterion in plan.criterion:
            if name == "own" and criterion.check not in params:
                continue
            outcome = judge_one(criterion, rules[criterion.check], plan, known)
            tally[f"{criterion.check} {name}: {outcome.verdict.value}"] += 1
            row.setdefault(criterion.check, {})[name] = f"{outcome.verdict.value}: {outcome.summary}"
    for code in SAID:
        row[code]["source"] = said(known, code, values.get("artefact", ""))
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--data", default="")
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    tally: Counter[str] = Counter()
    everything = of_store(Store(options.path)) if options.path.is_file() else of_folder(options)
    rows = []
    for known in everything:
        rows.append(one(known, tally))
        print(json.dumps(rows[-1], indent=1, ensure_ascii=False), flush=True)
        if options.save:
            options.save.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print("\n".join(f"{name}: {count}" for name, count in sorted(tally.items())))


if __name__ == "__main__":
    main()
