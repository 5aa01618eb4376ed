"""A percent is a share of all test digits only where all are tested and counted as they are."""

import textwrap

import pytest

from grader.extract.documents.cell_names import parsed
from grader.extract.logs.leaks.image_counts import divides_by_batches
from grader.extract.logs.leaks.leaked_digits import TrainedOnTest

LOADER = "BATCH = 128\nloader = DataLoader(MNIST('.', train=False), batch_size=BATCH)\n"
TESTS = """
def test(loader):
    right = seen = 0
    for x, y in loader:
        right += (model(x).argmax(1) == y).sum().item()
        seen += len(y)
    return 100 * right / seen
"""


def shares(*sources: str) -> frozenset[str]:
    cell = parsed("".join(textwrap.dedent(source) for source in sources))
    assert cell is not None
    return TrainedOnTest({1: cell}, {}).shares((1,))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("in loader", "in tqdm(loader)"),
        ("for x, y in loader", "for i, (x, y) in enumerate(loader)"),
        ("/ seen", "/ len(loader.dataset)"),
        ("seen += len(y)", "batch_size = y.size(0)\n        seen += batch_size"),
        ("batch_size=BATCH", "batch_size=BATCH, drop_last=False"),
        ("return", "print(f'{seen // BATCH_COUNT}')\n    return"),
    ],
)
def test_all_that_a_loader_holds_is_tested_and_counted(old: str, new: str) -> None:
    assert shares((LOADER + TESTS).replace(old, new), "test(loader)") == {"MNIST(train=False)"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("batch_size=BATCH", "batch_size=BATCH, drop_last=True"),
        ("batch_size=BATCH", "batch_size=BATCH, drop_last=quick"),
        ("in loader", "in islice(loader, 20)"),
        ("in loader:", "in loader:\n        if seen > 2000:\n            break"),
        ("in loader:", "in loader:\n        if len(y) < 128:\n            continue"),
        (
            "        seen += len(y)",
            "        seen += len(y)\n        if seen > 2000:\n            return right / seen",
        ),
        ("/ seen", "/ (len(loader) * BATCH)"),
        ("/ seen", "/ (len(loader) * loader.batch_size)"),
        ("/ seen", "/ (128 * len(loader))"),
        ("seen += len(y)", "seen += BATCH"),
        ("seen += len(y)", "seen += loader.batch_size"),
        ("    return", "    seen = len(loader) * config['batch_size']\n    return"),
        (
            "BATCH = 128\n",
            "BATCH = 128\n" + "digits = MNIST('.', train=False)\ndigits.data = digits.data[:5000]\n",
        ),
        ("def test", "loader.dataset.targets[7] = 1\ndef test"),
        ("train=False", "train=True"),
    ],
)
def test_a_part_or_another_count_is_no_share_of_the_test_digits(old: str, new: str) -> None:
    assert shares((LOADER + TESTS).replace(old, new), "test(loader)") != {"MNIST(train=False)"}


@pytest.mark.parametrize(
    ("source", "divides"),
    [
        ("print(100 * i / len(train_loader), i * len(data))", False),
        ("rate = step / (len(train_loader) * EPOCHS)", False),
        ("loss = total / (batch_idx + 1)", False),
        ("loss /= len(loader.dataset)", False),
        ("share = right / int(len(loader) * BATCH_SIZE)", True),
        ("seen, right = 0, 0\nseen += bs\nright / seen", True),
        ("right /= batches * batch_size", True),
    ],
)
def test_only_numbers_that_a_size_of_batches_makes_count_too_much(source: str, divides: bool) -> None:
    tree = parsed(source)
    assert tree is not None
    assert divides_by_batches(tree) is divides
