"""Fresh weights as torch draws them by default, told by what reads a tensor, never by its name.

`torch.nn` draws kaiming_uniform(a = sqrt 5), that is U(-1/sqrt(fan in), 1/sqrt(fan in)), for the weight of a
convolution or fully connected layer, U of the same width for its bias, and sets normalisations to 1 and 0 and
PReLU to 0.25.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from grader.execute.graph.network import Network
from grader.execute.graph.roles import Role, roles_of
from grader.execute.graph.schema import WeightKind

MOST_SCALES = 32
"""Kept tensors of a single number that are no table yet."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """Tensors to start a training from. `kept` are keys whose values are still the student's, because no rule
    draws them.
    """

    tensors: dict[str, Tensor]
    kept: tuple[str, ...]

    @property
    def kept_numbers(self) -> int:
        """How many numbers were kept."""
        return sum(self.tensors[key].numel() for key in self.kept)

    @property
    def kept_tables(self) -> int:
        """How many of them stand in tensors of more than one number: a scale of one number holds no table of
        labels.

        More than a few such scales could be put together to one.
        """
        sizes = [self.tensors[key].numel() for key in self.kept]
        single = sizes.count(1)
        return sum(size for size in sizes if size > 1) + (single if single > MOST_SCALES else 0)

    @property
    def kept_bytes(self) -> bytes:
        """All of them as bytes, in the order of the network."""
        return b"".join(self.tensors[key].contiguous().float().numpy().tobytes() for key in self.kept)


def fresh_tensors(network: Network, seed: int) -> Fresh:
    """Draw all tensors of the network from `seed`, in the order in which the module declares them.

    For a module whose parameters are all live this equals building it anew after `torch.manual_seed(seed)`.
    The global random state is left where the drawing ends, as it would be after building the module.
    """
    torch.manual_seed(seed)
    roles = roles_of(network)
    tensors: dict[str, Tensor] = {}
    kept = []
    for key, kind in network.kinds.items():
        value = network.tensors[key]
        role = roles.get(key, Role("unknown"))
        drawn = torch.empty(value.shape)
        if kind is not WeightKind.PARAMETER and role.kind not in ("mean", "variance"):
            role = Role("constant")
        if role.kind == "weight":
            nn.init.kaiming_uniform_(drawn, a=math.sqrt(5))
        elif role.kind == "bias":
            bound = 1 / math.sqrt(role.fan_in)
            nn.init.uniform_(drawn, -bound, bound)
        elif role.kind in ("scale", "variance"):
            nn.init.ones_(drawn)
        elif role.kind in ("offset", "mean"):
            nn.init.zeros_(drawn)
        elif role.kind == "slope":
            nn.init.constant_(drawn, 0.25)
        else:
            drawn = value.clone()
            kept.append(key)
        tensors[key] = drawn
    return Fresh(tensors, tuple(kept))
