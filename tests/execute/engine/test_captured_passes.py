"""Captured passes take the place of the ordinary ones only where they compute the same. What captures here
is an imitation of CUDA.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from grader.execute.engine.recipes.epoch_plans import PlanCourse
from grader.execute.engine.recipes.recipe import resolve
from grader.execute.engine.runs.checkpoint import Checkpoint
from grader.execute.engine.runs.initial_weights import fresh_tensors
from grader.execute.engine.runs.loop import EpochResult, train
from grader.execute.engine.runs.seed_run import as_digits
from grader.execute.engine.ways.captured_passes import Captured
from grader.execute.graph.interpret import GraphNetwork
from tests.execute.engine.imitated_capture import Replay, refuses
from tests.execute.engine.small import digits, network, recipe


class Stale(Replay):
    """Replays the batch of the capture."""

    def forward(self, images: Tensor) -> Tensor:
        answers: Tensor = self.model(self.batch)
        return answers


class Frozen(Replay):
    """Draws the same numbers in every replay."""

    def forward(self, images: Tensor) -> Tensor:
        state = torch.get_rng_state()
        torch.manual_seed(0)
        answers: Tensor = self.model(images)
        torch.set_rng_state(state)
        return answers


class Detached(Replay):
    """Has the right answers and half of each gradient."""

    def forward(self, images: Tensor) -> Tensor:
        state = torch.get_rng_state()
        first: Tensor = self.model(images)
        torch.set_rng_state(state)
        second: Tensor = self.model(images)
        return first.detach() / 2 + second / 2


def fresh() -> GraphNetwork:
    return GraphNetwork(network(), fresh_tensors(network(), 5).tensors)


def trained(
    wrap: Callable[[nn.Module], nn.Module],
) -> tuple[list[tuple[int, float]], dict[str, Tensor], nn.Module]:
    model = fresh()
    wrapped = wrap(model)
    plan = resolve(recipe(), (1, 28, 28), 320).plan
    assert plan is not None
    result = train(wrapped, as_digits(digits()), PlanCourse(plan), epochs=3)
    return [(epoch.correct, epoch.loss) for epoch in result.epochs], model.tensors(), wrapped


def test_a_faithful_replay_trains_to_the_same_bits_and_is_used() -> None:
    curve, weights, _ = trained(lambda model: model)
    replayed, other, wrapped = trained(lambda model: Captured(model, Replay))
    assert isinstance(wrapped, Captured)
    assert not wrapped.refused
    assert curve == replayed
    assert all(torch.equal(weights[key], other[key]) for key in weights)
    replay = wrapped.replay
    assert isinstance(replay, Replay)
    assert replay.replays >= 3 * (320 // 64)


@pytest.mark.parametrize(
    ("grapher", "words"),
    [
        (Stale, "does not compute what the network computes"),
        (Detached, "does not compute what the network computes"),
        (Frozen, "network computes|repeats its random numbers"),
        (refuses, "^no graph could be captured: operation not permitted when stream is capturing$"),
    ],
)
def test_what_does_not_compute_the_same_is_not_used_and_disturbs_nothing(
    grapher: Callable[..., nn.Module], words: str
) -> None:
    curve, weights, _ = trained(lambda model: model)
    other_curve, other, wrapped = trained(lambda model: Captured(model, grapher))
    assert isinstance(wrapped, Captured)
    assert wrapped.replay is None
    assert re.search(words, wrapped.refused)
    assert curve == other_curve
    assert all(torch.equal(weights[key], other[key]) for key in weights)


def test_a_graph_that_repeats_its_dropout_is_noticed_even_where_the_first_step_agrees() -> None:
    class Repeats(Replay):
        """Starts from the same random state in every replay: that of the capture."""

        def __init__(self, model: nn.Module, sample: tuple[Tensor, ...]) -> None:
            self.start = torch.get_rng_state()
            super().__init__(model, sample)

        def forward(self, images: Tensor) -> Tensor:
            torch.set_rng_state(self.start)
            answers: Tensor = self.model(images)
            return answers

    model = Captured(fresh(), Repeats).train()
    model(torch.randn(8, 1, 28, 28))
    assert model.refused == "the captured graph repeats its random numbers"


def test_another_shape_and_evaluation_go_the_ordinary_way() -> None:
    model = Captured(fresh(), Replay).train()
    model(torch.randn(8, 1, 28, 28))
    replay = model.replay
    assert isinstance(replay, Replay)
    before = replay.replays
    assert model(torch.randn(5, 1, 28, 28)).shape == (5, 10)
    model.eval()
    with torch.no_grad():
        model(torch.randn(8, 1, 28, 28))
    assert replay.replays == before
    model.train()(torch.randn(8, 1, 28, 28))
    assert replay.replays == before + 1


class Stopped(Exception):
    pass


def test_a_captured_training_that_is_interrupted_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    """What replays was once a part of the state: twice the size, and unknown keys to whoever went on."""
    whole, weights, _ = trained(lambda model: Captured(model, Replay))

    def go(stop: int) -> tuple[list[tuple[int, float]], dict[str, Tensor]]:
        def on_epoch(result: EpochResult) -> None:
            if result.number == stop:
                raise Stopped

        model = fresh()
        plan = resolve(recipe(), (1, 28, 28), 320).plan
        assert plan is not None
        wrapped, kept = Captured(model, Replay), Checkpoint(tmp_path / "run.state")
        result = train(
            wrapped, as_digits(digits()), PlanCourse(plan), epochs=3, checkpoint=kept, on_epoch=on_epoch
        )
        assert wrapped.replay is not None
        return [(epoch.correct, epoch.loss) for epoch in result.epochs], model.tensors()

    with pytest.raises(Stopped):
        go(stop=2)
    state = Checkpoint(tmp_path / "run.state").read()
    assert state is not None
    assert len(state["model"]) == len(fresh().state_dict())
    torch.manual_seed(77)  # another process draws other numbers in between
    curve, resumed = go(stop=0)
    assert curve == whole
    assert all(torch.equal(weights[key], resumed[key]) for key in weights)


def test_what_was_captured_is_no_part_of_the_state() -> None:
    model = fresh()
    wrapped = Captured(model, Replay)
    wrapped.train()(torch.randn(8, 1, 28, 28))
    assert wrapped.replay is not None
    assert wrapped.state_dict().keys() == {f"model.{key}" for key in model.state_dict()}
