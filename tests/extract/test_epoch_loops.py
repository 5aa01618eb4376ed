"""How many epochs the loops of a cell announce, and which tests stand outside them."""

import json

import pytest

from grader.extract.documents.documents import read_documents
from grader.extract.logs.source.epoch_loops import find_loop
from grader.extract.logs.source.loops import Loop
from grader.ingest.read import from_bytes

STEPS = (
    "def train(model, loader):\n    model.train()\n    for x, y in loader:\n        loss(model(x), y).backward()\n"
    "def test(model, loader):\n    model.eval()\n    print('Accuracy:', score(model, loader))\n"
)
FIT = "def fit(model, epochs=12):\n    for e in range(epochs):\n        train(model, loader)\n        test(model, t)\n"
TRAINER = (
    "class Trainer:\n    def __init__(self, model, epochs):\n        self.model = model\n        self.epochs = epochs\n"
    "    def fit(self):\n        for epoch in range(self.epochs):\n            train(self.model, loader)\n"
    "            test(self.model, t)\n"
)
TURN = ":\n    train(model, loader)\n    test(model, t)\n"


def loop_of(*cells: str) -> Loop:
    """The loop of the last of some cells."""
    made = [
        {"cell_type": "code", "source": c, "outputs": [], "metadata": {}, "execution_count": 1} for c in cells
    ]
    book = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}).encode()
    notebook = read_documents(from_bytes("s", {"S4.ipynb": book})).notebooks()[0]
    return find_loop(notebook, notebook.code_cells[-1:])


@pytest.mark.parametrize(
    ("cells", "length"),
    [
        pytest.param((STEPS, FIT, "fit(model, 15)"), 15, id="by position"),
        pytest.param((STEPS, FIT, "fit(model, epochs=15)"), 15, id="by name"),
        pytest.param((STEPS, FIT, "fit(model)"), 12, id="default"),
        pytest.param((STEPS, FIT, "EPOCHS = 15\nfit(model, EPOCHS)"), 15, id="constant"),
        pytest.param((STEPS, TRAINER, "trainer = Trainer(model, 15)", "trainer.fit()"), 15, id="method"),
        pytest.param((STEPS, TRAINER, "Trainer(model, epochs=15).fit()"), 15, id="made and called"),
        pytest.param(
            (STEPS, "size, epochs = 128, 15", "for i in range(epochs)" + TURN), 15, id="two at once"
        ),
        pytest.param((STEPS, "EPOCHS: int = 15", "for i in range(EPOCHS)" + TURN), 15, id="with its type"),
        pytest.param((STEPS, "c = {'epochs': 15}", "for i in range(c['epochs'])" + TURN), 15, id="key"),
        pytest.param((STEPS, "class C:\n    n = 15", "for i in range(C.n)" + TURN), 15, id="class attribute"),
        pytest.param(
            (STEPS, "p.add_argument('--epochs', default=15)", "for i in range(1, a.epochs + 1)" + TURN),
            15,
            id="command line",
        ),
        pytest.param((STEPS, "for i in trange(15)" + TURN), 15, id="bar"),
        pytest.param((STEPS, "for i in tqdm(range(0, 30, 2))" + TURN), 15, id="steps of two"),
        pytest.param((STEPS, "n = 0\nwhile n < 15" + TURN + "    n += 1"), 15, id="while"),
        pytest.param(
            (STEPS, FIT, "fit(model, 15)\nfor i in range(4):\n    plt.subplot(i)"), 15, id="pictures"
        ),
        pytest.param((STEPS, FIT, "fit(model, 5)\nfit(model, 10)"), 15, id="two trainings"),
        pytest.param((STEPS, "while True" + TURN), None, id="no end"),
        pytest.param((STEPS, FIT, "fit(model, *settings)"), None, id="spread"),
        pytest.param((STEPS, FIT, "fit(model, chosen())"), None, id="of a call"),
        pytest.param(
            (STEPS, "a = dict(epochs=5)\nb = dict(epochs=9)", "for i in range(b['epochs'])" + TURN),
            None,
            id="two settings of one name",
        ),
    ],
)
def test_the_length_of_a_loop(cells: tuple[str, ...], length: int | None) -> None:
    assert loop_of(*cells).length == length


@pytest.mark.parametrize(
    ("source", "outside"),
    [
        ("test(model, t)\nfit(model, 15)", (1, 0)),
        ("test(model, t)\nfit(model, 15)\ntest(model, t)", (1, 1)),
        ("fit(model, 15)\nplot(losses)\nmodel.eval()", (0, 0)),
        ("train(model, loader)\ntest(model, t)\nfit(model, 15)", (0, 0)),
    ],
)
def test_tests_outside_the_loop(source: str, outside: tuple[int, int]) -> None:
    loop = loop_of(STEPS, FIT, source)
    assert loop.length == 15
    assert (loop.before, loop.after) == outside


def test_what_cannot_be_parsed_is_searched_for_a_loop() -> None:
    assert loop_of("for epoch in range(1, 20):\n    train(epoch\n") == Loop(19, 1)


@pytest.mark.parametrize(
    ("body", "some"),
    [
        ("    if e % 5 == 0:\n        test(model, t)\n", True),
        ("    if not e % 5:\n        test(model, t)\n        print(e)\n", True),
        ("    test(model, t)\n    if e % 5 == 0:\n        test(model, v)\n", False),
        ("    if e % 5 == 0:\n        print(e)\n    test(model, t)\n", False),
        ("    if e % 5 == 0:\n        test(model, t)\n    else:\n        test(model, v)\n", False),
        ("    if e > 5:\n        test(model, t)\n", False),
    ],
)
def test_a_loop_may_test_after_some_of_its_epochs_alone(body: str, some: bool) -> None:
    loop = loop_of(STEPS, f"for e in range(15):\n    train(model, loader)\n{body}")
    assert (loop.length, loop.some) == (15, some)
