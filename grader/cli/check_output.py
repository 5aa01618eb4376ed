"""What `grader check` prints and writes: for people, for GitHub, for code scanning, for other CI."""

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.core.report import Report
from grader.core.rubric import Rubric

if TYPE_CHECKING:
    from grader.pipeline.grade.file_views import Fetch, Products
    from grader.pipeline.grade.publish import Written

STEPS_SHOWN = 5
FILE_FORMS = ("sarif", "junit", "codequality", "classroom50")
"""Forms that are one file; each is an option of `check` too, so that one run writes several."""
FORMS = ("text", "json", "github", *FILE_FORMS)


def tell_of_minutes() -> None:
    """Say before it begins how long training takes."""
    click.echo(
        "Training again takes 1 to 10 minutes a run on a CPU, up to three runs; Ctrl-C keeps what is done.",
        err=True,
    )


def echo_check(report: Report, form: str, *, path: Path, executed: bool, page: Path | None) -> None:
    """Print one report in the wanted form."""
    if form == "json":
        from grader.render.result_json import encode

        click.echo(encode(report).decode("utf-8"), nl=False)
    elif form == "github":
        _github(report)
    elif form in FILE_FORMS:
        click.echo(file_of(report, form), nl=False)
    else:
        _text(report, path=path, executed=executed, page=page)


def file_of(report: Report, form: str) -> str:
    """Return the report in a form that is one file."""
    from grader.render.code_quality import to_code_quality
    from grader.render.exports import to_junit
    from grader.render.platforms.classroom50 import to_classroom50
    from grader.store.runs import now

    match form:
        case "junit":
            return to_junit([report])
        case "codequality":
            return to_code_quality(report, _prefix())
        case "classroom50":
            return to_classroom50(report, os.environ, now())
        case _:
            return sarif_of(report)


def file_place(form: str, given: object) -> Path:
    """Return where a form is written; UsageFault where Classroom 50's result.json would lie among ours.

    In `reports/` that name means our own result, and whoever collects one would take the other.
    """
    from grader.core.faults import UsageFault

    path = Path(str(given))
    if path.is_dir():
        raise UsageFault(f"{path}: is a folder; --format {form} writes one file")
    if form == "classroom50":
        above = path.resolve().parents
        if any(folder.name == "reports" or (folder / ".grader").is_dir() for folder in above) or _ours(path):
            raise UsageFault(
                f"{path}: lies among reports of grader, where result.json means grader's own; "
                "write it to the root of the checkout, as the runner of Classroom 50 expects"
            )
    return path


def _ours(path: Path) -> bool:
    import json

    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {"submission", "rubric", "outcomes"} <= found.keys()


def write_page(
    report: Report, products: "Products", out: Path, rubric: Rubric, fetch: "Fetch", *, copies: bool
) -> "Written":
    """Write the page and result.json into a folder; what that takes is imported where somebody asks for
    it.
    """
    from grader.pipeline.grade.publish import publish

    return publish(report, products, out, rubric, fetch, copies=copies)


def write_forms(report: Report, files: Mapping[str, Path]) -> None:
    """Write each form to its file; beside Classroom 50's result its release body and the job's outputs."""
    if not files:
        return
    from grader.pipeline.grade.publish import write
    from grader.render.platforms import classroom50

    for form, path in files.items():
        write(path, file_of(report, form).encode("utf-8"))
    if "classroom50" in files:
        body = classroom50.release_body(report).encode("utf-8")
        write(files["classroom50"].parent / "release-body.md", body)
        _append(
            "GITHUB_OUTPUT",
            f"status={classroom50.status(report)}\nsummary={classroom50.summary(report)}\n",
        )


def sarif_of(report: Report) -> str:
    """Return the SARIF log of one report, with each check's page as help."""
    from grader.checks.catalogue import catalogue
    from grader.render.sarif import to_sarif

    return to_sarif(report, {r.code: r.doc for r in catalogue().values()}, _prefix())


def _text(report: Report, *, path: Path, executed: bool, page: Path | None) -> None:
    from grader.cli.output import color_wanted, unicode_wanted
    from grader.pipeline.grade.self_check import HONEST_LINE
    from grader.render.summary import next_steps
    from grader.render.terminal import print_report

    width = shutil.get_terminal_size().columns
    click.echo(
        print_report(
            report, width=width, color=color_wanted(), unicode=unicode_wanted(), steps_last=STEPS_SHOWN
        )
    )
    if not next_steps(report):
        open_points = f"; {report.pending_points:g} points are open" if report.pending_points else ""
        click.echo(f"\nNothing left to do{open_points}.")
    if executed:
        click.echo(f"\n{HONEST_LINE}")
    click.echo("")
    for line in _last_lines(report, path, page):
        click.echo(line)


def _last_lines(report: Report, path: Path, page: Path | None) -> tuple[str, ...]:
    """Where the page is or how to get it, and how to read about the first fault."""
    from grader.cli.screen import linked
    from grader.render.strings import TERMINAL_PAGE, TERMINAL_WHY
    from grader.render.summary import first_fault

    asked = "" if path == Path() else f" {shlex.quote(str(path))}"
    where = linked(page) if page is not None else f"grader check{asked} -o FOLDER"
    code = first_fault(report)
    lines = [f"{TERMINAL_PAGE}  {where}"]
    return (*lines, f"{TERMINAL_WHY}   grader explain {code}") if code else tuple(lines)


def _github(report: Report) -> None:
    from grader.render.github import annotations, classroom_points, summary

    # First, since GitHub shows only ten notices of a step.
    click.echo(classroom_points(report), nl=False)
    click.echo(annotations(report, _prefix()), nl=False)
    _append("GITHUB_STEP_SUMMARY", summary(report))
    _append(
        "GITHUB_OUTPUT",
        f"score={report.score:g}\nmax-score={report.max_score:g}\nverdict={report.verdict.value}\n",
    )


def _append(variable: str, text: str) -> None:
    """Append to a file of the runner that an environment variable names; without one, nothing."""
    target = os.environ.get(variable)
    if target:
        with Path(target).open("a", encoding="utf-8") as handle:
            handle.write(text)


def _prefix() -> str:
    return os.environ.get("GRADER_PREFIX", "").strip("/")
