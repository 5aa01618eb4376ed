"""`grader grade PATH`: one submission, one report."""

from pathlib import Path

import click

from grader.cli.options import annotate_option, run_options, settings_from, tell_what_jobs_can_read


@click.command(help="Grade one submission: a folder, a zip, or a single README, notebook or workbook.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "-r", "--rubric", default="default", show_default=True, help="A rubric file or the name of one."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Where the report goes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print result.json instead of the terminal report.")
@click.option("-q", "--quiet", is_flag=True, help="Print the verdict and the places of the reports only.")
@annotate_option
@run_options
def command(
    path: Path, rubric: str, out: Path, *, as_json: bool, quiet: bool, annotate: bool, **options: object
) -> int:
    """Write OUT/<slug>/index.html and result.json; returns the exit status of `grader.cli.exit_status`."""
    from grader.checks.catalogue import catalogue
    from grader.cli.exit_status import status
    from grader.cli.output import echo_copies, echo_report, progress_line
    from grader.ingest.read import read_submission
    from grader.pipeline.grade.grade_one import grade_one
    from grader.pipeline.grade.publish import publish
    from grader.pipeline.plan.rubric_request import load_asked

    rules = catalogue()
    settings = settings_from(options)
    loaded, _ = load_asked(rubric, rules, settings)
    tell_what_jobs_can_read(settings, path, out, Path(rubric))
    sources = read_submission(path)
    with progress_line(enabled=not (as_json or quiet)) as progress:
        report, known = grade_one(sources, loaded, rules, settings, progress)
    written = publish(report, known.products(), out, loaded.rubric, sources.fetch, copies=annotate)
    echo_report(report, written, as_json=as_json, quiet=quiet)
    if annotate:
        echo_copies(written, err=as_json)
    return status(report)
