"""The floor of a training: what torch's convolutions alone take, forward and back, in an epoch of 60,000 digits.

    python -m benchmarks convolutions [--repeats 7] [--batch 64]

The three networks of `seed_networks.py`. Each convolution is run by itself on inputs of its size, in both layouts
of maps, forward and back (weights, and inputs but for the first one's); the least of the repeats counts, in CPU
seconds of one thread. Beside it a matrix product of 1024 by 1024, which is what this core can do. Whatever else a
training needs comes on top, so no engine that calls these convolutions is faster than this.
"""

import argparse
import time
from collections.abc import Callable

import torch
from seed_networks import NETWORKS, build
from torch import Tensor, nn

DIGITS = 60_000
LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}


def convolutions(model: nn.Module, batch: int) -> list[tuple[nn.Conv2d, Tensor]]:
    """Each convolution of the network with an input of the shape that it gets, in the order of the pass."""
    found: list[tuple[nn.Conv2d, Tensor]] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...], _outputs: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        found.append((module, torch.randn_like(inputs[0])))

    hooks = [m.register_forward_hook(note) for m in model.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        model(torch.randn(batch, 1, 28, 28))
    for hook in hooks:
        hook.remove()
    return found


def least(work: Callable[[], object], repeats: int) -> float:
    """The least CPU seconds of so many calls after one that warms up."""
    spent = []
    for _ in range(repeats + 1):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent[1:])


def both_ways(
    convolution: nn.Conv2d, values: Tensor, layout: torch.memory_format, first: bool
) -> Callable[[], object]:
    """A pass forward and back of one convolution."""
    inputs = values.contiguous(memory_format=layout).requires_grad_(not first)
    weights = list(convolution.to(memory_format=layout).parameters())  # type: ignore[call-overload]
    with torch.no_grad():
        gradient = torch.randn_like(convolution(inputs))
    wanted = weights if first else [inputs, *weights]
    return lambda: torch.autograd.grad(convolution(inputs), wanted, gradient)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--batch", type=int, default=64)
    given = parser.parse_args()
    torch.set_num_threads(1)
    square = torch.randn(1024, 1024)
    peak = 2 * 1024**3 / least(lambda: square @ square, given.repeats) / 1e9
    print(f"a matrix product: {peak:.0f} GFLOP/s")
    print(f"{'network':<10}" + "".join(f"{name:>16}" for name in LAYOUTS) + f"{'GFLOP':>8}{'GFLOP/s':>9}")
    for entry in NETWORKS:
        found = convolutions(build(entry), given.batch)
        batches = DIGITS / given.batch
        seconds = [
            batches
            * sum(least(both_ways(c, x, layout, n == 0), given.repeats) for n, (c, x) in enumerate(found))
            for layout in LAYOUTS.values()
        ]
        work = sum(operations(c, x, first=n == 0) for n, (c, x) in enumerate(found)) * batches / 1e9
        spent = "".join(f"{value:>16.1f}" for value in seconds)
        print(f"{entry.parameters:<10,}{spent}{work:>8.0f}{work / min(seconds):>9.1f}", flush=True)


def operations(convolution: nn.Conv2d, values: Tensor, *, first: bool) -> float:
    """Multiplications and additions forward and back."""
    with torch.no_grad():
        out = convolution(values)
    return 2 * out.numel() * convolution.weight[0].numel() * (2 if first else 3)


if __name__ == "__main__":
    main()
