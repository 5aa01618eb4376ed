"""What a checked network is, as facts: counted by what its output depends on."""

from collections import Counter
from collections.abc import Iterable, Mapping

from grader.core.facts.network import (
    BatchNorm,
    Declared,
    Dropout,
    DropoutKind,
    Effect,
    GapKind,
    Layer,
    Linear,
    NetworkFacts,
    OutputKind,
    PointConvolution,
    Pooling,
    Reduction,
    Where,
)
from grader.execute.graph.ablation import Pixels, effects
from grader.execute.graph.checked import CheckedGraph, Instruction, references
from grader.execute.graph.idle_layers import idle_layers
from grader.execute.graph.network import Network
from grader.execute.graph.operators import ACTIVATIONS, DROPOUTS, IDENTITIES, SHAPES, SOFTMAX
from grader.execute.graph.pooling import collapses, stays_small, users_of
from grader.execute.graph.receptive import last_field, not_counted, receptive_fields
from grader.execute.graph.schema import NodeRef, WeightKind, refusing

_WEIGHTED = frozenset({"conv1d", "conv2d", "linear"})
_POOLS = frozenset(
    {"max_pool2d", "max_pool2d_with_indices", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"}
)
_INVISIBLE = SHAPES | IDENTITIES | {"sym_size", "getitem"}
_SIZES = frozenset({"operator.mul", "operator.add", "operator.sub", "operator.floordiv", "aten.sym_size.int"})
_ORDER = tuple(GapKind)
_EARNING = frozenset({"batch_norm", "linear"}) | DROPOUTS
_AVERAGED = frozenset({GapKind.FULL, GapKind.CROP})
"""Collapses whose effect is measured; an average over a 1x1 map is told by its shape."""


def network_facts(network: Network, artefact: str = "") -> NetworkFacts:
    """Read the facts off both graphs: layers off the training graph, what stays on off the evaluation graph.

    Raises:
        InvalidNetwork: the graphs passed validation and still cannot be worked with.

    """
    with refusing("the exported network cannot be looked into"):
        return _facts(network, artefact, {})


def measured_facts(network: Network, artefact: str, *, trained: bool, pixels: Pixels) -> NetworkFacts:
    """The same, with what each layer that earns points does to the answers; raises InvalidNetwork."""
    with refusing("the exported network cannot be looked into"):
        graph = network.training
        averages = [item for item in collapses(graph) if item.kind in _AVERAGED]
        earning = [
            i.name for i in graph.instructions if i.base in _EARNING or _is_point_convolution(i, graph)
        ]
        names = list(dict.fromkeys([*earning, *(item.instruction.name for item in averages)]))
        found = effects(network, names, trained=trained, pixels=pixels)
        clear = {name for name, effect in found.items() if effect is Effect.CLEAR}
        idle = idle_layers(network, averages)
        return _facts(network, artefact, found | {name: idle[name] for name in clear & idle.keys()})


def _facts(network: Network, artefact: str, found: Mapping[str, Effect]) -> NetworkFacts:
    graph, evaluation = network.training, network.evaluation
    layers = _layers(network)
    positions = {name: layer.index for name, layer in layers.items()}
    in_evaluation = _counterparts(graph, evaluation)
    reductions = _reductions(graph, positions, found)
    parameters = [key for key, kind in network.kinds.items() if kind is WeightKind.PARAMETER]
    live = sum(network.tensors[key].numel() for key in parameters)
    constants = sum(
        network.tensors[key].numel()
        for key, kind in network.kinds.items()
        if kind is not WeightKind.PARAMETER and key not in network.statistics
    )
    declared = [
        Declared(name=name, shape=shape, dtype=dtype) for name, shape, dtype in network.claim.parameters
    ]
    output = graph.shapes[graph.output]
    fields = receptive_fields(graph)
    return NetworkFacts(
        artefact=artefact,
        name=network.claim.class_name,
        graph=network.digest,
        declared_parameters=sum(item.size for item in declared),
        parameters=live,
        constants=constants,
        unused=tuple(item for item in declared if item.name not in network.kinds),
        reused=_reused(graph),
        input_shape=network.image,
        output=_output_kind(evaluation),
        outputs=output.extents[1],
        modes=network.modes,
        modes_difference=network.difference,
        static_batch=network.static_batch,
        batchnorm=tuple(_batchnorms(graph, in_evaluation, layers, found)),
        dropout=(
            *_dropouts(graph, in_evaluation, layers, found),
            *_only_in_evaluation(evaluation, in_evaluation),
        ),
        pooling=tuple(
            Pooling(layer=positions[item.name], operator=item.base, distance=layers[item.name].distance)
            for item in graph.instructions
            if item.base in _POOLS and item.shape is not None and (item.shape.map or (1, 1)) != (1, 1)
        ),
        gap=_gap(reductions),
        reductions=reductions,
        linear=tuple(_linears(graph, positions, found)),
        point_convolutions=tuple(_point_convolutions(graph, positions, found)),
        activations=dict(
            sorted(Counter(i.base for i in graph.instructions if i.base in ACTIVATIONS).items())
        ),
        receptive_field=last_field(graph, fields),
        beyond_receptive_field=not_counted(graph),
        flops=graph.flops,
        layers=tuple(layers.values()),
        dead=(*network.claim.discarded, *graph.dead),
    )


def _layers(network: Network) -> dict[str, Layer]:
    """Operators that are more than a change of shape, by the name of their result, in order."""
    graph = network.training
    fields = receptive_fields(graph)
    distances = _distances(graph)
    produced: dict[str, tuple[int, ...]] = {graph.input: (-1,)}
    layers: dict[str, Layer] = {}
    for item in graph.instructions:
        feeds = tuple(dict.fromkeys(origin for name in item.sources for origin in produced.get(name, ())))
        if item.base in _INVISIBLE or item.operator.name in _SIZES:
            produced[item.name] = feeds
            continue
        keys = [graph.weights[name].key for name in dict.fromkeys(item.sources) if name in graph.weights]
        trained = [key for key in keys if network.kinds[key] is WeightKind.PARAMETER]
        before = graph.shapes.get(next((name for name in item.sources if name not in graph.weights), ""))
        weight = item.arguments.get("weight")
        kernel = _pair(item.arguments.get("kernel_size"))
        if item.base == "conv2d" and isinstance(weight, NodeRef):
            kernel = graph.shapes[weight.name].extents[2:]
        layer = Layer(
            index=len(layers),
            operator=item.base,
            module=keys[0].rpartition(".")[0] if keys else "",
            input_shape=before.without_batch if before else (),
            output_shape=item.shape.without_batch if item.shape else (),
            parameters=sum(network.tensors[key].numel() for key in trained),
            feeds_on=feeds,
            kernel=kernel,
            stride=(_pair(item.arguments.get("stride")) or kernel) if kernel else (),
            padding=_pair(item.arguments.get("padding")) if kernel else (),
            dilation=_pair(item.arguments.get("dilation")) if kernel else (),
            groups=_groups(item.arguments),
            receptive_field=fields.get(item.name, 0),
            distance=distances.get(item.name, 0),
            flops=item.flops,
        )
        layers[item.name] = layer
        produced[item.name] = (layer.index,)
    return layers


def _groups(arguments: Mapping[str, object]) -> int:
    """`groups` of a convolution, `num_groups` of a group normalisation; 0 where there is neither."""
    value = arguments.get("groups", arguments.get("num_groups", 0))
    return value if type(value) is int else 0


def _pair(value: object) -> tuple[int, ...]:
    sides = value if isinstance(value, tuple) else (value,)
    numbers = tuple(side for side in sides if type(side) is int)
    if len(numbers) != len(sides):
        return ()
    return numbers * 2 if len(numbers) == 1 else numbers


def _distances(graph: CheckedGraph) -> dict[str, int]:
    """The largest number of convolutions and fully connected layers between a value and the output."""
    distances: dict[str, int] = {graph.output: 0}
    for item in reversed(graph.instructions):
        beyond = distances.get(item.name, 0) + (1 if item.base in _WEIGHTED else 0)
        for name in item.sources:
            distances[name] = max(distances.get(name, 0), beyond)
    return distances


def _counterparts(training: CheckedGraph, evaluation: CheckedGraph) -> dict[str, Instruction]:
    """The operator of the evaluation graph that does the same job, for normalisations and dropout.

    A batch normalisation is known by its weights or statistics, else both are counted off in order.
    """
    found: dict[str, Instruction] = {}
    for group in (frozenset({"batch_norm"}), DROPOUTS):
        there = [item for item in evaluation.instructions if item.base in group]
        here = [item for item in training.instructions if item.base in group]
        if [_tensor_keys(training, item) for item in here] == [
            _tensor_keys(evaluation, item) for item in there
        ]:
            found |= {item.name: other for item, other in zip(here, there, strict=True)}
    return found


def _tensor_keys(graph: CheckedGraph, item: Instruction) -> tuple[str, ...]:
    return tuple(graph.weights[name].key for name in item.sources if name in graph.weights)


def _batchnorms(
    graph: CheckedGraph,
    counterparts: Mapping[str, Instruction],
    layers: Mapping[str, Layer],
    found: Mapping[str, Effect],
) -> Iterable[BatchNorm]:
    for item in graph.instructions:
        if item.base == "batch_norm" and item.shape is not None:
            other = counterparts.get(item.name)
            yield BatchNorm(
                layer=layers[item.name].index,
                features=item.shape.extents[1],
                batch_statistics_in_eval=other is not None and bool(other.arguments["training"]),
                distance=layers[item.name].distance,
                effect=found.get(item.name, Effect.CLEAR),
            )


def _dropouts(
    graph: CheckedGraph,
    counterparts: Mapping[str, Instruction],
    layers: Mapping[str, Layer],
    found: Mapping[str, Effect],
) -> Iterable[Dropout]:
    for item in graph.instructions:
        if item.base in DROPOUTS:
            other = counterparts.get(item.name)
            yield Dropout(
                layer=layers[item.name].index,
                p=float(item.arguments["p"]),
                kind=DropoutKind.CHANNEL if item.base == "feature_dropout" else DropoutKind.ELEMENT,
                active_in_training=bool(item.arguments["train"]) and item.arguments["p"] > 0,
                active_in_eval=other is not None
                and bool(other.arguments["train"])
                and other.arguments["p"] > 0,
                distance=layers[item.name].distance,
                effect=found.get(item.name, Effect.CLEAR),
            )


def _only_in_evaluation(
    evaluation: CheckedGraph, counterparts: Mapping[str, Instruction]
) -> Iterable[Dropout]:
    """Dropout of the evaluation graph that has no counterpart in training, where it is on."""
    matched = {item.name for item in counterparts.values()}
    distances = _distances(evaluation)
    for item in evaluation.instructions:
        if (
            item.base in DROPOUTS
            and item.name not in matched
            and item.arguments["train"]
            and item.arguments["p"] > 0
        ):
            yield Dropout(
                layer=-1,
                p=float(item.arguments["p"]),
                kind=DropoutKind.CHANNEL if item.base == "feature_dropout" else DropoutKind.ELEMENT,
                active_in_training=False,
                active_in_eval=True,
                distance=distances.get(item.name, 0),
            )


def _reductions(
    graph: CheckedGraph, positions: Mapping[str, int], found: Mapping[str, Effect]
) -> tuple[Reduction, ...]:
    users = users_of(graph)
    return tuple(
        Reduction(
            layer=positions[item.instruction.name],
            kind=item.kind,
            operator=item.instruction.base,
            map=item.map,
            window=item.window,
            where=Where.HEAD if stays_small(item.instruction.name, graph, users) else Where.ATTENTION,
            effect=found.get(item.instruction.name, Effect.CLEAR),
        )
        for item in collapses(graph)
    )


def _gap(reductions: Iterable[Reduction]) -> GapKind:
    """The first kind in the order of `GapKind`; inside an attention block only a full average says anything.

    What the answers do not depend on is not how the network gets from a map to a vector.
    """
    kinds = {GapKind.ABSENT}
    for item in reductions:
        if item.effect is Effect.NONE:
            continue
        if item.where is Where.HEAD:
            kinds.add(item.kind)
        elif item.kind is GapKind.FULL:
            kinds.add(GapKind.ATTENTION_ONLY)
    return min(kinds, key=_ORDER.index)


def _linears(
    graph: CheckedGraph, positions: Mapping[str, int], found: Mapping[str, Effect]
) -> Iterable[Linear]:
    by_name = {item.name: item for item in graph.instructions}
    for item in graph.instructions:
        if item.base == "linear" and isinstance(weight := item.arguments["weight"], NodeRef):
            outputs, inputs = graph.shapes[weight.name].extents
            yield Linear(
                layer=positions[item.name],
                inputs=inputs,
                outputs=outputs,
                bias=item.arguments["bias"] is not None,
                map=_flattened(item, graph, by_name),
                effect=found.get(item.name, Effect.CLEAR),
            )


def _flattened(item: Instruction, graph: CheckedGraph, by_name: Mapping[str, Instruction]) -> tuple[int, int]:
    """(height, width) of the map that a fully connected layer reads through changes of shape and dropout."""
    name = item.source
    while True:
        shape = graph.shapes.get(name)
        if shape is not None and shape.map is not None:
            return shape.map
        before = by_name.get(name)
        if before is None or before.base not in SHAPES | IDENTITIES | DROPOUTS | ACTIVATIONS:
            return (1, 1)
        name = before.source


def _point_convolutions(
    graph: CheckedGraph, positions: Mapping[str, int], found: Mapping[str, Effect]
) -> Iterable[PointConvolution]:
    for item in graph.instructions:
        before = graph.shapes.get(item.source)
        if _is_point_convolution(item, graph) and before is not None and item.shape is not None:
            yield PointConvolution(
                layer=positions[item.name],
                inputs=before.extents[1],
                outputs=item.shape.extents[1],
                effect=found.get(item.name, Effect.CLEAR),
            )


def _is_point_convolution(item: Instruction, graph: CheckedGraph) -> bool:
    before = graph.shapes.get(item.source)
    return item.base == "conv2d" and before is not None and before.map == (1, 1)


def _reused(graph: CheckedGraph) -> tuple[str, ...]:
    uses = Counter(name for item in graph.instructions for name in set(references(item.arguments.values())))
    return tuple(
        sorted(
            weight.key
            for name, weight in graph.weights.items()
            if uses[name] > 1 and weight.kind is WeightKind.PARAMETER
        )
    )


def _output_kind(graph: CheckedGraph) -> OutputKind:
    """Which softmax, if any, the output goes through, and over which axis."""
    by_name = {item.name: item for item in graph.instructions}
    item = by_name.get(graph.output)
    while item is not None and item.base in SHAPES | IDENTITIES:
        item = by_name.get(item.source)
    if item is None or item.base not in SOFTMAX or item.shape is None:
        return OutputKind.LOGITS
    axis = item.arguments["dim"] % len(item.shape.extents)
    if axis in item.shape.batch_axes:
        return OutputKind.OVER_BATCH
    return OutputKind.LOG_SOFTMAX if item.base == "log_softmax" else OutputKind.PROBABILITIES
