"""One level of archives in a submission: each zip is replaced by what it holds.

What is not unpacked (another kind of archive, a password, an archive in an archive) stays in the submission
as a file that may hold anything, so that nobody says of its content that it was not handed in.
"""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

import msgspec

from grader.core.submission import Problem
from grader.ingest.archive import HandedIn, Names, Unpacked
from grader.ingest.identify import archive_kind, is_picture, may_be_handed_in
from grader.ingest.limits import MAX_FILES, MAX_PICTURES, MAX_TOTAL_BYTES
from grader.sandbox.reader import Lost, read_limited
from grader.sandbox.reader_server import ReadLimits

UNPACKING: Final = ReadLimits(memory=2_400_000_000, answer=MAX_TOTAL_BYTES + 50_000_000, cpu=120)
"""What unpacking may take: the archive and its files at the same time, twice."""
_OFFICE = frozenset(("[Content_Types].xml", "mimetype"))
"""Parts by which a document is known that is a zip inside: a browser calls a workbook `.zip`."""


class Budget:
    """What may still be read of one submission, whatever it lies in; archives in it share the limits."""

    def __init__(self) -> None:
        self.files = MAX_FILES
        self.bytes = MAX_TOTAL_BYTES

    def take(self, item: HandedIn) -> None:
        """Count a file that was read."""
        self.files -= 1
        self.bytes -= len(item.data)


def unpacked(items: Sequence[HandedIn], budget: Budget, notes: list[str]) -> Iterator[HandedIn]:
    """Yield the files of a delivery with each zip among them replaced by what it holds, one level.

    Its files keep the name of the zip as their folder, unless nothing else was handed in. A file that lies
    beside the zip with the same name and bytes is not read twice.
    """
    archives = {i.path for i in items if _is_archive(i)}
    alone = len(archives) == 1 and all(i.path in archives or i.typed for i in items)
    beside = {(PurePosixPath(i.path).name, i.data) for i in items if i.path not in archives}
    for item in items:
        if item.path not in archives:
            yield item
            continue
        for member in _opened(item, budget, notes):
            if member is item or member.path == item.path:
                yield member
            elif may_be_handed_in(member.path) and (PurePosixPath(member.path).name, member.data) in beside:
                notes.append(f"{item.path} holds {member.path} again; the one beside the archive was read")
            else:
                inside = member.path if alone else f"{item.path}/{member.path}"
                yield msgspec.structs.replace(member, path=inside)


def _is_archive(item: HandedIn) -> bool:
    """Whether an item is to be unpacked or told as not unpacked; data sets, weights and office files are
    not.
    """
    if item.problem is not Problem.NONE or not archive_kind(item.path, item.data):
        return False
    held = look_into(item.data).paths if item.data.startswith(b"PK\x03\x04") else ()
    return not any(name in _OFFICE or name.endswith("/data.pkl") for name in held)


def look_into(data: bytes) -> Names:
    """Return the names in a zip, read in the limited process."""
    found = read_limited("grader.ingest.archive:names", data, returns=Names)
    return Names(fault=f"it {found}") if isinstance(found, Lost) else found


def _opened(item: HandedIn, budget: Budget, notes: list[str]) -> Iterator[HandedIn]:
    """Yield what an archive in a submission holds, or the archive itself with why it was not unpacked."""
    kind = archive_kind(item.path, item.data)
    if not item.data:
        yield closed(item, "an archive that is empty: its upload may have failed")
        return
    if kind != "zip":
        yield closed(
            item, f"{_article(kind)} archive, which grader does not unpack; hand in a zip or the files"
        )
        return
    held = look_into(item.data)
    if not held.fault and not _worth_unpacking(held.paths):
        notes.append(f"{item.path} holds no README, notebook or workbook, and stayed packed")
        yield item
        return
    found = Unpacked(fault=held.fault) if held.fault else unpack_limited(item.data, budget)
    if found.fault:
        yield closed(item, f"an archive that could not be unpacked ({found.fault}); pack the folder again")
        return
    notes += found.notes
    count = len(found.items)
    notes.append(f"{item.path} was unpacked: {count} file{'s' * (count != 1)}")
    for member in found.items:
        why = "an archive inside an archive; only one level is unpacked"
        yield closed(member, why) if _is_archive(member) else member


def unpack_limited(data: bytes, budget: Budget) -> Unpacked:
    """Return what a zip holds, unpacked in the limited process, within what may still be read."""
    target = "grader.ingest.archive:unpack"
    found = read_limited(target, data, budget.files, max(0, budget.bytes), returns=Unpacked, limits=UNPACKING)
    if isinstance(found, Lost):
        return Unpacked(fault=str(found))
    for item in found.items:
        budget.take(item)
    return found


def _worth_unpacking(paths: Sequence[str]) -> bool:
    """Whether a zip may hold a part of a hand-in, not a data set of thousands of pictures or weights."""
    return any(may_be_handed_in(path) for path in paths if not is_picture(path)) or (
        any(is_picture(path) for path in paths) and len(paths) <= MAX_PICTURES
    )


def closed(item: HandedIn, why: str) -> HandedIn:
    """Return an archive as a file that was not unpacked, with its bytes."""
    return msgspec.structs.replace(item, problem=Problem.NOT_UNPACKED, why=f"{why}; it was not unpacked")


def _article(kind: str) -> str:
    return f"an .{kind}" if kind[0] == "r" else f"a .{kind}"
