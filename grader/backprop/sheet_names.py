"""The columns of a training table of the network that is read for, by their canonical names."""

from typing import NamedTuple

from grader.backprop.assigned import made
from grader.core.assigned_network import AssignedNetwork


class SheetNames(NamedTuple):
    """`E_total` is the whole loss, `dw3` ∂E/∂w3; biases that are not trained are inputs."""

    inputs: tuple[str, ...]
    weights: tuple[str, ...]
    forward: tuple[str, ...]
    gradients: tuple[str, ...]
    given: tuple[str, ...]
    """Inputs and weights: what the first row starts from."""
    quantities: tuple[str, ...]
    """All of them, given ones first."""


def names() -> SheetNames:
    """Return the columns of the network that is read for."""
    return made(names_of)


def names_of(network: AssignedNetwork) -> SheetNames:
    """Return the columns of a network."""
    trained = network.biases if network.train_biases else ()
    fixed = () if network.train_biases else network.biases
    weights = (*network.weights, *trained)
    units = tuple(name for unit in network.units for name in (unit.sum, unit.output))
    inputs = (*network.targets, *network.inputs, *fixed)
    forward = (*units, *network.losses, "E_total")
    gradients = tuple(f"d{w}" for w in weights)
    given = (*inputs, *weights)
    return SheetNames(inputs, weights, forward, gradients, given, (*given, *forward, *gradients))
