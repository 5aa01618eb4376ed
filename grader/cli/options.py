"""Options that `grade` and its relatives share."""

from collections.abc import Callable
from typing import TypeVar

import click

from grader.core.settings import Device, Settings

_F = TypeVar("_F", bound=Callable[..., object])


def run_options(command: _F) -> _F:
    """Add the options that decide what is run."""
    for option in (
        click.option("--no-exec", is_flag=True, help="Read and judge only; run no student code."),
        click.option("--no-retrain", is_flag=True, help="Do not train the network again."),
        click.option(
            "--data",
            default="",
            metavar="DIR",
            help="Folder with MNIST (default: $GRADER_DATA, ./data, the cache).",
        ),
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


def settings_from(options: dict[str, object]) -> Settings:
    """Return the settings that the options of `run_options` mean."""
    return Settings(
        execute=not options["no_exec"],
        retrain=not options["no_retrain"],
        data=str(options["data"]),
        device=Device(str(options["device"])),
        unsafe_no_sandbox=bool(options["unsafe_no_sandbox"]),
    )
