"""`grader inspect formulas`: every formula of a document, how it was read and what is wrong with it."""

import sys
from pathlib import Path

import click
import msgspec

from grader.cli.output import echo_line
from grader.core.evidence.formulas import DocumentFormulas, FormulaLine


@click.command(name="formulas")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON array, an object for every line that asserts something."
)
def command(files: tuple[str, ...], as_json: bool) -> None:
    """Read and judge the formulas of .md, .txt and .ipynb files; - is standard input."""
    documents = [_read(name) for name in files]
    if as_json:
        rows = [_row(document, line) for document in documents for line in document.lines]
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=1).decode())
        return
    for document in documents:
        counts = {
            v: sum(line.verdict.value == v for line in document.lines)
            for v in ("right", "wrong", "typo", "unsure")
        }
        told = ", ".join(f"{n} {v}" for v, n in counts.items() if n) or "no formula in text"
        echo_line(
            f"{document.artefact}: {told}; conventions: {document.convention}; {document.images} images"
        )
        for line in document.lines:
            echo_line(f"{line.place}: {line.verdict.value}: {line.reading or line.text}")
            if sentence := line.repair_sentence:
                echo_line(f"    {sentence}")
            elif line.reason:
                echo_line(f"    {line.reason}")


def _read(name: str) -> DocumentFormulas:
    from grader.extract.formulas.provider import read_bytes
    from grader.extract.markdown import NotebookFault

    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        piped = name == "-" and data.lstrip()[:1] == b"{" and b'"cells"' in data
        return read_bytes(data, name, notebook=piped or name.endswith(".ipynb"))
    except OSError as error:
        raise click.UsageError(f"{name}: {error.strerror or error}") from error
    except NotebookFault as error:
        raise click.UsageError(f"{name}: {error}") from error


def _row(document: DocumentFormulas, line: FormulaLine) -> dict[str, object]:
    row: dict[str, object] = {
        "file": document.artefact,
        "line": line.place.line,
        "text": line.text,
        "reading": line.reading,
        "kind": line.kind.value,
        "verdict": line.verdict.value,
        "expected": line.expected,
        "repair": line.repair_sentence,
        "convention": str(document.convention),
        "marked": line.marked,
        "repairs": [msgspec.to_builtins(r) for r in line.repairs],
        "remarks": [msgspec.to_builtins(r) for r in line.remarks],
        "reason": line.reason,
    }
    if line.place.cell is not None:
        row["cell"] = line.place.cell
    return row
