"""One sentence -> the numbers that it claims: parameters, accuracy, epochs, batch size, dropout."""

from grader.core.assigned_data import MNIST, DataSet
from grader.core.evidence.claims import Claim
from grader.extract.claims.accuracies import read_accuracies
from grader.extract.claims.parameters import read_parameters
from grader.extract.claims.sentences import Sentence
from grader.extract.claims.training_settings import read_epochs, read_settings


def read_numbers(sentence: Sentence, data: DataSet = MNIST) -> list[Claim]:
    """Every number that the sentence claims."""
    if not any(c.isdigit() for c in sentence.text):
        return []
    found = read_parameters(sentence)
    if sentence.fenced:
        return found
    return [*found, *read_accuracies(sentence, data), *read_epochs(sentence), *read_settings(sentence)]
