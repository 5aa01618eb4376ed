"""CPU seconds of an epoch of batches: torch's DataLoader as it is, and with batches from memory. Nothing is
trained.

    python benchmarks/batch_loader.py --data DIR [--digits 12000] [--repeats 3]

Both read the same digits in the same shuffled order; that the batches are the same bit for bit is a test, and
is checked here again.
"""

import argparse
import hashlib
import statistics
import time

import torch
from torch.utils.data import DataLoader

from grader.core.assigned_data import MNIST
from grader.core.settings import Settings
from grader.execute.data import load_images
from grader.execute.digits import pack
from grader.sandbox.worker import loader, mnist_stub, torchvision_ops
from grader.sandbox.worker.patches import Ledger


def epoch(data: object) -> tuple[float, str]:
    """CPU seconds of one shuffled epoch of batches of 64, and a digest of all of them."""
    torch.manual_seed(1)
    batches = DataLoader(data, batch_size=64, shuffle=True)  # type: ignore[arg-type]
    seen = []
    begin = time.process_time()
    for images, labels in batches:
        seen.append((images, labels))
    spent = time.process_time() - begin
    digest = hashlib.sha256(b"".join(t.numpy().tobytes() for pair in seen for t in pair)).hexdigest()
    return spent, digest


def main() -> None:
    """Print both and their ratio, for 60,000 digits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="", metavar="DIR", help="folder with MNIST")
    parser.add_argument("--digits", type=int, default=12_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torchvision_ops.declare()
    from torchvision import datasets, transforms

    about = mnist_stub.About(**MNIST.seen_inside())  # type: ignore[arg-type]
    mnist = load_images(Settings(data=options.data))
    blob = pack(
        mnist.train_images[: options.digits],
        mnist.train_labels[: options.digits],
        mnist.train_images[:1],
        mnist.train_labels[:1],
    )
    mnist_stub.install(mnist_stub.load(blob, about), Ledger(), about)
    change = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    data = datasets.MNIST("data", transform=change)
    slow, fast = [], []
    for _ in range(options.repeats):
        plain, expected = epoch(data)
        ledger = Ledger()
        loader.install(ledger, datasets.MNIST)
        quick, found = epoch(data)
        ledger.restore()
        assert found == expected, "the batches differ"
        slow.append(plain * 60_000 / options.digits)
        fast.append(quick * 60_000 / options.digits)
    before, after = statistics.median(slow), statistics.median(fast)
    print(
        f"CPU seconds for 60,000 digits, median of {options.repeats}: torch {before:.2f}, "
        f"from memory {after:.2f}"
    )
    print(
        f"{before / after:.1f} times as fast; {before - after:.2f} s saved an epoch; the "
        "same batches bit for bit"
    )


if __name__ == "__main__":
    main()
