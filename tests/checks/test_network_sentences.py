"""A sentence about a network is held by its facts: no number, layer or file that the facts or the rubric do
not name.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.checks.catalogue import catalogue
from grader.core.facts.network import (
    BatchNorm,
    Declared,
    Dropout,
    DropoutKind,
    Effect,
    GapKind,
    Layer,
    Linear,
    Modes,
    NetworkFacts,
    OutputKind,
    PointConvolution,
    Reduction,
    Where,
)
from grader.core.outcome import Outcome
from grader.core.rubric import Profile

CODES = ("NN401", "NN402", "NN403", "NN404", "NN405", "NN406", "NN407")
COUNT = st.integers(1, 40_000)
SIDE = st.integers(2, 28)
EFFECT = st.sampled_from(Effect)
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")


def layer(index: int) -> st.SearchStrategy[Layer]:
    return st.builds(
        Layer,
        index=st.just(index),
        operator=st.sampled_from(("conv2d", "batch_norm", "dropout", "linear", "avg_pool2d")),
        module=st.sampled_from(("conv", "features", "")),
        input_shape=st.tuples(COUNT, SIDE, SIDE),
        output_shape=st.tuples(COUNT, SIDE, SIDE),
        parameters=COUNT,
        feeds_on=st.just((index - 1,)),
    )


AT = st.integers(0, 3)
NETWORKS = st.builds(
    NetworkFacts,
    artefact=st.just("S4.ipynb"),
    name=st.just("Net"),
    graph=st.just("0" * 64),
    declared_parameters=COUNT,
    parameters=COUNT,
    constants=st.integers(0, 30_000),
    unused=st.lists(
        st.builds(
            Declared, name=st.just("spare.weight"), shape=st.tuples(COUNT), dtype=st.just("float32")
        ),
        max_size=2,
    ).map(tuple),
    input_shape=st.just((1, 28, 28)),
    output=st.sampled_from(OutputKind),
    outputs=st.just(10),
    modes=st.sampled_from(Modes),
    layers=st.tuples(*(layer(index) for index in range(4))),
    batchnorm=st.lists(
        st.builds(
            BatchNorm,
            layer=AT,
            features=COUNT,
            batch_statistics_in_eval=st.booleans(),
            distance=AT,
            effect=EFFECT,
        ),
        max_size=3,
    ).map(tuple),
    dropout=st.lists(
        st.builds(
            Dropout,
            layer=AT,
            p=st.sampled_from((0.0, 1e-12, 0.0005, 0.05, 0.069, 0.1)),
            kind=st.sampled_from(DropoutKind),
            active_in_training=st.booleans(),
            active_in_eval=st.booleans(),
            distance=AT,
            effect=EFFECT,
        ),
        max_size=3,
    ).map(tuple),
    gap=st.sampled_from(GapKind),
    reductions=st.lists(
        st.builds(
            Reduction,
            layer=AT,
            kind=st.sampled_from(GapKind),
            operator=st.just("avg_pool2d"),
            map=st.tuples(SIDE, SIDE),
            window=st.just((1, 2)),
            where=st.sampled_from(Where),
            effect=EFFECT,
        ),
        max_size=3,
    ).map(tuple),
    linear=st.lists(
        st.builds(
            Linear, layer=AT, inputs=COUNT, outputs=COUNT, bias=st.booleans(), map=st.just((1, 1)), effect=EFFECT
        ),
        max_size=2,
    ).map(tuple),
    point_convolutions=st.lists(
        st.builds(PointConvolution, layer=AT, inputs=COUNT, outputs=COUNT, effect=EFFECT), max_size=2
    ).map(tuple),
)  # fmt: skip


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from numbers(part)
    elif isinstance(value, list | tuple):
        yield len(value)
        for part in value:
            yield from numbers(part)


def held(network: NetworkFacts) -> set[float]:
    """Every number of the facts, every count of what they list by effect or use, and what is worked out from
    two of them.
    """
    found = set(numbers(msgspec.to_builtins(network)))
    for items in (network.batchnorm, network.dropout, network.reductions, network.linear):
        kinds = [msgspec.to_builtins(item) for item in items]
        for key in ("effect", "active_in_eval", "active_in_training", "batch_statistics_in_eval"):
            values = [kind.get(key) for kind in kinds]
            found |= {values.count(value) for value in values}
    # How many of them stand after two conditions; and what is left over the limit, or of a map.
    found |= set(range(max(len(network.dropout), len(network.batchnorm)) + 1))
    found |= {
        count - limit + 1
        for count in (network.parameters, network.declared_parameters)
        for limit in (20_000,)
    }
    for item in network.reductions:
        whole, seen = item.map[0] * item.map[1], item.window[0] * item.window[1]
        found.add(100 - 100 * seen // whole)
    return found


RUBRIC = {20_000, 1_000, 0.001, 0.069, 1, 0, 0.1}
"""Numbers of the rubric's own thresholds, and of the example in a hint (`nn.Dropout(0.1)`,
`AdaptiveAvgPool2d(1)`).
"""


@pytest.mark.parametrize("code", CODES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(network=NETWORKS)
def test_no_sentence_names_a_number_that_the_facts_do_not_hold(code: str, network: NetworkFacts) -> None:
    rule = catalogue()[code]
    given_ = rule.arguments(rule.check, rule.params(), rule.policy(), Profile())
    outcome = rule.check(network, **given_)
    assert isinstance(outcome, Outcome)
    allowed = held(network) | RUBRIC
    texts = [outcome.summary]
    for finding in outcome.findings:
        texts += [finding.message, finding.found, finding.expected, finding.hint]
        assert finding.place is None or finding.place.artefact == "S4.ipynb"
    for text in texts:
        for written in NUMBER.findall(re.sub(r"\d+(?:x\d+)+", lambda m: m[0].replace("x", " "), text)):
            assert float(written.replace(",", "")) in allowed, (written, text)
