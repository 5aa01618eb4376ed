"""A ReLU overwrites what it reads only where nobody else needs it; gradients and values keep their bits."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from grader.execute.graph import interpret
from grader.execute.graph.interpret import GraphNetwork
from grader.execute.graph.network import load_network
from grader.sandbox.worker.export import export_model


class Net(nn.Module):
    """Convolution and normalisation, then what the case does with them."""

    def __init__(self, case: str) -> None:
        super().__init__()
        self.case = case
        self.conv, self.norm = nn.Conv2d(1, 6, 5, stride=3), nn.BatchNorm2d(6)
        self.end = nn.Linear(6, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Digits (N, 1, 28, 28) to (N, 10)."""
        x = self.conv(x)
        if self.case == "after convolution":
            x = self.norm(functional.relu(x))
        elif self.case == "after norm":
            x = functional.relu(self.norm(x))
        elif self.case == "skip":
            x = x + functional.relu(x)
        elif self.case == "twice":
            x = functional.relu(functional.relu(self.norm(x)))
        elif self.case == "sigmoid":
            x = functional.relu(torch.sigmoid(x))
        return self.end(x.mean((2, 3)))


CASES = {"after convolution": 1, "after norm": 1, "skip": 0, "twice": 1, "sigmoid": 0}


@pytest.mark.parametrize("case", CASES)
def test_gradients_and_values_keep_their_bits(case: str) -> None:
    torch.manual_seed(1)
    model = Net(case)
    network = load_network(export_model(model, None, torch.randn(4, 1, 28, 28)))
    assert len(interpret._overwriting(network.training)) == CASES[case]
    ours = GraphNetwork(network, network.tensors).train()
    images = torch.randn(8, 1, 28, 28)
    expected, got = model.train()(images), ours(images)
    assert torch.equal(got, expected)
    expected.square().sum().backward()
    got.square().sum().backward()
    theirs = {name: parameter.grad for name, parameter in model.named_parameters()}
    for key, name in ours._keys.items():
        if key in theirs:
            assert torch.equal(getattr(ours, name).grad, theirs[key]), key
    assert torch.equal(ours.eval()(images), model.eval()(images))
