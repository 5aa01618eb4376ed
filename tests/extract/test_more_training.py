"""A log of twelve epochs was of sixty: each line stood for five passes, or the weights came from a file.

Both logs reached 99.4 % "within 20 epochs". A fold, a repetition of the whole training, accumulated gradients and weights
that the notebook itself saved are none of this.
"""

import ast

import pytest

from grader.extract.logs.leaks.more_training import loaded_weights, passes_of_an_epoch

FUNCTIONS = """
def train(model, loader):
    for x, y in loader:
        loss = F.nll_loss(model(x), y)
        loss.backward()
        optimizer.step()

def test(model, loader):
    correct = 0
    for x, y in loader:
        correct += (model(x).argmax(1) == y).sum().item()
    print(f"Accuracy: {correct}/10000")
"""
MODEL = "model = Net()\noptimizer = SGD(model.parameters())\n"
LOG = "for epoch in range(12):\n    train(model, train_loader)\n    test(model, test_loader)\n"


def trees(*cells: str) -> dict[int, ast.Module | None]:
    return {number: ast.parse(cell) for number, cell in enumerate(cells, 1)}


def passes(loop: str, functions: str = FUNCTIONS) -> int:
    return passes_of_an_epoch(trees(functions, MODEL, loop), (3,))


SEVERAL = {
    "a loop in the loop": (
        LOG.replace("    train(", "    for _ in range(5):\n        train("),
        FUNCTIONS,
        5,
    ),
    "a loop in the function": (
        LOG,
        FUNCTIONS.replace(
            "    for x, y in loader:\n        loss",
            "    for _ in range(4):\n      for x, y in loader:\n        loss",
        ),
        4,
    ),
    "batches in a list, several times": (
        LOG,
        FUNCTIONS.replace(
            "in loader:\n        loss", "in [b for _ in range(3) for b in loader]:\n        loss"
        ),
        3,
    ),
    "a loader behind itself": (
        LOG,
        FUNCTIONS.replace("in loader:\n        loss", "in itertools.chain(loader, loader):\n        loss"),
        2,
    ),
}
ONCE = {
    "as it is": (LOG, FUNCTIONS),
    "folds": (
        "for fold in range(5):\n    for epoch in range(12):\n        train(m, a)\n        test(m, b)\n",
        FUNCTIONS,
    ),
    "five trainings": (
        "for seed in range(5):\n    model = Net()\n    " + LOG.replace("\n", "\n    "),
        FUNCTIONS,
    ),
    "gradients that are added up": (
        LOG,
        FUNCTIONS.replace(
            "        loss.backward()", "        for _ in range(4):\n            loss.backward()"
        ),
    ),
    "batches by their number": (
        LOG,
        FUNCTIONS.replace("for x, y in loader:\n        loss", "for i in range(469):\n        loss"),
    ),
    "two loaders in turn": (
        LOG,
        FUNCTIONS.replace("in loader:\n        loss", "in itertools.chain(loader, others):\n        loss"),
    ),
    "several views of a digit in the test": (
        LOG,
        FUNCTIONS.replace(
            "        correct +=", "        for _ in range(5):\n            view(x)\n        correct +="
        ),
    ),
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_several_passes_of_an_epoch_are_counted(kind: str) -> None:
    loop, functions, times = SEVERAL[kind]
    assert passes(loop, functions) == times


@pytest.mark.parametrize("kind", ONCE)
def test_one_pass_is_one(kind: str) -> None:
    assert passes(*ONCE[kind]) == 1


LOAD = "model.load_state_dict(torch.load('best.pt'))\n"


@pytest.mark.parametrize(
    "load",
    [
        LOAD,
        "state = torch.load('best.pt', map_location='cpu')\nmodel.load_state_dict(state)\n",
        "model = torch.load('best.pt')\n",
    ],
)
def test_weights_of_a_file_are_told(load: str) -> None:
    for cells in ((FUNCTIONS, MODEL, load, LOG), (FUNCTIONS, MODEL, load + LOG)):
        assert loaded_weights(trees(*cells), (len(cells),)) == "'best.pt'"


OWN = {
    "after the training": (FUNCTIONS, MODEL, LOG + LOAD),
    "in a later cell": (FUNCTIONS, MODEL, LOG, LOAD),
    "saved by the notebook": (FUNCTIONS, MODEL + "torch.save(model.state_dict(), 'best.pt')\n", LOAD, LOG),
    "a network that is made again": (FUNCTIONS, MODEL, LOAD, MODEL, LOG),
    "another network": (
        FUNCTIONS,
        MODEL,
        "teacher = Net()\nteacher.load_state_dict(torch.load('t.pt'))\n",
        LOG,
    ),
    "a state in memory": (FUNCTIONS, MODEL, "model.load_state_dict(first)\n", LOG),
    "under a condition": (
        FUNCTIONS,
        MODEL,
        "if resume:\n    model.load_state_dict(torch.load('best.pt'))\n",
        LOG,
    ),
    "digits of a file": (FUNCTIONS, "digits = torch.load('digits.pt')\n", MODEL, LOG),
}


@pytest.mark.parametrize("kind", OWN)
def test_a_networks_own_weights_are_not(kind: str) -> None:
    cells = OWN[kind]
    at = next(number for number, cell in enumerate(cells, 1) if LOG in cell)
    assert loaded_weights(trees(*cells), (at,)) == ""
