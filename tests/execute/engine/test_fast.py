"""Mode `fast` drops as often as dropout does, learns, and is never taken for the exact mode."""

from pathlib import Path

import pytest
import torch

from grader.core.facts.retrain import Mode
from grader.core.retrain_rule import RuleParams
from grader.core.settings import Settings
from grader.execute.engine.runs.retraining import retrain_network
from grader.execute.engine.runs.wish import Wish
from grader.execute.engine.ways.bfloat16 import HalfPrecision, PooledDropout, half_precision_pays
from tests.execute.engine.small import digits, network, recipe


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_pooled_mask_keeps_the_mean_and_drops_the_right_share(layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    values = torch.ones(64, 8, 12, 12).contiguous(memory_format=layout)
    dropped = PooledDropout()(values, 0.25, True)
    assert abs(float((dropped == 0).float().mean()) - 0.25) < 0.01
    assert sorted(dropped.unique().tolist()) == pytest.approx([0.0, 1 / 0.75])
    assert dropped.stride() == values.stride()


def test_two_masks_differ_and_evaluation_is_left_alone() -> None:
    torch.manual_seed(0)
    drop, values = PooledDropout(), torch.ones(1_000)
    assert not torch.equal(drop(values, 0.5, True), drop(values, 0.5, True))
    assert drop(values, 0.5, False) is values
    assert drop(values, 0.0, True) is values
    assert float(drop(values, 1.0, True).sum()) == 0


def test_values_in_an_order_with_gaps_are_dropped_the_ordinary_way() -> None:
    torch.manual_seed(0)
    sliced = torch.ones(100, 100)[:, ::2]
    assert 0.4 < float((PooledDropout()(sliced, 0.5, True) == 0).float().mean()) < 0.6


def test_answers_are_float32_in_both_modes() -> None:
    wrapped = HalfPrecision(torch.nn.Linear(4, 2))
    for training in (True, False):
        assert wrapped.train(training)(torch.randn(3, 4)).dtype is torch.float32


def test_half_precision_is_used_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for able, pays in (({}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able, raising=False)
        assert half_precision_pays("cpu") is pays


def test_a_fast_run_learns_says_so_and_has_a_cache_of_its_own(tmp_path: Path) -> None:
    settings = Settings(cache=str(tmp_path))
    rule = RuleParams(epochs=2)
    exact = retrain_network(network(), recipe(), digits(), settings, Wish(rule=rule))
    quick = retrain_network(network(), recipe(), digits(), settings, Wish(rule=rule, mode=Mode.FAST))
    assert (exact.mode, quick.mode) == (Mode.EXACT, Mode.FAST)
    assert quick.runs[0].losses[1] < quick.runs[0].losses[0]
    assert quick.runs[0].losses != exact.runs[0].losses
    assert len(list((tmp_path / "retrain").glob("*.json"))) == 2
