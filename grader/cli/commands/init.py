"""`grader init`: prepare a repository for self-checks."""

import json
import os
from pathlib import Path

import click

_CONFIG = """# Written by `grader init`: which rubric `grader check` uses here.
rubric = {rubric}
"""
_IGNORE = """# One pattern a line: what `grader check` skips. `drafts/` is a folder, `*.bak` a file anywhere
drafts/
*.bak
"""


@click.command(help="Write .grader.toml (the rubric) and .graderignore into a repository.")
@click.argument("path", type=click.Path(path_type=Path, exists=True, file_okay=False), default=Path())
@click.option(
    "-r", "--rubric", default="default", show_default=True, help="A rubric file or the name of one."
)
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def command(path: Path, rubric: str, *, force: bool) -> int:
    """Refuse to overwrite; check that the rubric loads."""
    from grader.checks.catalogue import catalogue
    from grader.core.faults import UsageFault
    from grader.ingest.ignore import CONFIG, IGNORE
    from grader.pipeline.grade.publish import write
    from grader.pipeline.plan.rubrics import load

    load(rubric, catalogue())
    named = json.dumps(_from(path, rubric), ensure_ascii=False)
    for name, text in ((CONFIG, _CONFIG.format(rubric=named)), (IGNORE, _IGNORE)):
        target = path / name
        if target.exists() and not force:
            raise UsageFault(f"{target}: exists already; --force overwrites it")
        write(target, text.encode("utf-8"))
        click.echo(f"wrote {target}")
    click.echo("next: grader check")
    return 0


def _from(folder: Path, rubric: str) -> str:
    """A rubric file as the folder sees it, with `/` on every system; a name as it is."""
    if not Path(rubric).is_file():
        return rubric
    try:
        return Path(os.path.relpath(rubric, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return Path(rubric).absolute().as_posix()
