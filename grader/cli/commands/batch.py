"""`grader batch CLASS`: every submission of a class, resumable."""

from pathlib import Path

import click

from grader.cli.backend import backend_options, opened
from grader.cli.options import run_options, settings_from, tell_what_is_missing, tell_what_jobs_can_read


@click.command(help="Grade a class: a folder of folders or zips, a platform's download, or a roster .csv.")
@click.argument("class_path", metavar="CLASS", type=click.Path(path_type=Path))
@click.option(
    "-r", "--rubric", default="default", show_default=True, help="A rubric file or the name of one."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Where reports go.",
)
@backend_options
@click.option(
    "--resume", is_flag=True, help="Go on with an interrupted run; the same command does so anyway."
)
@click.option("--only", multiple=True, metavar="ID", help="Grade only this submission; may be repeated.")
@click.option("--budget", default="", metavar="2h", help="Wall time for retraining: 90s, 30m, 2h.")
@click.option(
    "--store", type=click.Path(path_type=Path), help="Store file (default: OUT/.grader/store.sqlite)."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress; results and faults only.")
@run_options
def command(
    class_path: Path,
    rubric: str,
    out: Path,
    jobs: int | None,
    backend: str,
    objects: str | None,
    store: Path | None,
    *,
    quiet: bool,
    **options: object,
) -> int:
    """Print progress, a line a submission, and where the pages are; returns the exit status of the worst."""
    import msgspec

    from grader.checks.catalogue import catalogue
    from grader.cli.class_output import class_progress, echo_class
    from grader.cli.exit_status import worst_status
    from grader.cli.options import seconds
    from grader.pipeline.classroom.grade_class import grade_class
    from grader.pipeline.plan.rubric_request import load_asked
    from grader.pipeline.stages.request import Request

    settings = settings_from(options)
    tell_what_is_missing(settings)
    loaded, rubric_bytes = load_asked(rubric, catalogue(), settings)
    request = Request(
        path=class_path,
        loaded=loaded,
        rubric_bytes=rubric_bytes,
        settings=settings,
        out=out,
        store=store or out / ".grader" / "store.sqlite",
        only=tuple(str(i) for i in options["only"]),  # type: ignore[attr-defined]  # click gives a tuple
        budget_seconds=seconds(str(options["budget"])),
    )
    tell_what_jobs_can_read(settings, class_path, out, request.store, Path(rubric))
    with (
        class_progress(enabled=not quiet) as progress,
        opened(backend, jobs or 0, settings, request.store, objects) as (where, afield),
    ):
        graded = grade_class(msgspec.structs.replace(request, afield=afield), where, progress)
    echo_class(graded, click.get_current_context())
    return worst_status(graded.reports, graded.refused.values())
