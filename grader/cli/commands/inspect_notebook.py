"""`grader inspect notebook`: logs, summaries and claims of notebooks and, unless told not to, the network
that they make.
"""

import sys
from pathlib import Path

import click
import msgspec

from grader.cli.output import echo_line

_READ = ("Documents", "NotebookEvidence", "LogEvidence", "SummaryEvidence", "ClaimEvidence")
_RUN = ("NotebookRun", "NetworkFacts")


@click.command(name="notebook")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON array with an object for every file.")
@click.option("--no-exec", is_flag=True, help="Only read; run nothing.")
@click.option("--data", default="", metavar="DIR", help="Directory with MNIST.")
def command(files: tuple[str, ...], as_json: bool, no_exec: bool, data: str) -> None:
    """Show what notebooks (`-` is one on standard input) say about the network and its training. Knows no
    rubric and gives no points.
    """
    rows = [inspect_file(name, execute=not no_exec, data=data) for name in files]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=1).decode())
        return
    for row in rows:
        _show(row)


def inspect_file(name: str, *, execute: bool, data: str = "") -> dict[str, object]:
    """Read one file, run it in the sandbox where wanted, and return its JSON object."""
    from grader.core.rubric import Profile
    from grader.core.settings import Settings
    from grader.core.submission import Kind
    from grader.ingest.identify import identify
    from grader.ingest.read import from_bytes, modules_beside
    from grader.pipeline.grade.products import Known, NothingKept, fill
    from grader.pipeline.plan.plan import plan_of
    from grader.render.inspect_json import notebook_row

    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{name}: {error.strerror or error}") from error
    file = "standard-input.ipynb" if name == "-" else Path(name).name
    notebook = name != "-" and identify(file, content).kind is Kind.NOTEBOOK
    beside = modules_beside(Path(name)) if notebook else {}
    sources = from_bytes(file, {**beside, file: content}, single=True)
    known = Known(sources, Settings(execute=execute, data=data), Profile())
    fill(plan_of((*_READ, *_RUN) if execute else _READ, "inspect"), known, NothingKept())
    missing = {product: why.reason for product, why in known.missing().items()}
    return notebook_row(name, known.products(), missing)


def _show(row: dict[str, object]) -> None:
    echo_line(f"{row['file']}: framework {row['framework']}")
    for kind in ("models", "summaries", "logs", "claims"):
        found = row[kind]
        assert isinstance(found, list)
        for entry in found:
            shown = {k: v for k, v in entry.items() if k not in ("percents", "layers")}
            echo_line(
                f"  {kind[:-1] if kind != 'summaries' else 'summary'}: "
                + ", ".join(f"{k} {v}" for k, v in shown.items())
            )
    missing = row["missing"]
    assert isinstance(missing, dict)
    for product, reason in missing.items():
        echo_line(f"  no {product}: {reason}")
