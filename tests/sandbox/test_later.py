"""Modules that are put off cost nothing until they are used, and are then the real ones."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

pytestmark = pytest.mark.slow

if importlib.util.find_spec("torchvision") is None:
    pytest.skip("torchvision is not installed: `pip install '.[all]'`", allow_module_level=True)

START = """
import sys, types
import torch
from grader.sandbox.worker import later, torchvision_ops
torchvision_ops.declare()
imported = later.install()
import torchvision
from torchvision import datasets, transforms
imported()

def loaded():
    return sorted({"sympy", "torch._dynamo.utils", "torchvision.models.resnet", "torchvision.ops.boxes"} & set(sys.modules))

def trained(kind, **options):
    torch.manual_seed(1)
    model = torch.nn.Linear(20, 3)
    optimizer = kind(model.parameters(), **options)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.rand(4, 20)).square().sum().backward()
        optimizer.step()
        schedule.step()
    optimizer.load_state_dict(optimizer.state_dict())
    return model.weight.detach().clone()

KINDS = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adadelta)
"""


def run(code: str) -> None:
    """Run `code` in a process that starts from nothing."""
    result = subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]


FORK = """
import json, os
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        exec(json.loads(line))
        sys.stdout.flush()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
"""Each line is run in a fork of a process that has done nothing else than to import."""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], None]]:
    """Runs code in a process of its own, after torchvision was imported as the worker does it: once for all
    of them, since it takes half of their seconds.
    """
    if not hasattr(os, "fork"):
        yield run
        return
    said = tmp_path_factory.mktemp("later") / "stderr"
    with (
        said.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", START + FORK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        asked, answers = process.stdin, process.stdout
        assert asked is not None
        assert answers is not None

        def forked(code: str) -> None:
            asked.write(json.dumps(code) + "\n")
            asked.flush()
            assert answers.readline() == "0\n", said.read_text("utf-8")[-2000:]

        yield forked
        asked.close()


def test_a_training_loads_none_of_them_and_is_the_same_as_with_them(imported: Callable[[str], None]) -> None:
    imported("""
import inspect, pickle
before = [trained(kind, lr=0.01) for kind in KINDS]
inspect.getmodule(trained)
for name, module in list(sys.modules.items()):  # as whoever looks for the module of an object does
    hasattr(module, "__file__"), getattr(module, "__name__", ""), repr(module)
assert not loaded(), loaded()
import torch._dynamo.utils
assert "torch._dynamo.utils" in loaded()
assert type(sys.modules["torch._dynamo"]) is types.ModuleType
after = [trained(kind, lr=0.01) for kind in KINDS]
assert all(torch.equal(a, b) for a, b in zip(before, after))
""")


@pytest.mark.parametrize(
    "use",
    [
        'assert torchvision.models.__dict__["resnet18"]',
        "from torchvision.models import *; resnet18",
        "import torchvision.models.detection; torchvision.models.detection.fasterrcnn_resnet50_fpn",
    ],
)
def test_whoever_uses_the_models_finds_all_of_them(use: str, imported: Callable[[str], None]) -> None:
    imported(f"""
{use}
assert type(torchvision.models) is types.ModuleType
assert torchvision.models is sys.modules["torchvision.models"]
assert torchvision.models.resnet18(num_classes=3)(torch.rand(1, 3, 64, 64)).shape == (1, 3)
""")


def test_operators_compiler_and_export_work_when_they_are_asked_for(imported: Callable[[str], None]) -> None:
    imported("""
trained(torch.optim.SGD, lr=0.1)
box = torch.tensor([[0., 0., 2., 2.]])
assert torchvision.ops.box_iou(box, box).item() == 1
assert trained(torch.optim.SGD, lr=0.1).shape == (3, 20)
model = torch.nn.Linear(4, 2)
assert torch.compile(model, backend="eager")(torch.rand(3, 4)).shape == (3, 2)
assert len(torch.export.export(model, (torch.rand(3, 4),)).graph.nodes) == 5
kept = torch._dynamo.disable(lambda x: x + 1)
assert kept(1) == 2
""")


def test_what_a_notebook_disables_stays_disabled_once_there_is_a_compiler(
    imported: Callable[[str], None],
) -> None:
    imported("""
graphs = []

def backend(graph, _example):
    graphs.append(str(graph.graph))
    return graph.forward

@torch._dynamo.disable
def apart(x):
    return x.sin()

def whole(x):
    return apart(x.cos()).tan()

assert not loaded()
assert torch.equal(torch.compile(whole, backend=backend)(torch.ones(2)), whole(torch.ones(2)))
assert len(graphs) == 2 and not any("sin" in graph for graph in graphs), graphs
""")


def test_what_is_loaded_already_stays(imported: Callable[[str], None]) -> None:
    imported("""
import importlib
for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
    del sys.modules[name]
import torch._dynamo
kept = sys.modules["torch._dynamo"], torch._dynamo.disable
later.install()
assert (sys.modules["torch._dynamo"], torch._dynamo.disable) == kept
""")
