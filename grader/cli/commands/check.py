"""`grader check [PATH]`: check your own work before you hand it in."""

from pathlib import Path

import click

from grader.cli.check_output import FILE_FORMS, FORMS
from grader.cli.options import annotate_option, data_option

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(help="Check your own work with the instructor's engine. Quick unless --retrain is given.")
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option(
    "-r", "--rubric", default="", help="A rubric file or name (default: .grader.toml, else default)."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="Also write the page and result.json into this folder; with --format junit, codequality or "
    "classroom50 the file to write.",
)
@click.option("--format", "form", type=click.Choice(FORMS), default="text")
@click.option("--sarif", type=_FILE, help="Also write SARIF 2.1.0 to this file.")
@click.option("--junit", type=_FILE, help="Also write JUnit XML to this file.")
@click.option("--codequality", type=_FILE, help="Also write GitLab's Code Quality to this file.")
@click.option("--classroom50", type=_FILE, help="Also write Classroom 50's result.json to this file.")
@click.option("--static", is_flag=True, help="Run no code at all: README, workbook and saved outputs.")
@click.option("--retrain", is_flag=True, help="Also train the network again; takes minutes.")
@annotate_option
@data_option
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto")
def command(path: Path, rubric: str, out: Path | None, form: str, **options: object) -> int:
    """Print what was found and what to do next, most points first."""
    from grader.checks.catalogue import catalogue
    from grader.cli.check_output import echo_check, file_place, tell_of_minutes, write_forms, write_page
    from grader.cli.exit_status import status
    from grader.cli.options import runs_folder
    from grader.cli.output import echo_copies, progress_line
    from grader.core.faults import UsageFault
    from grader.core.settings import Device, Settings
    from grader.ingest.ignore import read_config
    from grader.pipeline.grade.self_check import self_check
    from grader.pipeline.plan.rubrics import load

    files = {kind: file_place(kind, options[kind]) for kind in FILE_FORMS if options[kind]}
    if form in FILE_FORMS and out is not None:
        files[form], out = file_place(form, out), None
    if options["static"] and options["retrain"]:
        raise UsageFault("--static runs no code, and --retrain trains the network again: leave one out")
    name = rubric or read_config(path if path.is_dir() else path.parent).rubric
    settings = Settings(
        execute=not options["static"],
        retrain=bool(options["retrain"]),
        data=str(options["data"]),
        device=Device(str(options["device"])),
        unsafe_no_sandbox=True,
        cache=runs_folder(),
    )
    if settings.retrain and form == "text":
        tell_of_minutes()
    with progress_line(enabled=form == "text") as progress:
        loaded = load(name, catalogue())
        report, known = self_check(path, loaded, settings, progress)
    fetch, copies = known.sources.fetch, bool(options["annotate"])
    out = out or (Path("reports") if copies else None)
    written = out and write_page(report, known.products(), out, loaded.rubric, fetch, copies=copies)
    write_forms(report, files)
    if form not in files:
        executed = "NotebookRun" in known.products()
        page = written.page if written else None
        echo_check(report, form, path=path, executed=executed, page=page)
    if copies and written:
        echo_copies(written, err=form != "text")
    return status(report)
