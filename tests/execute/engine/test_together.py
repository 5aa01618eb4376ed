"""Seeds side by side train as each would alone, and go one by one where they would not."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from grader.core.facts.recipe import Part, Stepping, StudentRecipe
from grader.core.facts.retrain import SeedRun
from grader.core.settings import Settings
from grader.execute.engine import decide
from grader.execute.engine.cache import TrainingJob
from grader.execute.engine.checkpoint import Checkpoint
from grader.execute.engine.decide import retrain_network
from grader.execute.engine.recipe import Plan, resolve
from grader.execute.engine.run import run_seed, run_together
from grader.execute.engine.together import SideBySide, agrees
from grader.execute.graph.network import Network, load_network
from grader.execute.retrain import Progress, Wish
from grader.execute.retrain_rule import RuleParams
from grader.sandbox.worker.export import export_model
from tests.execute.engine.small import TENSOR, digits, module, network, recipe

SEEDS = (5, 6, 7)
TURNED = (Part(kind="RandomRotation", arguments={"degrees": (-7.0, 7.0), "fill": 0}), *TENSOR)
ONE_CYCLE = {
    "optimizer": Part(kind="Adam", arguments={"lr": 0.01}),
    "scheduler": Part(kind="OneCycleLR", arguments={"max_lr": 0.02}),
    "stepping": Stepping.BATCH,
}
PLATEAU = {"scheduler": Part(kind="ReduceLROnPlateau", arguments={"mode": "min", "patience": 0})}


def plain() -> Network:
    """The small network without dropout, which alone draws other numbers side by side."""
    layers = [layer for layer in module() if not isinstance(layer, nn.Dropout)]  # type: ignore[attr-defined]
    return load_network(export_model(nn.Sequential(*layers), None, torch.randn(4, 1, 28, 28)))


def plan_of(found: StudentRecipe | None) -> Plan | None:
    if found is None:
        return None
    resolved = resolve(found, (1, 28, 28), 320)
    assert resolved.plan is not None, resolved.missing
    return resolved.plan


def alone(chosen: Network, plan: Plan | None, seed: int) -> SeedRun:
    return run_seed(
        chosen, plan, digits(), seed=seed, epochs=3, device="cpu", on_epoch=lambda right, loss: False
    )


def together(
    chosen: Network, plan: Plan | None, checkpoint: Checkpoint | None = None, stop: int = 0
) -> tuple[SeedRun, ...] | None:
    heard = []

    def on_epoch(scores: tuple[tuple[int, float], ...]) -> bool:
        heard.append(scores)
        if len(heard) == stop:
            raise KeyboardInterrupt
        return False

    return run_together(
        chosen,
        plan,
        digits(),
        seeds=SEEDS,
        epochs=3,
        device="cpu",
        on_epoch=on_epoch,
        checkpoint=checkpoint,
    )


@pytest.mark.parametrize(
    "found",
    [recipe(), recipe(training_transform=TURNED), recipe(**ONE_CYCLE), None],
    ids=["steps", "augmented", "one cycle", "ours"],
)
def test_each_seed_trains_as_it_would_alone(found: StudentRecipe | None) -> None:
    chosen, plan = plain(), plan_of(found)
    runs = together(chosen, plan)
    assert runs is not None
    for seed, run in zip(SEEDS, runs, strict=True):
        own = alone(chosen, plan, seed)
        assert run.losses == pytest.approx(own.losses, rel=2e-3)
        assert all(abs(a - b) <= 2 for a, b in zip(run.correct, own.correct, strict=True))
        assert run.proof.steps == own.proof.steps == run.proof.steps_expected
        # A bias before a batch normalisation moves by rounding only.
        assert run.proof.parameters_changed == pytest.approx(own.proof.parameters_changed, abs=0.03)
        assert run.proof.repeatable
        assert run.proof.finite
        assert run.planned == own.planned
    assert len({run.losses for run in runs}) == 3
    assert runs[0].how == "side by side with seed 6, seed 7"


def test_dropout_draws_for_each_seed_and_every_seed_learns() -> None:
    runs = together(network(), plan_of(recipe()))
    assert runs is not None
    assert all(run.losses[-1] < run.losses[0] for run in runs)
    assert len({run.losses for run in runs}) == 3


def test_a_schedule_that_watches_scores_goes_one_by_one() -> None:
    plan = plan_of(recipe(**PLATEAU))
    assert plan is not None
    assert plan.watches_scores
    assert together(network(), plan) is None


def test_seeds_that_are_interrupted_go_on_to_the_same_bits(tmp_path: Path) -> None:
    plan = plan_of(recipe(training_transform=TURNED))
    whole = together(network(), plan)
    kept = tmp_path / "run.state"
    with pytest.raises(KeyboardInterrupt):
        together(network(), plan, Checkpoint(kept), stop=2)
    assert kept.exists()
    assert together(network(), plan, Checkpoint(kept)) == whole


class Branching(nn.Module):
    """Reads a number out of its batch, which a stack of batches does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(784, 10)

    def forward(self, images: Tensor) -> Tensor:
        answers: Tensor = self.layer(images.flatten(1))
        return answers if images.mean().item() > 0 else -answers


class Changing(Branching):
    """Answers otherwise from call to call."""

    calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        answers: Tensor = self.layer(images.flatten(1)) * self.calls
        return answers


@pytest.mark.parametrize(("kind", "expected"), [(Branching, False), (Changing, False), (module, True)])
def test_a_pass_side_by_side_is_compared_with_the_passes_alone(kind: type[nn.Module], expected: bool) -> None:
    models = [kind().train() for _ in range(2)]
    for model in models:
        for layer in model.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
    assert agrees(models, torch.randn(2, 8, 1, 28, 28)) is expected


def test_the_single_modules_share_memory_with_the_stack() -> None:
    models = [module() for _ in range(2)]
    stack = SideBySide(models)
    with torch.no_grad():
        for value in stack.parameters():
            value.fill_(0.5)
    assert all(float(value.detach().min()) == 0.5 for model in stack.single() for value in model.parameters())
    assert sum(value.numel() for value in stack.parameters()) == 2 * sum(
        value.numel() for value in models[0].parameters()
    )


def retrained(monkeypatch: pytest.MonkeyPatch, *, side_by_side: bool, cache: str = "", **rule: int):  # type: ignore[no-untyped-def]
    told: list[Progress] = []
    monkeypatch.setattr(TrainingJob, "side_by_side", side_by_side)
    wish = Wish(rule=RuleParams(epochs=3, **rule), progress=told.append)  # type: ignore[arg-type]
    return retrain_network(network(), recipe(), digits(), Settings(cache=cache), wish), told


def test_the_seeds_after_the_first_run_side_by_side_and_the_answer_is_that_of_one_by_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    never = {"right": 101, "clear_miss": 0, "borderline": 0}
    apart, _ = retrained(monkeypatch, side_by_side=False, **never)
    facts, told = retrained(monkeypatch, side_by_side=True, cache=str(tmp_path), **never)
    assert facts.seeds == apart.seeds == SEEDS
    assert facts.runs[0] == apart.runs[0]
    assert [bool(run.how) for run in facts.runs] == [False, True, True]
    assert facts.notes == ("side by side with seed 7", "side by side with seed 6")
    assert [(item.run, item.epoch) for item in told[3:]] == [(2, 1), (3, 1), (2, 2), (3, 2), (2, 3), (3, 3)]
    again, heard = retrained(monkeypatch, side_by_side=True, cache=str(tmp_path), **never)
    assert again.runs == facts.runs
    assert all(item.cached for item in heard)
    assert not list((tmp_path / "retrain").glob("*.state"))


def test_a_hit_of_any_seed_ends_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    apart, _ = retrained(monkeypatch, side_by_side=True, right=101, clear_miss=0, borderline=0)
    curves = [run.correct for run in apart.runs]
    first = max(curves[0])
    hit = max(value for curve in curves[1:] for value in curve)
    if hit <= first:
        pytest.fail(f"these seeds show nothing: {curves}")
    facts, _ = retrained(monkeypatch, side_by_side=True, right=hit, clear_miss=0, borderline=0)
    ended = min(curve.index(hit) + 1 for curve in curves[1:] if hit in curve)
    assert [len(run.correct) for run in facts.runs] == [3, ended, ended]


def test_where_memory_is_short_they_run_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*args: object, **named: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(decide, "run_together", short)
    facts, _ = retrained(monkeypatch, side_by_side=True, right=101, clear_miss=0, borderline=0)
    assert facts.seeds == SEEDS
    assert not any(run.how for run in facts.runs)
