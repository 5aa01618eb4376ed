"""Notebooks that define a network, train it and print a log, with the log that their author saved."""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

HEAD = """import torch, torch.nn as nn, torch.nn.functional as F
from torchvision import datasets, transforms
from tqdm import tqdm
"""
NET = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d({channels}, 8, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(8), nn.Dropout(0.05),
            nn.Conv2d(8, {width}, 3), nn.ReLU(), nn.BatchNorm2d({width}), nn.MaxPool2d(2, 2), nn.Dropout(0.05),
            nn.Conv2d({width}, {width}, 3), nn.ReLU(), nn.BatchNorm2d({width}), nn.AdaptiveAvgPool2d(1),
        )
        self.out = nn.Conv2d({width}, 10, 1)
    def forward(self, x):
        return F.log_softmax(self.out(self.body(x)).view(-1, 10), dim=1)
"""
LOOP = """tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
train_loader = torch.utils.data.DataLoader(
    datasets.{data}('../data', train=True, download=True, transform=tensor), batch_size=128, shuffle=True)
test_loader = torch.utils.data.DataLoader(
    datasets.{data}('../data', train=False, transform=tensor), batch_size=128)

def train(model, loader, optimizer):
    model.train()
    correct = processed = 0
    bar = tqdm(loader)
    for batch_idx, (data, target) in enumerate(bar):
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        correct += (output.argmax(dim=1) == target).sum().item()
        processed += len(data)
        bar.set_description(f'Loss={{loss.item()}} Batch_id={{batch_idx}} Accuracy={{100*correct/processed:0.2f}}')

def test(model, loader):
    model.eval()
    loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            loss += F.nll_loss(output, target, reduction='sum').item()
            correct += (output.argmax(dim=1) == target).sum().item()
    n = len(loader.dataset)
    print('Test set: Average loss: {{:.4f}}, Accuracy: {{}}/{{}} ({{:.2f}}%)'.format(loss / n, correct, n, 100 * correct / n))
"""
START = """model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(1, {epochs} + 1):
    print('EPOCH:', epoch)
    train(model, train_loader, optimizer)
    test(model, test_loader)
"""


class Epoch(NamedTuple):
    """What the saved log says of one epoch: training accuracy in percent, right answers of 10,000."""

    trained: float
    right: int


def log_of(epochs: Sequence[Epoch]) -> str:
    """The log as the cell prints it."""
    lines = []
    for number, epoch in enumerate(epochs, 1):
        lines.append(f"EPOCH: {number}")
        bar = "100%|██████████| 469/469 [00:14<00:00, 32.9it/s]"
        lines.append(f"Loss=0.0821 Batch_id=468 Accuracy={epoch.trained:.2f}: {bar}")
        lines.append(
            f"Test set: Average loss: 0.0301, Accuracy: {epoch.right}/10000 ({epoch.right / 100:.2f}%)\n"
        )
    return "\n".join(lines) + "\n"


GROUPS = {"BN": 0, "GN": 4, "LN": 1}
"""Groups of the group normalisation that stands in the place of a batch normalisation; 0 for none."""


def network(width: int, channels: int = 1, norm: str = "BN", name: str = "Net") -> str:
    """The class of the network, with one of the normalisations of `GROUPS`."""
    text = NET.format(width=width, channels=channels).replace("class Net(", f"class {name}(")
    return re.sub(r"BatchNorm2d\(", f"GroupNorm({GROUPS[norm]}, ", text) if GROUPS[norm] else text


def notebook(
    epochs: Sequence[Epoch],
    *,
    width: int = 16,
    data: str = "MNIST",
    channels: int = 1,
    head: str = "",
    net: str = "",
    made: Sequence[str] = ("Net",),
) -> bytes:
    """A notebook of four cells or more; those after the third train one of the classes `made` each, and have
    the log of `epochs` under them. `net` stands in the place of the class.
    """
    sources = [
        HEAD + head,
        net or network(width, channels),
        LOOP.format(data=data),
        *(START.format(epochs=len(epochs)).replace("Net()", f"{name}()") for name in made),
    ]
    log = [{"output_type": "stream", "name": "stdout", "text": log_of(epochs)}]
    outputs = [[], [], [], *(log for _ in made)]
    cells = [
        {"cell_type": "code", "source": s, "metadata": {}, "outputs": o, "execution_count": n}
        for n, (s, o) in enumerate(zip(sources, outputs, strict=True), 1)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def parameters(width: int, channels: int = 1) -> int:
    """Parameters of the network."""
    first = 9 * channels * 8 + 8 + 16
    second = 9 * 8 * width + width + 2 * width
    third = 9 * width * width + width + 2 * width
    return first + second + third + 10 * width + 10
