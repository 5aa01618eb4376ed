"""A rubric's text with other values in its tables: comments and the order of what stands there are kept."""

import re
from collections.abc import Mapping

import msgspec

from grader.core.assigned_network import AssignedNetwork
from grader.core.class_sheet import INPUTS, TARGETS, WEIGHTS
from grader.core.rubric import Profile, Rubric
from grader.core.rule import Rule
from grader.pipeline.plan.rubrics import parse

_CRITERION = re.compile(r"^\[\[criterion\]\]", re.MULTILINE)


def changed(
    text: str, rubric: Rubric, values: Mapping[str, Mapping[str, object]], rules: Mapping[str, Rule]
) -> str:
    """Return a rubric's text with other values by table. A `[profile]` that does not fit another network any
    more gets some that do.

    Raises RubricFault with everything that is wrong with the result.
    """
    for table, own in values.items():
        text = with_values(text, table, own)
    if "network" in values:
        told = {**msgspec.to_builtins(rubric.network), **values["network"]}
        network = msgspec.convert(told, AssignedNetwork, strict=False)
        if not network.faults() and msgspec.structs.replace(rubric.profile, network=network).faults():
            text = with_values(text, "profile", some_values(network))
    parse(text.encode("utf-8"), "the new rubric", rules)
    return text


def with_values(text: str, table: str, values: Mapping[str, object]) -> str:
    """Return the text in which `[table]` says these values; the table is added above the criteria where it
    is not there, and nothing changes without a value.
    """
    if not values:
        return text
    head = re.search(rf"^\[{re.escape(table)}\][^\n]*\n", text, re.MULTILINE)
    if head is None:
        first = _CRITERION.search(text)
        at = first.start() if first else len(text)
        body = "".join(f"{name} = {toml(value)}\n" for name, value in values.items())
        return f"{text[:at]}[{table}]\n{body}\n{text[at:]}"
    end = re.compile(r"^\[|\Z", re.MULTILINE).search(text, head.end())
    assert end is not None
    inner = text[head.end() : end.start()]
    for name, value in values.items():
        line = f"{name} = {toml(value)}\n"
        old = re.compile(rf"^{re.escape(name)}[ \t]*=[^\n]*\n", re.MULTILINE)
        inner = old.sub(lambda _, line=line: line, inner, count=1) if old.search(inner) else line + inner  # type: ignore[misc]
    return text[: head.end()] + inner + text[end.start() :]


def toml(value: object) -> str:
    """A value as TOML writes it: a truth, a number, a text or a list of them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return str(value) if isinstance(value, int | float) else f'"{value}"'


def some_values(network: AssignedNetwork) -> dict[str, object]:
    """Values for a network's `[profile]`, to be replaced by the course's own: as many as it has of each."""
    step = INPUTS[0]
    weights = tuple(round(WEIGHTS[0] + step * n, 2) for n in range(len(network.weights)))
    biases = tuple(round(WEIGHTS[-1] + step * n, 2) for n in range(len(network.biases)))
    targets = tuple(TARGETS[n % len(TARGETS)] for n in range(len(network.targets)))
    return {
        "inputs": tuple(round(step * (n + 1), 2) for n in range(len(network.inputs))),
        "targets": targets,
        "weights": weights,
        "biases": biases,
        "learning_rates": Profile().learning_rates,
    }
