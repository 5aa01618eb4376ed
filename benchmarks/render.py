"""CPU seconds for the pages of a class, from a cold start: `python benchmarks/render.py [SUBMISSIONS]`.

Issue 20 asks for 200 student pages, each with the pages of its README, notebook and workbook, and the class
page within 20 CPU seconds cold and 5 from what is kept, and for pages below 400 kB. The reports are made
here: every criterion of a typical rubric, half of them with findings, all pictures; a README of thirty
formulas, a notebook of thirty cells with two plots, a training table of sixty rows, all with findings in
them. No two students' files are the same.
"""

import argparse
import base64
import io
import json
import tempfile
import time
from pathlib import Path

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.evidence.formulas import (
    DocumentFormulas,
    FormulaConvention,
    FormulaEvidence,
    FormulaKind,
    FormulaLine,
    FormulaVerdict,
)
from grader.core.evidence.workbook import Book, CellKind, Column, Run, Sheet, Table, WorkbookEvidence
from grader.core.facts.base import Fact
from grader.core.outcome import Finding, Verdict, worst
from grader.core.place import Place, letters
from grader.core.report import Marked, Provenance, Report, RubricRef
from grader.core.submission import Artefact, Kind, Submission
from grader.pipeline.grade.file_views import draw
from grader.render import class_page, student_page
from grader.render.class_rows import rows_from
from grader.render.pictures.cells import Cell, cell_grid
from grader.render.pictures.curves import AccuracyRun, LossSeries, accuracy_curve, loss_curves
from grader.render.pictures.network import LayerBox, network_graph
from grader.render.pictures.picture import Picture
from grader.render.result_json import decode, encode
from grader.render.terminal import print_report
from grader.sandbox.reader import own_work

CRITERIA = 30
GUIDE = "A check.\n\n## What it checks\n\nThat `∂E/∂w` is right.\n\n## Why it matters\n\n" + "Because. " * 80


def report(seed: int) -> Report:
    """A report with 30 criteria, of which some fail with two findings each."""
    outcomes = []
    for n in range(CRITERIA):
        verdict = (Verdict.FAIL, Verdict.PASS, Verdict.PARTIAL, Verdict.PASS, Verdict.UNKNOWN, Verdict.PASS)[
            (seed + n) % 6
        ]
        credit = {Verdict.PASS: 1.0, Verdict.PARTIAL: 0.5}.get(verdict, 0.0)
        findings = tuple(
            Finding(
                message=f"In line {seed + k} the activation does not belong to this weight.",
                place=Place(artefact="README.md", line=seed + k),
                expected="a_h2 * (1 - a_h2)",
                found="a_h1 * (1 - a_h1)",
                hint=f"w{k + 3} leads into h2: use a_h2.",
                excerpt=f"∂E/∂w{k + 3} = ((a_o1 - t1) * a_o1 * (1 - a_o1) * w6) * a_h1 * "
                f"(1 - a_h1) * i{seed}",
                marked="a_h1 * (1 - a_h1)",
                diagnosis="index-swapped",
            )
            for k in range(2 if verdict is not Verdict.PASS else 0)
        )
        outcomes.append(
            Marked(
                criterion=f"criterion-{n}", code=f"BP{100 + n}", name=f"check-{n}", title=f"Criterion {n}", verdict=verdict,
                credit=credit, points=2 * credit, max_points=2, summary=f"What was found in criterion {n}.", findings=findings,
            )
        )  # fmt: skip
    return Report(
        submission=Submission(
            id=f"student {seed}",
            slug=f"student-{seed}",
            sha256="ab" * 32,
            artefacts=tuple(
                Artefact(path=f"file{i}.md", kind=Kind.README, sha256="cd" * 32, size=1000) for i in range(5)
            ),
        ),
        rubric=RubricRef(id="default", title="Backpropagation and MNIST", sha256="ef" * 32),
        outcomes=tuple(outcomes),
        verdict=worst(o.verdict for o in outcomes),
        score=sum(o.points for o in outcomes),
        max_score=2.0 * CRITERIA,
        pending_points=sum(o.pending_points for o in outcomes),
        provenance=Provenance(grader="0", python="3.11", platform="Linux", packages={"torch": "2.13.0"}),
    )


def pictures(seed: int) -> list[Picture]:
    """Every picture that a page may hold, different for every seed."""
    rates = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)
    losses = tuple(
        LossSeries(
            eta=eta,
            student=tuple(0.24 / (1 + eta * n / (20 + seed)) for n in range(101)),
            reference=tuple(0.24 / (1 + eta * n / 20) for n in range(101)),
        )
        for eta in rates
    )
    runs = tuple(
        AccuracyRun(
            name=f"run {k}", percents=tuple(99.4 - 1.5 / (n + 1) + 0.001 * (seed % 7) for n in range(20))
        )
        for k in range(4)
    )
    layers = tuple(
        LayerBox(
            name="conv2d", shape=(16, 28, 28), parameters=100 * n + seed, feeds_on=(n - 1,), module=f"conv{n}"
        )
        for n in range(30)
    )
    cells = tuple(Cell(ref=f"K{row}", shown=f"=A{row}*{seed}", guilty=True) for row in range(34, 40))
    drawn = (
        loss_curves(losses),
        accuracy_curve(runs, threshold=99.4),
        network_graph(layers, input_shape=(1, 28, 28), total=9_000, budget=20_000),
        cell_grid(cells, sheet="Sheet1"),
    )
    return [picture for picture in drawn if picture is not None]


def notebook(seed: int) -> bytes:
    """A notebook of thirty cells: texts, code, a log of twenty epochs, two plots of noise and curves."""
    code = "class Net(nn.Module):\n" + "".join(
        f"    self.conv{n} = nn.Conv2d({n}, {n + seed}, 3)\n" for n in range(12)
    )
    log = "".join(f"Epoch {n}: Accuracy: {9_800 + n + seed % 50}/10000\n" for n in range(20))
    cells: list[dict[str, object]] = []
    for n in range(15):
        outputs: list[dict[str, object]] = [{"output_type": "stream", "name": "stdout", "text": log}]
        if n in (3, 7):
            outputs.append({"output_type": "display_data", "data": {"image/png": plot(seed + n)}})
        cells += [
            {"cell_type": "markdown", "source": f"## Part {n}\n\nWe *train* it with `SGD`."},
            {"cell_type": "code", "source": code, "outputs": outputs, "execution_count": n},
        ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def plot(seed: int) -> str:
    """A picture of the size and weight of a plot, in base64."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (640, 480), "white")
    pen = ImageDraw.Draw(picture)
    for n in range(60):
        pen.line((0, 8 * n, 640, (97 * n * seed) % 480), fill=(n * 4, 99, seed % 255))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode("ascii")


def readme(seed: int) -> bytes:
    """A README of thirty formulas, no two students' the same."""
    lines = [f"∂E/∂w{n % 8 + 1} = (a_o1 - t1) * a_o1 * (1 - a_o1) * w{n % 4 + 5} + {seed}" for n in range(30)]
    return "\n".join(["# Backpropagation", "", *lines, "", "Text of a README. " * 30] * 2).encode()


def products(seed: int) -> dict[str, Evidence | Fact]:
    """What was read of README and workbook."""
    lines = tuple(
        FormulaLine(
            place=Place(artefact="README.md", line=n + 3),
            text=f"∂E/∂w{n % 8 + 1} = …",
            reading="",
            kind=FormulaKind.FINAL,
            verdict=FormulaVerdict.WRONG if n % 5 == 0 else FormulaVerdict.RIGHT,
            states=f"∂E/∂w{n % 8 + 1}",
            sides=(),
        )
        for n in range(30)
    )
    document = DocumentFormulas(
        artefact="README.md", main=True, encoding="utf-8", convention=FormulaConvention(), lines=lines
    )
    names = [f"w{n}" for n in range(1, 9)] + [f"q{n}" for n in range(23)]
    runs = [
        run
        for c, name in enumerate(names, start=1)
        for run in (
            Run(column=c, row=13, count=1, kind=CellKind.TEXT, texts=(name,)),
            Run(column=c, row=14, count=60, form=0, numbers=tuple(c / (seed + r) for r in range(1, 61))),
        )
    ]
    table = Table(
        sheet=0,
        header_row=13,
        first_row=14,
        last_row=73,
        columns=tuple(Column(quantity=n, column=c, header=n) for c, n in enumerate(names, start=1)),
    )
    book = Book(
        artefact="book.xlsx",
        sha256="",
        forms=("R[0]C[-1]*R[-1]C[0]",),
        sheets=(Sheet(name="Sheet1", runs=tuple(runs)),),
        tables=(table,),
    )
    return {
        "FormulaEvidence": FormulaEvidence(documents=(document,)),
        "WorkbookEvidence": WorkbookEvidence(books=(book,)),
    }


def with_files(of: Report, seed: int) -> Report:
    """The report of somebody who handed in a README, a notebook and a workbook, with findings in each."""
    kinds = {"README.md": Kind.README, "S4.ipynb": Kind.NOTEBOOK, "book.xlsx": Kind.WORKBOOK}
    files = tuple(
        Artefact(path=path, kind=kind, sha256=f"{kind.value}-{seed}", size=1000, main=True)
        for path, kind in kinds.items()
    )
    in_book = tuple(
        Finding(
            message=f"∂E/∂w{k}: index swapped",
            place=Place(artefact="book.xlsx", sheet="Sheet1", ref=f"{letters(k)}14:{letters(k)}73"),
            expected=f"=A14*B{seed}",
            found=f"=A14*C{seed}",
            subject=f"∂E/∂w{k}",
            slip="index swapped",
        )
        for k in range(4, 8)
    )
    in_cells = tuple(
        Finding(message="m", place=Place(artefact="S4.ipynb", cell=k, line=2), found=f"{seed}")
        for k in (2, 8)
    )
    first, second, *rest = of.outcomes
    more = [msgspec.structs.replace(m, findings=f) for m, f in ((first, in_book), (second, in_cells))]
    submission = msgspec.structs.replace(of.submission, artefacts=files)
    return msgspec.structs.replace(of, outcomes=(*more, *rest), submission=submission)


def files_of(reports: list[Report], out: Path) -> None:
    """Draw the pages of everybody's files, and once more where they lie already."""
    made = [(with_files(r, seed), products(seed)) for seed, r in enumerate(reports)]
    bytes_of = {f"readme-{n}": readme(n) for n in range(len(reports))}
    bytes_of |= {f"notebook-{n}": notebook(n) for n in range(len(reports))}
    for name in ("cold", "kept"):
        start = time.process_time()
        largest = count = 0
        with own_work(below=1_000_000_000):
            for of, read in made:
                folder = out / of.submission.slug
                folder.mkdir(exist_ok=True)
                for page in draw(of, read, bytes_of.__getitem__, folder):
                    if page.data:
                        (folder / page.name).write_bytes(page.data)
                    largest = max(largest, (folder / page.name).stat().st_size)
                    count += 1
        spent = time.process_time() - start
        print(f"{name}: {count} pages of files {spent:.1f} CPU s, largest {largest / 1_000:.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("submissions", type=int, nargs="?", default=200)
    count = parser.parse_args().submissions
    reports = [report(seed) for seed in range(count)]
    guides = {f"BP{100 + n}": GUIDE for n in range(CRITERIA)}
    for name in ("cold", "pictures cached"):
        start = time.process_time()
        pages = [student_page.render(r, pictures(i), guides=guides) for i, r in enumerate(reports)]
        spent = time.process_time() - start
        largest = max(len(page.encode("utf-8")) for page in pages) / 1_000
        print(f"{name}: {count} student pages {spent:.1f} CPU s, largest {largest:.0f} kB")
    with tempfile.TemporaryDirectory() as folder:
        files_of(reports, Path(folder))
    start = time.process_time()
    page = class_page.render(rows_from(reports))
    print(f"class page {time.process_time() - start:.2f} CPU s, {len(page.encode('utf-8')) / 1_000:.0f} kB")
    start = time.process_time()
    for r in reports:
        decode(encode(r))
        print_report(r)
    print(f"result.json written and read, terminal report: {time.process_time() - start:.2f} CPU s")
    print(f"the whole process: {time.process_time():.1f} CPU s")


if __name__ == "__main__":
    main()
