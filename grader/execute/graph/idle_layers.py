"""Layers that are heard, and are not what they are called: the second look after ablation.

An average of a map on which one number was spread is that number; a normalisation by stored statistics
normalises nothing; a layer of the training alone is not in the network that answers. Each changes the answers
when it is replaced, so what it reads is looked at: on noise, with random weights, in training mode.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from grader.core.facts.network import Effect, GapKind, Modes
from grader.execute.graph.ablation import (
    DIGITS,
    SCENES,
    TRIALS,
    Replacement,
    heard_in,
    random_tensors,
    usual_replacements,
)
from grader.execute.graph.checked import CheckedGraph, Instruction
from grader.execute.graph.interpret import Program
from grader.execute.graph.network import Network
from grader.execute.graph.operators import WEIGHTED
from grader.execute.graph.pooling import Collapse, collapses

ONE = 1e-3
"""Second largest singular value of a map's positions, as a share of the largest: maps of noise have 0.1 and
more, one number on all positions rounding.
"""
COLUMNS = 8
"""Random mixtures of channels and images in which positions are compared: a rank of one stays one."""


def idle_layers(network: Network, averages: Iterable[Collapse]) -> dict[str, Effect]:
    """Why a batch normalisation or a global average of the training graph does not count, by its name."""
    graph = network.training
    full = {item.instruction.name: item.source for item in averages if item.kind is GapKind.FULL}
    norms = {item.name: item for item in graph.instructions if item.base == "batch_norm"}
    fed, learnt = _behind(graph)
    found = _values_tell(network, full, {name: item.source for name, item in norms.items()})
    if network.modes is Modes.DIFFERENT:
        found |= dict.fromkeys(_only_in_training(network, norms.values(), full), Effect.TRAINING_ONLY)
    found |= {name: Effect.UNFED for name, item in norms.items() if item.source not in fed}
    found |= {name: Effect.STORED for name, item in norms.items() if not item.arguments["training"]}
    return found | {name: Effect.PIXELS for name, source in full.items() if source not in learnt}


def _values_tell(
    network: Network, averages: Mapping[str, str], norms: Mapping[str, str]
) -> dict[str, Effect]:
    """What is told by the numbers that layers read, by the layers' names: for each of several weights."""
    found = dict.fromkeys(norms, Effect.UNFED) | dict.fromkeys(averages, Effect.ONE_NUMBER)
    for trial in range(TRIALS):
        values = _values(network, {*averages.values(), *norms.values()}, trial)
        for name, source in {**norms, **averages}.items():
            value = values.get(source)
            if value is None or (_follows_the_image(value) if name in norms else not _is_one_number(value)):
                found.pop(name, None)
        if not found:
            break
    return found


def _values(network: Network, names: set[str], trial: int) -> dict[str, Tensor]:
    """What some values of the training graph are for a few images of noise, with random weights.

    Left out are those that are not of one row or map for each image.
    """
    graph, size, noise = network.training, network.static_batch or DIGITS, SCENES[0]
    usual, values = usual_replacements(graph, own=True), dict[str, Tensor]()
    kept = {
        item.name: _kept(item, usual.get(item.name), values)
        for item in graph.instructions
        if item.name in names
    }
    draw = torch.Generator().manual_seed(trial)
    images = noise.images((size, *network.image), draw)
    tensors = random_tensors(network, draw, trained=False, drawn=noise.drawn)
    if graph.input in names:
        values[graph.input] = images.clone()
    with torch.no_grad():
        Program(graph, instead=usual | kept, double=True).run(images, tensors.__getitem__)
    return {name: value for name, value in values.items() if value.dim() > 1 and len(value) % size == 0}


def _kept(item: Instruction, usual: Replacement | None, values: dict[str, Tensor]) -> Replacement:
    function = usual or item.operator.function

    def kept(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        if isinstance(result, Tensor):
            values[item.name] = result.clone()
        return result

    return kept


def _follows_the_image(value: Tensor) -> bool:
    return float((value.amax(0) - value.amin(0)).max()) > ONE * float(value.abs().max())


def _is_one_number(value: Tensor) -> bool:
    """Whether the positions of maps (N, C, H, W), less what is the same for all images, are multiples of one.

    So is a map of which all positions but one are constant. False where nothing of a map is alive.
    """
    moved = (value - value.mean(0)).flatten(2).permute(2, 0, 1).flatten(1)
    draw = torch.Generator().manual_seed(0)
    mixed = moved @ torch.randn(moved.shape[1], COLUMNS, generator=draw, dtype=moved.dtype)
    sizes = torch.linalg.svdvals(mixed)
    return bool(sizes[0] > 0) and bool(sizes[1] <= ONE * sizes[0])


def _behind(graph: CheckedGraph) -> tuple[set[str], set[str]]:
    """The values that are made of the image, and those behind a convolution or a fully connected layer."""
    fed, learnt = {graph.input}, set[str]()
    for item in graph.instructions:
        if item.base != "sym_size" and fed.intersection(item.sources):
            fed.add(item.name)
            if item.base in WEIGHTED or learnt.intersection(item.sources):
                learnt.add(item.name)
    return fed, learnt


def _only_in_training(network: Network, norms: Iterable[Instruction], full: Iterable[str]) -> list[str]:
    """The layers of a training graph that do nothing in a graph of evaluation that is another network's."""
    graph = network.evaluation
    averages = [item.instruction.name for item in collapses(graph) if item.kind is GapKind.FULL]
    norms_there = {
        item.name: _tensors(graph, item) for item in graph.instructions if item.base == "batch_norm"
    }
    names = [*averages, *norms_there]
    size = network.static_batch or DIGITS
    heard = heard_in(network, names, SCENES[0], size, trained=False, graph=graph)
    there = {name for name in names if heard.get(name) is not Effect.NONE}
    missing = [
        item.name
        for item in norms
        if not any(
            _same(norms_there[name], _tensors(network.training, item)) for name in there & {*norms_there}
        )
    ]
    return missing if there.intersection(averages) else [*missing, *full]


def _same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether normalisations of two graphs, with these tensors, are one layer's: those without any may be."""
    return bool(one & other) or not (one or other)


def _tensors(graph: CheckedGraph, item: Instruction) -> frozenset[str]:
    """What a normalisation works with, also where it is repeated or cut: ghost normalisation repeats scale
    and offset in training, and cuts its statistics in evaluation.
    """
    made_by = {each.name: each.sources for each in graph.instructions}
    fed, _ = _behind(graph)
    open_, found, seen = list(item.sources), set[str](), set[str]()
    while open_:
        name = open_.pop()
        if name in graph.weights:
            found.add(graph.weights[name].key)
        elif name not in fed and name not in seen:
            seen.add(name)
            open_ += made_by.get(name, ())
    return frozenset(found)
