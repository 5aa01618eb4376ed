"""Which classes of a notebook are networks, after which the epochs of another network count no more."""

import ast

import pytest

from grader.extract.logs.source.network_classes import Classes


def networks(source: str) -> frozenset[str]:
    classes = Classes()
    for statement in ast.parse(source).body:
        classes.take(statement)
        if isinstance(statement, ast.ClassDef):
            classes.defined[statement.name] = statement
    return classes.networks


@pytest.mark.parametrize(
    "source",
    [
        "import torch\nclass A(torch.nn.Module): pass",
        "import torch.nn as nn\nclass A(nn.Module): pass",
        "from torch import nn as layers\nclass A(layers.Sequential): pass",
        "from torch.nn import Module as Base\nclass A(Base): pass",
        "import torch.nn as nn\nclass B(nn.Module): pass\nclass A(B): pass",
        "from model import Base\nclass A(Base): pass",
        "from model import *\nclass A(Base): pass",
        "import torchvision\nclass A(torchvision.models.ResNet): pass",
        "import lightning as L\nclass A(L.LightningModule): pass",
        "import torch.nn as nn\nclass A:\n    def __init__(self):\n        self.net = nn.Sequential(nn.Linear(2, 2))",
    ],
)
def test_a_network_or_what_makes_one(source: str) -> None:
    assert "A" in networks(source)


@pytest.mark.parametrize(
    "source",
    [
        "class A: pass",
        "class A(object): pass",
        "from enum import Enum\nclass A(Enum): pass",
        "from torch.utils.data import Dataset\nclass A(Dataset): pass",
        "import torch.utils.data as data\nclass A(data.Dataset): pass",
        "from torch.optim.lr_scheduler import LRScheduler\nclass A(LRScheduler): pass",
        "from torchvision.datasets import MNIST\nclass A(MNIST): pass",
        "class A:\n    def __init__(self, model):\n        self.model = model",
        "class B: pass\nclass A(B): pass",
        "class A(A): pass",
    ],
)
def test_a_meter_a_trainer_and_a_data_set_are_none(source: str) -> None:
    assert "A" not in networks(source)


def test_a_trainer_that_makes_its_network_makes_one() -> None:
    net = "from torch import nn\nclass Net(nn.Module): pass\n"
    assert "A" in networks(net + "class A:\n    def __init__(self):\n        self.model = Net()")
    assert "A" not in networks(net + "class A:\n    def __init__(self, model):\n        self.model = model")
