"""Which kernels compute a training on this processor: torch's own, or those of `native/` where they are
built.

The native ones are tried beside torch before they count. Where torch draws its masks in another way (on
Intel's processors, with MKL), or keeps its generator otherwise, dropout stays torch's own: the same bits by
definition, so that this makes no third set.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from grader.core.facts.retrain import KernelSet
from grader.execute.engine.ways import native_kernels
from grader.execute.engine.ways.native_kernels import Kernels, in_place_of
from grader.execute.graph.interpret import GraphNetwork
from grader.execute.graph.network import Network

PRECISE = 1e-4
"""Distance of a kernel's numbers from those of float64, as a share of their length, that a trial allows."""
_SHAPES = ((3, 1, 5, 7), (2, 3, 2, 2), (64, 11, 6, 6), (32, 16, 13, 13), (5, 24, 3, 3), (4, 512, 2, 3))
_UNSURE = frozenset({"group_norm", "instance_norm", "layer_norm"})
"""What torch computes on maps beside batch normalisation: left in the layout in which a notebook has it."""


class Chosen(NamedTuple):
    """The set of this process, and why it is no other."""

    kernels: KernelSet
    why: str = ""


def chosen() -> KernelSet:
    """The kernels with which a CPU trains here."""
    return choice().kernels


@cache
def choice() -> Chosen:
    """The same with its reason, for a person; found once a process."""
    try:
        kernels = _module()
    except ImportError:
        return Chosen(KernelSet.TORCH, "the native kernels are not built (`make native`)")
    fault = fault_of(kernels)
    if fault:
        return Chosen(KernelSet.TORCH, f"the native kernels: {fault}")
    return Chosen(
        KernelSet.NATIVE, "" if draws_alike(kernels) else "dropout is torch's, which draws otherwise here"
    )


def _module() -> Kernels:
    import grader_native

    return cast(Kernels, grader_native)


def fault_of(kernels: Kernels) -> str:
    """Why these kernels train nothing on this machine; empty where they do."""
    if getattr(kernels, "VERSION", None) != native_kernels.VERSION:
        return "they are of another version"
    trials = [partial(_normalises_well, kernels, rectify, shape) for rectify in range(4) for shape in _SHAPES]
    return "" if _all_hold(trials) else "batch normalisation is not that of float64"


@cache
def draws_alike(kernels: Kernels) -> bool:
    """Whether their dropout has torch's bits on this machine, and leaves the generator where torch does."""
    return _all_hold([partial(_drops_alike, kernels, p, shape) for p in (0.05, 0.5) for shape in _SHAPES])


def _all_hold(trials: Sequence[Callable[[], bool]]) -> bool:
    """Torch's generator and threads are left as they were."""
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(20)
    try:
        return all(trial() for trial in trials)
    except (RuntimeError, ValueError, TypeError):  # what the kernels refuse
        return False
    finally:
        torch.set_rng_state(state)
        torch.set_num_threads(threads)


def _drops_alike(kernels: Kernels, p: float, shape: tuple[int, ...]) -> bool:
    torch.rand(1)  # one word of the generator, so that pairs also lie across the end of its block
    values = torch.randn(shape).contiguous(memory_format=torch.channels_last)
    upstream = torch.randn(shape)
    state = torch.get_rng_state()
    expected = _passes(lambda x: torch.dropout(x, p, True), values, upstream)
    after = torch.get_rng_state()
    torch.set_rng_state(state)
    found = _passes(lambda x: native_kernels.dropout(kernels, x, p, True), values, upstream)
    same = all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
    return same and torch.equal(torch.get_rng_state(), after)


def _normalises_well(kernels: Kernels, rectify: int, shape: tuple[int, ...]) -> bool:
    channels = shape[1]
    maps = (3 * torch.randn(shape) + 2 * torch.randn(channels, 1, 1)).contiguous(
        memory_format=torch.channels_last
    )
    weight, bias = nn.Parameter(torch.randn(channels)), nn.Parameter(torch.randn(channels))
    upstream = torch.randn(shape)

    def step(normalise: Callable[..., Tensor], double: bool) -> list[Tensor]:
        kind = torch.float64 if double else torch.float32
        running = (torch.zeros(channels, dtype=kind), torch.ones(channels, dtype=kind))
        own = [value.detach().to(kind).requires_grad_() for value in (weight, bias)]

        def work(x: Tensor) -> Tensor:
            return normalise(x, *own, *running, True, 0.1, 1e-5, False)

        passed = _passes(work, maps.to(kind), upstream.to(kind))
        return [*passed, *(cast(Tensor, value.grad) for value in own), *running]

    def by_torch(x: Tensor, *others: Any) -> Tensor:
        normed = torch.batch_norm(torch.relu(x) if rectify & 1 else x, *others)
        return torch.relu(normed) if rectify & 2 else normed

    found = step(partial(native_kernels.batch_norm, kernels, rectify), double=False)
    expected = step(by_torch, double=True)
    pairs = zip(found, expected, strict=True)
    return all(float((one - other).norm()) <= PRECISE * float(other.norm()) for one, other in pairs)


def _passes(work: Callable[[Tensor], Tensor], values: Tensor, upstream: Tensor) -> tuple[Tensor, ...]:
    leaf = values.clone().requires_grad_()
    answers = work(leaf)
    # The same gradient as from `backward(upstream)`, which imports torch's compiler to compare two shapes.
    (answers * upstream).sum().backward()  # type: ignore[no-untyped-call]
    return answers.detach(), cast(Tensor, leaf.grad)


def build(
    kernels: KernelSet, network: Network, tensors: dict[str, Tensor], *, dropout: bool
) -> tuple[GraphNetwork, torch.memory_format]:
    """The network with these kernels, and the layout of its maps in which they train it.

    Torch's kernels take contiguous maps. In channels_last, a quarter faster, torch's batch normalisation adds
    up in float32 row by row: gradients are up to 6 % from those of float64, where contiguous maps come to
    0.007 %.
    """
    if kernels is KernelSet.TORCH:
        return GraphNetwork(network, tensors, training_dropout=dropout), torch.contiguous_format
    native = _module()
    instead = in_place_of(network.training, native, drops=draws_alike(native))
    model = GraphNetwork(network, tensors, training_dropout=dropout, instead=instead)
    bases = {item.base for item in network.training.instructions}
    last = len(network.image) == 3 and "batch_norm" in bases and not bases & _UNSURE
    if last and _takes(model, network, torch.channels_last):
        return model, torch.channels_last
    return model, torch.contiguous_format


@torch.no_grad()
def _takes(model: GraphNetwork, network: Network, layout: torch.memory_format) -> bool:
    """Whether it computes in that layout; it does not where it insists on views of contiguous maps."""
    state = torch.get_rng_state()
    saved = {key: value.clone() for key, value in model.tensors().items()}
    probe = torch.zeros(4, *network.image)
    try:
        model.to(memory_format=layout)  # type: ignore[call-overload]
        for training in (False, True):
            model.train(training)(probe.contiguous(memory_format=layout))
    except RuntimeError:
        return False
    finally:
        model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        for key, value in model.tensors().items():
            value.copy_(saved[key])
        torch.set_rng_state(state)
    return True
