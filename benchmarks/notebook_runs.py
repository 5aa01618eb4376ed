"""Runs real notebooks in the sandbox and compares everything that comes out with hand-made labels.

    python benchmarks/notebook_runs.py LABELS.json FOLDER [--data DIR] [--only N ...] [--save FILE.json]

LABELS is a list of objects with `path`, `params_true`, `params_executed`, `bn`, `dropout`, `gap`, `fc`,
`log_runs` and `contradictions`; FOLDER holds one folder for each label, named by its position in two digits,
with the submission's files: the notebook at the label's `path`, its READMEs, and the Python files beside it.
Neither is part of this repository.

Compared are the network (parameters, BatchNorm, Dropout, pooling, fully connected layers), the logs, and the
contradictions: what the checks RD7xx, IN8xx and NN401 fault, against the label's list.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from grader.checks.catalogue import catalogue
from grader.core.evidence.logs import LogEvidence, Origin
from grader.core.facts.network import NetworkFacts
from grader.core.facts.notebook import NotebookRun
from grader.core.facts.recipe import decode_recipe
from grader.core.outcome import Finding, Verdict, Weight
from grader.core.rubric import Criterion, Profile, Rubric
from grader.core.settings import Settings
from grader.execute.engine.recipes.recipe import resolve
from grader.ingest.read import from_bytes
from grader.pipeline.grade.judge import judge_one
from grader.pipeline.grade.products import Known
from grader.pipeline.plan.plan import make_plan

AUDIT = ("RD701", "RD702", "IN801", "IN802", "NN401")
"""Checks that hold one thing that was said against another, and the budget."""


def submission(folder: Path, main: str) -> dict[str, bytes]:
    """The files of one row; of a row whose main file is a module, that module alone."""
    files = {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }
    if main.endswith(".py"):
        files = {name: data for name, data in files.items() if name == main or not name.endswith(".py")}
    return files


def network_differences(label: dict[str, Any], network: NetworkFacts) -> dict[str, str]:
    """Where graph and label differ, by field; a field that the label lacks is not compared."""
    pairs: dict[str, tuple[Any, Any]] = {
        "declared": (label.get("params_true"), network.declared_parameters),
        "executed": (label.get("params_executed"), network.parameters),
        "bn": (_norms(label.get("bn")), len(network.batchnorm)),
        "gap": (_gap(label), _gap_found(network)),
        "fc": (_linear(label.get("fc")), sorted((f.outputs, f.inputs) for f in network.linear)),
    }
    live = [d for d in network.dropout if d.p > 0 and d.active_in_training]
    for name, wanted in _dropouts(label.get("dropout")).items():
        found = {
            "dropout calls": len(live),
            "dropout p": sorted({round(d.p, 4) for d in live}),
            "dropout in eval": sum(d.active_in_eval and d.p > 0 for d in network.dropout),
        }[name]
        pairs[name] = (wanted, found)
    return {
        k: f"label {want}, graph {got}"
        for k, (want, got) in pairs.items()
        if want is not None and want != got
    }


def _norms(label: Any) -> int | None:
    if isinstance(label, dict):
        return int(label["calls"])
    return int(label.split("/")[0]) if isinstance(label, str) and label[:1].isdigit() else None


def _gap(label: dict[str, Any]) -> str | None:
    text = label.get("gap")
    if text is None:
        return None
    kind = re.sub(r"\d.*", "", str(text).split(":", 1)[0])  # crop2of3
    size = re.search(r"@(\d+x\d+)", str(text))
    return f"{kind}@{size[1]}" if kind == "full" and size else kind


def _gap_found(network: NetworkFacts) -> str:
    if network.gap.value in ("absent", "conv-collapse", "max"):
        return "none"
    size = next((f"@{r.map[0]}x{r.map[1]}" for r in network.reductions if r.kind is network.gap), "")
    return network.gap.value + (size if network.gap.value == "full" else "")


def _linear(label: Any) -> list[tuple[int, int]] | None:
    if isinstance(label, list):
        return sorted((int(a), int(b)) for a, b in label)
    return [] if isinstance(label, str) and "commented out" in label else None


def _dropouts(label: Any) -> dict[str, Any]:
    if isinstance(label, dict):
        return {
            "dropout calls": label["calls"] if label["ps"] != [0.0] else 0,
            "dropout p": sorted(p for p in label["ps"] if p),
            "dropout in eval": label["active_in_eval"],
        }
    found = re.search(r"(\d+) .*?p=([\d.]+)", label or "")
    if not found:
        return {}
    p = float(found[2])
    return {"dropout calls": int(found[1]) if p else 0, "dropout p": [p] if p else []}


def log_differences(label: dict[str, Any], logs: LogEvidence | None) -> dict[str, str]:
    """Number of epochs, best, its epoch and last of every run, in order."""
    if not label.get("log_runs") and label.get("best_acc_logged") is None:
        return {}
    want = [(r["n"], r["best"], r["best_epoch"], r["last"]) for r in label.get("log_runs") or []]
    want = want or [
        (label["n_epochs"], label["best_acc_logged"], label["best_epoch"], label["last_acc_logged"])
    ]
    runs = logs.of(Origin.NOTEBOOK) if logs else ()
    got = [(len(r.epochs), round(r.best, 2), r.best_epoch, round(r.last, 2)) for r in runs]
    return {} if got == want else {"logs": f"label {want}, read {got}"}


def rubric() -> Rubric:
    """The audit's checks with their defaults, and what the comparison with labels needs."""
    criteria = tuple(Criterion(id=code, check=code, points=0) for code in (*AUDIT, "NN403", "TR501"))
    return Rubric(id="corpus", title="corpus", criterion=criteria)


def audit(known: Known) -> list[tuple[str, Finding]]:
    """Faults of the checks that compare, and doubts, which a person looks at."""
    rules, plan = catalogue(), rubric()
    found = []
    for criterion in plan.criterion:
        outcome = judge_one(criterion, rules[criterion.check], plan, known)
        if criterion.check in AUDIT and outcome.verdict in (Verdict.FAIL, Verdict.PARTIAL, Verdict.UNKNOWN):
            found += [(criterion.check, f) for f in outcome.findings if f.weight is Weight.FAULT]
    return found


def look(files: dict[str, bytes], settings: Settings) -> tuple[Known, float]:
    """Everything that those checks need, and the seconds that it took."""
    began = time.monotonic()
    return provided(Known(from_bytes("row", files), settings, Profile())), time.monotonic() - began


def provided(known: Known) -> Known:
    for step in make_plan(rubric(), catalogue()).steps:
        known.provide(step)
    return known


def together(known: Known, files: dict[str, bytes]) -> Known:
    """What was read of a whole submission, with the network of one of its notebooks."""
    whole = Known(from_bytes("row", files), Settings(execute=False), Profile())
    for name in ("NotebookRun", "NetworkFacts"):
        if name in known.products():
            whole.put(known.products()[name])
        else:
            whole.miss(name, known.missing()[name])
    return provided(whole)


def siblings(labels: list[dict[str, Any]], number: int) -> list[int]:
    """Rows that share a README with this one: one submission of several notebooks."""
    key = (labels[number]["repo"], labels[number].get("readme"))
    same = [i for i, row in enumerate(labels) if (row["repo"], row.get("readme")) == key]
    return same if key[1] else [number]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labels", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", default="")
    parser.add_argument("--only", type=int, nargs="*")
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    labels = json.loads(options.labels.read_text("utf-8"))
    settings = Settings(data=options.data)
    tally: Counter[str] = Counter()
    rows = []
    for number, label in enumerate(labels):
        folder = options.folder / f"{number:02d}"
        if (options.only and number not in options.only) or not folder.is_dir():
            continue
        known, seconds = look(submission(folder, label["path"]), settings)
        whole = known
        if len(family := siblings(labels, number)) > 1:
            folders = [(options.folder / f"{i:02d}", labels[i]["path"]) for i in family]
            whole = together(known, {n: b for f, main in folders for n, b in submission(f, main).items()})
        row = one(number, label, known, audit(whole), tally) | {"seconds": round(seconds, 1)}
        print(json.dumps(row, indent=1, ensure_ascii=False), flush=True)
        rows.append(row)
    if options.save:
        options.save.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print("\n".join(f"{name}: {count}" for name, count in sorted(tally.items())))


def one(
    number: int, label: dict[str, Any], known: Known, found: list[tuple[str, Finding]], tally: Counter[str]
) -> dict[str, Any]:
    """Compare one row, and count."""
    measured = str(label.get("confidence", "")).startswith("measured")
    run, network, logs = (known.products().get(n) for n in ("NotebookRun", "NetworkFacts", "LogEvidence"))
    row: dict[str, Any] = {"row": number, "measured": measured}
    tally["rows"] += 1
    if isinstance(run, NotebookRun):
        all_ran = run.ending.value == "ok" and not run.failed
        tally["rows that run every cell"] += all_ran
        row |= {
            "ran": all_ran,
            "failed": [f"cell {c.cell}: {c.error}: {c.message[:120]}" for c in run.failed],
        }
        row |= {"measured outside": str(run.measured), "shims": [s.name for s in run.shims]}
        plan = resolve(decode_recipe(run.recipe), (1, 28, 28))
        tally["rows with a complete recipe"] += plan.plan is not None
        row["recipe"] = plan.plan.summary if plan.plan else list(plan.missing)
    differences: dict[str, str] = {}
    if isinstance(network, NetworkFacts):
        tally["rows with a network"] += 1
        differences |= network_differences(label, network)
    else:
        row["no network"] = {k: m.reason for k, m in known.missing().items()}
    differences |= log_differences(label, logs if isinstance(logs, LogEvidence) else None)
    for name in differences:
        tally[f"{'measured' if measured else 'unsure'} rows that differ in {name}"] += 1
    tally["measured rows without any difference"] += (
        measured and not differences and isinstance(network, NetworkFacts)
    )
    wanted = [f"{c['claim']} / {c['truth']}" for c in label["contradictions"]]
    tally["rows with a labelled contradiction"] += bool(wanted)
    tally["... found"] += bool(wanted) and bool(found)
    tally["other rows with a fault to look at"] += not wanted and bool(found)
    row |= {"differences": differences, "labelled": wanted}
    row["found"] = [f"{code} {f.place}: {f.message} | {f.found} | {f.expected}" for code, f in found]
    return row


if __name__ == "__main__":
    main()
