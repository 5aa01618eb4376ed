"""From records to pictures: the only part of render that knows what evidence and facts look like."""

from collections.abc import Mapping

from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.facts.network import NetworkFacts
from grader.render.pictures.network import LayerBox, network_graph
from grader.render.pictures.picture import Picture

Products = Mapping[str, Evidence | Fact]
"""What grading one submission made, by type name."""


def pictures_of(products: Products) -> tuple[Picture, ...]:
    """Return the pictures that the products allow, in the order of the page; none for what is missing."""
    found = []
    network = products.get(NetworkFacts.__name__)
    if isinstance(network, NetworkFacts):
        found.append(_network(network))
    return tuple(found)


def _network(facts: NetworkFacts) -> Picture:
    boxes = tuple(
        LayerBox(
            name=layer.operator,
            module=layer.module,
            shape=layer.output_shape,
            parameters=layer.parameters,
            feeds_on=layer.feeds_on,
        )
        for layer in facts.layers
    )
    return network_graph(boxes, input_shape=facts.input_shape, total=facts.counted, dead=facts.dead)
