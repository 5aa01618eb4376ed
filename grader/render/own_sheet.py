"""A workbook with a student's own numbers in the first row of its table: the rest is for the student."""

from grader.backprop.sheet_names import names_of
from grader.core.rubric import Profile
from grader.render.marks_workbook import book_of


def own_sheet(own: Profile) -> bytes:
    """Return an xlsx with two sheets: the table, with the columns of the network and the numbers that it
    starts from, and a list of the numbers.
    """
    network = own.network
    values = {
        **dict(zip(network.targets, own.targets, strict=True)),
        **dict(zip(network.inputs, own.inputs, strict=True)),
        **dict(zip(network.biases, own.biases, strict=True)),
        **dict(zip(network.weights, own.weights, strict=True)),
    }
    columns = names_of(network)
    gradients = tuple(f"∂E/∂{name.removeprefix('d')}" for name in columns.gradients)
    head = ("η", *columns.given, *columns.forward, *gradients)
    first = (own.learning_rates[0], *(values[name] for name in columns.given))
    rates = tuple((f"η of run {n}", rate) for n, rate in enumerate(own.learning_rates, 1))
    return book_of(
        ("Table", head, [(*first, *(None for _ in range(len(head) - len(first))))]),
        ("Numbers", ("name", "value"), [*values.items(), *rates]),
    )
