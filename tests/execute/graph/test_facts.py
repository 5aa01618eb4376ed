"""The facts of nasty networks."""

import pytest

from grader.core.facts.network import DropoutKind, GapKind, Modes, NetworkFacts, OutputKind, Where
from grader.execute.graph.facts import network_facts
from tests.execute.graph.exported import module, network

pytestmark = pytest.mark.slow


def facts(name: str) -> NetworkFacts:
    return network_facts(network(name))


@pytest.mark.parametrize(
    ("name", "kind", "size", "window"),
    [
        ("Honest", GapKind.FULL, (5, 5), (5, 5)),
        ("FullWindow", GapKind.FULL, (5, 5), (5, 5)),
        ("Mean", GapKind.FULL, (5, 5), (5, 5)),
        ("TwoMeans", GapKind.FULL, (5, 5), (5, 5)),
        ("FlatMean", GapKind.FULL, (5, 5), (5, 5)),
        ("CroppedWindow", GapKind.CROP, (5, 5), (4, 4)),
        ("NoOpGap", GapKind.NO_OP, (1, 1), (1, 1)),
        ("ConvCollapse", GapKind.CONV_COLLAPSE, (5, 5), (5, 5)),
        ("GlobalMax", GapKind.MAX, (5, 5), (5, 5)),
        ("AdaptiveMax", GapKind.MAX, (5, 5), (5, 5)),
        ("Attention", GapKind.ATTENTION_ONLY, (5, 5), (5, 5)),
        ("AttentionAndGap", GapKind.FULL, (5, 5), (5, 5)),
    ],
)
def test_how_the_map_becomes_a_vector(
    name: str, kind: GapKind, size: tuple[int, int], window: tuple[int, int]
) -> None:
    found = facts(name)
    assert found.gap is kind
    wanted = GapKind.FULL if kind is GapKind.ATTENTION_ONLY else kind
    where = Where.ATTENTION if kind is GapKind.ATTENTION_ONLY else Where.HEAD
    reduction = next(item for item in found.reductions if item.kind is wanted and item.where is where)
    assert (reduction.map, reduction.window) == (size, window)


def test_flattening_a_map_is_no_pooling() -> None:
    found = facts("Flattened")
    assert found.gap is GapKind.ABSENT
    assert [(item.inputs, item.outputs, item.map) for item in found.linear] == [(200, 10, (5, 5))]


def test_parameters_are_those_that_reach_the_output() -> None:
    found = facts("Honest")
    declared = sum(parameter.numel() for parameter in module("Honest").parameters())
    assert found.parameters == found.declared_parameters == found.counted == declared == 1_050
    assert found.unused == ()


def test_dead_millions_stand_in_the_claim_and_not_in_the_count() -> None:
    found = facts("DeadMillions")
    assert (found.parameters, found.declared_parameters, found.counted) == (1_050, 2_002_050, 2_002_050)
    assert [item.name for item in found.unused] == ["big.weight", "big.bias"]


def test_a_lie_about_the_declared_parameters_cannot_lower_the_count() -> None:
    import msgspec

    from grader.execute.graph.network import load_network
    from tests.execute.graph.exported import frames

    honest = dict(frames("Honest")[:1])["model"]
    claim = msgspec.json.decode(honest)
    claim["parameters"] = [["tiny", [1], "float32"]]
    found = network_facts(load_network([("model", msgspec.json.encode(claim)), *frames("Honest")[1:]]))
    assert found.declared_parameters == 1
    assert found.counted == found.parameters == 1_050


def test_a_discarded_normalisation_does_not_count() -> None:
    found = facts("DiscardedNorm")
    assert len(found.batchnorm) == 3
    assert [item.name for item in found.unused] == ["norm.weight", "norm.bias"]
    assert "aten.batch_norm.default" in found.dead


def test_distances_count_weighted_layers_to_the_output() -> None:
    found = facts("Honest")
    assert [item.distance for item in found.batchnorm] == [3, 2, 1]
    assert [item.distance for item in found.dropout] == [3]
    assert [item.distance for item in found.pooling] == [3, 2]


@pytest.mark.parametrize(
    ("name", "p", "kind", "in_training", "in_eval"),
    [
        ("Honest", 0.1, DropoutKind.ELEMENT, True, False),
        ("DropoutZero", 0.0, DropoutKind.ELEMENT, False, False),
        ("ChannelDropout", 0.15, DropoutKind.CHANNEL, True, False),
    ],
)
def test_dropout(name: str, p: float, kind: DropoutKind, in_training: bool, in_eval: bool) -> None:
    (found,) = facts(name).dropout
    assert (found.p, found.kind, found.active_in_training, found.active_in_eval) == (
        p,
        kind,
        in_training,
        in_eval,
    )


def test_dropout_without_the_training_flag_is_active_in_evaluation() -> None:
    found = facts("DropoutAlwaysOn")
    assert [(item.p, item.active_in_eval) for item in found.dropout] == [(0.1, False), (0.2, True)]
    assert found.modes is Modes.DROPOUT_ACTIVE


def test_dropout_that_is_only_in_evaluation_is_found() -> None:
    found = facts("DropoutOnlyInEvaluation")
    assert [
        (item.layer >= 0, item.p, item.active_in_training, item.active_in_eval) for item in found.dropout
    ] == [
        (True, 0.1, True, False),
        (False, 0.3, False, True),
    ]
    assert found.modes is Modes.DROPOUT_ACTIVE


def test_modes_that_differ_in_more_than_flags_are_told_apart() -> None:
    assert facts("Honest").modes is Modes.SAME
    found = facts("NormOnlyInTraining")
    assert found.modes is Modes.DIFFERENT
    assert "batch_norm" in found.modes_difference


def test_softmax_over_the_batch() -> None:
    assert facts("OverBatch").output is OutputKind.OVER_BATCH
    assert facts("Honest").output is OutputKind.LOG_SOFTMAX
    assert facts("LookUp").output is OutputKind.LOGITS


def test_a_shared_block_counts_once_and_runs_three_times() -> None:
    found = facts("Shared")
    assert found.parameters == 1_050 + 8 * 8 * 9 + 8 + 16
    assert len(found.batchnorm) == 6
    assert "block.0.weight" in found.reused


def test_constants_are_counted_apart() -> None:
    assert facts("Honest").constants == 0
    assert facts("LookUp").constants == 784 * 50 + 50 * 10


def test_point_convolution_and_linear_are_told_apart() -> None:
    found = facts("FullWindow")
    assert found.linear == ()
    assert [(item.inputs, item.outputs) for item in found.point_convolutions] == [(8, 10)]
    assert facts("Honest").point_convolutions == ()


def test_receptive_field_by_hand() -> None:
    # 3 (conv) -> 4 (pool, jump 2) -> 8 (conv) -> 10 (pool, jump 4) -> 18 (conv)
    assert facts("Honest").receptive_field == 18
    assert [layer.receptive_field for layer in facts("Honest").layers if layer.operator == "conv2d"] == [
        3,
        8,
        18,
    ]


def test_a_residual_layer_feeds_on_two() -> None:
    layers = facts("Residual").layers
    (addition,) = (layer for layer in layers if layer.operator == "add")
    assert [layers[index].operator for index in addition.feeds_on] == ["relu", "relu"]


def test_static_batch_is_said() -> None:
    assert facts("StaticBatch").static_batch == 16
    assert facts("StaticBatch").gap is GapKind.FULL
