"""`grader watch [PATH]`: check again whenever a file is saved."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import click


@click.command(help="Check your own work again on every save. Static by default; stop with Ctrl-C.")
@click.argument("path", type=click.Path(path_type=Path, exists=True), default=Path())
@click.option(
    "-r", "--rubric", default="", help="A rubric file or name (default: .grader.toml, else default)."
)
@click.option("--run", is_flag=True, help="Also run the notebook each time.")
@click.option("--once", is_flag=True, help="Check once and stop; for scripts.")
@click.pass_context
def command(context: click.Context, /, path: Path, rubric: str, *, run: bool, once: bool) -> int:
    """Poll modification times: works on every system and every file system. A fault in a file that is being
    written ends nothing.
    """
    from grader.cli.commands.check import command as check
    from grader.core.faults import GraderFault

    seen: tuple[tuple[str, int, int], ...] = ()
    while True:
        now = _state(path)
        if now != seen:
            seen = now
            try:
                result = context.invoke(check, path=path, rubric=rubric, static=not run)
            except GraderFault as fault:
                if once:
                    raise
                click.echo(f"grader: {fault}", err=True)
            else:
                if once:
                    return int(result)
            click.echo(f"\nWatching {path}; it is checked again on the next save. Ctrl-C ends.", err=True)
        time.sleep(0.5)


def _state(path: Path) -> tuple[tuple[str, int, int], ...]:
    found: list[tuple[str, int, int]] = []
    for file in [path] if path.is_file() else _files(path):
        try:
            status = file.stat()
        except OSError:  # an editor replaces files while we look
            continue
        found.append((str(file), status.st_mtime_ns, status.st_size))
    return tuple(sorted(found))


def _files(folder: Path) -> Iterator[Path]:
    """What a student saves: no checkpoints, no environment, no repository's own files."""
    for here, folders, names in os.walk(folder):
        folders[:] = [
            f for f in folders if not f.startswith(".") and not Path(here, f, "pyvenv.cfg").exists()
        ]
        yield from (Path(here, name) for name in names)
