"""Goes through a network by its dictionaries, never by its methods: those a notebook may have patched or
overridden.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import nn


class Held(NamedTuple):
    """One tensor of a network under its dotted name."""

    name: str
    tensor: torch.Tensor
    parameter: bool
    persistent: bool


def tensors(module: nn.Module, prefix: str = "", above: frozenset[int] = frozenset()) -> Iterator[Held]:
    """All parameters and buffers under every name that they have, as a state dict lists them."""
    if id(module) in above:  # a module inside itself
        return
    above |= {id(module)}
    own = module.__dict__
    fleeting = own.get("_non_persistent_buffers_set", ())
    for name, tensor in _items(own.get("_parameters")):
        yield Held(prefix + name, tensor, parameter=True, persistent=True)
    for name, tensor in _items(own.get("_buffers")):
        yield Held(prefix + name, tensor, parameter=False, persistent=name not in fleeting)
    for name, child in dict(own.get("_modules") or {}).items():
        if isinstance(child, nn.Module):
            yield from tensors(child, f"{prefix}{name}.", above)


def parameters(module: nn.Module) -> list[torch.Tensor]:
    """The distinct parameters."""
    return list({id(h.tensor): h.tensor for h in tensors(module) if h.parameter}.values())


def state(module: nn.Module) -> dict[str, torch.Tensor]:
    """What `state_dict()` would hold, detached but not copied."""
    return {h.name: h.tensor.detach() for h in tensors(module) if h.persistent}


def _items(group: Any) -> list[tuple[str, torch.Tensor]]:
    return [(str(n), t) for n, t in dict(group or {}).items() if isinstance(t, torch.Tensor)]
