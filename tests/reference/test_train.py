"""The training loop on digits made here: same seed same bits, it learns, and it can be stopped."""

from __future__ import annotations

import gzip
import hashlib
import inspect
import re
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from reference import mnist, network, train
from reference.recipe import RECIPES, Recipe


def digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise with one bright square whose place among ten tells the label."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 10, count)
    images = draw.integers(0, 60, (count, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        row, column = 4 + 11 * (label // 5), 2 + 5 * (label % 5)
        image[row : row + 5, column : column + 4] = 255
    return images, labels.astype(np.int64)


@pytest.fixture(scope="module")
def data() -> mnist.Mnist:
    return mnist.Mnist(*digits(600, 0), *digits(200, 1))


def first(data: mnist.Mnist, count: int) -> mnist.Mnist:
    return data._replace(train_images=data.train_images[:count], train_labels=data.train_labels[:count])


def weights_after(data: mnist.Mnist, seed: int, recipe: Recipe) -> dict[str, torch.Tensor]:
    model = network.build("compact", seed=0)
    train.train(model, data, recipe, seed)
    return model.state_dict()


def test_the_loop_can_be_read_aloud() -> None:
    assert len(Path(inspect.getfile(train)).read_text(encoding="utf-8").splitlines()) <= 150


def test_the_same_seed_gives_the_same_bits(data: mnist.Mnist) -> None:
    two_steps = Recipe(epochs=1, batch_size=64)
    small = first(data, 128)
    weights, again, other = (weights_after(small, seed, two_steps) for seed in (3, 3, 4))
    assert all(torch.equal(weights[key], again[key]) for key in weights)
    assert not torch.equal(weights["classify.weight"], other["classify.weight"])


@pytest.mark.slow
def test_it_learns(data: mnist.Mnist) -> None:
    model = network.build("compact", seed=0)
    result = train.train(model, data, Recipe(epochs=6, batch_size=32), seed=0)
    assert result.epochs[-1].loss < 0.5 * result.epochs[0].loss
    assert result.accuracies()[-1] > 90
    assert result.steps == 6 * 19
    assert [epoch.number for epoch in result.epochs] == [1, 2, 3, 4, 5, 6]
    assert model.training


def test_the_count_of_right_answers_is_that_of_the_trained_model(data: mnist.Mnist) -> None:
    recipe = Recipe(epochs=1, batch_size=32)
    model = network.build("compact", seed=0)
    result = train.train(model, data, recipe, seed=0)
    model.eval()
    with torch.no_grad():
        answers = model((torch.from_numpy(data.test_images).unsqueeze(1) / 255 - 0.1307) / 0.3081)
    expected = int((answers.argmax(1).numpy() == data.test_labels).sum())
    assert result.epochs[0].correct == expected
    assert result.accuracies() == [expected / 2]


def test_training_stops_where_it_is_told_to(data: mnist.Mnist) -> None:
    heard: list[train.Epoch] = []

    def stop_after_two(epoch: train.Epoch) -> bool:
        heard.append(epoch)
        return epoch.number == 2

    recipe = Recipe(epochs=5, batch_size=64)
    result = train.train(
        network.build("compact", 0), first(data, 128), recipe, seed=0, on_epoch=stop_after_two
    )
    assert result.epochs == tuple(heard)
    assert len(heard) == 2
    assert result.steps == 4


def test_a_model_that_views_large_maps_trains_as_it_is(data: mnist.Mnist) -> None:
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolve = nn.Conv2d(1, 4, 5)
            self.classify = nn.Linear(4 * 24 * 24, 10)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = self.convolve(images)
            return torch.log_softmax(self.classify(maps.view(-1, 4 * 24 * 24)), 1)

    recipe = Recipe(epochs=1, batch_size=64, peak_rate=0.01)
    result = train.train(Views(), first(data, 128), recipe, seed=0)
    assert 0 < result.epochs[0].loss < 10


def test_crops_are_whole_shifts_over_an_empty_background() -> None:
    image = torch.arange(1, 10, dtype=torch.uint8).view(1, 3, 3)
    crops = train.shifted_crops(image, 1)
    assert crops.shape == (1, 3, 3, 3, 3)
    assert crops[0, 1, 1].tolist() == image[0].tolist()
    assert crops[0, 0, 1].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert crops[0, 1, 2].tolist() == [[2, 3, 0], [5, 6, 0], [8, 9, 0]]
    assert train.shifted_crops(image, 0)[0, 0, 0].tolist() == image[0].tolist()


def test_pixels_are_normalised_bit_for_bit_as_torchvision_does() -> None:
    recipe = Recipe(epochs=1)
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    # ToTensor divides a byte tensor made float by 255; Normalize subtracts and divides in place by float32
    # tensors.
    expected = pixels.to(torch.float32).div(255)
    expected = expected.sub_(torch.as_tensor(recipe.mean)).div_(torch.as_tensor(recipe.deviation))
    assert torch.equal(train.normalise(pixels, recipe)[:, 0], expected)


@pytest.mark.parametrize("steps", [1, 2, 10, 2814])
def test_the_rate_rises_in_the_warm_up_and_falls_to_nearly_nothing(steps: int) -> None:
    recipe = Recipe(epochs=1, peak_rate=0.1, warmup=0.2)
    rates = recipe.rates(steps)
    assert len(rates) == steps
    assert max(rates) <= 0.1
    assert rates[0] == pytest.approx(0.02)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    if steps == 2814:
        assert top == 563
        assert rates[-1] == pytest.approx(1e-4, rel=0.5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"shift": -1},
        {"warmup": 1.0},
        {"peak_rate": 0.0},
        {"weight_decay": -1.0},
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Recipe(**{"epochs": 1, **wrong})  # type: ignore[arg-type]


def test_every_configuration_has_a_recipe() -> None:
    assert RECIPES.keys() == network.CONFIGURATIONS.keys()


@pytest.fixture
def directory(tmp_path: Path, data: mnist.Mnist, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The synthetic digits as IDX files whose digests are taken for the real ones."""
    arrays = dict(
        zip(
            mnist.SHA256,
            (data.train_images, data.train_labels, data.test_images, data.test_labels),
            strict=True,
        )
    )
    for name, values in arrays.items():
        header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
        content = header + values.astype(np.uint8).tobytes()
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
        monkeypatch.setitem(mnist.SHA256, name, hashlib.sha256(content).hexdigest())
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["train", *arguments])
    train.main()


def test_the_last_line_is_the_one_that_scripts_read(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "--data", str(directory), "--seed", "1", "--network", "compact", "--epochs", "2")
    lines = capsys.readouterr().out.splitlines()
    last = re.fullmatch(
        r"accuracy (\d+\.\d\d) best (\d+\.\d\d) epochs 2 parameters 9826 seconds \d+", lines[-1]
    )
    assert last is not None
    assert len(lines) == 3
    assert float(last[1]) <= float(last[2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--data", "/nonexistent"], "no such directory"), (["--epochs", "0"], "epochs=0")],
)
def test_what_cannot_be_trained_ends_with_a_message(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        run(monkeypatch, *arguments)
    assert exit_info.value.code == 2
    assert message in capsys.readouterr().err
