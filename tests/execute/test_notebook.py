"""The notebook runner, from the bytes of a submission to the record of the run."""

import hashlib
import json
import math
import struct

import msgspec
import pytest

from grader.core.facts.notebook import CellStatus, Choice, Ending, Isolation, NotebookRun
from grader.core.faults import SandboxFault, Unavailable
from grader.core.outcome import Verdict
from grader.core.settings import Settings
from grader.core.submission import Artefact, Kind, Source, Sources, Submission
from grader.execute import notebook as runner
from grader.execute.entries import choose_entry, entries
from grader.sandbox.api import Frame, Limits, RunResult, RunStatus, Sandbox
from grader.sandbox.bwrap import Bubblewrap
from grader.sandbox.none import Unisolated
from tests.sandbox.conftest import bwrap as bwrap  # noqa: PLC0414  (a fixture of the neighbour)

pytestmark = pytest.mark.slow

QUIET = Settings(data="/nowhere")  # without MNIST: digits are drawn
KINDS = {"ipynb": Kind.NOTEBOOK, "py": Kind.SOURCE, "md": Kind.README}

HEAD = """
import torch, torch.nn as nn, torch.nn.functional as F
from torchvision import datasets, transforms
"""
NET = """
class Net(nn.Module):
    def __init__(self, width, drop):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3)
        self.bn = nn.BatchNorm2d(width)
        self.drop = nn.Dropout(drop)
        self.out = nn.Conv2d(width, 10, 1)
        self.gap = nn.AdaptiveAvgPool2d(1)
    def forward(self, x):
        x = self.drop(F.relu(self.bn(self.conv(x))))
        return F.log_softmax(self.gap(self.out(x)).view(-1, 10), dim=1)
"""
TRAIN = """
def train(model, loader, optimizer):
    model.train()
    for x, y in tqdm(loader):
        optimizer.zero_grad()
        F.nll_loss(model(x), y).backward()
        optimizer.step()
def test(model, loader):
    model.eval()
    with torch.no_grad():
        for x, y in loader:
            model(x)
    print('Accuracy 99.9%')
"""


def ipynb(*cells: str) -> bytes:
    made = [
        {"cell_type": "code", "source": c, "metadata": {}, "outputs": [], "execution_count": None}
        for c in cells
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": made}).encode()


def sources(files: dict[str, bytes]) -> Sources:
    items = []
    for path, data in sorted(files.items()):
        kind = KINDS.get(path.rsplit(".", 1)[-1], Kind.OTHER)
        artefact = Artefact(path=path, kind=kind, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        items.append(Source(artefact=artefact, data=data))
    submission = Submission(id="s", slug="s", sha256="", artefacts=tuple(i.artefact for i in items))
    return Sources(submission=submission, items=tuple(items))


def run(sandbox: Sandbox, files: dict[str, bytes], limits: Limits | None = None) -> NotebookRun:
    given = sources(files)
    entry = choose_entry(given)
    assert entry is not None
    return runner.run_in(sandbox, given, entry, QUIET, limits)


def tensors(safetensors: bytes) -> dict[str, list[float]]:
    """Read the float32 tensors of a safetensors file by its published layout."""
    size = int.from_bytes(safetensors[:8], "little")
    header, body = json.loads(safetensors[8 : 8 + size]), safetensors[8 + size :]
    found = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = entry["data_offsets"]
            found[name] = list(struct.unpack(f"<{(end - start) // 4}f", body[start:end]))
    return found


def full_run(sandbox: Sandbox) -> NotebookRun:
    """One notebook with most of what real ones do."""
    cells = [
        (
            "!pip install torchsummary\n%matplotlib inline\nfrom google.colab import "
            "drive\ndrive.mount('/content')\nfiles = !ls\n"
        ),
        HEAD + "from tqdm.notebook import tqdm\nfrom torchsummary import summary\nimport wandb\n"
        "from helper import BATCH\nwandb.init(config={'lr': 0.05})\nassert wandb.config.lr == 0.05",
        NET + TRAIN,
        """
torch.manual_seed(7)
tf = transforms.Compose([transforms.RandomRotation((-7.0, 7.0), fill=(0,)), transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
plain = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
train_data = datasets.MNIST('../data', train=True, download=True, transform=tf)
test_data = datasets.MNIST('../data', train=False, transform=plain)
part, rest = torch.utils.data.random_split(train_data, [50000, 10000])
loader = torch.utils.data.DataLoader(train_data, shuffle=True, batch_size=BATCH, num_workers=4, pin_memory=True)
tests = torch.utils.data.DataLoader(test_data, batch_size=1000, num_workers=2)
images, labels = iter(loader).next()
print(images.shape, len(part), len(rest))
""",
        "first = Net(40, 0.5)\ntrain(first, loader, torch.optim.Adam(first.parameters()))",
        """
model = Net(6, drop=0.1)
summary(model, input_size=(1, 28, 28))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5, verbose=True)
for epoch in range(1, 4):
    train(model, loader, optimizer)
    test(model, tests)
    scheduler.step()
""",
        (
            "model.train()\nwith torch.no_grad():\n    model.conv.weight.fill_(float('nan'))\n    "
            "model(torch.full((2, 1, 28, 28), float('nan')))"
        ),
        "x = 1\n1 / 0",
        "name = input('your name')",
        (
            "nn.Module.parameters = lambda self, recurse=True: iter(())\nprint(sum(p.numel() for p in "
            "model.parameters()))"
        ),
    ]
    return run(sandbox, {"S4/mnist.ipynb": ipynb(*cells), "S4/helper.py": b"BATCH = 128"})


def check_it_ended_well_and_isolated(run: NotebookRun) -> None:
    assert run.ending is Ending.OK, run.notes
    assert run.isolation.isolated
    assert not run.isolation.network
    assert run.data == "synthetic"


def check_cells(run: NotebookRun) -> None:
    assert [c.cell for c in run.cells] == list(range(1, 11))
    assert [(c.cell, c.error, c.line) for c in run.failed] == [
        (8, "ZeroDivisionError", 2),
        (9, "EOFError", 1),
    ]
    assert "torch.Size([128, 1, 28, 28]) 160 32" in run.cells[3].stdout
    assert run.cells[9].stdout.strip() == "0"


def check_the_last_trained_network_is_the_submission(run: NotebookRun) -> None:
    assert run.choice is Choice.LAST_TRAINED
    chosen = [m for m in run.models if m.chosen]
    assert [(m.name, m.declared, m.steps) for m in chosen] == [("Net", 60 + 12 + 70, 6)]
    assert sorted(m.declared for m in run.models) == [142, 890]


def check_the_weights_are_those_of_the_last_step(run: NotebookRun) -> None:
    assert [f.kind for f in run.export] == ["model", "graph", "graph", "weights"]
    values = [v for row in tensors(run.export[3].payload).values() for v in row]
    assert len(values) >= 142
    assert all(map(math.isfinite, values))


def check_a_patched_parameters_counts_nothing_away(run: NotebookRun) -> None:
    from grader.execute.graph.provider import network_facts

    network = network_facts(run)
    assert (network.declared_parameters, network.parameters) == (142, 142)


def check_every_shim_is_listed(run: NotebookRun) -> None:
    names = {s.name for s in run.shims}
    expected = {
        "mnist", "pip", "magic", "shell-command", "stub-module", "torchsummary", "tqdm-notebook", "iterator-next",
        "scheduler-verbose", "data-loader-workers", "dataset-slice", "input",
    }  # fmt: skip
    assert expected <= names
    stubs = next(s for s in run.shims if s.name == "stub-module")
    assert "wandb" in stubs.what
    assert "google.colab" in stubs.what


def check_the_recipe_is_read_from_the_live_objects(run: NotebookRun) -> None:
    from grader.core.facts.recipe import decode_recipe
    from grader.execute.engine.recipes.recipe import resolve

    recipe = decode_recipe(run.recipe)
    assert recipe is not None
    assert recipe.missing == ()
    assert recipe.optimizer is not None
    assert recipe.optimizer.kind == "SGD"
    assert (recipe.optimizer.arguments["lr"], recipe.optimizer.arguments["momentum"]) == (0.05, 0.9)
    assert recipe.scheduler is not None
    assert recipe.scheduler.arguments == {"step_size": 2, "gamma": 0.5}
    assert recipe.stepping.value == "epoch"
    assert (recipe.epochs, recipe.batch_size, recipe.shuffle, recipe.seed) == (3, 128, True, 7)
    assert [p.kind for p in recipe.training_transform or ()] == [
        "RandomRotation",
        "ToTensor",
        "Normalize",
    ]
    assert [p.kind for p in recipe.test_transform or ()] == ["ToTensor", "Normalize"]
    assert recipe.default_initialisation
    assert resolve(recipe, (1, 28, 28)).plan is not None


@pytest.mark.sandbox
def test_a_notebook_as_students_write_them(bwrap: Bubblewrap) -> None:
    """One run, looked at from every side: each costs an import of torch."""
    found = full_run(bwrap)
    check_it_ended_well_and_isolated(found)
    check_cells(found)
    check_the_last_trained_network_is_the_submission(found)
    check_the_weights_are_those_of_the_last_step(found)
    check_a_patched_parameters_counts_nothing_away(found)
    check_every_shim_is_listed(found)
    check_the_recipe_is_read_from_the_live_objects(found)


@pytest.mark.sandbox
def test_frames_forged_beside_ours_void_the_network(bwrap: Bubblewrap) -> None:
    forge = (
        "import os\npipe = next(fd for fd in range(3, 64) if os.path.exists(f'/proc/self/fd/{fd}') and "
        "'pipe' in os.readlink(f'/proc/self/fd/{fd}'))\n"
        "os.write(pipe, len(b'{}').to_bytes(4, 'little') + bytes([2]) + b'{}')\nprint('forged')"
    )
    found = run(bwrap, {"a.ipynb": ipynb(HEAD + NET + "model = Net(4, 0.1)", forge)})
    assert found.ending is Ending.PROTOCOL_ERROR
    assert found.export == ()
    assert found.export_error


def test_a_python_file_and_a_class_that_nobody_instantiates() -> None:
    """Unisolated, with pieces between `# %%` marks, one of which never ends; it rings the alarm of its time
    limit itself.
    """
    script = (
        HEAD + "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.c = "
        "nn.Conv2d(1, 10, 28)\n"
    )
    script += (
        "    def forward(self, x):\n        return self.c(x).flatten(1)\n# %%\nimport signal\nwhile "
        "True:\n    try:\n        signal.raise_signal(signal.SIGALRM)\n    except Exception:\n     "
        "   pass\n# %%\nprint('after')\n"
    )
    found = run(Unisolated(unsafe_no_sandbox=True), {"model.py": script.encode()})
    assert [c.status for c in found.cells] == [CellStatus.OK, CellStatus.TIMEOUT, CellStatus.OK]
    assert found.cells[2].stdout == "after\n"
    assert found.choice is Choice.EXTRACTED
    assert [m.name for m in found.models] == ["Net"]
    assert not found.isolation.isolated


def frame(kind: str, value: object) -> Frame:
    return Frame(kind=kind, payload=value if isinstance(value, bytes) else json.dumps(value).encode())


def result(*frames: Frame, status: RunStatus = RunStatus.OK) -> RunResult:
    return RunResult(
        status=status, frames=frames, isolation=Isolation(backend="test", isolated=True), detail=""
    )


RUN = {
    "error": "",
    "data": "synthetic",
    "shims": [],
    "models": [],
    "choice": "none",
    "export_error": "nothing",
    "notes": [],
}
CELL = {"cell": 1, "status": "ok", "error": "", "message": "", "line": 0, "stdout": ""}


@pytest.mark.parametrize(
    "frames",
    [
        [frame("cell", {**CELL, "status": "perfect"})],
        [frame("cell", {**CELL, "accuracy": 99.9})],
        [frame("cell", {**CELL, "cell": "1"})],
        [frame("run", RUN), frame("run", RUN)],
        [frame("run", {**RUN, "choice": "best"})],
        [frame("model", {}), frame("weights", b"")],
        [
            frame("model", {}),
            frame("graph", {}),
            frame("graph", {}),
            frame("weights", b""),
            frame("weights", b""),
        ],
        [frame("run", [])],
    ],
)
def test_frames_that_our_worker_does_not_send(frames: list[Frame]) -> None:
    found = runner.record("a.ipynb", result(*frames))
    assert found.ending is Ending.PROTOCOL_ERROR
    assert found.export == ()
    assert "not what our worker sends" in found.notes[-1]


def test_a_worker_that_stopped_early_leaves_its_cells() -> None:
    found = runner.record("a.ipynb", result(frame("cell", CELL), status=RunStatus.INCOMPLETE))
    assert found.ending is Ending.INCOMPLETE
    assert len(found.cells) == 1
    assert found.export_error


def test_what_cannot_be_read_is_for_a_person() -> None:
    with pytest.raises(Unavailable, match="no JSON") as caught:
        runner.record(
            "a.ipynb", result(frame("run", {**RUN, "error": "the notebook cannot be read: no JSON"}))
        )
    assert caught.value.verdict is Verdict.UNKNOWN


def test_reasons_not_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def verdict(files: dict[str, bytes], settings: Settings = QUIET) -> Verdict:
        with pytest.raises(Unavailable) as caught:
            runner.run_notebook(sources(files), settings)
        return caught.value.verdict

    assert verdict({"README.md": b"hello"}) is Verdict.SKIPPED
    assert verdict({"a.ipynb": ipynb(HEAD)}, Settings(execute=False)) is Verdict.SKIPPED
    assert verdict({"a.ipynb": ipynb("from keras.models import Sequential")}) is Verdict.UNKNOWN

    def refuse(**_options: bool) -> Sandbox:
        raise SandboxFault("no isolation: to mend it: apt install bubblewrap")

    monkeypatch.setattr("grader.sandbox.choose.choose", refuse)
    with pytest.raises(Unavailable, match="apt install bubblewrap") as caught:
        runner.run_notebook(sources({"a.ipynb": ipynb(HEAD)}), QUIET)
    assert caught.value.verdict is Verdict.UNKNOWN


def test_of_several_notebooks_the_main_one_or_the_one_that_trains() -> None:
    files = {
        "a.ipynb": ipynb("print(1)"),
        "b.ipynb": ipynb(HEAD + NET + TRAIN + "# MNIST"),
        "c.py": (HEAD + NET).encode(),
    }
    given = sources(files)
    entry = choose_entry(given)
    assert entry is not None
    assert entry.artefact.path == "b.ipynb"
    first = given.items[0]
    chosen = Source(artefact=msgspec.structs.replace(first.artefact, main=True), data=first.data)
    entry = choose_entry(msgspec.structs.replace(given, items=(chosen, *given.items[1:])))
    assert entry is not None
    assert entry.artefact.path == "a.ipynb"


def test_without_a_notebook_the_file_that_trains_is_run() -> None:
    files = {
        "utils.py": b"import torch",
        "model.py": b"import torch\nclass A(torch.nn.Module): pass",
        "main.py": (HEAD + NET + TRAIN + "# MNIST").encode(),
    }
    entry = choose_entry(sources(files))
    assert entry is not None
    assert entry.artefact.path == "main.py"
    assert choose_entry(sources({"utils.py": b"import torch"})) is None


def test_a_script_comes_before_the_file_whose_network_it_trains() -> None:
    several = HEAD + NET + NET.replace("class Net", "class Draft") + "def step(loss):\n    loss.backward()\n"
    files = {
        "model.py": several.encode(),
        "train.py": b"import torch\nfrom torchvision import datasets\nfrom model import "
        b"Net\ndatasets.MNIST('data')\n",
        "tests/test_model.py": b"import torch\nfrom model import Draft\nfrom torchvision import "
        b"datasets\ndatasets.MNIST('.')\n",
    }
    entry = choose_entry(sources(files))
    assert entry is not None
    assert entry.artefact.path == "train.py"


def test_where_the_script_gives_no_network_the_file_that_defines_one_is_run() -> None:
    script = (
        "import torch\nraise SystemExit\nfrom model import Net\nfrom torchvision import "
        "datasets\ndatasets.MNIST('data')\n"
    )
    model = HEAD + NET.replace("width, drop", "width=8, drop=0.1")
    files = {"model.py": model.encode(), "train.py": script.encode()}
    run = runner.run_notebook(sources(files), QUIET)
    assert (run.artefact, run.choice) == ("model.py", Choice.EXTRACTED)


def test_the_script_that_the_readme_starts_comes_before_a_skeleton_that_lies_beside_it() -> None:
    skeleton = (HEAD + NET + TRAIN + "datasets.MNIST('data')\n").encode()
    training = (HEAD + "from model import Net\n" + TRAIN + "datasets.MNIST('data')\n").encode()
    files = {
        "README.md": b"1. Train:\n\n    python3 fit.py\n",
        "a_skeleton.py": skeleton,
        "fit.py": training,
        "model.py": (HEAD + NET).encode(),
    }
    assert [s.artefact.path for s in entries(sources(files))] == ["fit.py", "model.py", "a_skeleton.py"]
    # Without a word of the README the one that trains a network of another file is meant.
    del files["README.md"]
    assert next(s.artefact.path for s in entries(sources(files))) == "fit.py"
    files["README.md"] = b"python -m a_skeleton\n"
    assert next(s.artefact.path for s in entries(sources(files))) == "a_skeleton.py"


WANTS_A_FILE = "import torch\nsettings = open('settings.json').read()\nfrom model import Net"


def test_a_network_is_read_from_the_file_that_a_notebook_would_have_imported() -> None:
    model = HEAD + NET.replace("width, drop", "width=8, drop=0.1")
    cells = (WANTS_A_FILE, "net = Net()")
    files = {"S.ipynb": ipynb(*cells), "model.py": model.encode(), "other.py": model.encode()}
    run = runner.run_notebook(sources(files), QUIET)
    assert (run.artefact, run.choice) == ("model.py", Choice.EXTRACTED)


def test_a_class_that_the_notebook_makes_with_arguments_is_no_network_by_itself() -> None:
    cells = (WANTS_A_FILE, "net = Net(64, drop=0.1)")
    model = HEAD + NET.replace("width, drop", "width=8, drop=0.1")
    files = {"S.ipynb": ipynb(*cells), "model.py": model.encode()}
    run = runner.run_notebook(sources(files), QUIET)
    assert (run.artefact, run.choice) == ("S.ipynb", Choice.NONE)


def test_a_notebook_that_made_networks_is_not_left_for_the_file_that_it_imports() -> None:
    two = "import torch.nn as nn\nfrom model import Net\na, b = Net(), nn.Sequential(nn.Linear(3, 3))"
    model = HEAD + NET.replace("width, drop", "width=8, drop=0.1")
    files = {"S.ipynb": ipynb(two), "model.py": model.encode()}
    run = runner.run_notebook(sources(files), QUIET)
    assert (run.artefact, run.choice) == ("S.ipynb", Choice.NONE)


def test_a_notebook_that_goes_to_its_authors_disk_stays_where_it_is() -> None:
    """A folder of its own that is missing is a mistake of the notebook, and stays one."""
    first = "import os\nos.chdir('/home/somebody/course/week 6/')\nfrom src.net import Net"
    second = "net = Net(8, 0.1)\nimport os\nos.chdir('plots')"
    files = {"nb/S.ipynb": ipynb(first, second), "src/net.py": (HEAD + NET).encode()}
    found = run(Unisolated(unsafe_no_sandbox=True), files)
    assert [c.status for c in found.cells] == [CellStatus.OK, CellStatus.FAILED]
    assert [m.name for m in found.models] == ["Net"]
    assert next(s.what for s in found.shims if s.name == "chdir").endswith("(/home/somebody/course/week 6/)")
