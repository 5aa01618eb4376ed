"""Other data sets than MNIST: files of the same form are found, verified and trained on; a network for
colour images is looked into, and why it is not trained is said.
"""

import gzip
import hashlib
import io
import struct
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from grader.core.assigned_data import KNOWN, Archive, DataFile, DataSet, Digest
from grader.core.facts.notebook import Choice, NotebookRun
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.retrain_rule import RuleParams
from grader.core.rubric import Execution
from grader.core.settings import Settings
from grader.execute import digits, notebook
from grader.execute.data import load_images, normalised
from grader.execute.engine.runs.wish import Wish
from grader.execute.graph.provider import network_facts
from grader.execute.measure import query
from grader.execute.retrain import retrain_as
from grader.ingest.read import from_bytes
from tests.execute.test_notebook import ipynb
from tests.sandbox.warm import WarmWorker

BARS = DataSet(
    name="bars",
    title="Bars",
    torchvision="KMNIST",
    side=12,
    classes=3,
    training_images=1_800,
    test_images=90,
    mean=0.0,
    deviation=0.0,
    folders=(".",),
    mirrors=(),
    files=(),
)


def idx(values: NDArray[np.uint8]) -> bytes:
    head = struct.pack(">BBBB", 0, 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return head + values.tobytes()


def bars(count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bars whose place is their class, of 12x12 pixels."""
    labels = np.arange(count, dtype=np.uint8) % 3
    images = np.zeros((count, 12, 12), dtype=np.uint8)
    images[np.arange(count), 4 * labels] = 200 + np.arange(count, dtype=np.uint8)[:, None] % 50
    return images, labels


def files() -> dict[str, bytes]:
    (train, train_labels), (test, test_labels) = bars(1_800), bars(90)
    names = ("train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1")
    arrays = (train, train_labels, test, test_labels)
    return {n: gzip.compress(idx(a), mtime=0) for n, a in zip(names, arrays, strict=True)}


def in_files(folder: Path) -> DataSet:
    found = files()
    for name, content in found.items():
        (folder / f"{name}.gz").write_bytes(content)
    named = tuple(DataFile(name=n, digest=hashlib.md5(c).hexdigest()) for n, c in found.items())
    return msgspec.structs.replace(BARS, files=named, digest=Digest.MD5)


def in_archive(folder: Path) -> DataSet:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in files().items():
            archive.writestr(f"gzip/{name}.gz", content)
    (folder / "all.zip").write_bytes(held.getvalue())
    whole = Archive(name="all.zip", digest=hashlib.md5(held.getvalue()).hexdigest(), inside="gzip")
    named = tuple(DataFile(name=n) for n in files())
    return msgspec.structs.replace(BARS, files=named, digest=Digest.MD5, archive=whole)


@pytest.mark.parametrize("make", [in_files, in_archive])
def test_files_of_the_same_form_are_read_and_verified(tmp_path: Path, make: object) -> None:
    data = make(tmp_path)  # type: ignore[operator]
    settings = Settings(data=str(tmp_path))
    found = load_images(settings, data)
    assert found.train_images.shape == (1_800, 12, 12)
    assert found.test_labels.tolist() == (np.arange(90) % 3).tolist()
    assert 0 < normalised(data, found).mean < 1
    assert digits.training_slice(settings, data) is not None


def test_one_bit_less_is_damage(tmp_path: Path) -> None:
    data = in_files(tmp_path)
    file = tmp_path / "test-labels-idx1.gz"
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()), mtime=1))
    with pytest.raises(Unavailable, match="MD5 of the file") as refused:
        load_images(Settings(data=str(tmp_path)), data)
    assert refused.value.verdict is Verdict.UNKNOWN


def test_other_counts_than_described_are_asked_about(tmp_path: Path) -> None:
    data = msgspec.structs.replace(in_files(tmp_path), test_images=91)
    with pytest.raises(Unavailable, match=r"90 test images and 3 classes; \[data\] says 1,800, 91 and 3"):
        load_images(Settings(data=str(tmp_path)), data)


def test_where_there_is_none_the_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"no KMNIST: .*`grader data fetch kmnist` downloads it") as refused:
        load_images(Settings(data=str(tmp_path)), KNOWN["kmnist"])
    assert refused.value.verdict is Verdict.SKIPPED


def test_colours_are_not_trained_on_and_it_is_said_why() -> None:
    with pytest.raises(Unavailable, match="CIFAR-10 is described without files") as refused:
        load_images(Settings(), KNOWN["cifar10"])
    assert refused.value.verdict is Verdict.SKIPPED
    assert digits.find(Settings(), KNOWN["cifar10"]) is None


NOTEBOOK = """
import torch, torch.nn as nn, torch.nn.functional as F
from torchvision import datasets, transforms

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d({channels}, 6, 3, padding=1)
        self.bn = nn.BatchNorm2d(6)
        self.gap = nn.AdaptiveAvgPool2d({pool})
        self.out = nn.Linear(6 * {pool} * {pool}, {classes})
    def forward(self, x):
        x = self.gap(F.relu(self.bn(self.conv(x))))
        return F.log_softmax(self.out(x.view(-1, 6 * {pool} * {pool})), dim=1)

tensor = transforms.ToTensor()
def loader(train):
    data = datasets.{given}, train=train, download=True, transform=tensor)
    return torch.utils.data.DataLoader(data, batch_size=20, shuffle=train)

torch.manual_seed(1)
train_loader, test_loader = loader(True), loader(False)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range({epochs}):
    for x, y in train_loader:
        optimizer.zero_grad()
        F.nll_loss(model(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        for x, y in test_loader:
            model.eval()(x)
    model.train()
"""


def ran(data: DataSet, settings: Settings, **fields: object) -> NotebookRun:
    given = {"channels": data.channels, "classes": data.classes, "pool": 4, "epochs": 1, **fields}
    sources = from_bytes("s", {"S.ipynb": ipynb(NOTEBOOK.format(**given))})
    return notebook.run_in(WarmWorker(), sources, sources.items[0], settings, None, data)


@pytest.mark.slow
def test_a_network_of_another_data_set_is_trained_again_and_counted(tmp_path: Path) -> None:
    data, settings = in_files(tmp_path), Settings(data=str(tmp_path))
    run = ran(data, settings, given="KMNIST('data'", epochs=3)
    assert run.choice is Choice.LAST_TRAINED, run
    assert run.measured.scored, "the labels of its training images are known outside"
    found = retrain_as(run, settings, Wish(rule=RuleParams(right=90, digits=90, epochs=3)), None, data)
    assert (found.test_size, found.recipe_missing) == (90, ())
    assert found.runs[0].proof.faults == ()
    assert found.runs[0].best > 80, "bars are easy"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "given", "parameters"),
    [
        ("cifar10", "CIFAR10('data'", 3 * 9 * 6 + 6 + 12 + 6 * 16 * 10 + 10),
        ("emnist-digits", "EMNIST('data', split='digits'", 9 * 6 + 6 + 12 + 6 * 16 * 10 + 10),
        ("fashion-mnist", "FashionMNIST('data'", 9 * 6 + 6 + 12 + 6 * 16 * 10 + 10),
    ],
)
def test_a_network_is_looked_into_and_counted(name: str, given: str, parameters: int) -> None:
    data = KNOWN[name]
    run = ran(data, Settings(data="/nowhere"), given=given)
    facts = network_facts(run)
    assert (facts.parameters, facts.outputs) == (parameters, 10)
    assert facts.input_shape[1:] == data.image or facts.input_shape == data.image


@pytest.mark.slow
def test_another_data_set_than_the_rubrics_is_not_there() -> None:
    run = ran(KNOWN["kmnist"], Settings(data="/nowhere"), given="MNIST('data'")
    assert run.failed[0].message == "MNIST is not available: only KMNIST is"


def test_images_that_are_asked_have_the_size_of_the_data_set() -> None:
    asked = query(Settings(data="/nowhere"), b"seed", KNOWN["cifar10"])
    assert len(asked.pixels) == len(asked.image) * 32 * 32 * 3
    assert Execution(data=BARS).data.pixels == 144
