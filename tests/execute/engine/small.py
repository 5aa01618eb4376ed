"""A few made-up digits and a network small enough to train in a second."""

from functools import cache

import numpy as np
import torch
from torch import nn

from grader.core.facts.recipe import Part, Stepping, StudentRecipe
from grader.execute.graph.network import Network, load_network
from grader.sandbox.worker.export import export_model
from reference import mnist

TENSOR = (Part(kind="ToTensor"), Part(kind="Normalize", arguments={"mean": (0.1307,), "std": (0.3081,)}))


def digits(train: int = 320, test: int = 100) -> mnist.Mnist:
    """Blobs whose column tells the class, so that a network learns them in a few steps."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, train + test)
    images = rng.integers(0, 60, (train + test, 28, 28))
    for image, label in zip(images, labels, strict=True):
        image[4:24, 2 * label + 3 : 2 * label + 6] = 230
    images = images.astype(np.uint8)
    return mnist.Mnist(images[:train], labels[:train], images[train:], labels[train:])


def module() -> nn.Module:
    """Convolution, normalisation, dropout, average, linear: everything that draws or keeps state."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 5, stride=2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.AdaptiveAvgPool2d((1, 6)),
        nn.Flatten(),
        nn.Linear(24, 10),
    )


@cache
def network() -> Network:
    """That module, exported; its weights are nobody's."""
    torch.manual_seed(99)
    return load_network(export_model(module(), None, torch.randn(4, 1, 28, 28)))


def recipe(**changes: object) -> StudentRecipe:
    """A complete recipe, with changes."""
    fields: dict[str, object] = {
        "optimizer": Part(kind="SGD", arguments={"lr": 0.05, "momentum": 0.9}),
        "scheduler": Part(kind="StepLR", arguments={"step_size": 2, "gamma": 0.5}),
        "stepping": Stepping.EPOCH,
        "loss": Part(kind="cross-entropy"),
        "batch_size": 64,
        "epochs": 3,
        "training_transform": TENSOR,
        "test_transform": TENSOR,
        "seed": 5,
    }
    return StudentRecipe(**(fields | changes))  # type: ignore[arg-type]
