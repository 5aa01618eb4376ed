"""A training table of any small network, written with openpyxl: its formulas are those of `derivation`."""

import io
import re
from collections.abc import Mapping, Sequence

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from grader.core.assigned_network import AssignedNetwork
from tests.generate.derivation import activated, forward, gradients

NAME = re.compile(r"(?<![A-Za-z_$])(?:a_)?[thoiwbE]\d+(?!\d)|(?<![A-Za-z_])E(?![A-Za-z\d])")
START = (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55, 0.35, 0.6, 0.12, 0.33, 0.27, 0.41, 0.52, 0.18)


def formulas(network: AssignedNetwork) -> dict[str, str]:
    """The formula of every column but the given ones, over canonical names, in Excel's functions."""
    found = {}
    for line in forward(network):
        left, _, right = line.partition(" = ")
        found[left] = right.rpartition(" = ")[2]
    for unit in network.units:
        found[unit.output] = activated(network, unit).rpartition(" = ")[2]
    for line in gradients(network):
        left, _, right = line.partition(" = ")
        found["d" + left.partition("/∂")[2]] = right
    return {name: excel(text) for name, text in found.items()}


def excel(text: str) -> str:
    text = re.sub(r"relu'\((\w+)\)", r"IF(\1>0,1,0)", text)
    text = re.sub(r"relu\((\w+)\)", r"MAX(0,\1)", text)
    for ours, theirs in (("exp(", "EXP("), ("tanh(", "TANH("), ("max(", "MAX("), ("ln(", "LN(")):
        text = text.replace(ours, theirs)
    return re.sub(r"\s", "", text)


def columns(network: AssignedNetwork, *, biases: bool = True) -> list[str]:
    """Names of the columns in the order of the class sheet."""
    units = [name for unit in network.units for name in (unit.sum, unit.output)]
    own = network.biases if biases else ()
    slopes = [f"d{w}" for w in (*network.weights, *own)]
    return [*network.targets, *network.inputs, *network.weights, *own, *units, *network.losses, "E", *slopes]


def header(name: str) -> str:
    if name[0] == "d":
        return f"∂E/∂{name[1:]}"
    return "E_total" if name == "E" else name


def table(
    network: AssignedNetwork,
    *,
    rows: int = 20,
    eta: float = 0.5,
    changed: Mapping[str, str] | None = None,
    start: Mapping[str, float] | None = None,
    train_biases: bool = True,
) -> bytes:
    """An xlsx with one table; `changed` gives other formulas to some columns, over canonical names."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    names = columns(network)
    at = {name: get_column_letter(k) for k, name in enumerate(names, 1)}
    first = 5
    sheet["F2"], sheet["G2"], sheet["K1"] = "η =", eta, 0.35
    texts = {**formulas(network), **(changed or {})}
    values = given(network) | dict(start or {})
    for name, letter in at.items():
        sheet[f"{letter}{first - 1}"] = header(name)
        for n in range(rows):
            row = first + n

            def cell(match: re.Match[str], row: int = row) -> str:
                return f"{at[match[0]]}{row}"

            trained = name in network.weights or (name in network.biases and train_biases)
            if name in texts:
                sheet[f"{letter}{row}"] = "=" + NAME.sub(cell, texts[name])
            elif n and trained:
                sheet[f"{letter}{row}"] = f"={letter}{row - 1}-$G$2*{at['d' + name]}{row - 1}"
            else:
                sheet[f"{letter}{row}"] = values[name]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def given(network: AssignedNetwork, numbers: Sequence[float] = START) -> dict[str, float]:
    """Starting values of everything that is given."""
    found = {name: numbers[k % len(numbers)] for k, name in enumerate((*network.weights, *network.biases))}
    found |= {name: 0.05 * k for k, name in enumerate(network.inputs, 1)}
    targets = (0.01, 0.99, 0.4, 0.2)
    if network.softmax:
        targets = (0.0, 1.0, 0.0, 0.0)
    return found | dict(zip(network.targets, targets, strict=False))
