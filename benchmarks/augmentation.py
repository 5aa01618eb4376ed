"""What augmentation costs in a batch of ours beside torchvision's own transforms, digit by digit, on the same
digits.

    python benchmarks/augmentation.py [--batches 50]

Random digits in batches of 64, one thread; CPU seconds for an epoch of 60,000 digits. The bytes are equal
(`tests/execute/engine/test_transforms.py`).
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor

from grader.core.facts.recipe import Part
from grader.execute.engine.recipes.transforms import compile_training
from grader.sandbox.worker.torchvision_ops import declare

BATCH = 64
TENSOR = (Part(kind="ToTensor"), Part(kind="Normalize", arguments={"mean": (0.1307,), "std": (0.3081,)}))
PARTS = {
    "rotation": Part(kind="RandomRotation", arguments={"degrees": (-7.0, 7.0), "fill": 0}),
    "affine": Part(
        kind="RandomAffine",
        arguments={"degrees": (-10.0, 10.0), "translate": (0.1, 0.1), "scale": (0.9, 1.1)},
    ),
    "jitter": Part(kind="ColorJitter", arguments={"brightness": (0.9, 1.1), "contrast": (0.9, 1.1)}),
}


def seconds(work: Callable[[Tensor], object], batches: int) -> float:
    """CPU seconds for an epoch, reckoned from so many batches."""
    digits = torch.randint(0, 256, (BATCH, 28, 28), dtype=torch.uint8)
    work(digits)
    started = time.process_time()
    for _ in range(batches):
        work(digits)
    return (time.process_time() - started) * 60_000 / (BATCH * batches)


def main() -> None:
    """Both ways for each transform."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batches", type=int, default=50)
    options = parser.parse_args()
    declare()
    from torchvision import transforms as tv

    torch.set_num_threads(1)
    torch.manual_seed(0)
    theirs = {
        "rotation": tv.RandomRotation((-7.0, 7.0), fill=(0,)),
        "affine": tv.RandomAffine(10, translate=(0.1, 0.1), scale=(0.9, 1.1)),
        "jitter": tv.ColorJitter(brightness=0.1, contrast=0.1),
    }
    for name, part in PARTS.items():
        whole = tv.Compose([tv.ToPILImage(), theirs[name], tv.ToTensor(), tv.Normalize((0.1307,), (0.3081,))])
        ours = compile_training((part, *TENSOR), (1, 28, 28))
        one = seconds(lambda digits, whole=whole: [whole(digit) for digit in digits], options.batches)
        batched = seconds(ours, options.batches)
        print(
            f"{name}: torchvision {one:.1f} s, ours {batched:.1f} s an epoch, "
            f"{one / batched:.1f} times as fast"
        )


if __name__ == "__main__":
    main()
