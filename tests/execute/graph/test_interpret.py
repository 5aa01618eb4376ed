"""The interpreter computes what the module computes, bit for bit."""

import copy

import pytest
import torch

from grader.core.facts.network import Modes
from grader.execute.graph.interpret import GraphNetwork
from tests.execute.graph.exported import module, network

SOUND = [
    "Honest", "FullWindow", "CroppedWindow", "Mean", "FlatMean", "NoOpGap", "GlobalMax", "Attention", "DropoutAlwaysOn",
    "ChannelDropout", "DiscardedNorm", "OverBatch", "Residual", "Shared", "LookUp", "NormOnlyInTraining", "InPlaceView",
    "GroupedAndDilated", "NoGrad",
]  # fmt: skip


def digits(count: int) -> torch.Tensor:
    return torch.randn(count, 1, 28, 28, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", SOUND)
@torch.no_grad()
def test_equals_the_module_bit_for_bit_in_both_modes(name: str) -> None:
    model = copy.deepcopy(module(name))
    rebuilt = GraphNetwork(network(name), network(name).tensors, keep_eval_dropout=True)
    for training in (False, True):
        model.train(training)
        rebuilt.train(training)
        torch.manual_seed(7)
        expected = model(digits(33))
        torch.manual_seed(7)
        assert torch.equal(rebuilt(digits(33)), expected)
    state = model.state_dict()
    statistics = network(name).statistics
    assert statistics
    for key in statistics:
        assert torch.equal(rebuilt.tensors()[key], state[key])


def test_gradients_equal_those_of_the_module() -> None:
    model = copy.deepcopy(module("Residual"))
    rebuilt = GraphNetwork(network("Residual"), network("Residual").tensors)
    for each in (model, rebuilt):
        each.train()
        torch.manual_seed(3)
        each(digits(8))[:, 0].sum().backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    ours = [parameter.grad for parameter in rebuilt.parameters()]
    assert len(gradients) == len(ours)
    for expected, got in zip(gradients, ours, strict=True):
        assert expected is not None
        assert got is not None
        assert torch.equal(expected, got)


def test_dropout_that_stays_on_is_off_in_the_score_and_on_when_asked() -> None:
    net = network("DropoutAlwaysOn")
    assert net.modes is Modes.DROPOUT_ACTIVE
    quiet = GraphNetwork(net, net.tensors).eval()
    noisy = GraphNetwork(net, net.tensors, keep_eval_dropout=True).eval()
    with torch.no_grad():
        assert torch.equal(quiet(digits(8)), quiet(digits(8)))
        assert not torch.equal(noisy(digits(8)), noisy(digits(8)))


def test_the_students_tensors_are_not_written_to() -> None:
    net = network("Honest")
    before = {key: tensor.clone() for key, tensor in net.tensors.items()}
    GraphNetwork(net, net.tensors).train()(digits(8))
    assert all(torch.equal(net.tensors[key], value) for key, value in before.items())


def test_takes_the_snapshot_and_not_the_live_weights() -> None:
    from grader.execute.graph.network import load_network
    from grader.sandbox.worker.export import export_model

    model = copy.deepcopy(module("Honest"))
    snapshot = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.fill_(
                    float("nan")
                )  # what a trace in training mode on uninitialised memory does to statistics
    net = load_network(export_model(model, snapshot, digits(4)))
    assert all(torch.equal(net.tensors[key], snapshot[key]) for key in net.tensors)


def test_a_wrapper_is_unwrapped_and_said() -> None:
    from grader.execute.graph.network import load_network
    from grader.sandbox.worker.export import export_model

    net = load_network(export_model(torch.nn.DataParallel(module("Honest")), None, digits(4)))
    assert net.claim.unwrapped == ("DataParallel",)
    assert net.digest == network("Honest").digest
