"""A training that was interrupted goes on at its last whole epoch and ends with the same bits."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from grader.core.facts.recipe import Part, Stepping, Turn
from grader.core.facts.retrain import RecipeUsed
from grader.core.retrain_rule import RuleParams
from grader.core.settings import Settings
from grader.execute.engine.recipes.epoch_plans import PlanCourse, ReferenceCourse
from grader.execute.engine.recipes.recipe import resolve
from grader.execute.engine.runs import retraining
from grader.execute.engine.runs.cache import STALE
from grader.execute.engine.runs.checkpoint import Checkpoint
from grader.execute.engine.runs.initial_weights import fresh_tensors
from grader.execute.engine.runs.loop import Course, EpochResult, Training, train
from grader.execute.engine.runs.retraining import retrain_network
from grader.execute.engine.runs.seed_run import as_digits, run_seed
from grader.execute.engine.runs.wish import Progress, Wish
from grader.execute.graph.interpret import GraphNetwork
from reference.recipe import Recipe
from tests.execute.engine.small import TENSOR, digits, network, recipe

pytestmark = pytest.mark.slow

EPOCHS = 4


class Interrupted(Exception):
    pass


def interrupt_after(epoch: int):  # type: ignore[no-untyped-def]
    def on_epoch(result: EpochResult) -> bool:
        if result.number == epoch:
            raise Interrupted
        return False

    return on_epoch


def go(
    course: Course, checkpoint: Checkpoint | None = None, **options: object
) -> tuple[Training, dict[str, torch.Tensor]]:
    model = GraphNetwork(network(), fresh_tensors(network(), 5).tensors)
    training = train(model, as_digits(digits()), course, epochs=EPOCHS, checkpoint=checkpoint, **options)  # type: ignore[arg-type]
    return training, model.tensors()


def plan_course(**changes: object) -> PlanCourse:
    resolved = resolve(recipe(epochs=EPOCHS, **changes), (1, 28, 28), 320)
    assert resolved.plan is not None, resolved.missing
    return PlanCourse(resolved.plan)


AUGMENTED = (Part(kind="RandomRotation", arguments={"degrees": (-7.0, 7.0), "fill": 0}), *TENSOR)
SECOND = Turn(
    epochs=2,
    optimizer=Part(kind="Adam", arguments={"lr": 0.01}),
    scheduler=Part(kind="StepLR", arguments={"step_size": 1, "gamma": 0.5}),
    stepping=Stepping.EPOCH,
)
COURSES = {
    "SGD, then Adam": lambda: plan_course(then=(SECOND,)),
    "ours": lambda: ReferenceCourse(Recipe(epochs=EPOCHS), 5),
    "SGD, steps": plan_course,
    "augmented": lambda: plan_course(training_transform=AUGMENTED),
    "Adam, one cycle": lambda: plan_course(
        optimizer=Part(kind="Adam", arguments={"lr": 0.01}),
        scheduler=Part(kind="OneCycleLR", arguments={"max_lr": 0.02}),
        stepping=Stepping.BATCH,
    ),
    "AdamW, plateau": lambda: plan_course(
        optimizer=Part(kind="AdamW", arguments={"lr": 0.01, "amsgrad": True}),
        scheduler=Part(kind="ReduceLROnPlateau", arguments={"mode": "min", "patience": 0, "factor": 0.1}),
    ),
    **{
        kind: lambda kind=kind: plan_course(
            optimizer=Part(kind=kind, arguments={"lr": 0.01}),
            scheduler=Part(kind="MultiStepLR", arguments={"milestones": (1.0, 3.0), "gamma": 0.5}),
        )
        for kind in ("NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop")
    },
    **{
        kind: lambda kind=kind, arguments=arguments: plan_course(
            scheduler=Part(kind=kind, arguments=arguments)
        )
        for kind, arguments in (
            ("ExponentialLR", {"gamma": 0.5}),
            ("CosineAnnealingLR", {"T_max": 4}),
            ("CosineAnnealingWarmRestarts", {"T_0": 2}),
            ("LinearLR", {"total_iters": 3}),
            ("ConstantLR", {"total_iters": 2}),
            ("PolynomialLR", {"total_iters": 4}),
        )
    },
}


@pytest.mark.parametrize("name", COURSES)
def test_an_interrupted_training_ends_with_the_bits_of_a_whole_one(name: str, tmp_path: Path) -> None:
    whole, expected = go(COURSES[name]())
    file = Checkpoint(tmp_path / "run.state")
    for epoch in (1, 3):
        with pytest.raises(Interrupted):
            go(COURSES[name](), file, on_epoch=interrupt_after(epoch))
        torch.manual_seed(epoch)  # another process draws other numbers in between
    resumed, tensors = go(COURSES[name](), file)
    assert file.epochs == 3
    assert resumed.epochs == whole.epochs
    assert resumed.steps == whole.steps
    assert torch.equal(resumed.score.answers, whole.score.answers)
    assert all(torch.equal(value, expected[key]) for key, value in tensors.items())


def test_a_run_with_its_proof_resumes(tmp_path: Path) -> None:
    plan = resolve(recipe(), (1, 28, 28), 320).plan

    def run(checkpoint: Checkpoint | None, *, stop: bool = False):  # type: ignore[no-untyped-def]
        def on_epoch(right: int, loss: float) -> bool:
            if stop:
                raise Interrupted
            return False

        return run_seed(
            network(), plan, digits(), seed=5, epochs=3, device="cpu", on_epoch=on_epoch, checkpoint=checkpoint
        )  # fmt: skip

    file = Checkpoint(tmp_path / "run.state")
    with pytest.raises(Interrupted):
        run(file, stop=True)
    assert run(file) == run(None)


@pytest.mark.parametrize("used", list(RecipeUsed))
def test_what_was_done_is_kept_told_and_cleared_away(used: RecipeUsed, tmp_path: Path) -> None:
    settings, rule = Settings(cache=str(tmp_path)), RuleParams(epochs=3)
    heard: list[Progress] = []

    def impatient(progress: Progress) -> None:
        heard.append(progress)
        if len(heard) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain_network(network(), recipe(), digits(), settings, Wish(used, rule, progress=impatient))
    assert len(list((tmp_path / "retrain").glob("*.state"))) == 1
    again: list[Progress] = []
    wish = Wish(used, rule, progress=again.append)
    found = retrain_network(network(), recipe(), digits(), settings, wish)
    assert [item.cached for item in again] == [True, True, False]
    assert [item.correct for item in again] == list(found.runs[0].correct)
    assert found == retrain_network(network(), recipe(), digits(), Settings(), Wish(used, rule))
    assert [file.suffix for file in (tmp_path / "retrain").iterdir()] == [".json"]


KILLED = """
import os, signal, sys
from grader.core.settings import Settings
from grader.execute.engine.runs.retraining import retrain_network
from grader.execute.engine.runs.wish import Wish
from grader.core.retrain_rule import RuleParams
from tests.execute.engine.small import digits, network, recipe

def die(progress):
    if progress.epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)

retrain_network(network(), recipe(), digits(), Settings(cache=sys.argv[1]), Wish(rule=RuleParams(epochs=3), progress=die))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills as Unix does")
def test_a_killed_training_goes_on_in_another_process(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    heard: list[Progress] = []
    rule = RuleParams(epochs=3)
    wish = Wish(rule=rule, progress=heard.append)
    found = retrain_network(network(), recipe(), digits(), Settings(cache=str(tmp_path)), wish)
    assert [item.cached for item in heard] == [True, True, False]
    assert found == retrain_network(network(), recipe(), digits(), Settings(), Wish(rule=rule))


def test_another_key_has_another_state(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    settings = Settings(cache=str(tmp_path))
    for changes in ({}, {"batch_size": 32}, {"seed": 6}):
        with pytest.raises(KeyboardInterrupt):
            retrain_network(
                network(), recipe(**changes), digits(), settings, Wish(rule=RuleParams(), progress=stop)
            )
    assert len(list((tmp_path / "retrain").glob("*.state"))) == 3


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 4_000])
def test_a_damaged_state_is_no_state(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "run.state"
    Checkpoint(file).write({"epochs": [(1, 10, 2.0, 0.1)]})
    assert Checkpoint(file).read() == {"epochs": [(1, 10, 2.0, 0.1)]}
    file.write_bytes(content or file.read_bytes()[:-1])
    assert Checkpoint(file).read() is None


def test_a_disk_that_takes_nothing_costs_only_the_resume(tmp_path: Path) -> None:
    (tmp_path / "retrain").write_text("a file where the folder should be")
    checkpoint = Checkpoint(tmp_path / "retrain" / "run.state")
    checkpoint.write({"epochs": []})
    assert checkpoint.read() is None
    settings, wish = Settings(cache=str(tmp_path)), Wish(rule=RuleParams(epochs=1))
    assert retrain_network(network(), recipe(), digits(), settings, wish).runs[0].correct


def test_nothing_is_left_to_train_where_the_rule_is_content(tmp_path: Path) -> None:
    file = Checkpoint(tmp_path / "run.state")
    with pytest.raises(Interrupted):
        go(plan_course(), file, on_epoch=interrupt_after(2))
    stopped, _ = go(plan_course(), file, on_epoch=lambda result: result.number == 2)
    assert len(stopped.epochs) == 2
    assert stopped.score.correct == stopped.epochs[-1].correct


def test_the_cache_of_nobody_keeps_nothing() -> None:
    job = SimpleNamespace(planned=3)
    cache = retraining.RunCache("", job)  # type: ignore[arg-type]
    cache.checkpoint(1).write({"epochs": []})
    assert cache.checkpoint(1).read() is None


def test_a_state_that_nobody_went_on_with_is_removed_after_a_month(tmp_path: Path) -> None:
    (tmp_path / "retrain").mkdir()
    old, new = (tmp_path / "retrain" / name for name in ("old.state", "new.state"))
    for path in (old, new):
        path.write_bytes(b"state")
    long_ago = time.time() - STALE - 60
    os.utime(old, (long_ago, long_ago))
    rule = RuleParams(epochs=1)
    retrain_network(network(), recipe(), digits(), Settings(cache=str(tmp_path)), Wish(rule=rule))
    assert new.exists()
    assert not old.exists()
