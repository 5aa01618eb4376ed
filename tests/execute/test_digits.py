"""What of MNIST enters the sandbox."""

from pathlib import Path

import numpy as np
import pytest

from grader.core.settings import Settings
from grader.execute import digits
from reference import mnist


def test_only_training_digits_enter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Training digits are 1 and 2 here, true test digits 9: none of those may be in the blob."""
    count, held = 60_000, digits.held_out(60_000)
    images = np.full((count, 28, 28), 1, np.uint8)
    images[count - held :] = 2
    labels = images[:, 0, 0].astype(np.int64)
    nines = np.full((10_000, 28, 28), 9, np.uint8)
    made = mnist.Mnist(images, labels, nines, nines[:, 0, 0].astype(np.int64))
    monkeypatch.setattr(mnist, "load", lambda _place, _files: made)
    monkeypatch.setattr(digits, "find", lambda _settings, _data: tmp_path)
    digits._pack.cache_clear()
    blob = digits.training_slice(Settings())
    digits._pack.cache_clear()
    assert blob is not None
    assert (int.from_bytes(blob[:4], "little"), int.from_bytes(blob[4:8], "little")) == (
        digits.TRAIN,
        digits.TEST,
    )
    assert len(blob) == 8 + (digits.TRAIN + digits.TEST) * 785
    body = blob[8:]
    assert set(body) == {1, 2}
    assert body.count(2) == digits.TEST * 785


def test_the_places_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADER_DATA", "/from/environment")
    assert digits.places(Settings(data="/named")) == [Path("/named")]
    assert digits.places(Settings()) == [Path("/from/environment")]
    monkeypatch.delenv("GRADER_DATA")
    assert digits.places(Settings())[0] == Path("data")
    assert digits.find(Settings(data=str(tmp_path))) is None
    assert digits.training_slice(Settings(data=str(tmp_path))) is None
