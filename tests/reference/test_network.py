"""The reference network is what the assignment asks for, at both sizes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reference import network


@pytest.mark.parametrize(("name", "parameters"), [("default", 18_018), ("compact", 9_826), ("small", 7_706)])
def test_the_parameters_are_counted(name: str, parameters: int) -> None:
    assert network.count_parameters(network.build(name, seed=0)) == parameters


def test_frozen_parameters_do_not_count() -> None:
    model = network.build("compact", seed=0)
    model.classify.requires_grad_(False)
    assert network.count_parameters(model) == 9_826 - 250


@pytest.mark.parametrize("name", sorted(network.CONFIGURATIONS))
def test_it_has_batch_normalisation_dropout_and_a_global_average(name: str) -> None:
    model = network.build(name, seed=0)
    kinds = [type(module) for module in model.modules()]
    assert kinds.count(nn.BatchNorm2d) == kinds.count(nn.Conv2d) == 5
    assert all(module.p > 0 for module in model.modules() if isinstance(module, nn.Dropout))
    sizes = []
    model.average.register_forward_hook(
        lambda module, inputs, output: sizes.append((inputs[0].shape[-1], output.shape[-1]))
    )
    logits = model(torch.randn(2, 1, 28, 28))
    assert logits.shape == (2, 10)
    assert sizes == [(3, 1)]


def test_the_seed_draws_the_weights() -> None:
    first, again, other = (network.build("default", seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["classify.weight"], other["classify.weight"])
