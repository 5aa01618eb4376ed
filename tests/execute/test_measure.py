"""Networks that stay inside: what their answers to images without labels show, and what they cannot hide."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from grader.core.facts.network import OutputKind
from grader.core.facts.notebook import Asked, Ending, Isolation, Measured, NotebookRun, Steady
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.execute import digits
from grader.execute import measure as outside
from grader.execute.graph.provider import network_of
from grader.render.inspect_json import notebook_row
from grader.sandbox.bwrap import Bubblewrap
from reference import mnist
from tests.execute.test_notebook import HEAD, QUIET, TRAIN, ipynb, run
from tests.sandbox.conftest import bwrap as bwrap  # noqa: PLC0414  (a fixture of the neighbour)

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from grader.sandbox.worker import measure as inside  # noqa: E402
from tests.sandbox.about import ABOUT  # noqa: E402

ASKED = outside.query(QUIET, b"seed")


def ask(module: Any, *, labels: tuple[int, ...] = ()) -> Measured:
    """Both halves without a process between them."""
    asked = msgspec.structs.replace(ASKED, labels=labels)
    sizes, pixels = inside.unpack(asked.blob, ABOUT)
    answers = inside.measure(module, inside.transformed(pixels, None, None, ABOUT), ABOUT.classes, sizes)
    _, read = outside.read_answers(inside.payload(answers), len(asked.image))
    return outside.judge(asked, read, draws=False)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.out = nn.Linear(4, 10)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.conv(x))).mean((2, 3))

    def forward(self, x: torch.Tensor) -> Any:
        return self.out(self.features(x))


class LogSoftmax(Small):
    def forward(self, x: torch.Tensor) -> Any:
        return F.log_softmax(super().forward(x), dim=1)


class Softmax(Small):
    def forward(self, x: torch.Tensor) -> Any:
        return F.softmax(super().forward(x), dim=1)


class OverBatch(Small):
    def forward(self, x: torch.Tensor) -> Any:
        return F.log_softmax(super().forward(x), dim=0)


class DropoutOn(Small):
    def forward(self, x: torch.Tensor) -> Any:
        return self.out(F.dropout(self.features(x), 0.5))


class DropoutDeafToEval(Small):
    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def train(self, mode: bool = True) -> "DropoutDeafToEval":
        return self

    def forward(self, x: torch.Tensor) -> Any:
        return self.out(self.drop(self.features(x)))


class BatchStatistics(Small):
    def features(self, x: torch.Tensor) -> torch.Tensor:
        found = F.batch_norm(self.conv(x), None, None, training=True)
        return F.relu(found).mean((2, 3))


class Which(Small):
    """Knows how often it was called, as a network would that answers from a list."""

    calls = 0

    def forward(self, x: torch.Tensor) -> Any:
        self.calls += 1
        return super().forward(x) + self.calls


class NotFinite(Small):
    def forward(self, x: torch.Tensor) -> Any:
        return super().forward(x) / 0


class TwoAnswers(Small):
    def forward(self, x: torch.Tensor) -> Any:
        return super().forward(x), x


class TooMany(Small):
    def forward(self, x: torch.Tensor) -> Any:
        return self.features(x)


@pytest.mark.parametrize(
    ("kind", "steady", "output"),
    [
        (Small, Steady.YES, OutputKind.LOGITS),
        (LogSoftmax, Steady.YES, OutputKind.LOG_SOFTMAX),
        (Softmax, Steady.YES, OutputKind.PROBABILITIES),
        (OverBatch, Steady.NEIGHBOURS, OutputKind.OVER_BATCH),
        (BatchStatistics, Steady.NEIGHBOURS, OutputKind.LOGITS),
        (DropoutOn, Steady.RANDOM, OutputKind.LOGITS),
        (DropoutDeafToEval, Steady.RANDOM, OutputKind.LOGITS),
        (Which, Steady.RANDOM, OutputKind.LOGITS),
    ],
)
def test_what_the_answers_show(kind: type[Small], steady: Steady, output: OutputKind) -> None:
    found = ask(kind())
    assert (found.asked, found.steady, found.output) == (Asked.ANSWERED, steady, output)
    assert (found.largest_difference > outside.TOLERANCE) is (steady is not Steady.YES)
    assert found.images == 2 * outside.BATCH + outside.FRESH


@pytest.mark.parametrize(
    ("kind", "why"), [(NotFinite, "finite"), (TwoAnswers, "tuple"), (TooMany, r"shape \(24, 4\)")]
)
def test_no_usable_answers(kind: type[Small], why: str) -> None:
    with pytest.raises(inside.NotMeasurable, match=why):
        ask(kind())


def test_training_flags_are_as_before() -> None:
    model = Small()
    model.norm.eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    ask(model)
    assert (model.training, model.norm.training, model.conv.training) == (True, False, True)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_only_labels_that_stayed_outside_make_an_answer_right() -> None:
    sizes, pixels = inside.unpack(ASKED.blob, ABOUT)
    answers = inside.measure(Small(), inside.transformed(pixels, None, None, ABOUT), ABOUT.classes, sizes)
    labels = [-1] * 60
    for position, image in enumerate(ASKED.image):
        if not ASKED.disturbed[position]:
            labels[image] = int(answers[position].argmax())
    assert -1 not in labels
    found = ask(Small(), labels=tuple(labels))
    assert (found.right, found.scored) == (60, 60)
    labels[0] = (labels[0] + 1) % 10
    assert ask(Small(), labels=tuple(labels)).right == 59
    assert ask(Small()).scored == 0


def test_the_images_are_training_digits_that_the_notebook_does_not_see(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number = np.arange(60_000)
    images = np.zeros((60_000, 28, 28), dtype=np.uint8)
    images[:, 0, 0], images[:, 0, 1], images[:, 0, 2] = number % 256, number // 256 % 256, 1 + number // 65536
    made = mnist.Mnist(images, (number % 10).astype(np.int64), images[:1], np.zeros(1, dtype=np.int64))
    monkeypatch.setattr(outside.digits, "find", lambda _settings, _data: tmp_path)
    monkeypatch.setattr(outside.mnist, "load", lambda _place, _files: made)
    asked = outside.query(QUIET, b"seed")
    first = [asked.pixels[784 * i : 784 * i + 2] for i, changed in enumerate(asked.disturbed) if not changed]
    drawn = [low + 256 * high for low, high in first]
    assert all(50_000 + digits.TEST <= n < 60_000 for n in drawn)
    told = [
        asked.labels[image]
        for image, changed in zip(asked.image, asked.disturbed, strict=True)
        if not changed
    ]
    assert told == [n % 10 for n in drawn]


def test_a_tie_is_wrong() -> None:
    answers = np.array([[1.0] * 10, [0.0] * 9 + [1.0]], dtype=np.float32)
    assert outside.count_right(answers, np.array([0, 9])) == 1


def test_a_query_tells_nothing_of_its_labels_and_is_the_same_every_time() -> None:
    assert outside.query(QUIET, b"seed") == ASKED
    assert outside.query(QUIET, b"other").image != ASKED.image
    assert len(ASKED.blob) == 4 + 4 * len(ASKED.batches) + 784 * len(ASKED.image)
    again = slice(2 * outside.BATCH, 3 * outside.BATCH)
    assert ASKED.image[: outside.BATCH] == ASKED.image[again]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        bytes(12),
        inside.payload(torch.zeros(4, 10))[:-1],
        inside.payload(torch.zeros(5, 10)),
        inside.payload(torch.zeros(4, 11)),
        inside.payload(torch.full((4, 10), float("nan"))),
        inside.payload(torch.full((4, 10), float("inf"))),
    ],
)
def test_answers_of_another_form_are_refused(payload: bytes) -> None:
    with pytest.raises(outside.BadAnswers):
        outside.read_answers(payload, 4)
    assert outside.read_answers(inside.payload(torch.zeros(4, 10), 7), 4)[0] == 7


def test_a_transform_with_chance_in_it_does_not_blame_the_network() -> None:
    pixels = torch.zeros(2, 28, 28, dtype=torch.uint8)
    pixels[:, 3, 4] = 9
    images = inside.transformed(pixels, lambda _: torch.rand(1, 28, 28), torch.zeros(4, 784), ABOUT)
    assert images.shape == (2, 784)
    assert torch.equal(images[0], images[1])


def test_the_row_of_inspect_notebook_says_how_it_answers() -> None:
    made = NotebookRun(
        artefact="a.ipynb",
        ending=Ending.OK,
        isolation=Isolation(backend="test", isolated=True),
        data="synthetic",
    )
    row = notebook_row("a.ipynb", {"NotebookRun": made}, {})
    assert row["measured_outside"] == {}
    refused = Measured(asked=Asked.REFUSED, reason="some answers are no finite numbers")
    row = notebook_row("a.ipynb", {"NotebookRun": msgspec.structs.replace(made, measured=refused)}, {})
    assert row["measured_outside"] == {"answered": False, "why": "some answers are no finite numbers"}
    odd = msgspec.structs.replace(made, measured=ask(DropoutOn()))
    found = notebook_row("a.ipynb", {"NotebookRun": odd}, {})["measured_outside"]
    assert isinstance(found, dict)
    assert (found["answered"], found["images"], found["steady"], found["output"]) == (
        True,
        60,
        "random",
        "logits",
    )
    assert (found["right"], found["scored"]) == (None, 0)


DATA_DEPENDENT = """
class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(1, 10, 5)
        self.calls = 0
    def forward(self, x):
        x = self.c(x).mean((2, 3))
        if x.mean() > 1000:
            x = x * 2
        return F.log_softmax(F.dropout(x, 0.2), dim=1)
tqdm = iter
plain = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
loader = torch.utils.data.DataLoader(datasets.MNIST('.', transform=plain), batch_size=64)
tests = torch.utils.data.DataLoader(datasets.MNIST('.', train=False, transform=plain), batch_size=64)
model = Odd()
train(model, loader, torch.optim.SGD(model.parameters(), lr=0.1))
test(model, tests)
"""


@pytest.mark.sandbox
def test_a_network_that_cannot_be_exported_is_measured_all_the_same(bwrap: Bubblewrap) -> None:
    found = run(bwrap, {"a.ipynb": ipynb(HEAD + TRAIN + DATA_DEPENDENT)})
    assert [f.kind for f in found.export] == ["model"]
    assert (found.measured.asked, found.measured.steady) == (Asked.ANSWERED, Steady.RANDOM)
    assert found.measured.output is OutputKind.LOG_SOFTMAX
    with pytest.raises(
        Unavailable, match=r"measured from outside on 60 images.*dropout that stays on"
    ) as caught:
        network_of(found)
    assert caught.value.verdict is Verdict.UNKNOWN
    assert found.reading()[-1] == ("a.ipynb, its network", str(found.measured))


REFUSES = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(1, 10, 28)
    def forward(self, x):
        if isinstance(x.shape[0], int) and x.shape[0] == 24:
            raise SystemExit('not with me')
        return self.c(x).flatten(1)
model = Net()
"""


@pytest.mark.sandbox
def test_a_network_that_will_not_be_measured_still_leaves(bwrap: Bubblewrap) -> None:
    found = run(bwrap, {"a.ipynb": ipynb(HEAD + REFUSES)})
    assert [f.kind for f in found.export] == ["model", "graph", "graph", "weights"]
    assert found.measured == Measured(asked=Asked.REFUSED, reason="SystemExit: not with me")
    assert found.export_error == ""
