"""Sentences about the effect of the learning rate."""

import pytest

from grader.extract.claims.conclusion import says_larger_is_faster


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("The higher the learning rate, the faster the loss converges", True),
        ("With LR = 0.1 the loss drops slowly, a small learning rate needs more iterations", True),
        ("Increasing η speeds up learning", True),
        ("A larger learning rate makes it slower", False),
        ("The learning rate is 0.5", False),
        ("Larger batches train faster", False),
        ("A MultiStepLR scheduler reduces the learning rate to ensure slower steps", False),
        ("In deep networks the learning rate is generally kept low, to update the weights slowly", False),
    ],
)
def test_direction(sentence: str, says: bool) -> None:
    assert says_larger_is_faster(sentence) is says
