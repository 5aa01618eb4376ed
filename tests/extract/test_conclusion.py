"""Sentences about the effect of the learning rate."""

import pytest

from grader.extract.claims.conclusion import says_larger_is_faster


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("The higher the learning rate, the faster the loss converges", True),
        ("With LR = 0.1 the loss drops slowly, a small learning rate needs more iterations", True),
        ("Increasing η speeds up learning", True),
        ("The curve of the highest learning rate is the steepest, of a high learning rate steep", True),
        ("If the learning rate is too small, the convergence takes many iterations", True),
        ("When the learning rate is small, the loss takes a long time to fall", True),
        ("The higher the learning rate, the higher the rate of reduction in loss", True),
        ("With a higher learning rate the minimum is reached in a smaller number of steps", True),
        ("Smaller learning rates took larger epochs or iterations to reduce the loss", True),
        ("With learning rates >= 1 the network seems to converge quicker", True),
        ("The more the learning rate, the faster the total error falls", True),
        ("The network is not converging fast enough due to the low learning rate", True),
        ("Up to a limit, increasing the learning rate increases the convergence rate", True),
        ("A low learning rate is not bad, and a high one not faster", False),
        ("A smaller network does not learn faster", False),
        ("Increasing the learning rate increases the loss", False),
        ("With more data and a learning rate of 0.1 it converges faster", False),
        ("Larger numbers of epochs at a learning rate of 0.1 were tried", False),
        ("A larger learning rate makes it slower", False),
        ("With a smaller learning rate we never take larger steps", False),
        ("A higher learning rate does not make it learn any faster", False),
        ("Where the learning rate is too high, the loss diverges quickly", False),
        ("With a higher learning rate the loss diverges very fast", False),
        ("Batch normalisation allows a higher learning rate and so a faster training", False),
        ("Adam with a high learning rate and momentum converges faster", False),
        ("We look at whether a larger learning rate converges faster", False),
        ("When the learning rate was increased, the rate of convergence has changed", False),
        ("The higher the learning rate, the greater is the step that we take", False),
        ("The learning rate is 0.5", False),
        ("Larger batches train faster", False),
        ("A MultiStepLR scheduler reduces the learning rate to ensure slower steps", False),
        ("In deep networks the learning rate is generally kept low, to update the weights slowly", False),
    ],
)
def test_direction(sentence: str, says: bool) -> None:
    assert says_larger_is_faster(sentence) is says


def test_rates_are_learning_rates_where_those_were_named_before() -> None:
    assert says_larger_is_faster("High rates learn faster.", named=True)
    assert not says_larger_is_faster("High rates learn faster.")
    assert not says_larger_is_faster("The error falls at a higher rate of change, and faster.", named=True)
