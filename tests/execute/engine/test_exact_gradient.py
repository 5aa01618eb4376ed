"""The gradient of a training step is that of float64, whatever computes it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.seed_networks import NETWORKS, build
from grader.core.facts.retrain import KernelSet
from grader.execute.engine.runs.initial_weights import fresh_tensors
from grader.execute.engine.runs.seed_run import as_digits
from grader.execute.engine.runs.setup import Setting, take_seat
from grader.execute.graph.interpret import GraphNetwork
from grader.execute.graph.network import Network, load_network
from grader.sandbox.worker.export import export_model
from reference import network as reference
from reference.recipe import RECIPES
from reference.train import normalise
from tests.execute.engine.kernel_double import built
from tests.execute.engine.small import digits, module

DISTANCE = 1e-3
"""Of the length of the gradient. Contiguous maps come to 7e-5, channels_last ones with torch's own batch
normalisation to 1e-3 to 6e-2."""
BATCH = 64

MODELS: dict[str, Callable[[], nn.Module]] = {
    "small": module,
    **{name: lambda name=name: reference.build(name, 0) for name in reference.CONFIGURATIONS},  # type: ignore[misc]
    **{f"{entry.parameters:,}": lambda entry=entry: build(entry) for entry in NETWORKS},  # type: ignore[misc]
}


def exported(name: str) -> Network:
    torch.manual_seed(1)
    return load_network(export_model(MODELS[name](), None, torch.randn(4, 1, 28, 28)))


def gradient(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    functional.cross_entropy(model.train()(images), labels).backward()  # type: ignore[no-untyped-call]
    return torch.cat([own.grad.double().flatten() for own in model.parameters() if own.grad is not None])


@pytest.mark.parametrize("kernels", [KernelSet.TORCH, pytest.param(KernelSet.NATIVE, marks=built)])
@pytest.mark.parametrize("name", MODELS)
def test_the_first_gradient_is_that_of_float64(name: str, kernels: KernelSet) -> None:
    torch.set_num_threads(1)
    network, data = exported(name), as_digits(digits(BATCH))
    images = normalise(data.train_images, RECIPES["default"])
    distances = []
    for seed in range(3):
        tensors = fresh_tensors(network, seed).tensors
        truth = GraphNetwork(network, tensors, training_dropout=False).double()
        expected = gradient(truth, images.double(), data.train_labels)
        seat = take_seat(Setting(network, None, BATCH, 1, "cpu", kernels=kernels), seed, dropout=False)
        trained = seat.trained.to(memory_format=seat.layout)  # type: ignore[call-overload]
        found = gradient(trained, images, data.train_labels)
        distances.append(float((found - expected).norm() / expected.norm()))
    # A value within rounding of zero may fall on the other side of a ReLU, which moves one gradient by 7e-4.
    assert sorted(distances)[1] <= DISTANCE
