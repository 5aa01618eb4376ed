"""`grader watch [PATH]`: check again whenever a file is saved."""

import time
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
    """Poll modification times: works on every system and every file system."""
    from grader.cli.commands.check import command as check

    seen: tuple[tuple[str, int, int], ...] = ()
    while True:
        now = _state(path)
        if now != seen:
            seen = now
            result = context.invoke(
                check,
                path=path,
                rubric=rubric,
                out=None,
                form="text",
                static=not run,
                retrain=False,
                data="",
                device="auto",
            )
            if once:
                return int(result)
        time.sleep(0.5)


def _state(path: Path) -> tuple[tuple[str, int, int], ...]:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if ".git" not in p.parts]
    found: list[tuple[str, int, int]] = []
    for file in files:
        try:
            status = file.stat()
        except OSError:  # an editor replaces files while we look
            continue
        found.append((str(file), status.st_mtime_ns, status.st_size))
    return tuple(sorted(found))
