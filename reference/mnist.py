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
import zlib
from pathlib import Path
from typing import NamedTuple

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


class Mnist(NamedTuple):
    """Digits as stored: images uint8 (N, 28, 28), 0 is background and 255 is ink; labels int64 (N,), 0
    to 9.
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


def load(directory: Path | str) -> Mnist:
    """Read and verify the four files below `directory`, in any of the usual layouts.

    Raises MnistMissing where a file is not found, MnistDamaged where one is truncated, is not IDX, has
    another shape or another checksum.
    """
    paths = locate(Path(directory))
    images = {name: _read(paths[name], name) for name in SHA256}
    return Mnist(
        images["train-images-idx3-ubyte"],
        images["train-labels-idx1-ubyte"].astype(np.int64),
        images["t10k-images-idx3-ubyte"],
        images["t10k-labels-idx1-ubyte"].astype(np.int64),
    )


def locate(directory: Path) -> dict[str, Path]:
    """The path of each of the four files by its canonical name; raises MnistMissing with what was
    looked for.
    """
    if not directory.is_dir():
        raise MnistMissing(
            f"{directory}: no such directory; name one that holds MNIST, or get it: {HOW_TO_GET_IT}"
        )
    found: dict[str, Path] = {}
    for name in SHA256:
        spellings = (f"{name}.gz", name, f"{_dotted(name)}.gz", _dotted(name))
        candidates = (directory / layout / spelling for layout in LAYOUTS for spelling in spellings)
        path = next((candidate for candidate in candidates if candidate.is_file()), None)
        if path is None:
            raise MnistMissing(
                f"{directory}: no {name}.gz or {name}, neither there nor in "
                f"{', '.join(LAYOUTS[1:])}; {HOW_TO_GET_IT}"
            )
        found[name] = path
    return found


def _dotted(name: str) -> str:
    """`train-images.idx3-ubyte`: how some mirrors spell `train-images-idx3-ubyte`."""
    return name.replace("-idx", ".idx")


def _read(path: Path, name: str) -> NDArray[np.uint8]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MnistMissing(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    return verified(content, name, path)


def verified(content: bytes, name: str, where: Path | str) -> NDArray[np.uint8]:
    """The values of the file called `name` from its bytes, gzipped or plain, whose digest is that of MNIST.

    `where` is for the message of MnistDamaged.
    """
    try:
        if content[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(content)) as packed:
                content = packed.read(LARGEST + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MnistDamaged(
            f"{where}: the gzip stream is damaged or cut off ({error}); fetch it again"
        ) from error
    values = parse_idx(content, where)
    expected = (28, 28) if "images" in name else ()
    if values.shape[1:] != expected:
        raise MnistDamaged(
            f"{where}: expected {name} with shape (N, {'28, 28' if expected else ''}), found {values.shape}"
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256[name]:
        raise MnistDamaged(
            f"{where}: the SHA-256 of the unpacked bytes is {digest}, that of MNIST is {SHA256[name]};"
            " fetch it again"
        )
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
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()
