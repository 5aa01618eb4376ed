"""Options that `grade` and its relatives share."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from grader.core.machine import user_cache
from grader.core.settings import Device, Settings

if TYPE_CHECKING:
    from grader.core.report import Report
    from grader.store.runs import Run, Store
    from reference.mnist import IdxFiles

_F = TypeVar("_F", bound=Callable[..., object])


def run_options(command: _F) -> _F:
    """Add the options that decide what is run."""
    for option in (
        click.option("--no-exec", is_flag=True, help="Read and judge only; run no student code."),
        click.option("--no-retrain", is_flag=True, help="Do not train the network again."),
        click.option(
            "--reproduce", is_flag=True, help="Also run each notebook whole: minutes to an hour of a core."
        ),
        data_option,
        click.option(
            "--device",
            type=click.Choice([d.value for d in Device]),
            default="auto",
            show_default=True,
            help="Where grader trains.",
        ),
        click.option(
            "--unsafe-no-sandbox",
            is_flag=True,
            help="Run student code without isolation; stamped on every output.",
        ),
    ):
        command = option(command)
    return command


def annotate_option(command: _F) -> _F:
    """Add the option that also makes copies of the student's files with the findings in them."""
    return click.option(
        "--annotate",
        is_flag=True,
        help="Also write copies of notebooks and workbooks with the findings in them.",
    )(command)


def rubric_option(command: _F) -> _F:
    """Add the option that names the rubric."""
    return click.option(
        "-r", "--rubric", default="default", show_default=True, help="A rubric file or the name of one."
    )(command)


def data_option(command: _F) -> _F:
    """Add the option that names the data set; a folder that holds none is refused before anything is done."""
    return click.option(
        "--data",
        default="",
        metavar="DIR",
        callback=_holds_mnist,
        help="Folder with MNIST (default: $GRADER_DATA, ./data, the cache).",
    )(command)


def _holds_mnist(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if value:
        from grader.core.assigned_data import KNOWN
        from grader.core.faults import UsageFault
        from grader.execute.digits import files_of
        from reference import mnist

        try:
            mnist.load(Path(value))
        except mnist.MnistError as fault:
            others = (data for data in KNOWN.values() if data.trainable and not data.usual)
            if not any(_holds(Path(value), files_of(data)) for data in others):
                raise UsageFault(f"--data {fault}") from fault
    return value


def _holds(folder: Path, files: "IdxFiles") -> bool:
    from reference import mnist

    try:
        mnist.load(folder, files)
    except mnist.MnistError:
        return False
    return True


def lacking_packages() -> list[str]:
    """Return what notebooks run with and this installation does not have."""
    from grader.sandbox.environment import lacking

    return lacking()


def tell_what_is_missing(settings: Settings) -> None:
    """Print, where notebooks should run and cannot on this installation, one line that says how to get it."""
    if not settings.execute:
        return
    from grader.core.distribution import install_hint

    if missing := lacking_packages():
        click.echo(
            f"notebooks are not run: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing, "
            f"and their criteria stay open; to get it: {install_hint('all')}",
            err=True,
        )


def runs_folder() -> str:
    """Where finished trainings are kept, so that a second grading costs nothing: the user's cache."""
    return str(user_cache() / "runs")


def settings_from(options: dict[str, object]) -> Settings:
    """Return the settings that the options of `run_options` mean; UsageFault where two contradict."""
    if options["no_exec"] and options["reproduce"]:
        from grader.core.faults import UsageFault

        raise UsageFault("--no-exec runs no code, and --reproduce runs a notebook whole: leave one out")
    return Settings(
        execute=not options["no_exec"],
        retrain=not options["no_retrain"],
        reproduce=bool(options["reproduce"]),
        data=str(options["data"]),
        device=Device(str(options["device"])),
        unsafe_no_sandbox=bool(options["unsafe_no_sandbox"]),
        cache=runs_folder(),
    )


def tell_what_jobs_can_read(settings: Settings, *private: Path) -> None:
    """Print a warning for each path that lies where student code can read it: data, class, reports, store,
    rubric.
    """
    from grader.execute import digits
    from grader.sandbox import environment

    if not settings.execute or settings.unsafe_no_sandbox or sys.platform != "linux":
        return
    data = digits.find(settings)
    for path in (*private, *([data] if data is not None else [])):
        below = environment.shown_by(path)
        if below:
            click.echo(
                f"warning: {path} lies below {below}, which every job sees: student code can "
                "read it; move it away",
                err=True,
            )


def seconds(text: str) -> float:
    """Return a duration such as `90s`, `30m` or `2h` in seconds; 0 for an empty text."""
    if not text:
        return 0.0
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], text[-1]) if text[-1] in units else (text, "s")
    try:
        value = float(number) * units[unit]
    except ValueError:
        value = -1.0
    if not 0 < value < 1e9:
        raise click.UsageError(f"a duration is written like 90s, 30m or 2h, not {text!r}")
    return value


def store_options(command: _F) -> _F:
    """Add the options that say which store is meant."""
    for option in (
        click.option(
            "-o",
            "--out",
            type=click.Path(path_type=Path),
            default=Path("reports"),
            show_default=True,
            help="Where the reports are.",
        ),
        click.option(
            "--store", type=click.Path(path_type=Path), help="Store file (default: OUT/.grader/store.sqlite)."
        ),
    ):
        command = option(command)
    return command


def open_store(out: Path, store: Path | None) -> "Store":
    """Open the store that the options mean; UsageFault where there is none yet."""
    from grader.core.faults import UsageFault
    from grader.store.runs import Store

    path = store or out / ".grader" / "store.sqlite"
    if not path.is_file():
        raise UsageFault(f"{path}: no store here; `grader batch CLASS -o {out}` makes one")
    return Store(path)


def judged(opened: "Store", number: int | None) -> "tuple[Run, tuple[Report, ...]]":
    """Return a run, or the one that the pages show, judged with its own rubric, and say on stderr which.

    Whom we crash on is named, and costs nobody else.
    """
    from grader.checks.catalogue import catalogue
    from grader.pipeline.judging.reports import reports_of
    from grader.pipeline.plan.plan import mark_sheet
    from grader.pipeline.plan.rubrics import parse

    run = opened.run(number)
    click.echo(str(run), err=True)
    failed: dict[str, str] = {}
    sheet = mark_sheet(parse(run.rubric, run.rubric_name, catalogue()))
    reports = tuple(reports_of(opened, run, sheet, failed))
    echo_refused(failed)
    return run, reports


def echo_refused(refused: Mapping[str, str]) -> None:
    """Name on stderr who is not graded, and why."""
    for name, reason in refused.items():
        click.echo(f"not graded: {name!r}: {reason}", err=True)
