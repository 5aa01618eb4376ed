"""What each check of a rubric asks for, in one line: its thresholds as they hold, and what has to be
computed.
"""

from collections.abc import Iterator, Mapping
from enum import Enum

import msgspec

from grader.core.rubric import Rubric
from grader.core.rule import Rule
from grader.pipeline.plan.plan import make_plan
from grader.pipeline.plan.providers import EXECUTING


def asks(rubric: Rubric, rules: Mapping[str, Rule]) -> Iterator[str]:
    """Yield a line on the network and the data, and one a criterion, in the rubric's order."""
    network, data = rubric.network, rubric.data
    yield (
        f"[network] {'-'.join(map(str, network.layers))}, {', '.join(a.value for a in network.activations)}, "
        f"bias {network.bias.value}, loss {network.loss.value}"
    )
    yield (
        f"[data] {data.title}: {data.channels} x {data.side} x {data.side}, {data.classes} classes, "
        f"{data.training_images:,} and {data.test_images:,} images"
        f"{'' if data.trainable else '; nothing is trained on it'}"
    )
    plan = make_plan(rubric, rules)
    steps = [step for one in (plan, *(m.plan for m in plan.models)) for step in one.steps]
    phases = {step.provider.product: step.provider.phase for step in steps}
    for model in rubric.model:
        yield f"[[model]] {model.id}: called {' or '.join(model.names)}"
    for criterion in rubric.criterion:
        rule = rules[criterion.check]
        params = msgspec.convert(criterion.params, rule.params)
        policy = msgspec.convert(criterion.policy, rule.policy, strict=False)
        told = [f"{name} = {_said(value)}" for kind in (params, policy) for name, value in _fields(kind)]
        runs = {phases[n.type.__name__] for n in rule.needs if n.type.__name__ in phases and not n.optional}
        needs = ", ".join(sorted(phase.value for phase in runs if phase in EXECUTING))
        yield (
            f"{criterion.id} ({rule.code}{f' of {criterion.model}' if criterion.model else ''}, "
            f"{criterion.points:g} points): "
            f"{', '.join(told) or 'no threshold'}{f'; needs: {needs}' if needs else ''}"
        )


def _fields(record: msgspec.Struct) -> list[tuple[str, object]]:
    return [(name, getattr(record, name)) for name in record.__struct_fields__]


def _said(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_said(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
