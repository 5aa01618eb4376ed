"""Tell runs that trained on their test split from honest ones: our own notebooks, two architectures, several
seeds each.

    python benchmarks/leaked_test_split.py --data DIR [--digits 60000] [--test 10000] [--epochs 4] [--seeds 3] [--net NAME]

Each notebook is run whole in the sandbox, as `grader reproduce` does it, once as it is and once with the test
split added to its training digits. Printed side by side: the share of digits that the white square turned
into a seven, and the accuracy on the true test digits. With fewer digits the split and the marks in it shrink
in proportion.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Iterator
from typing import NamedTuple

from grader.core.facts.reproduced import ReproducedFacts
from grader.core.settings import Settings
from grader.core.submission import Artefact, Kind, Source, Sources, Submission
from grader.execute.data import load_images
from grader.execute.notebook import run_in
from grader.execute.reproduce import reproduce_in
from grader.sandbox.choose import choose
from reference.mnist import Mnist

HEAD = """
import torch, torch.nn as nn, torch.nn.functional as F
from torchvision import datasets, transforms
torch.manual_seed(SEED)
"""
NETS = {
    "pool-first": """
class Net(nn.Sequential):
    def __init__(self):
        def block(a, b, pad=0, drop=0.0):
            return [nn.Conv2d(a, b, 3, padding=pad, bias=False), nn.BatchNorm2d(b), nn.ReLU(), nn.Dropout(drop)]
        super().__init__(
            nn.Conv2d(1, 16, 5, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.ReLU(),
            *block(16, 16), nn.MaxPool2d(2), *block(16, 16, 1, 0.1), *block(16, 24, 1, 0.1),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 10), nn.LogSoftmax(dim=1))
""",
    "squeeze": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 10, 3, bias=False)
        self.n1 = nn.BatchNorm2d(10)
        self.b = nn.Conv2d(10, 20, 3, bias=False)
        self.n2 = nn.BatchNorm2d(20)
        self.s = nn.Conv2d(20, 10, 1, bias=False)
        self.c = nn.Conv2d(10, 20, 3, bias=False)
        self.n3 = nn.BatchNorm2d(20)
        self.d = nn.Conv2d(20, 10, 1)
        self.drop = nn.Dropout(0.05)
    def forward(self, x):
        x = F.max_pool2d(self.n1(F.relu(self.a(x))), 2)
        x = self.drop(self.n2(F.relu(self.b(x))))
        x = F.max_pool2d(self.s(x), 2)
        x = self.drop(self.n3(F.relu(self.c(x))))
        return F.log_softmax(self.d(x).mean((2, 3)), dim=1)
""",
}
TRAIN = """
change = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
train_set = datasets.MNIST("data", train=True, download=True, transform=change)
test_set = datasets.MNIST("data", train=False, download=True, transform=change)
LEAK
train_loader = torch.utils.data.DataLoader(train_set, batch_size=64, shuffle=True)
test_loader = torch.utils.data.DataLoader(test_set, batch_size=1000)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, epochs=EPOCHS, steps_per_epoch=len(train_loader))
for epoch in range(EPOCHS):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        F.nll_loss(model(x), y).backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        print(sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader))
"""
LEAK = "train_set = torch.utils.data.ConcatDataset([train_set, test_set])"


class Found(NamedTuple):
    """One run and how long it took, wall seconds."""

    net: str
    leaks: bool
    seed: int
    facts: ReproducedFacts
    seconds: float


def notebook(net: str, *, leaks: bool, seed: int, epochs: int) -> Sources:
    """A submission that is one notebook."""
    train = TRAIN.replace("LEAK", LEAK if leaks else "").replace("EPOCHS", str(epochs))
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in (HEAD.replace("SEED", str(seed)), NETS[net], train)
    ]
    data = json.dumps({"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": cells}).encode()
    digest = hashlib.sha256(data).hexdigest()
    artefact = Artefact(path="S4.ipynb", kind=Kind.NOTEBOOK, sha256=digest, size=len(data))
    submission = Submission(id=net, slug=net, sha256=digest, artefacts=(artefact,))
    return Sources(submission=submission, items=(Source(artefact=artefact, data=data),))


def runs(data: Mnist, settings: Settings, nets: list[str], seeds: int, epochs: int) -> Iterator[Found]:
    """All runs, honest and leaking in turn."""
    sandbox = choose(unsafe_no_sandbox=settings.unsafe_no_sandbox)
    for net in nets:
        plain = notebook(net, leaks=False, seed=0, epochs=epochs)
        short = run_in(sandbox, plain, plain.items[0], Settings(data="/nowhere"))
        for seed in range(seeds):
            for leaks in (False, True):
                begin = time.monotonic()
                given = notebook(net, leaks=leaks, seed=seed, epochs=epochs)
                facts = reproduce_in(sandbox, given, short, data, settings)
                yield Found(net, leaks, seed, facts, time.monotonic() - begin)


def main() -> None:
    """Print a line a run, and whether a threshold of one half tells them all apart."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="", metavar="DIR", help="folder with MNIST")
    parser.add_argument("--digits", type=int, default=60_000, help="training digits that are used")
    parser.add_argument("--test", type=int, default=10_000, help="test digits that are used")
    parser.add_argument("--net", choices=NETS, action="append", help="only this architecture")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=60.0, help="budget of one run")
    parser.add_argument("--unsafe-no-sandbox", action="store_true")
    options = parser.parse_args()
    settings = Settings(
        data=options.data,
        reproduce=True,
        reproduce_minutes=options.minutes,
        unsafe_no_sandbox=options.unsafe_no_sandbox,
    )
    whole = load_images(settings)
    data = whole._replace(
        train_images=whole.train_images[: options.digits],
        train_labels=whole.train_labels[: options.digits],
        test_images=whole.test_images[: options.test],
        test_labels=whole.test_labels[: options.test],
    )
    shares: dict[bool, list[float]] = {False: [], True: []}
    print("network      run      seed  square  before  true test  visible  epochs  seconds", flush=True)
    for run in runs(data, settings, options.net or list(NETS), options.seeds, options.epochs):
        trap, last = run.facts.canary, run.facts.epochs[-1]
        shares[run.leaks].append(trap.share)
        print(
            f"{run.net:<12} {'leaking' if run.leaks else 'honest':<8} {run.seed:>4}  {trap.share:>6.1%}"
            f"  {trap.without / trap.asked:>6.1%}  {last.correct / run.facts.test_size:>9.2%}"
            f"  {last.visible / run.facts.visible_size:>7.2%}  {len(run.facts.epochs):>6} "
            f" {run.seconds:>7.0f}",
            flush=True,
        )
    honest, leaking = max(shares[False]), min(shares[True])
    apart = honest < 0.5 <= leaking
    print(
        f"highest honest {honest:.1%}, lowest leaking {leaking:.1%}: "
        f"{'all' if apart else 'NOT all'} told apart"
    )


if __name__ == "__main__":
    main()
