"""The weights that a whole run sent after each epoch, as far as the exported network can take them."""

from typing import TYPE_CHECKING, Any

from grader.execute.epoch_frames import Sent

if TYPE_CHECKING:
    from grader.execute.graph.network import Network


def weights_of(network: "Network", sent: list[Sent], notes: list[str]) -> list[dict[str, Any]]:
    """The tensors of each epoch of the last network that the exported graph fits."""
    fitting: list[tuple[int, dict[str, Any]]] = []
    for item in sent:
        tensors, fault = _tensors(network, item.weights)
        if fault:
            notes.append(f"epoch {item.head.number} of network {item.head.model + 1}: {fault}")
        else:
            fitting.append((item.head.model, tensors))
    if not sent:
        notes.append("no optimizer step was seen, so there are no epochs")
    last = fitting[-1][0] if fitting else -1
    others = {item.head.model for item in sent} - {last}
    if others:
        notes.append(
            f"{len(others)} other networks or runs were trained before; the last one that fits is shown"
        )
    return [tensors for model, tensors in fitting if model == last]


def _tensors(network: "Network", weights: bytes) -> tuple[dict[str, Any], str]:
    """The live tensors of the graph out of a frame, or what is wrong with them."""
    from grader.execute.graph.schema import InvalidNetwork, decode_weights
    from grader.sandbox.worker.export import WRAPPERS

    try:
        given = decode_weights(weights)
    except InvalidNetwork as fault:
        return {}, str(fault)[:200]
    prefix = "".join(f"{WRAPPERS.get(name, name)}." for name in network.claim.unwrapped)
    found: dict[str, Any] = {}
    for key, own in network.tensors.items():
        tensor = given.get(prefix + key, given.get(key))
        if tensor is None and not network.trains(key) and key not in network.statistics:
            tensor = own  # a constant of the graph, which no state dict holds
        if tensor is None:
            return {}, f"the weights lack {key[:60]!r}, which the exported network reads"
        if tensor.shape != own.shape or tensor.dtype != own.dtype:
            return (
                {},
                (
                    f"{key[:60]!r} is {tuple(tensor.shape)} {tensor.dtype}, the exported network has "
                    f"{tuple(own.shape)} {own.dtype}"
                ),
            )
        found[key] = tensor
    return found, ""
