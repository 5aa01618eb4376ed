"""MNIST from its four IDX files, with nothing but numpy.

An IDX file is a big-endian magic number (two zero bytes, a type code, the number of dimensions), one
32-bit size a dimension, and the values (Yann LeCun's description of the format). The files may be
gzipped or plain; what is checked is the SHA-256 of the unpacked bytes, so a copy that was compressed
again is still the same MNIST.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # numpy is loaded where a file is read: whoever only looks where MNIST lies needs none
    import numpy as np
    from numpy.typing import NDArray

# SHA-256 of the unpacked files. The packed ones differ from mirror to mirror (gzip level, time stamp).
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

# Where torchvision, Keras users and people with a browser put the files below the directory they name.
LAYOUTS = (".", "MNIST/raw", "raw", "mnist")

HOW_TO_GET_IT = "`grader data fetch` downloads it (11.6 MB) into your cache"

# The largest of the files holds 47,040,016 bytes; what unpacks to more is not MNIST and is not unpacked to
# its end.
LARGEST = 64 * 2**20


class MnistError(Exception):
    """MNIST could not be read; the message names the file, what was expected and what to do."""


class MnistMissing(MnistError):
    """A file is not there."""


class MnistDamaged(MnistError):
    """A file is there and is not the MNIST file of that name."""


class IdxFiles(NamedTuple):
    """Four IDX files of one data set: training images and labels, test images and labels.

    `digests` names them in this order. A digest is the SHA-256 of the unpacked bytes or, where `packed`, the
    MD5 of the file as it is published. `archive` is a zip that holds them all below `inside`, with one digest
    for everything. Other data sets than MNIST are described by whoever knows them.
    """

    digests: Mapping[str, str] = SHA256
    title: str = "MNIST"
    side: int = 28
    layouts: Sequence[str] = LAYOUTS
    how_to_get_it: str = HOW_TO_GET_IT
    packed: bool = False
    archive: str = ""
    archive_digest: str = ""
    inside: str = ""
    largest: int = LARGEST

    @property
    def downloads(self) -> tuple[str, ...]:
        """The files that a server holds."""
        return (self.archive,) if self.archive else tuple(f"{name}.gz" for name in self.digests)


MNIST = IdxFiles()


class Mnist(NamedTuple):
    """Digits as stored: images uint8 (N, side, side), 28 for MNIST, 0 is background and 255 is ink; labels
    int64 (N,), from 0.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]

    def hold_out(self, count: int = 10_000) -> Mnist:
        """The same training digits with the last `count` in the place of the test set, which is dropped.

        What is chosen on this split has not seen the test set. Raises ValueError where no training digit is
        left.
        """
        left = len(self.train_labels) - count
        if count < 1 or left < 1:
            raise ValueError(f"cannot hold out {count} of {len(self.train_labels)} training digits")
        return Mnist(
            self.train_images[:left],
            self.train_labels[:left],
            self.train_images[left:],
            self.train_labels[left:],
        )


def load(directory: Path | str, files: IdxFiles = MNIST) -> Mnist:
    """Read and verify the four files below `directory`, in any of the usual layouts.

    Raises MnistMissing where a file is not found, MnistDamaged where one is truncated, is not IDX, has
    another shape or another checksum.
    """
    paths = locate(Path(directory), files)
    if files.archive:
        train_images, train_labels, test_images, test_labels = _from_archive(paths[files.archive], files)
    else:
        found = (_read(paths[name], name, files) for name in files.digests)
        train_images, train_labels, test_images, test_labels = found
    return Mnist(
        train_images,
        train_labels.astype("int64"),
        test_images,
        test_labels.astype("int64"),
    )


def locate(directory: Path, files: IdxFiles = MNIST) -> dict[str, Path]:
    """The path of each of the four files by its canonical name, or of the archive that holds them; raises
    MnistMissing with what was looked for.
    """
    if not directory.is_dir():
        raise MnistMissing(
            f"{directory}: no such directory; name one that holds {files.title}, or get it: "
            f"{files.how_to_get_it}"
        )
    found: dict[str, Path] = {}
    for name in (files.archive,) if files.archive else tuple(files.digests):
        spellings = _spellings(name, files)
        candidates = (directory / layout / spelling for layout in files.layouts for spelling in spellings)
        path = next((candidate for candidate in candidates if candidate.is_file()), None)
        if path is None:
            wanted = f"{name}.gz or {name}" if len(spellings) > 2 else spellings[0]
            beside = ", ".join(layout for layout in files.layouts if layout != ".")
            raise MnistMissing(
                f"{directory}: no {wanted}, neither there nor in {beside}; {files.how_to_get_it}"
            )
        found[name] = path
    return found


def _spellings(name: str, files: IdxFiles) -> tuple[str, ...]:
    if files.archive:
        return (name,)
    # `train-images.idx3-ubyte`: how some mirrors spell `train-images-idx3-ubyte`.
    dotted = name.replace("-idx", ".idx")
    # The digest of a packed file says nothing of one that was unpacked.
    return (f"{name}.gz", f"{dotted}.gz") if files.packed else (f"{name}.gz", name, f"{dotted}.gz", dotted)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MnistMissing(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _read(path: Path, name: str, files: IdxFiles) -> NDArray[np.uint8]:
    return verified(_bytes(path), name, path, files)


def _from_archive(path: Path, files: IdxFiles) -> list[NDArray[np.uint8]]:
    content = _bytes(path)
    verified_archive(content, path, files)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as held:
            packed = [held.read(f"{files.inside}/{name}.gz") for name in files.digests]
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise MnistDamaged(f"{path}: {error}; fetch it again") from error
    where = (f"{path}: {name}.gz" for name in files.digests)
    return [
        _values(_plain(data, at, files), name, at, files)
        for data, name, at in zip(packed, files.digests, where, strict=True)
    ]


def verified_archive(content: bytes, where: Path | str, files: IdxFiles) -> None:
    """Raise MnistDamaged where bytes are not the archive that a data set is published in."""
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != files.archive_digest:
        raise MnistDamaged(_another(where, "MD5 of the archive", found, files.title, files.archive_digest))


def verified(content: bytes, name: str, where: Path | str, files: IdxFiles = MNIST) -> NDArray[np.uint8]:
    """The values of the file called `name` from its bytes, gzipped or plain, whose digest is that of the data
    set.

    `where` is for the message of MnistDamaged.
    """
    plain = _plain(content, where, files)
    values = _values(plain, name, where, files)
    if files.packed:
        what, found = "MD5 of the file", hashlib.md5(content, usedforsecurity=False).hexdigest()
    else:
        what, found = "SHA-256 of the unpacked bytes", hashlib.sha256(plain).hexdigest()
    if found != files.digests[name]:
        raise MnistDamaged(_another(where, what, found, files.title, files.digests[name]))
    return values


def _another(where: Path | str, what: str, found: str, title: str, expected: str) -> str:
    return f"{where}: the {what} is {found}, that of {title} is {expected}; fetch it again"


def _plain(content: bytes, where: Path | str, files: IdxFiles) -> bytes:
    try:
        if content[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(content)) as packed:
                return packed.read(files.largest + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MnistDamaged(
            f"{where}: the gzip stream is damaged or cut off ({error}); fetch it again"
        ) from error
    return content


def _values(plain: bytes, name: str, where: Path | str, files: IdxFiles) -> NDArray[np.uint8]:
    values = parse_idx(plain, where)
    expected = (files.side, files.side) if "images" in name else ()
    if values.shape[1:] != expected:
        shape = ", ".join(map(str, expected))
        raise MnistDamaged(f"{where}: expected {name} with shape (N, {shape}), found {values.shape}")
    return values


def parse_idx(content: bytes, where: Path | str) -> NDArray[np.uint8]:
    """The unsigned bytes of an unpacked IDX file in their shape; `where` is for the message of
    MnistDamaged.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08" or not 1 <= content[3] <= 4:
        raise MnistDamaged(
            f"{where}: not an IDX file of unsigned bytes: it should start with 00 00 08 and the "
            "number of dimensions, "
            f"found {content[:4].hex(' ') or 'nothing'}; a web page or a pointer file may have "
            "been saved in its place"
        )
    dimensions = content[3]
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise MnistDamaged(
            f"{where}: cut off in the header after {len(content)} of {header} bytes; fetch it again"
        )
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, header, 4))
    size = 1
    for extent in shape:
        size *= extent
    if len(content) - header != size:
        raise MnistDamaged(
            f"{where}: the header promises {size} bytes of shape {shape}, found "
            f"{len(content) - header}; fetch it again"
        )
    import numpy as np

    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()
