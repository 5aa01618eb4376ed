"""The pages beside a report that show what was read: notebooks and READMEs, drawn once for the same bytes."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from grader.core.memory import code_of, key
from grader.core.submission import Artefact, Kind, Submission
from grader.sandbox.reader import Lost, read_limited

log = logging.getLogger(__name__)

Fetch = Callable[[str], bytes]
"""Returns the bytes of an artefact by its SHA-256; KeyError or ValueError where they cannot be had."""

SHOWN: Final = 5
"""Files of one kind that get a page; nobody hands in more notebooks that matter."""
COPIES: Final = "feedback"
"""How the names of files with findings in them begin (`grader.pipeline.grade.annotate`)."""
_STEMS: Final = {Kind.NOTEBOOK: "notebook", Kind.README: "readme"}


def planned(submission: Submission) -> dict[str, Artefact]:
    """Return the names of the pages with what they show; the main file of a kind has the plain name."""
    found: dict[str, Artefact] = {}
    for kind, stem in _STEMS.items():
        members = [a for a in submission.artefacts if a.kind is kind and a.readable]
        members.sort(key=lambda a: (not a.main, a.path))
        for number, artefact in enumerate(members[:SHOWN], start=1):
            found[f"{stem}.html" if number == 1 else f"{stem}-{number}.html"] = artefact
    return found


def draw(submission: Submission, fetch: Fetch, folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield (path of the artefact, name, bytes) for every page and the texts beside them; no bytes for what
    `folder` holds already.

    What cannot be fetched or drawn has no page, and costs the report nothing. Texts show no artefact: their
    path is empty.
    """
    for name, artefact in planned(submission).items():
        key = _key(submission, artefact)
        if _holds(folder / name, key):
            yield artefact.path, name, b""
            if (folder / _text_of(name)).is_file():
                yield "", _text_of(name), b""
            continue
        try:
            pages = _pages(artefact, fetch(artefact.sha256), submission.id, name, key)
        except Exception:  # the view is a courtesy: a crash of ours must not cost the report
            log.exception("%s of %s cannot be shown", artefact.path, submission.id)
            continue
        if isinstance(pages, Lost):
            log.warning("%s of %s cannot be shown: it %s", artefact.path, submission.id, pages)
            continue
        for shown_as, page in pages.items():
            yield (artefact.path if shown_as == name else "", shown_as, page)


def stale(folder: Path, drawn: Collection[str]) -> Iterator[Path]:
    """Yield pages, texts and copies of former files: all that was made in the folder and is not named now."""
    for suffix in (".ipynb", ".xlsx"):
        yield from (path for path in sorted(folder.glob(f"{COPIES}*{suffix}")) if path.name not in drawn)
    for stem in _STEMS.values():
        for path in sorted(folder.glob(f"{stem}*.*")):
            if path.suffix in (".html", ".txt") and path.name not in drawn:
                yield path


def _text_of(page: str) -> str:
    return f"{page.removesuffix('.html')}.txt"


def _pages(
    artefact: Artefact, data: bytes, submission: str, name: str, key: str
) -> Mapping[str, bytes] | Lost:
    """Draw a file's page and what stands beside it. Raises SandboxFault where that has no process."""
    return read_limited(
        "grader.render.file_pages:pages",
        *(artefact.kind, data, artefact.path, submission, name, _text_of(name), key),
        returns=dict[str, bytes],
    )


def _holds(path: Path, key: str) -> bool:
    try:
        with path.open("rb") as handle:
            return f'name="grader-view" content="{key}"'.encode() in handle.read(2_000)
    except OSError:
        return False


def _key(submission: Submission, artefact: Artefact) -> str:
    return key(sha256=artefact.sha256, path=artefact.path, submission=submission.id, code=renderer())


def renderer() -> str:
    """Return the digest of the code that draws pages: another template draws every page again."""
    return code_of("grader.pipeline.grade.publish")
