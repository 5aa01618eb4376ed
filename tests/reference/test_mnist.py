"""MNIST is read from any usual layout, and what is not MNIST is named."""

from __future__ import annotations

import gzip
import hashlib
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reference import mnist

COUNTS = {"train": 12, "t10k": 5}


def idx(shape: tuple[int, ...], values: bytes) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + values


def contents() -> dict[str, bytes]:
    """The four files of a tiny MNIST: image n is filled with n, label n is n modulo 10."""
    files = {}
    for part, count in COUNTS.items():
        pixels = bytes(n for n in range(count) for _ in range(28 * 28))
        files[f"{part}-images-idx3-ubyte"] = idx((count, 28, 28), pixels)
        files[f"{part}-labels-idx1-ubyte"] = idx((count,), bytes(n % 10 for n in range(count)))
    return files


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The tiny files, with their digests in the place of the real ones."""
    files = contents()
    for name, content in files.items():
        monkeypatch.setitem(mnist.SHA256, name, hashlib.sha256(content).hexdigest())
    return files


def write(directory: Path, files: dict[str, bytes], *, packed: bool = True) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        target = directory / (f"{name}.gz" if packed else name)
        target.write_bytes(gzip.compress(content) if packed else content)
    return directory


@pytest.mark.parametrize("layout", [".", "raw", "MNIST/raw", "mnist"])
@pytest.mark.parametrize("packed", [True, False])
def test_every_layout_gives_the_same_digits(
    tmp_path: Path, tiny: dict[str, bytes], layout: str, packed: bool
) -> None:
    write(tmp_path / layout, tiny, packed=packed)
    data = mnist.load(tmp_path)
    assert data.train_images.shape == (12, 28, 28)
    assert data.train_images.dtype == np.uint8
    assert data.test_images.shape == (5, 28, 28)
    assert data.train_labels.dtype == np.int64
    assert data.train_labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert [int(image.max()) for image in data.test_images] == [0, 1, 2, 3, 4]


def test_names_with_a_dot_are_found(tmp_path: Path, tiny: dict[str, bytes]) -> None:
    write(tmp_path, {name.replace("-idx", ".idx"): content for name, content in tiny.items()}, packed=False)
    assert len(mnist.load(tmp_path).test_labels) == 5


def test_the_level_of_compression_does_not_matter(tmp_path: Path, tiny: dict[str, bytes]) -> None:
    for name, content in tiny.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=1))
    assert len(mnist.load(tmp_path).train_labels) == 12


def test_hold_out_takes_the_last_training_digits_and_drops_the_test_set(
    tmp_path: Path, tiny: dict[str, bytes]
) -> None:
    held = mnist.load(write(tmp_path, tiny)).hold_out(4)
    assert held.train_labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert held.test_labels.tolist() == [8, 9, 0, 1]
    assert [int(image[0, 0]) for image in held.test_images] == [8, 9, 10, 11]


@pytest.mark.parametrize("count", [0, 12, 13])
def test_hold_out_leaves_training_digits(tmp_path: Path, tiny: dict[str, bytes], count: int) -> None:
    data = mnist.load(write(tmp_path, tiny))
    with pytest.raises(ValueError, match="12 training digits"):
        data.hold_out(count)


def test_a_missing_directory_is_named_with_the_command_that_gets_it(tmp_path: Path) -> None:
    with pytest.raises(mnist.MnistMissing, match=r"no such directory.*grader data fetch"):
        mnist.load(tmp_path / "nowhere")


def test_a_missing_file_is_named(tmp_path: Path, tiny: dict[str, bytes]) -> None:
    write(tmp_path, tiny)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(mnist.MnistMissing, match="t10k-labels-idx1-ubyte"):
        mnist.load(tmp_path)


def test_another_content_has_another_checksum(tmp_path: Path, tiny: dict[str, bytes]) -> None:
    name = "train-images-idx3-ubyte"
    write(tmp_path, tiny | {name: tiny[name][:-1] + b"\xff"})
    with pytest.raises(mnist.MnistDamaged, match=rf"{name}.*SHA-256.*{mnist.SHA256[name]}"):
        mnist.load(tmp_path)


def test_the_real_checksums_refuse_a_synthetic_mnist(tmp_path: Path) -> None:
    with pytest.raises(mnist.MnistDamaged, match="SHA-256"):
        mnist.load(write(tmp_path, contents()))


def test_a_gzip_stream_that_was_cut_off(tmp_path: Path, tiny: dict[str, bytes]) -> None:
    path = write(tmp_path, tiny) / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(mnist.MnistDamaged, match="gzip stream is damaged or cut off"):
        mnist.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html>", "not an IDX file.*found 3c 21 44 4f"),
        (b"", "not an IDX file.*found nothing"),
        (idx((12, 28, 28), b"\0" * 100), "promises 9408 bytes.*found 100"),
        (idx((12, 28, 28), b"")[:9], "cut off in the header after 9 of 16 bytes"),
        (idx((12, 20, 20), b"\0" * 4800), r"shape \(N, 28, 28\), found \(12, 20, 20\)"),
    ],
)
def test_what_is_not_the_file_is_told_by_its_fault(
    tmp_path: Path, tiny: dict[str, bytes], content: bytes, message: str
) -> None:
    write(tmp_path, tiny | {"train-images-idx3-ubyte": content}, packed=False)
    with pytest.raises(mnist.MnistDamaged, match=f"train-images-idx3-ubyte.*{message}"):
        mnist.load(tmp_path)


def test_reading_mnist_needs_no_torch() -> None:
    code = "import sys, reference.mnist, reference.recipe; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
