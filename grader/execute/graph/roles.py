"""What each tensor of a network does, told by what reads it, never by its name."""

import math
from dataclasses import dataclass

from grader.execute.graph.network import Network
from grader.execute.graph.schema import NodeRef


@dataclass(frozen=True, slots=True)
class Role:
    """What a tensor does; `fan_in` is that of the layer it belongs to."""

    kind: str
    fan_in: int = 0


def roles_of(network: Network) -> dict[str, Role]:
    """What each tensor does, by key; a tensor with two jobs has none, and keeps the student's values."""
    found: dict[str, Role] = {}
    conflicting = set()
    for graph in (network.training, network.evaluation):
        for item in graph.instructions:
            for parameter, value in item.arguments.items():
                if not isinstance(value, NodeRef) or value.name not in graph.weights:
                    continue
                role = _role(item.base, parameter)
                if role.kind in ("weight", "bias"):
                    weight = item.arguments["weight"]
                    shape = graph.shapes[weight.name].extents if isinstance(weight, NodeRef) else (1,)
                    role = Role(role.kind, math.prod(shape[1:]))
                key = graph.weights[value.name].key
                if found.setdefault(key, role) != role:
                    conflicting.add(key)
    return {key: role for key, role in found.items() if key not in conflicting}


def _role(operator: str, parameter: str) -> Role:
    if operator in ("conv1d", "conv2d", "linear") and parameter in ("weight", "bias"):
        return Role(parameter)
    if operator in ("batch_norm", "instance_norm", "group_norm", "layer_norm"):
        names = {"weight": "scale", "bias": "offset", "running_mean": "mean", "running_var": "variance"}
        return Role(names.get(parameter, "unknown"))
    if operator == "prelu" and parameter == "weight":
        return Role("slope")
    return Role("unknown")
