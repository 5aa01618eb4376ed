"""The digits that a network got wrong: the right ones, in the order of the test set, and what is known of their
labels.
"""

from io import BytesIO

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from grader.core.facts.retrain import WRONG_LISTED, RetrainFacts, SeedRun
from grader.execute.engine.runs.loop import Order, evaluate
from grader.execute.engine.runs.seed_run import WRONG_KEPT, _wrong, as_digits, run_seed
from grader.execute.wrong_digits import draw, is_mnist, label_errors, with_wrong_digits
from reference import mnist
from tests.execute.engine.small import digits, network
from tests.facts import retrained


class ByColumn(nn.Module):
    """Answers with the class whose column is the brightest, as the made-up digits are drawn: always right."""

    def forward(self, images: Tensor) -> Tensor:
        columns = images[:, 4:24].float().mean(1)
        return torch.stack([columns[:, 2 * label + 3 : 2 * label + 6].mean(1) for label in range(10)], 1)


def relabelled(places: list[int], test: int = 100) -> mnist.Mnist:
    """The made-up digits with another label at these places of the test set."""
    data = digits(test=test)
    labels = data.test_labels.copy()
    labels[places] = (labels[places] + 1) % 10
    return data._replace(test_labels=labels)


def with_run(wrong: list[tuple[int, int, int]], right: int) -> RetrainFacts:
    facts = retrained(right)
    run = msgspec.structs.replace(facts.runs[0], wrong=tuple(wrong))
    return msgspec.structs.replace(facts, runs=(run,))


@pytest.mark.parametrize(
    "order", [Order(), Order(b"kept numbers"), Order().second], ids=["plain", "key", "second"]
)
def test_places_are_those_of_the_test_set_whatever_the_order_of_scoring(order: Order) -> None:
    data = relabelled([3, 41, 99])
    score = evaluate(ByColumn(), as_digits(data), lambda images: images, order)
    assert score.correct == 97
    found = _wrong(score, as_digits(data))
    assert [place for place, _, _ in found] == [3, 41, 99]
    for place, label, answer in found:
        assert label == data.test_labels[place]
        assert answer == digits().test_labels[place] != label


def test_a_training_keeps_what_its_last_weights_got_wrong() -> None:
    data = relabelled([7, 8])
    run = run_seed(network(), None, data, seed=3, epochs=2, device="cpu", on_epoch=lambda right, loss: False)
    assert len(run.wrong) == 100 - run.correct[-1]
    assert all(label == data.test_labels[place] != answer for place, label, answer in run.wrong)


def test_only_so_many_are_kept() -> None:
    data = relabelled(list(range(WRONG_KEPT + 40)), test=WRONG_KEPT + 50)
    score = evaluate(ByColumn(), as_digits(data), lambda images: images, Order())
    found = _wrong(score, as_digits(data))
    assert [place for place, _, _ in found] == list(range(WRONG_KEPT))


def test_the_record_lists_them_with_their_faces() -> None:
    data = digits()
    facts = with_wrong_digits(with_run([(2, 5, 3), (90, 8, 0)], 98), data)
    wrong = facts.wrong
    assert (wrong.count, wrong.of, wrong.epoch, wrong.label_errors) == (2, 100, 1, 0)
    assert [(d.index, d.label, d.answer, d.raters) for d in wrong.listed] == [(2, 5, 3, ""), (90, 8, 0, "")]
    sheet = np.asarray(Image.open(BytesIO(facts.wrong_pictures.png)))
    assert sheet.shape == (28, 56)
    assert np.array_equal(255 - sheet[:, :28], data.test_images[2])
    assert np.array_equal(255 - sheet[:, 28:], data.test_images[90])


def test_of_many_sixty_are_listed_and_those_of_doubtful_labels_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from grader.execute import wrong_digits

    monkeypatch.setattr(wrong_digits, "is_mnist", lambda data: True)
    found = [*((place, 1, 7) for place in range(80)), (947, 8, 9), (9729, 5, 6)]
    data = digits()._replace(
        test_images=np.zeros((10_000, 28, 28), np.uint8), test_labels=np.zeros(10_000, np.int64)
    )
    wrong = with_wrong_digits(with_run(found, 9_918), data).wrong
    assert (wrong.count, len(wrong.listed), wrong.label_errors) == (82, WRONG_LISTED, 15)
    assert [digit.index for digit in wrong.listed] == [*range(58), 947, 9729]
    assert [digit.raters for digit in wrong.listed[-2:]] == ["9", "6"]


def test_places_of_the_list_mean_nothing_in_another_test_set() -> None:
    data = digits(test=1_000)
    assert not is_mnist(data)
    wrong = with_wrong_digits(with_run([(947, 8, 9)], 999), data).wrong
    assert (wrong.label_errors, wrong.listed[0].raters) == (0, "")


def test_a_record_of_before_has_none() -> None:
    """Trainings that took hours are not thrown away for pictures: they load, and show nothing."""
    facts = retrained(9_900, 9_945)
    tree = msgspec.to_builtins(facts)
    del tree["wrong"], tree["wrong_pictures"], tree["runs"][0]["wrong"]
    old = msgspec.convert(tree, RetrainFacts)
    assert old == facts
    assert with_wrong_digits(old, digits()) == old
    assert msgspec.json.decode(msgspec.json.encode(tree["runs"][0]), type=SeedRun).wrong == ()


def test_sixty_faces_take_less_than_thirty_kilobytes_on_a_page() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 28, 28)).astype(np.uint8)
    ink = np.where(np.add.outer(np.arange(28), np.arange(28)) % 7 < 2, noise, 0).astype(
        np.uint8
    )  # 28 % of it; MNIST has 19
    assert len(draw(ink).png) * 4 / 3 < 30_000


def test_fifteen_labels_are_doubted_and_each_says_what_people_saw() -> None:
    found = label_errors()
    assert len(found) == 15
    assert set(found.values()) <= {*map(str, range(10)), "neither", "no majority"}
    assert not [raters for (_, label), raters in found.items() if raters == str(label)]
