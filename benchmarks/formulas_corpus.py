"""Judge labelled formula lines and compare with the labels.

    python benchmarks/formulas_corpus.py CORPUS_DIR [--verbose] [--mutants N]

CORPUS_DIR holds `formula_lines.jsonl`: `doc`, `line`, `raw`, `before`, `kind`, `gold` (right or wrong),
`how`. The lines of a document are fed together. With --mutants, single edits of right lines, made by code of
its own (the diagnosis is not imported for making them), must be called wrong and be explained.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from grader.core.evidence.documents import Block, SourceLine
from grader.core.evidence.formulas import DocumentFormulas, FormulaLine
from grader.core.place import Place
from grader.extract.documents.text import mend_mojibake
from grader.extract.formulas.assemble import read_document

SEVERITY = ("wrong", "typo", "unsure", "right")


def documents(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Rows by document."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for text in (folder / "formula_lines.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(text)
        found[row["doc"]].append(row)
    return found


def source(rows: list[dict[str, str]], *, context: bool = False) -> list[SourceLine]:
    """The document's lines in order, once each; with `context` also the line before, where it is not labelled
    itself.
    """
    lines: dict[int, str] = {}
    for row in rows:
        lines[int(row["line"])] = row["raw"]
        if context and row.get("before"):
            lines.setdefault(int(row["line"]) - 1, row["before"])
    return [
        SourceLine(Place(artefact="doc", line=n), mend_mojibake(raw)[0], Block.PROSE)
        for n, raw in sorted(lines.items())
    ]


def answer(lines: list[FormulaLine], row: dict[str, str]) -> str:
    """The answer for a labelled row: that of its kind where its line holds several statements, else the most
    severe.
    """
    same = [x for x in lines if x.kind.value == row["kind"]] or lines
    found = {x.verdict.value for x in same}
    if row["gold"] == "right" and "right" in found and len(same) > 1 and len(lines) > 1:
        # Several statements of one kind on one line: a label `right` is met by a right one; wrong ones carry
        # their own.
        return "right"
    return next((v for v in SEVERITY if v in found), "unseen")


def main() -> int:
    """Print the table; the exit status is 1 where a right line is called wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument(
        "--context", action="store_true", help="also feed the unlabelled line before each line"
    )
    parser.add_argument("--mutants", type=int, default=0)
    options = parser.parse_args()
    table: Counter[tuple[str, str]] = Counter()
    took: list[float] = []
    for doc, rows in documents(options.corpus).items():
        start = time.process_time()
        read = read_document(source(rows, context=options.context), doc)
        took.append(time.process_time() - start)
        by_line: dict[int, list[FormulaLine]] = defaultdict(list)
        for line in read.lines:
            by_line[line.place.line or 0].append(line)
        for row in rows:
            got = answer(by_line[int(row["line"])], row)
            table[row["gold"], got] += 1
            bad = got not in ("wrong", "typo") if row["gold"] == "wrong" else got != "right"
            if options.verbose and bad:
                told = [
                    (x.verdict.value, x.kind.value, x.reading[:150], x.reason)
                    for x in by_line[int(row["line"])]
                ]
                print(
                    f"{doc}:{row['line']} {row['kind']} {row['gold']} -> {got} | "
                    f"{row['raw'][:160]!r} | {told}"
                )
    report(table, took)
    if options.mutants:
        mutate(options.corpus, options.mutants, verbose=options.verbose)
    return 1 if table["right", "wrong"] + table["right", "typo"] else 0


def report(table: Counter[tuple[str, str]], took: list[float]) -> None:
    """Print label against answer."""
    answers = ("right", "wrong", "typo", "unsure", "unseen")
    print("label  " + "".join(f"{a:>8}" for a in answers))
    for gold in ("right", "wrong"):
        print(f"{gold:<7}" + "".join(f"{table[gold, a]:8}" for a in answers))
    total = sum(table.values())
    undecided = sum(n for (_, a), n in table.items() if a in ("unsure", "unseen"))
    wrong = sum(n for (g, _), n in table.items() if g == "wrong")
    caught = table["wrong", "wrong"] + table["wrong", "typo"]
    print(f"right called wrong or typo: {table['right', 'wrong'] + table['right', 'typo']}")
    print(f"wrong called right: {table['wrong', 'right']}")
    print(f"wrong lines called wrong or typo: {caught}/{wrong} = {100 * caught / max(1, wrong):.1f} %")
    print(f"decided: {100 * (total - undecided) / max(1, total):.1f} % of {total}")
    print(f"per document: median {1000 * statistics.median(took):.0f} ms, max {1000 * max(took):.0f} ms")


def right_readings(read: DocumentFormulas) -> list[FormulaLine]:
    """Right lines under the standard conventions that hold only formulas."""
    return [
        x for x in read.lines if x.verdict.value == "right" and len(x.sides) >= 2 and read.convention.standard
    ]


def mutate(folder: Path, count: int, *, verbose: bool) -> None:
    """Feed single-edit mutants of right lines, each with its document's other lines."""
    from benchmarks.formula_mutants import mutants, value_differs

    rng = random.Random(11)
    pool: list[tuple[str, str, int]] = []
    texts: dict[str, list[SourceLine]] = {}
    for doc, rows in documents(folder).items():
        texts[doc] = source(rows)
        pool += [(doc, x.reading, x.place.line or 0) for x in right_readings(read_document(texts[doc], doc))]
    made = caught = first = top3 = none = 0
    missed: list[str] = []
    while made < count:
        doc, reading, at = rng.choice(pool)
        options = mutants(reading)
        if not options:
            continue
        name, mutant = rng.choice(options)
        if not value_differs(reading, mutant):
            continue
        made += 1
        lines = [x._replace(text=mutant) if x.place.line == at else x for x in texts[doc]]
        found = [x for x in read_document(lines, doc).lines if x.place.line == at]
        wrong = [x for x in found if x.verdict.value == "wrong"]
        caught += bool(wrong)
        if not wrong:
            missed.append(f"missed  {name}: {mutant} <- {reading} {[x.verdict.value for x in found]}")
            continue
        ranked = [squeeze(r.line) for r in wrong[0].repairs]
        first += ranked[:1] == [squeeze(reading)]
        top3 += squeeze(reading) in ranked
        none += not ranked
        if squeeze(reading) not in ranked[:1]:
            missed.append(
                f"rank    {name}: {mutant} <- {reading} explained {[r.line for r in wrong[0].repairs]}"
            )
    if verbose:
        print("\n".join(missed))
    print(
        f"mutants {made}: called wrong {100 * caught / made:.1f} %, edit first {100 * first / made:.1f} %, "
        f"among three {100 * top3 / made:.1f} %, unexplained {none}"
    )


def squeeze(text: str) -> str:
    """Without blanks."""
    return "".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
