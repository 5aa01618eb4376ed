"""What "the same" means where results are kept: three questions, three digests, each finer than the one
before.

* *The same run?* A command goes on with an unfinished run of the same class, rubric, options and entries
  (`_fingerprint` in `grader.pipeline.classroom.grade_class`). Before its dot stands what a run of a few
  (`--only`) shares with the whole class. Its formula stays that of the first release: another would part a
  class from its history.
* *The same hand-in, graded alike?* `basis_of`: the bytes as they lie there, rubric, options, versions and the
  code of every reader. A later run with the same basis copies the whole phase, without a process or the
  reading of a file.
* *The same product?* `grader.pipeline.plan.product_key.key_of`: one reader's code with what it needs,
  transitively. It decides within a phase, so that a change costs the products that it can change and no
  other.

Decisions of persons and late days hang on none of them: they belong to the name of a submission.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from grader.core import plugins
from grader.core.memory import code_of, key, modules_of
from grader.core.settings import Settings
from grader.ingest.forms.shape import entries_of
from grader.ingest.limits import MAX_FILES, MAX_FOLDERS, MAX_TOTAL_BYTES, SKIPPED_FOLDERS
from grader.ingest.read import Layout, shown_name
from grader.pipeline.plan.product_key import RUNNING, environment


class Seen(NamedTuple):
    """A hand-in as it lies there, by digests."""

    digest: str
    """Over names and bytes, and what the platform's names say of it; empty where it is too large or cannot be
    read.
    """
    files: tuple[str, ...] = ()
    """Of each file, with its name."""


def look(paths: Sequence[str], layout: Layout) -> Seen:
    """Return the digests of a hand-in as it lies there."""
    digest = hashlib.sha256()
    if layout.names or layout.notes or layout.platform:
        typed = [path in layout.typed for path in paths]
        digest.update(msgspec.json.encode([layout.names, typed, layout.platform, layout.notes]))
    total = 0
    files: list[str] = []
    try:
        for number, (name, path) in enumerate(files_of(paths)):
            total += path.stat().st_size
            if total > MAX_TOTAL_BYTES or number > MAX_FILES:
                return Seen("")
            data = path.read_bytes()
            head = msgspec.json.encode([shown_name(name), len(data)])
            digest.update(head)
            digest.update(data)
            one = hashlib.sha256(head)
            one.update(data)
            files.append(one.hexdigest())
    except OSError:
        return Seen("")
    return Seen(digest.hexdigest(), tuple(files))


def raw_digest(paths: Sequence[str], layout: Layout) -> str:
    """Return the digest of a whole hand-in; see `Seen`."""
    return look(paths, layout).digest


def basis_of(raw: str, rubric_sha256: str, settings: Settings) -> str:
    """Return the digest of a hand-in, the rubric, the options, the versions and our own code; empty for an
    empty `raw`.
    """
    if not raw:
        return ""
    return key(
        raw=raw,
        rubric=rubric_sha256,
        settings=settings,
        environment=environment(RUNNING),
        code=code_of("grader.pipeline.classroom.job"),
        plugged=plugged(),
    )


def plugged() -> str:
    """Return the digest of what other packages bring; empty for none."""
    named = (*plugins.modules(plugins.CHECKS), *plugins.modules(plugins.PROVIDERS))
    tops = tuple(sorted({name.partition(".")[0] for name in named}))
    return code_of(*(inner for top in tops for inner in modules_of(top)), within=tops) if tops else ""


def files_of(paths: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Yield the files of a hand-in with their names in it. Raises OSError for what is no ordinary file."""
    for given in sorted(paths):
        top = Path(given)
        if top.is_symlink() or not top.exists():
            raise OSError(f"{top}: a link, or gone")
        if top.is_file():
            yield top.name, top
            continue
        within = os.path.join(top, "")  # noqa: PTH118  # with the slash behind it
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            if len(folder.relative_to(top).parts) > MAX_FOLDERS:
                raise OSError(f"{folder}: more than {MAX_FOLDERS} folders in one another")
            for entry in reversed(entries_of(folder)):
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in SKIPPED_FOLDERS:
                        waiting.append(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False):
                    raise OSError(f"{entry.path}: no ordinary file")
                else:
                    yield entry.path.removeprefix(within), Path(entry.path)
