"""What NN408 and NN409 rule on, read from networks as they are exported."""

from typing import Any

import pytest
import torch
from torch import nn

from grader.checks.catalogue import catalogue
from grader.core.facts.network import NetworkFacts
from grader.core.outcome import Verdict
from grader.execute.graph.facts import network_facts
from grader.execute.graph.network import load_network
from grader.sandbox.worker.export import export_model

RULES = catalogue()


def facts(*layers: nn.Module) -> NetworkFacts:
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(10))
    with torch.no_grad():
        module(torch.zeros(2, 3, 32, 32))
    return network_facts(load_network(export_model(module, None, torch.randn(4, 3, 32, 32))))


def verdict(found: NetworkFacts, code: str, **params: object) -> Verdict:
    rule = RULES[code]
    return rule.check(found, rule.params(**params)).verdict


def kinds() -> Any:
    from grader.checks.network.layer_kinds import Kind

    return Kind


def test_a_network_of_session_nine() -> None:
    found = facts(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=2, dilation=2),
        nn.Conv2d(16, 16, 3, padding=1, groups=16),
        nn.Conv2d(16, 32, 1),
        nn.Conv2d(32, 32, 3, stride=2, padding=1),
        nn.Conv2d(32, 32, 3, padding=1),
    )
    kind = kinds()
    required = tuple(kind(name) for name in ("depthwise", "dilated", "stride-2", "point-convolution"))
    assert verdict(found, "NN409", required=required, forbidden=(kind("max-pooling"),)) is Verdict.PASS
    assert found.receptive_field == 1 + 2 + 4 + 2 + 2 + 2 * 2
    assert verdict(found, "NN408", at_least=15) is Verdict.PASS
    assert verdict(found, "NN408", at_least=16) is Verdict.FAIL


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (nn.MaxPool2d(2), "max-pooling"),
        (nn.GroupNorm(1, 8), "layer-normalisation"),
        (nn.GroupNorm(4, 8), "group-normalisation"),
        (nn.InstanceNorm2d(8), "instance-normalisation"),
        (nn.LayerNorm([8, 32, 32]), "layer-normalisation"),
        (nn.Conv2d(8, 8, 3, padding=1, groups=8), "depthwise"),
    ],
)
def test_each_kind_is_known_as_it_is_exported(layer: nn.Module, kind: str) -> None:
    found = facts(nn.Conv2d(3, 8, 3, padding=1), layer)
    name = kinds()(kind)
    assert verdict(found, "NN409", required=(name,)) is Verdict.PASS
    assert verdict(found, "NN409", forbidden=(name,)) is Verdict.FAIL
    assert verdict(facts(nn.Conv2d(3, 8, 3)), "NN409", required=(name,)) is Verdict.FAIL


def test_an_upsampled_map_is_for_a_person() -> None:
    found = facts(nn.Conv2d(3, 8, 3), nn.MaxPool2d(4), nn.Upsample(scale_factor=2), nn.Conv2d(8, 8, 3))
    assert found.beyond_receptive_field == ("upsample_nearest2d",)
    assert verdict(found, "NN408", at_least=44) is Verdict.UNKNOWN
