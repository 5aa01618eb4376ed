"""How far the training accuracy of the first epoch lies apart from seed to seed, and from that at its end.

    python benchmarks/training_accuracy.py --data DIR [--seeds 6]

Trains our reference networks for one epoch each with a plain recipe (SGD or Adam, batches of 128, no
augmentation) and prints, for each, the right answers counted while the epoch went on, the training and the
test accuracy at its end, and the deviation between seeds. `grader.core.rubric.TRAINING_SPREAD` rests on it.
"""

import argparse
import statistics

import torch
from torch.nn import functional

from reference import mnist, network

RATES = {"SGD": 0.05, "Adam": 0.005}


def epoch(model: torch.nn.Module, data: mnist.Mnist, optimizer: torch.optim.Optimizer) -> tuple[float, ...]:
    """Percent right while the epoch goes on, and of training and test digits at its end."""
    images = ((torch.from_numpy(data.train_images).unsqueeze(1).float() / 255) - 0.1307) / 0.3081
    tests = ((torch.from_numpy(data.test_images).unsqueeze(1).float() / 255) - 0.1307) / 0.3081
    labels, truth = torch.from_numpy(data.train_labels), torch.from_numpy(data.test_labels)
    right = 0
    model.train()
    for batch in torch.randperm(len(labels)).split(128):
        answers = model(images[batch])
        right += int((answers.argmax(1) == labels[batch]).sum())
        optimizer.zero_grad()
        functional.cross_entropy(answers, labels[batch]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    model.eval()
    after, test = _right(model, images, labels), _right(model, tests, truth)
    return 100 * right / len(labels), 100 * after / len(labels), 100 * test / len(truth)


@torch.no_grad()
def _right(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> int:
    parts = zip(images.split(1000), labels.split(1000), strict=True)  # type: ignore[no-untyped-call]
    return sum(int((model(x).argmax(1) == y).sum()) for x, y in parts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data")
    parser.add_argument("--seeds", type=int, default=6)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = mnist.load(options.data)
    for name in ("compact", "default"):
        for kind, rate in RATES.items():
            rows = []
            for seed in range(options.seeds):
                torch.manual_seed(seed)
                model = network.build(name, seed)
                optimizer = getattr(torch.optim, kind)(model.parameters(), lr=rate)
                rows.append(epoch(model, data, optimizer))
            during, after, test = (
                f"{statistics.mean(column):.2f} ± {statistics.stdev(column):.2f}"
                for column in zip(*rows, strict=True)
            )
            print(f"{name:8} {kind:5} while it goes on {during}, at its end {after}, test {test}", flush=True)


if __name__ == "__main__":
    main()
