"""A bucket of an object store, spoken to as `pathlib` speaks to a folder: for machines that see no folder in
common.

fsspec, which the extra `ray` brings, reaches it, with the package for the store that the URL names (s3fs).
Who may do so stands in the environment of each machine, as those packages read it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from grader.core.distribution import install_hint
from grader.core.faults import UsageFault

_IN_PLACE: Final = frozenset({"local", "sftp", "ssh", "smb", "hdfs", "webhdfs"})
"""Where a file grows while it is written, in folders that must be there. A bucket shows it once it is whole.
"""


class Bucket:
    """A place in a bucket: a file, or what stands for a folder. It goes to other processes as its URL."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def __repr__(self) -> str:
        """Return the URL."""
        return self.url

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        """Whether both have the same URL."""
        return isinstance(other, Bucket) and other.url == self.url

    def __hash__(self) -> int:
        """Return the same for the same URL."""
        return hash(self.url)

    def __truediv__(self, name: str) -> "Bucket":
        """Return a place within this one."""
        return Bucket(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """The last part of the URL."""
        return self.url.rpartition("/")[2]

    @property
    def parent(self) -> "Bucket":
        """The place that this one lies in."""
        return Bucket(self.url.rpartition("/")[0])

    def with_suffix(self, suffix: str) -> "Bucket":
        """Return the place beside this one whose name has another suffix."""
        return self.parent / PurePosixPath(self.name).with_suffix(suffix).name

    def must_be_reachable(self) -> None:
        """Raise UsageFault where what speaks to such a store is not installed."""
        try:
            self._reached()
        except (ImportError, ValueError) as fault:
            raise UsageFault(
                f"{self.url}: {fault}. fsspec comes with `{install_hint('ray')}`; what speaks to the store "
                "that the URL names is a package of its own, on every machine"
            ) from fault

    def read_bytes(self) -> bytes:
        """Return the content of a file. Raises OSError where it cannot be read."""
        with self._told() as (files, path):
            content: bytes = files.cat_file(path)
        return content

    def write_bytes(self, data: bytes, *, first: bool = False) -> None:
        """Lay down a file, which appears whole. Raises OSError where it cannot be written; FileExistsError
        where it is to be the `first` of its name and is not, as surely as the store can tell.
        """
        with self._told() as (files, path):
            in_place = files.protocol in _IN_PLACE or _IN_PLACE.intersection(files.protocol)
            if in_place:
                files.makedirs(path.rpartition("/")[0], exist_ok=True)
            if first:
                files.pipe_file(path, data, mode="create")
            elif in_place:
                part = f"{path}.{id(data):x}.part"
                files.pipe_file(part, data)
                files.mv(part, path)
            else:
                files.pipe_file(path, data)

    def exists(self) -> bool:
        """Whether there is a file. Raises OSError where nobody can tell."""
        with self._told() as (files, path):
            return bool(files.exists(path))

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove a file. Raises OSError where it cannot be removed."""
        try:
            with self._told() as (files, path):
                files.rm_file(path)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def glob(self, pattern: str) -> Iterator["Bucket"]:
        """Yield the files within this place that match a pattern."""
        with self._told() as (files, path):
            found = [str(files.unstrip_protocol(name)) for name in files.glob(f"{path}/{pattern}")]
        yield from map(Bucket, found)

    @contextmanager
    def _told(self) -> Iterator[tuple[Any, str]]:
        """Yield the file system and the path in it; whatever its package raises is an OSError."""
        try:
            yield self._reached()
        except OSError:
            raise
        except Exception as fault:  # each package has faults of its own
            raise OSError(f"{self.url}: {type(fault).__name__}: {fault}") from fault

    def _reached(self) -> tuple[Any, str]:
        import fsspec.core

        # What another machine has written meanwhile is asked for each time, and not taken from a listing.
        files, path = fsspec.core.url_to_fs(self.url, use_listings_cache=False)
        return files, str(path)


Place = Path | Bucket
"""Where files are kept that machines share."""


def place_of(text: str) -> Place:
    """Return the folder or bucket that a text names: a path, or a URL; `file://` is a folder."""
    if "://" not in text:
        return Path(text)
    parts = urlsplit(text)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Bucket(text)
