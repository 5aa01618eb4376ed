"""Networks exported in this process, once a test run: the export is what costs time."""

from functools import cache

import torch
from torch import nn

from grader.execute.graph.network import Network, load_network
from grader.sandbox.worker.export import export_model
from tests.execute.graph import nasty


@cache
def module(name: str) -> nn.Module:
    """The module of that name after one training step on noise, so that running statistics are not
    trivial.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model: nn.Module = getattr(nasty, name)()
    model.train()
    model(torch.randn(16, 1, 28, 28))
    return model


@cache
def frames(name: str) -> tuple[tuple[str, bytes], ...]:
    """What `export_model` makes of it."""
    return tuple(export_model(module(name), None, torch.randn(16, 1, 28, 28)))


@cache
def network(name: str) -> Network:
    """The validated network."""
    return load_network(frames(name))
