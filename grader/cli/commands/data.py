"""`grader data fetch`: the digits that retraining needs. The only command that downloads, and only when it is
called.
"""

import os
from pathlib import Path

import click

from grader.core.assigned_data import KNOWN, MNIST
from grader.execute.fetch import SECONDS


@click.group(help="Get the digits that retraining needs.")
def command() -> None:
    """Group of the data commands."""


@command.command("fetch")
@click.argument(
    "name", type=click.Choice([n for n, data in KNOWN.items() if data.mirrors]), default=MNIST.name
)
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="Folder for the files (default: your cache, where grader looks).",
)
@click.option(
    "--mirror", multiple=True, metavar="URL", help="Server to ask instead of the known ones; may be repeated."
)
@click.option(
    "--seconds",
    default=SECONDS,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="How long the download may take.",
)
def fetch(name: str, to: Path | None, mirror: tuple[str, ...], seconds: float) -> None:
    """Download a data set, MNIST (11.6 MB) where none is named, from the servers that torchvision asks, and
    check its digests. Needs no torch.

    Files that are there and right are kept, so that the same command goes on where the last one ended.
    """
    from grader.core.faults import Unavailable, UsageFault
    from grader.core.machine import user_cache
    from grader.core.progress import listening
    from grader.execute.fetch import fetch as fetch_files

    data = KNOWN[name]
    folder = to or user_cache() / data.name
    try:
        with listening(click.echo):
            fetch_files(folder, mirror, seconds, data)
    except Unavailable as fault:
        raise UsageFault(fault.reason) from fault
    click.echo(f"{data.title} in {folder}: all files verified")
    named = os.environ.get("GRADER_DATA")
    if to is not None:
        click.echo(f"to use it: --data {folder}, or GRADER_DATA={folder}")
    elif named:
        click.echo(
            f"GRADER_DATA names {named}: grader looks there, and not into the cache, until it is unset"
        )
