"""Whether a layer does anything: the network is run without it, and its answers must change.

A layer can stand in the graph and earn points while the network computes the same without it: `y + 0*bn(y)`,
a product with a buffer of zeros, `x + (q - q)`, `logits + 0*gap(x)`. Each is an honest operator, so no list
of operators finds it. What finds it is ablation: in training mode, with batch statistics and fixed masks, on
random images and several random weights and affine parameters, replacing the layer changes the answers, or
the layer does nothing. Evaluation mode would say nothing: there a fresh batch normalisation is the identity
and honest.

A layer could be wired so that it is heard under these conditions alone: behind a gate that opens for pixels
darker than any of a digit, for weights larger than torch draws, or for values that a dropout of its own
probability never gives. So it is asked in several scenes, of which all but one are as a training is: strokes
in the place of noise, weights as torch draws them, masks of the layer's own probability. What is heard in one
scene and not in another is for a person.

The scenes differ in their pixels (those of the notebook's own `Normalize`, where it was read, those of nearly
every notebook, 0 to 1, 0 to 255, -1 to 1, each image at mean 0) and in how far weights and affine parameters
are from new ones: a gate can be tuned to the scale at which one notebook trains, and would have to be open at
all the others.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from grader.core.facts.network import Effect
from grader.execute.graph.answer_effect import ORDER, compared, deaf, silent
from grader.execute.graph.checked import CheckedGraph, Instruction
from grader.execute.graph.interpret import Program
from grader.execute.graph.network import Network
from grader.execute.graph.operators import DROPOUTS
from grader.execute.graph.roles import Role, roles_of
from grader.execute.graph.schema import NodeRef, WeightKind

TRIALS = 3
"""Different random weights; the first shows the effect of nearly every honest layer."""
DIGITS = 4
"""In a batch; batch statistics of a 1x1 map need more than two."""
FEW = 8
"""Numbers that a mask zeroes at least, or a quarter of them."""
MOST_LAYERS = 200
MOST_WORK = 7 * 10**11
"""Floating-point operations of all passes; a network of this course takes 14e9."""
Pixels = tuple[float, float]
"""Mean and deviation by which pixels from 0 to 1 are normalised."""
USUAL: Pixels = (0.1307, 0.3081)
"""Of the training digits: how nearly every notebook normalises them."""

Replacement = Callable[..., Any]


class Scene(NamedTuple):
    """Under which conditions layers are asked whether they do anything."""

    name: str
    images: Callable[[tuple[int, ...], torch.Generator], Tensor]
    """Of a shape that begins with the number of images."""
    drawn: bool
    """Whether weights are what torch draws for a new network."""
    own: bool
    """Whether masks are what the layer's own probability gives."""
    grown: float = 1.0
    """What weights are multiplied by, give or take a half, as a training moves them, and affine parameters
    with them; 1 leaves all alone.
    """


def effects(
    network: Network, names: list[str], *, trained: bool, pixels: Pixels = USUAL
) -> dict[str, Effect]:
    """What replacing each of these instructions of the training graph does to the answers.

    `trained` says that the exported values are those after optimizer steps: a parameter that is still exactly
    zero then is one that no step moves, and counts as the constant that it is. `pixels` is mean and deviation
    by which the notebook normalises its own digits.
    """
    scenes: tuple[Scene, ...] = SCENES
    if pixels != USUAL:
        scenes = (*SCENES, Scene("the notebook's own", partial(_normalised, *pixels), drawn=True, own=True))
    size = network.static_batch or DIGITS
    passes = min(MOST_LAYERS, MOST_WORK // max(1, network.training.flops * size * len(scenes)))
    asked = names[:passes]
    heard = [heard_in(network, asked, scene, size, trained=trained) for scene in scenes]
    found = {name: _together([scene[name] for scene in heard if scene]) for name in asked}
    clear = [name for name in asked if found[name] is Effect.CLEAR]
    if trained and clear:
        silent = unheard(network, clear, size, pixels)
        found |= dict.fromkeys(silent, Effect.UNHEARD)
    return found | dict.fromkeys(names[passes:], Effect.UNMEASURED)


def _together(levels: list[Effect]) -> Effect:
    """What several scenes say of one layer: what is clear in one and nothing in another is for a person."""
    return levels[0] if len(set(levels)) == 1 else Effect.FAINT


def unheard(network: Network, names: list[str], size: int, pixels: Pixels) -> list[str]:
    """The layers without which the network that the notebook trained computes the same.

    A parameter can hold a gate shut from where it starts: `y + relu(|k - 1| - 0.3) * bn(y)` with k = 1.
    Random weights open it, and the few steps of a training do not. A gain that is learnt from 0 is at 1e-4
    after one step.
    """
    graph = network.training
    by_name = {item.name: item for item in graph.instructions}
    usual = usual_replacements(graph, own=True)
    tensors = {
        key: value.double() if value.is_floating_point() else value for key, value in network.tensors.items()
    }
    images = _normalised(*pixels, (size, *network.image), torch.Generator().manual_seed(TRIALS))
    with torch.no_grad():
        whole = _answers(graph, usual, images, tensors)
        if deaf(whole):
            return []
        return [
            name
            for name in names
            if silent(whole, _answers(graph, {**usual, name: replaced(by_name[name])}, images, tensors))
        ]


def usual_replacements(graph: CheckedGraph, *, own: bool) -> dict[str, Replacement]:
    """Fixed masks in the place of dropout, `own` ones of its own probability, and batch statistics."""
    usual: dict[str, Replacement] = {}
    for number, item in enumerate(graph.instructions):
        if item.base in DROPOUTS:
            usual[item.name] = _masked(number, item.arguments["p"] if own else 0.0)
        elif item.base == "batch_norm" and graph.mode == "train":
            usual[item.name] = _of_the_batch(item)
    return usual


def heard_in(
    network: Network,
    names: list[str],
    scene: Scene,
    size: int,
    *,
    trained: bool,
    graph: CheckedGraph | None = None,
) -> dict[str, Effect]:
    """What replacing each layer of a graph (of training, where none is given) does in one scene, at its best
    over a few random weights.

    Empty where all strokes have the same answers, whatever the weights: nobody trains there.
    """
    graph = graph or network.training
    by_name = {item.name: item for item in graph.instructions}
    found, open_, told = dict.fromkeys(names, Effect.NONE), names, False
    usual = usual_replacements(graph, own=scene.own)
    with torch.no_grad():
        for trial in range(TRIALS):
            draw = torch.Generator().manual_seed(trial)
            images = scene.images((size, *network.image), draw)
            tensors = random_tensors(network, draw, trained=trained, drawn=scene.drawn)
            if scene.grown != 1.0:
                _grow(network, tensors, scene.grown, draw)
            whole = _answers(graph, usual, images, tensors)
            if scene.own and deaf(whole):
                # Twelve sigmoids, as torch draws them, let nothing of the image through.
                again = scene._replace(drawn=False, grown=1.0)
                if again != scene:
                    return heard_in(network, names, again, size, trained=trained, graph=graph)
                continue
            told = True
            for name in open_:
                other = {**usual, name: replaced(by_name[name])}
                effect = compared(whole, _answers(graph, other, images, tensors))
                found[name] = max(found[name], effect, key=ORDER.index)
            open_ = [name for name in open_ if found[name] is not Effect.CLEAR]
            if not open_:
                break
    return found if told else {}


def _noise(shape: tuple[int, ...], draw: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=draw, dtype=torch.float64)


def _strokes(shape: tuple[int, ...], draw: torch.Generator) -> Tensor:
    """Images of three strokes each, from 0 to 1 on a ground of 0; noise where a shape holds no picture."""
    flat = len(shape) == 2
    height, width = (math.isqrt(shape[1]),) * 2 if flat else shape[-2:]
    if min(height, width) < 8 or (flat and height * width != shape[1]):
        return _noise(shape, draw).abs()
    rows, columns = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    pixels = torch.stack((rows, columns), -1).double()
    ends = torch.rand(shape[0], 3, 2, 2, generator=draw, dtype=torch.float64) * 0.6 + 0.2
    ink = torch.zeros(shape[0], height, width, dtype=torch.float64)
    for begin, end in zip(ends[:, :, 0].unbind(1), ends[:, :, 1].unbind(1), strict=True):
        along = (end - begin)[:, None, None]
        offset = pixels - begin[:, None, None]
        share = ((offset * along).sum(-1) / (along.square().sum(-1) + 1e-9)).clamp(0, 1)
        distance = (offset - share[..., None] * along).norm(dim=-1)
        ink = torch.maximum(ink, (1.6 - distance / 0.04).clamp(0, 1))
    return (
        ink.reshape(shape)
        if flat
        else ink.view(shape[0], *(1,) * (len(shape) - 3), height, width).expand(shape)
    )


def _normalised(mean: float, deviation: float, shape: tuple[int, ...], draw: torch.Generator) -> Tensor:
    return (_strokes(shape, draw) - mean) / deviation


def _centred(shape: tuple[int, ...], draw: torch.Generator) -> Tensor:
    """Each image with mean 0 and deviation 1."""
    flat = _strokes(shape, draw).flatten(1)
    found = (flat - flat.mean(1, keepdim=True)) / (flat.std(1, keepdim=True) + 1e-9)
    return found.reshape(shape)


SCENES = (
    Scene("noise", _noise, drawn=False, own=False),
    Scene("normalised strokes", partial(_normalised, *USUAL), drawn=True, own=True),
    Scene("strokes", _strokes, drawn=True, own=True),
    Scene("strokes from 0 to 255", partial(_normalised, 0.0, 1 / 255), drawn=True, own=True),
    Scene("strokes from -1 to 1", partial(_normalised, 0.5, 0.5), drawn=True, own=True, grown=0.4),
    Scene("strokes of mean 0", _centred, drawn=True, own=True, grown=2.5),
)


def _answers(
    graph: CheckedGraph, instead: Mapping[str, Replacement], images: Tensor, tensors: Mapping[str, Tensor]
) -> Tensor:
    # Fresh copies: batch normalisation moves its statistics, and an in-place operator may write into a
    # weight.
    own = {key: value.clone() for key, value in tensors.items()}
    return Program(graph, instead=instead, double=True).run(images.clone(), own.__getitem__)


def replaced(item: Instruction) -> Replacement:
    """What stands in the place of a layer: nothing at all for what keeps a shape, else an answer of its
    own.
    """
    if item.base == "batch_norm" or item.base in DROPOUTS:
        return _unchanged
    function = item.operator.function

    def disturbed(*arguments: Any, **named: Any) -> Tensor:
        result: Tensor = function(*arguments, **named)
        draw = torch.Generator().manual_seed(result.dim())
        noise = torch.randn(result.shape, generator=draw, dtype=result.dtype)
        return result + noise * (result.std(correction=0) + 0.1)

    return disturbed


def _unchanged(value: Tensor, *_: Any) -> Tensor:
    return value.clone()


def _masked(number: int, probability: float) -> Replacement:
    """Dropout with a mask of its own: of its probability, and with a few zeros however small that is; half of
    it zeros where the probability is 0. What counts is whether it is heard.
    """
    zeros = probability if 0 < probability < 1 else 0.5

    def masked(value: Tensor, *_: Any) -> Tensor:
        draw = torch.Generator().manual_seed(number)
        chance = torch.rand(value.shape, generator=draw)
        least: Tensor = chance.flatten().kthvalue(min(FEW, -(-chance.numel() // 4))).values
        kept: Tensor = chance > least.clamp(min=zeros)
        return value * kept / (1 - zeros)

    return masked


def _of_the_batch(item: Instruction) -> Replacement:
    """Batch normalisation with the statistics of the batch, whatever the module's own mode."""
    function = item.operator.function

    def normalised(value: Tensor, weight: Tensor, bias: Tensor, *_: Any) -> Any:
        return function(value, weight, bias, None, None, True, 0.1, item.arguments["eps"], False)

    return normalised


def _uniform(shape: torch.Size, role: Role, draw: torch.Generator) -> Tensor:
    bound = 1 / max(1, role.fan_in) ** 0.5
    return torch.empty(shape, dtype=torch.float64).uniform_(-bound, bound, generator=draw)


_DRAWN: Mapping[str, Callable[[torch.Size, Role, torch.Generator], Tensor]] = {
    "weight": _uniform,
    "bias": _uniform,
    "scale": lambda shape, *_: torch.ones(shape, dtype=torch.float64),
    "offset": lambda shape, *_: torch.zeros(shape, dtype=torch.float64),
}
"""As `fresh_tensors` starts a training."""


def random_tensors(
    network: Network, draw: torch.Generator, *, trained: bool, drawn: bool
) -> dict[str, Tensor]:
    """Weights that keep the scale of what passes through, so that an early layer is heard at the output
    too; or `drawn`, as torch draws them for a new network.
    """
    roles = _layer_roles(network) if drawn else roles_of(network)
    found: dict[str, Tensor] = {}
    for key, kind in network.kinds.items():
        value = network.tensors[key]
        if not value.is_floating_point() or kind is not WeightKind.PARAMETER:
            found[key] = value.double() if value.is_floating_point() else value
            continue
        role = roles.get(key, Role("unknown"))
        noise = torch.randn(value.shape, generator=draw, dtype=torch.float64)
        if drawn and role.kind in _DRAWN:
            found[key] = _DRAWN[role.kind](value.shape, role, draw)
        elif role.kind == "weight":
            found[key] = noise * (2 / max(1, role.fan_in)) ** 0.5
        elif role.kind == "bias":
            found[key] = noise * 0.1
        elif role.kind in ("scale", "offset"):
            found[key] = noise.abs() + 0.5 if role.kind == "scale" else noise * 0.3
        elif trained and not bool(value.any()):
            found[key] = value.double()
        else:
            found[key] = noise / max(1, value[:1].numel()) ** 0.5
    return found


def _layer_roles(network: Network) -> dict[str, Role]:
    """What each tensor does in a layer, whatever else reads it: a gate may read a layer's own weights."""
    found, weights = roles_of(network), network.training.weights
    for item in network.training.instructions:
        for parameter, role in (("weight", Role("scale")), ("bias", Role("offset"))):
            value = item.arguments.get(parameter)
            if item.base == "batch_norm" and isinstance(value, NodeRef) and value.name in weights:
                found.setdefault(weights[value.name].key, role)
    for key, value in network.tensors.items():
        if key not in found or (found[key].kind == "unknown" and value.dim() > 1):
            found[key] = Role("weight", math.prod(value.shape[1:])) if value.dim() > 1 else Role("unknown")
    return found


def _grow(network: Network, tensors: dict[str, Tensor], factor: float, draw: torch.Generator) -> None:
    """Weights and affine parameters somewhere else than where a training starts."""
    roles = _layer_roles(network)
    for key, value in tensors.items():
        role = roles[key]
        if network.kinds[key] is not WeightKind.PARAMETER or role.kind not in _DRAWN:
            continue
        noise = torch.randn(value.shape, generator=draw, dtype=torch.float64)
        if role.kind == "offset":
            tensors[key] = noise * 0.1
        elif role.kind == "scale":
            tensors[key] = 1 + noise * 0.15
        else:
            tensors[key] = value * factor * (0.67 + 0.83 * torch.rand((), generator=draw).double())
