"""Numbers of each student's own: drawn from a seed and the student's name, and written into a rubric."""

import random
from collections.abc import Mapping
from typing import Final

import msgspec

from grader.core.assigned_network import AssignedNetwork, Loss
from grader.core.rubric import Profile
from grader.pipeline.plan.rubric_text import toml, with_values

_STEPS: Final = {"inputs": (5, 96, 5), "weights": (10, 91, 1), "biases": (10, 91, 5), "targets": (1, 100, 1)}
"""Hundredths that are drawn from. Inputs differ, and so do weights: a wrong symbol shows in no number
where two are alike.
"""
_OWN: Final = ("inputs", "targets", "weights", "biases")


def drawn(common: Profile, seed: int, student: str) -> Profile:
    """Return a student's own inputs, targets, weights and biases: the same for the same seed and name,
    whoever else is in the class. Targets stay those of all where they are probabilities of classes.
    """
    network = common.network
    draw = random.Random(f"{seed}:{student}")  # noqa: S311  # anybody may know the numbers
    found = {name: _some(draw, network, name) for name in _OWN}
    if network.loss is Loss.CROSS_ENTROPY:
        found["targets"] = common.targets
    return msgspec.structs.replace(common, **found)


def _some(draw: random.Random, network: AssignedNetwork, name: str) -> tuple[float, ...]:
    of: tuple[str, ...] = getattr(network, name)
    return tuple(step / 100 for step in draw.sample(range(*_STEPS[name]), len(of)))


def text_with(text: str, students: Mapping[str, Profile]) -> str:
    """Return a rubric's text with a table of each student's own numbers at its end, sorted by name."""
    tables = (_table(f"student.{_quoted(name)}", students[name]) for name in sorted(students))
    return (
        f"{text.rstrip()}\n\n# Numbers of each student's own, by the name of the submission.\n"
        + "\n".join(tables)
    )


def text_for(text: str, own: Profile) -> str:
    """Return a rubric's text with a student's own numbers in its `[profile]`: for the student's own check."""
    return with_values(text, "profile", _values(own))


def _table(head: str, own: Profile) -> str:
    return f"[{head}]\n" + "".join(f"{name} = {toml(value)}\n" for name, value in _values(own).items())


def _values(own: Profile) -> dict[str, object]:
    return {name: list(value) for name in _OWN if (value := getattr(own, name))}


def _quoted(name: str) -> str:
    """A name as a TOML key; control characters are in no name of a roster that was read."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
