"""Training loops that go over the digits of the test loop are found, and what only looks like them is not."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.extract.documents.cell_names import parsed
from grader.extract.logs.leaks.leaked_digits import TrainedOnTest

HALVES = """
train = datasets.MNIST(".", train=True)
test = datasets.MNIST(".", train=False)
"""
LOADERS = """
train_loader = DataLoader(train, batch_size=64, shuffle=True)
test_loader = DataLoader(test, batch_size=64)
"""
FIT = """
def fit(model, loader):
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()

def score(model, loader):
    good = 0
    for x, y in loader:
        good += (model(x).argmax(1) == y).sum()
    return good
"""


def found(*cells: str, modules: dict[str, str] | None = None, of: tuple[int, ...] = ()) -> str:
    """What is said of a log under the last cell."""
    trees = {number: parsed(textwrap.dedent(cell)) for number, cell in enumerate(cells, 1)}
    assert None not in trees.values()
    return TrainedOnTest(trees, modules or {}).found(of or (len(cells),))


LEAKS = {
    "the test loop takes steps, too": (HALVES, LOADERS, FIT, "fit(m, train_loader); fit(m, test_loader)"),
    "the digits of a loader are exchanged": (
        HALVES,
        LOADERS,
        "test_loader.dataset.data = train_loader.dataset.data[:10000]",
        FIT,
        "fit(m, train_loader); score(m, test_loader)",
    ),
    "joined with a plus": (HALVES, "both = train + test", FIT, "fit(m, DataLoader(both)); score(m, DataLoader(test))"),
    "one half in both loaders, by a function": (
        "def loader(train):\n    return DataLoader(datasets.MNIST('.', train=train))",
        FIT,
        "fit(m, loader(False)); score(m, loader(train=False))",
    ),
    "all training digits are trained on, and some of them tested": (
        "train = datasets.MNIST('.')\nvalid = Subset(train, range(50000, 60000))",
        FIT,
        "fit(m, DataLoader(train)); score(m, DataLoader(valid))",
    ),
    "the digits are put into the training set": (
        HALVES,
        "train.data = torch.cat([train.data, test.data])\ntrain.targets = torch.cat([train.targets, test.targets])",
        FIT,
        "fit(m, DataLoader(train)); score(m, DataLoader(test))",
    ),
    "loops without functions": (
        HALVES,
        """
        for epoch in range(10):
            for i, (x, y) in enumerate(tqdm(DataLoader(train + test))):
                criterion(m(x), y).backward()
            with torch.no_grad():
                good = sum((m(x).argmax(1) == y).sum() for x, y in DataLoader(test))
        """,
    ),
    "a sampler of the test half": (
        HALVES,
        FIT,
        "fit(m, DataLoader(test, sampler=RandomSampler(test))); score(m, DataLoader(test))",
    ),
}  # fmt: skip


@pytest.mark.parametrize("cells", LEAKS.values(), ids=LEAKS)
def test_a_leak_is_found(cells: tuple[str, ...]) -> None:
    told = found(*cells)
    assert "tested on, MNIST(train=" in told or "in the place of MNIST(train=" in told


ONE_LOOP = """
def both(model, loader, train, optimizer=None):
    for x, y in loader:
        loss = criterion(model(x), y)
        good = (model(x).argmax(1) == y).sum()
        {}
"""
ONE_FOR_BOTH = "both(m, train_loader, True, adam)\nboth(m, test_loader, False)"

HONEST = {
    "one loop, with a condition": (
        HALVES, LOADERS, ONE_LOOP.format("if train: loss.backward()"), ONE_FOR_BOTH
    ),
    "one loop, with a condition nobody knows": (
        HALVES, LOADERS, ONE_LOOP.format("if model.training: loss.backward()"), ONE_FOR_BOTH
    ),
    "one loop, with half an expression": (
        HALVES, LOADERS, ONE_LOOP.format("loss.backward() if train else None"), ONE_FOR_BOTH
    ),
    "one loop, with and": (HALVES, LOADERS, ONE_LOOP.format("train and loss.backward()"), ONE_FOR_BOTH),
    "one loop, left early": (
        HALVES, LOADERS, ONE_LOOP.format("if not train: continue\n        loss.backward()"), ONE_FOR_BOTH
    ),
    "one loop, left early for want of an optimizer": (
        HALVES,
        LOADERS,
        ONE_LOOP.format("if optimizer is None:\n            continue\n        loss.backward()"),
        ONE_FOR_BOTH,
    ),
    "one loop, left early by who knows what": (
        HALVES, LOADERS, ONE_LOOP.format("if not model.training: continue\n        loss.backward()"), ONE_FOR_BOTH
    ),
    "one step for both, left early": (
        HALVES,
        LOADERS,
        ("def step(x, y, train):\n    loss = criterion(model(x), y)\n    if not train:\n        return loss\n"
        "    loss.backward()\n    return loss"),
        ("for x, y in train_loader:\n    step(x, y, True)\n"
        "for x, y in test_loader:\n    good += (model(x).argmax(1) == y).sum()\n    step(x, y, False)"),
    ),
    "phases": (
        HALVES,
        LOADERS,
        ("loaders = {'train': train_loader, 'val': test_loader}\n"
        "for epoch in range(9):\n    for phase in ['train', 'val']:\n        for x, y in loaders[phase]:\n"
        "            good += (model(x).argmax(1) == y).sum()\n            if phase == 'train':\n"
        "                loss.backward()"),
    ),
    "test digits less the mean of the training digits": (
        HALVES,
        LOADERS,
        "test.data = (test.data - train.data.float().mean()) / train.data.float().std()",
        FIT,
        "fit(m, train_loader); score(m, test_loader)",
    ),
    "a loop trains and nothing is tested": (HALVES, LOADERS, FIT, "fit(m, train_loader)"),
    "the first digits of a half, normalised": (
        HALVES,
        LOADERS,
        "test.data = test.data[:1000]\ntrain_loader.dataset.data = train_loader.dataset.data / 255",
        FIT,
        "fit(m, train_loader); score(m, test_loader)",
    ),
    "a copy that holds out a part of its own half": (
        HALVES,
        "valid = copy.deepcopy(train)\nvalid.data = train.data[50000:]\ntrain.data = train.data[:50000]",
        FIT,
        "fit(m, DataLoader(train)); score(m, DataLoader(test))",
    ),
    "a loader each": (HALVES, LOADERS, FIT, "fit(m, train_loader); score(m, test_loader)"),
    "tested before it is trained on": (
        HALVES,
        LOADERS,
        FIT,
        "fit(m, train_loader); score(m, test_loader); fit(m, test_loader)",
    ),
    "only training digits are scored here, and the test digits where nobody sees": (
        HALVES,
        LOADERS,
        FIT,
        "fit(m, train_loader); score(m, train_loader); check_all(m, test)",
    ),
    "folds": (
        HALVES,
        FIT,
        """
        both = ConcatDataset([train, test])
        for fold, (one, other) in enumerate(KFold(5).split(both)):
            fit(m, DataLoader(both, sampler=SubsetRandomSampler(one)))
            score(m, DataLoader(both, sampler=SubsetRandomSampler(other)))
        """,
    ),
    "subsets by indices of one name": (
        "train = datasets.MNIST('.')\nat = range(50000)\none = Subset(train, at)",
        "at = range(50000, 60000)\nother = Subset(train, at)",
        FIT,
        "fit(m, DataLoader(one)); score(m, DataLoader(other))",
    ),
    "it may be a switch": (
        HALVES,
        LOADERS,
        FIT,
        "chosen = train_loader\nif final:\n    chosen = test_loader\nfit(m, chosen); score(m, test_loader)",
    ),
    "under a condition": (
        HALVES,
        LOADERS,
        FIT,
        "fit(m, train_loader)\nif cheating:\n    fit(m, test_loader)\nscore(m, test_loader)",
    ),
    "learns where a flag says so": (
        HALVES,
        LOADERS,
        """
        def go(m, loader, optimizer=None):
            good = 0
            for x, y in loader:
                out = m(x)
                if optimizer:
                    criterion(out, y).backward()
                good += (out.argmax(1) == y).sum()
        """,
        "go(m, train_loader, Adam()); go(m, test_loader)",
    ),
    "a data set of the student's own by a name of the library": (
        "class MNIST(Dataset):\n    def __init__(self, train): ...",
        FIT,
        "fit(m, DataLoader(MNIST(train=False))); score(m, DataLoader(MNIST(train=False)))",
    ),
    "a list that grows": (
        HALVES,
        LOADERS,
        FIT,
        "loaders = [test_loader]\nloaders.append(own)\nfit(m, test_loader)\nfor loader in loaders:\n    score(m, loader)",
    ),
    "a trainer that nobody sees": (
        HALVES,
        LOADERS,
        "class Trainer: ...",
        FIT,
        "fit(m, test_loader); Trainer(m, train_loader).go(); score(m, test_loader)",
    ),
    "an endless recursion": (HALVES, LOADERS, "def fit(m, loader):\n    fit(m, loader)", "fit(m, test_loader)"),
}  # fmt: skip


@pytest.mark.parametrize("cells", HONEST.values(), ids=HONEST)
def test_nobody_is_accused(cells: tuple[str, ...]) -> None:
    assert found(*cells) == ""


def test_only_the_cells_of_a_log_are_looked_at() -> None:
    cells = (
        HALVES,
        LOADERS,
        FIT,
        "fit(m, train_loader); score(m, test_loader)",
        "fit(m, test_loader); score(m, test_loader)",
    )
    assert found(*cells, of=(4,)) == ""
    assert found(*cells, of=(5,))


def test_functions_and_loaders_of_a_file_beside_are_followed() -> None:
    beside = {"engine": FIT + "\nif __name__ == '__main__':\n    fit(m, 1)", "data": HALVES + LOADERS}
    imports = "from engine import *\nimport data"
    leak = "fit(m, data.test_loader); score(m, data.test_loader)"
    assert "MNIST(train=False)" in found(imports, leak, modules=beside)
    assert found(imports, leak.replace("test", "train", 1), modules=beside) == ""


@given(st.integers(2, 6), st.data())
def test_two_parts_of_one_split_share_nothing(parts: int, data: st.DataObject) -> None:
    one, other = data.draw(st.lists(st.integers(0, parts - 1), min_size=2, max_size=2))
    cells = (
        HALVES,
        f"parts = random_split(train + test, {[70000 // parts] * parts})",
        FIT,
        f"fit(m, DataLoader(parts[{one}])); score(m, DataLoader(parts[{other}]))",
    )
    assert bool(found(*cells)) is (one == other)


def test_a_loop_of_thousands_of_cells_ends() -> None:
    assert found(HALVES, LOADERS, FIT, "\n".join(["fit(m, test_loader)"] * 9_000)) == ""
