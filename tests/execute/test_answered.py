"""A notebook run whole whose network stays inside: asked after every epoch, and neither disturbed nor
believed.
"""

import json
import struct
import threading
from collections.abc import Callable
from functools import cache

import msgspec
import numpy as np
import pytest
import torch

from grader.core.facts.notebook import Asked, Ending, NotebookRun, Steady
from grader.core.facts.reproduced import CanaryState, How, ReproducedFacts, ScoredWith
from grader.core.faults import Unavailable
from grader.core.settings import Settings
from grader.execute import answered, measure, notebook, reproduce
from grader.execute.entries import choose_entry
from grader.execute.graph.provider import network_of
from grader.execute.reproduce import limits_for, reproduce_in, visible
from grader.sandbox.api import Frame, Job, RunResult, RunStatus
from grader.sandbox.frames import CAPS
from grader.sandbox.worker import measure as inside
from tests.execute.engine.small import digits
from tests.execute.test_notebook import HEAD, QUIET, ipynb, sources
from tests.execute.test_reproduce import DATA, LOOP
from tests.sandbox.about import ABOUT
from tests.sandbox.warm import WarmWorker

pytestmark = pytest.mark.slow

SANDBOX = WarmWorker()
DATA = DATA.replace("Net(8, 0.0)", "Net()")
NET = """
import random, numpy as np
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 5, stride=2)
        self.bn = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(36, 10)
        self.calls = 0
        self.register_buffer('asked', torch.zeros(1))
    def forward(self, x):
        self.calls += 1
        self.asked += 1
        noise = torch.rand(1).item() + np.random.rand() + random.random()
        x = F.adaptive_avg_pool2d(F.relu(self.bn(self.conv(x))), (1, 6)).flatten(1)
        self.left = x = self.out(self.drop(x))
        print('called')
        # Export cannot follow a Python branch on the value of a pixel.
        rows = [row if float(row.max()) < 1e9 else -row for row in x]
        ANSWER
"""
HONEST = NET.replace("ANSWER", "return F.log_softmax(torch.stack(rows), dim=1)")
WHOLE = LOOP + "raise ValueError(hash_of(model))"
HASH = """
import hashlib, zlib
def hash_of(model):
    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        found.update(name.encode() + tensor.numpy().tobytes())
    streams = (torch.get_rng_state().sum().item(), np.random.get_state()[1].sum(), random.getstate())
    return f'{found.hexdigest()} {model.calls} {zlib.crc32(repr(streams).encode())} {[m.training for m in model.modules()]}'
"""


@cache
def short(net: str = HONEST) -> NotebookRun:
    """The smoke run."""
    given = sources({"S4.ipynb": ipynb(HEAD + net, DATA, LOOP)})
    entry = choose_entry(given)
    assert entry is not None
    return notebook.run_in(SANDBOX, given, entry, QUIET)


def reproduced(*cells: str, run: NotebookRun | None = None) -> ReproducedFacts:
    given = sources({"S4.ipynb": ipynb(HEAD, *cells)})
    settings = Settings(data=QUIET.data, reproduce=True, reproduce_minutes=10.0)
    return reproduce_in(SANDBOX, given, run or short(), digits(), settings)


def test_a_network_that_cannot_leave_is_asked_after_every_epoch() -> None:
    assert not short().export or len(short().export) == 1
    with pytest.raises(Unavailable):
        network_of(short())
    found = reproduced(HONEST, DATA, LOOP.replace("range(3)", "range(6)"))
    assert [(e.number, e.how, e.visible) for e in found.epochs] == [(n, How.ANSWERS, 0) for n in range(1, 7)]
    assert (found.answered, found.graph, found.name, found.cut) == (True, "", "Net", "")
    assert found.scored_with is ScoredWith.STUDENT
    assert found.canary.state is CanaryState.NOT_SHOWN
    assert found.best > 60  # of 100 made-up digits
    assert answered.BY_HEART in found.notes
    assert any("scored by its answers" in note for note in found.notes)


def ask_of(*, with_questions: bool) -> Job:
    given = sources({"S4.ipynb": ipynb(HEAD, HONEST, HASH, DATA, WHOLE)})
    data = {"digits": visible(digits(), "no").blob}
    if with_questions:
        data["queries"] = measure.test_query(digits().test_images, 1).blob
    return Job(
        files=notebook.files_beside(given, given.items[0]),
        entry="S4.ipynb",
        options={"mode": "reproduce"},
        data=data,
        limits=limits_for(10),
    )


def test_asking_changes_no_bit_of_the_training() -> None:
    """Weights, statistics, counters, training flags, random streams and what was printed are those of a run
    that is not asked.
    """
    told = []
    for with_questions in (False, True):
        result = SANDBOX.run(ask_of(with_questions=with_questions))
        cells = [json.loads(frame.payload) for frame in result.frames if frame.kind == "cell"]
        told.append([(cell["message"], cell["stdout"]) for cell in cells])
        assert any(f.kind == "logits" for f in result.frames) is with_questions
    assert told[0] == told[1]
    assert len(told[0][-1][0]) > 64


def test_the_digits_take_the_way_of_the_notebooks_own_test_set() -> None:
    """Three times as large and inverted: with any other transform this network's answers would be noise."""
    odd = DATA.replace(
        "test_data = datasets.MNIST('d', train=False, download=True, transform=t)",
        "t = transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda x: 3 - 9 * x)])\n"
        "train_data.transform = t\ntest_data = datasets.MNIST('d', train=False, transform=t)",
    )
    found = reproduced(HONEST, odd, LOOP.replace("range(3)", "range(6)"))
    assert found.best > 60
    assert answered.TRANSFORMS[ScoredWith.STUDENT] in found.notes
    without = reproduced(HONEST, DATA.replace("transform=t)\ntrain_loader", ")\ntrain_loader"), LOOP)
    assert without.scored_with is ScoredWith.REFERENCE
    assert answered.TRANSFORMS[ScoredWith.REFERENCE] in without.notes


class Plain(torch.nn.Module):
    """Answers in evaluation as `answer` says; `calls` counts them."""

    def __init__(self, answer: Callable[[torch.Tensor, int], object]) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.out = torch.nn.Linear(784, 10)
        self.answer = answer
        self.calls = 0

    def forward(self, x: torch.Tensor) -> object:
        self.calls += 1
        return self.answer(self.out(x.flatten(1)), self.calls)


def asked_in_process(module: torch.nn.Module) -> int:
    answers = inside.Asker(ASKED.blob, ABOUT).ask(module, None, None, torch.zeros(4, 1, 28, 28))
    return measure.right_answers(ASKED, answers.numpy(), digits().test_labels)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda x, calls: x + calls, "differently"),
        (lambda x, _: x + torch.randn_like(x), "differently"),
        (lambda x, _: x - x.mean(0), "differently"),
        (lambda x, _: x / 0, "finite"),
        (lambda x, _: x[:, :4], "shape"),
        (lambda x, _: x[:3], "shape"),
        (lambda x, _: (x, x), "tuple"),
    ],
    ids=["memory", "chance", "neighbours", "no-number", "four-classes", "three-images", "two"],
)
def test_answers_that_cannot_be_used_do_not_count(
    answer: Callable[[torch.Tensor, int], object], why: str
) -> None:
    module = Plain(answer)
    with pytest.raises((inside.NotMeasurable, measure.BadAnswers), match=why):
        asked_in_process(module)
    assert module.calls == 0
    assert asked_in_process(Plain(lambda x, _: x)) < 50


def test_a_process_that_changes_its_answers_scores_nothing_and_says_why() -> None:
    loop = LOOP.replace("    test()", "    pass")
    found = reproduced(
        NET.replace("ANSWER", "return F.log_softmax(torch.stack(rows), dim=1) + self.calls"), DATA, loop
    )
    assert found.epochs == ()
    assert [note.split(":")[0] for note in found.notes if "differently" in note] == [
        f"epoch {n} does not count" for n in (1, 2, 3)
    ]


@pytest.mark.parametrize("asked", [(Asked.REFUSED, Steady.YES), (Asked.ANSWERED, Steady.RANDOM)])
def test_no_hour_is_spent_on_answers_that_the_smoke_run_shows_to_be_useless(
    asked: tuple[Asked, Steady],
) -> None:
    measured = msgspec.structs.replace(short().measured, asked=asked[0], steady=asked[1])
    run = msgspec.structs.replace(short(), measured=measured)
    given = sources({"S4.ipynb": ipynb(HEAD, HONEST, DATA, LOOP)})
    with pytest.raises(Unavailable, match="measured from outside"):
        reproduce.reproduce(given, run, Settings(reproduce=True))


def test_neither_the_order_nor_a_label_can_be_told_from_the_question() -> None:
    data = digits()
    one, other = measure.test_query(data.test_images, 1), measure.test_query(data.test_images, 2)
    assert one.image != other.image
    assert one == measure.test_query(data.test_images, 1)
    assert one.labels == ()
    assert len(one.blob) == 4 + 4 * len(one.batches) + 784 * len(one.image)
    assert sum(one.batches) == len(one.image) == 115
    pictures = [one.pixels[784 * i : 784 * i + 784] for i in range(115)]
    for picture, image, disturbed in zip(pictures, one.image, one.disturbed, strict=True):
        was = data.test_images[image].astype(int)
        now = np.frombuffer(picture, dtype=np.uint8).reshape(28, 28).astype(int)
        assert np.abs(now - was).max() <= (measure.DISTURBANCE if disturbed else 0)
        assert bool((now != was).any()) is disturbed


def test_ten_thousand_digits_fit_into_one_frame() -> None:
    asked = measure.test_query(np.zeros((10_000, 28, 28), dtype=np.uint8), 1)
    answers = torch.zeros(len(asked.image), 10)
    assert len(asked.image) == 11_500
    assert len(inside.payload(answers, 100)) <= CAPS["logits"]


def said(right: float, *, number: int = 1, rows: int = 0, place: int | None = None) -> tuple[Frame, Frame]:
    """What a process could send for an epoch in which it knows so many of the labels by heart."""
    asked, labels = ASKED, digits().test_labels
    known = np.arange(len(labels)) < right * len(labels)
    told = np.where(known, labels, (labels + 1) % 10)
    answers = np.eye(10, dtype="<f4")[told[np.array(asked.image)]][: rows or None]
    head = json.dumps({"model": 0, "number": number, "steps": 5, "ended": True}).encode()
    return (
        Frame(kind="epoch", payload=len(head).to_bytes(4, "little") + head),
        Frame(
            kind="logits",
            payload=struct.pack("<III", number if place is None else place, *answers.shape)
            + answers.tobytes(),
        ),
    )


ASKED = measure.test_query(digits().test_images, 1)


def forged(*frames: Frame) -> ReproducedFacts:
    result = RunResult(status=RunStatus.OK, frames=frames, isolation=short().isolation)
    question = answered.Question(ASKED, digits().test_labels, "it branches")
    return answered.score(short(), result, question, visible(digits(), "no").data)


def test_only_what_is_right_is_counted() -> None:
    found = forged(*said(0.5), *said(0.93, number=2))
    assert [epoch.correct for epoch in found.epochs] == [50, 93]
    assert found.ending is Ending.OK


def test_an_epoch_that_cannot_count_keeps_its_number() -> None:
    head, answers = said(0.9)
    bad = np.frombuffer(answers.payload, dtype="<f4").copy()
    bad[40] = np.nan
    forgeries = {
        "finite": (head, Frame(kind="logits", payload=bad.tobytes())),
        "asked for": said(0.9, rows=100),
        "pass 7": said(0.9, place=7),
        "0 sets": (head,),
        "2 sets": (head, answers, answers),
    }
    for why, frames in forgeries.items():
        found = forged(*frames, *said(0.8, number=2))
        assert [(epoch.number, epoch.correct) for epoch in found.epochs] == [(2, 80)], why
        assert any("epoch 1 does not count" in note and why in note for note in found.notes), found.notes
    alone = forged(said(0.9)[1], *said(0.8, number=1))
    assert [epoch.correct for epoch in alone.epochs] == [80]


def test_a_memory_of_the_public_pictures_shows_where_they_are_a_little_changed() -> None:
    answers = np.eye(10, dtype=np.float32)[digits().test_labels[np.array(ASKED.image)]]
    answers[np.array(ASKED.disturbed)] = np.eye(10, dtype=np.float32)[0]
    with pytest.raises(measure.BadAnswers, match="disturbed"):
        measure.right_answers(ASKED, answers, digits().test_labels)


def test_a_network_that_cannot_be_copied_is_not_asked() -> None:
    class Held(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = torch.nn.Linear(784, 10)
            self.lock = threading.Lock()

    with pytest.raises(inside.NotMeasurable, match="copied"):
        inside.twin(Held(), None)
