"""`grader inspect formulas`: every formula of a document, how it was read and what is wrong with it."""

import sys
from pathlib import Path

import click
import msgspec

from grader.cli.output import echo_line, unicode_wanted
from grader.core.evidence.formulas import DocumentFormulas
from grader.core.submission import Kind
from grader.render.inspect_json import formula_rows


@click.command(name="formulas")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON array, an object for every line that asserts something."
)
def command(files: tuple[str, ...], as_json: bool) -> None:
    """Read and judge the formulas of .md, .txt and .ipynb files; - is standard input."""
    documents = [_read(name) for name in files]
    if as_json:
        rows = [row for document in documents for row in formula_rows(document)]
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=1).decode())
        return
    symbols = "✓✗◐" if unicode_wanted() else "+x~"
    marks = dict(zip(("right", "wrong", "typo"), symbols, strict=True))
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
            mark = marks.get(line.verdict.value, "?")
            echo_line(f"{mark} {line.place}: {line.verdict.value}: {line.reading or line.text}")
            if sentence := line.repair_sentence:
                echo_line(f"    {sentence}")
            elif line.reason:
                echo_line(f"    {line.reason}")


def _read(name: str) -> DocumentFormulas:
    from grader.extract.documents.documents import read_document
    from grader.extract.formulas.provider import formulas_of
    from grader.ingest.identify import identify

    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{name}: {error.strerror or error}") from error
    artefact = identify(name, data)
    if artefact.kind is not Kind.NOTEBOOK:  # who names a file means it as a document, whatever its suffix
        artefact = msgspec.structs.replace(artefact, kind=Kind.README)
    document = read_document(data, msgspec.structs.replace(artefact, main=True))
    if document.problem and not document.readable:
        raise click.UsageError(f"{name}: {document.problem}")
    return formulas_of(document)
