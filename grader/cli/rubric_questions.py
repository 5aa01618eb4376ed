"""What `grader rubric new` asks a person for: the network of Part 1, the data and the limits of Part 2."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

import click

from grader.core.assigned_data import KNOWN
from grader.core.assigned_network import Activation, Bias, Loss
from grader.core.rubric import AccuracyOf, Rubric

_F = TypeVar("_F", bound=Callable[..., object])
PART_1 = ("BP", "WB", "LR")
PART_2 = ("NN", "TR", "RT")


class Question(NamedTuple):
    """One value: the table and the key that take it, the option that gives it, how it is read and asked."""

    table: str
    key: str
    option: str
    asked: str
    read: Callable[[str], object]
    now: Callable[[Rubric], object]
    families: tuple[str, ...]


def _layers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.replace(",", "-").split("-"))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _one_of(*names: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return text

    return read


def _joined(values: tuple[object, ...], by: str) -> str:
    return by.join(str(value) for value in values)


QUESTIONS = (
    Question(
        "network", "layers", "--layers", "units of each layer", _layers,
        lambda r: _joined(r.network.layers, "-"), PART_1,
    ),
    Question(
        "network", "activations", "--activations",
        f"activation of each layer behind the inputs ({', '.join(a.value for a in Activation)})", _names,
        lambda r: _joined(tuple(a.value for a in r.network.activations), ", "), PART_1,
    ),
    Question(
        "network", "bias", "--bias", "biases", _one_of(*(b.value for b in Bias)),
        lambda r: r.network.bias.value, PART_1,
    ),
    Question(
        "network", "loss", "--loss", "loss", _one_of(*(x.value for x in Loss)),
        lambda r: r.network.loss.value, PART_1,
    ),
    Question("data", "name", "--data-set", "data set", _one_of(*KNOWN), lambda r: r.data.name, PART_2),
    Question(
        "assignment", "accuracy", "--accuracy", "accuracy in percent", float,
        lambda r: r.assignment.accuracy, PART_2,
    ),
    Question(
        "assignment", "accuracy_of", "--accuracy-of", "of which images",
        _one_of(*(a.value for a in AccuracyOf)), lambda r: r.assignment.accuracy_of.value, PART_2,
    ),
    Question(
        "assignment", "last_epochs", "--last", "of the last epochs so many (0: any epoch)", int,
        lambda r: r.assignment.last_epochs if r.assignment.which.value == "last" else 0, PART_2,
    ),
    Question(
        "assignment", "epochs", "--epochs", "epochs at most", int, lambda r: r.assignment.epochs, PART_2
    ),
    Question(
        "assignment", "parameters", "--parameters", "parameters stay below", int,
        lambda r: r.assignment.parameters, PART_2,
    ),
)  # fmt: skip


def question_options(command: _F) -> _F:
    """Add an option for each question."""
    for question in reversed(QUESTIONS):
        told = f"{question.asked[0].upper()}{question.asked[1:]}."
        command = click.option(question.option, metavar="VALUE", help=told)(command)
    return command


def wanted(rubric: Rubric, given: Mapping[str, str], *, ask: bool) -> Iterator[tuple[Question, object]]:
    """Yield what the options give and what a person answers otherwise than the rubric says now; raises
    click's own errors.
    """
    families = {criterion.check[:2] for criterion in rubric.criterion}
    for question in QUESTIONS:
        told = given.get(question.option)
        now = str(question.now(rubric))
        if told is None and ask and families & set(question.families):
            told = click.prompt(question.asked, default=now)
        if told is None or told == now:
            continue
        try:
            yield question, question.read(told)
        except ValueError as fault:
            raise click.UsageError(f"{question.option}: {told!r} ({fault})") from fault


def tables(found: Iterator[tuple[Question, object]]) -> dict[str, dict[str, object]]:
    """The values by table. Any epoch counts where no last ones must, and each of the last ones where some
    must.
    """
    made: dict[str, dict[str, object]] = {}
    for question, value in found:
        own = made.setdefault(question.table, {})
        if question.key != "last_epochs":
            own[question.key] = value
        elif value:
            own |= {"which": "last", "last_epochs": value}
        else:
            own["which"] = "best"
    return made
