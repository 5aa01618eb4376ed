"""What the network checks share: where a network stands, and how a layer is named to its author."""

from grader.core.facts.network import Layer, NetworkFacts
from grader.core.place import Place


def place_of(network: NetworkFacts) -> Place | None:
    """The file that made the network."""
    return Place(artefact=network.artefact) if network.artefact else None


def named(layer: Layer) -> str:
    """`conv2d features.0 (16, 3, 3)`: operator, module and the shape of the result."""
    shape = ", ".join(str(extent) for extent in layer.output_shape)
    return " ".join(part for part in (layer.operator, layer.module, f"({shape})") if part)


def unused_modules(network: NetworkFacts) -> tuple[str, ...]:
    """Modules that own declared parameters which the output does not depend on, in the order of
    declaration.
    """
    return tuple(dict.fromkeys(item.name.rpartition(".")[0] or item.name for item in network.unused))
