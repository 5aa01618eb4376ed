"""A captured step takes the place of the ordinary one only where it moves everything alike. What captures here
repeats the operators of one run with the numbers that Python had then, as a CUDA graph does.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from grader.core.facts.recipe import Part, Stepping, Turn
from grader.core.facts.retrain import KernelSet
from grader.core.machine import TRAININGS_PER_GPU
from grader.execute.engine.recipes.epoch_plans import PlanCourse, ReferenceCourse
from grader.execute.engine.recipes.recipe import resolve
from grader.execute.engine.runs.checkpoint import Checkpoint
from grader.execute.engine.runs.initial_weights import fresh_tensors
from grader.execute.engine.runs.loop import WEIGHTS, Course, EpochResult, Step, step_by_step, train
from grader.execute.engine.runs.seed_run import as_digits, run_seed, run_together
from grader.execute.engine.ways import kernel_set
from grader.execute.engine.ways.captured_step import GRAPHERS, CapturedSteps, Graphers, StepGrapher
from grader.execute.engine.ways.equivalence_check import moved_alike
from grader.execute.graph.interpret import GraphNetwork
from reference.recipe import Recipe
from tests.execute.engine.imitated_capture import Call, Change, Recorder, Replay, refuses
from tests.execute.engine.small import TENSOR, digits, network, recipe

TURNED = (Part(kind="RandomRotation", arguments={"degrees": (-7.0, 7.0), "fill": 0}), *TENSOR)
RATE = 2**-6
"""The same number in float32: Adam's step reads the rate of a graph in that, and its own in float64."""
BATCHES = 6
"""Of an epoch: five of 60 digits and one of 20, which no graph of the others can take."""


@pytest.fixture(autouse=True)
def torch_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a GPU: the kernels in C are a CPU's, and no graph captures what they write by address."""
    monkeypatch.setattr(kernel_set, "choice", lambda: kernel_set.Chosen(KernelSet.TORCH))


def one_cycle(**arguments: Any) -> dict[str, object]:
    scheduler = Part(kind="OneCycleLR", arguments={"max_lr": 0.1, **arguments})
    return {"scheduler": scheduler, "stepping": Stepping.BATCH}


def optimizer(kind: str, **arguments: Any) -> dict[str, object]:
    return {"optimizer": Part(kind=kind, arguments={"lr": RATE, **arguments})}


RECIPES: dict[str, dict[str, object]] = {
    "momentum and a schedule of epochs": {},
    "a dampened momentum": optimizer("SGD", momentum=0.9, dampening=0.5),
    "no momentum": optimizer("SGD", weight_decay=0.01),
    "a rate for each batch": one_cycle(cycle_momentum=False),
    "Adam": optimizer("Adam", amsgrad=True),
    "AdamW": optimizer("AdamW"),
    "Adagrad": optimizer("Adagrad", lr_decay=0.1),
    "augmented": {"training_transform": TURNED},
    "clipped": {"clipping": Part(kind="clip_grad_norm_", arguments={"max_norm": 0.5})},
    "two optimizers": {
        "then": (Turn(epochs=2, optimizer=Part(kind="Adam", arguments={"lr": RATE})),),
    },
}


def plan_course(**changes: object) -> PlanCourse:
    found = resolve(recipe(batch_size=60, **changes), (1, 28, 28), 320)
    assert found.plan is not None, found.missing
    return PlanCourse(found.plan)


def ours() -> ReferenceCourse:
    return ReferenceCourse(Recipe(epochs=3, batch_size=60), 5)


class Ended(NamedTuple):
    """A training: right answers, loss, rate and right answers on training digits after each epoch, weights."""

    curve: list[tuple[int, float, float, int]]
    weights: dict[str, Tensor]

    def same_as(self, other: "Ended") -> bool:
        return self.curve == other.curve and all(
            torch.equal(self.weights[key], value) for key, value in other.weights.items()
        )


def ended(course: Course, take: Callable[[Step, Tensor], None] = step_by_step, **options: Any) -> Ended:
    torch.manual_seed(3)
    model = GraphNetwork(network(), fresh_tensors(network(), 5).tensors)
    training = train(model, as_digits(digits()), course, epochs=3, take=take, **options)
    curve = [(epoch.correct, epoch.loss, epoch.rate, epoch.trained) for epoch in training.epochs]
    return Ended(curve, model.tensors())


def captured(grapher: StepGrapher) -> CapturedSteps:
    return CapturedSteps(Graphers(grapher, Replay))


@pytest.mark.parametrize("name", [*RECIPES, "ours"])
def test_a_captured_training_has_the_bits_of_the_ordinary_one(name: str) -> None:
    def course() -> Course:
        return ours() if name == "ours" else plan_course(**RECIPES[name])

    recorder = Recorder()
    taken = captured(recorder)
    assert ended(course(), taken).same_as(ended(course()))
    assert taken.how == "whole steps in a captured graph"
    graphs = 2 if name == "two optimizers" else 1
    assert len(recorder.graphs) == graphs
    # All but the first batch of an optimizer and the short one of an epoch; two more for each comparison.
    assert recorder.replays == 3 * (BATCHES - 1) - graphs + 2 * graphs


def of(name: str, change: Change) -> Change:
    """The change for one kind of operator."""
    return lambda call: change(call) if call.name == name else call


def without(call: Call) -> None:
    return None


SGD, ADAM = recipe().optimizer, Part(kind="Adam", arguments={"lr": RATE})
WRONG: dict[str, tuple[Change, Part | None]] = {
    "the rate of the capture": (of("_fused_sgd_", lambda call: call.frozen("lr")), SGD),
    "the rate of the capture, Adam": (of("_fused_adam_", lambda call: call.frozen("lr")), ADAM),
    "the digits of the capture": (of("index", lambda call: call.frozen(1)), SGD),
    "the pixels of the capture": (of("convolution", lambda call: call.frozen(0)), SGD),
    "the labels of the capture": (of("nll_loss_forward", lambda call: call.frozen(1)), SGD),
    "no momentum": (of("_fused_sgd_", lambda call: call.frozen(2)), SGD),
    "the first step's momentum": (
        of("_fused_sgd_", lambda call: call._replace(named={**call.named, "is_first_step": True})),
        SGD,
    ),
    "no second moment": (of("_fused_adam_", lambda call: call.frozen(3)), ADAM),
    "steps that are not counted": (of("_foreach_add_", without), ADAM),
    "no step": (of("_fused_sgd_", without), SGD),
    "the gradients of the capture": (of("_fused_sgd_", lambda call: call.frozen(1)), SGD),
    "no gradient of the loss": (of("nll_loss_backward", without), SGD),
    "no statistics": (of("native_batch_norm", lambda call: call.frozen(3)), SGD),
    "no counts": (of("add_", without), SGD),
    "the dropout of the capture": (of("bernoulli_", without), SGD),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_graph_that_computes_anything_else_is_refused_and_disturbs_nothing(name: str) -> None:
    change, chosen = WRONG[name]
    recorder = Recorder(change)
    taken = captured(recorder)
    assert ended(plan_course(optimizer=chosen), taken).same_as(ended(plan_course(optimizer=chosen)))
    assert taken.refused == "the captured graph does not move what the step moves"
    assert taken.how == f"passes in a captured graph, the rest beside it: {taken.refused}"
    assert recorder.replays == 2


def test_a_graph_that_draws_the_same_numbers_in_every_replay_is_refused() -> None:
    """Even those of the ordinary step: the second one draws others."""
    start: list[Tensor] = []

    def grapher(work: Callable[[], None]) -> Callable[[], None]:
        start.append(torch.get_rng_state())
        replay = Recorder()(work)

        def again() -> None:
            torch.set_rng_state(start[0])
            replay()

        return again

    taken = captured(grapher)
    assert ended(plan_course(), taken).same_as(ended(plan_course()))
    assert taken.refused == "the captured graph does not move what the step moves"


def test_a_wrong_rate_shows_where_a_schedule_begins_at_nothing() -> None:
    """No weight moves in the first steps, at whatever rate the graph was captured."""
    change = of("_fused_sgd_", lambda call: call.frozen("lr"))
    taken = captured(Recorder(change))
    ended(plan_course(optimizer=Part(kind="SGD", arguments={"lr": 0.0, "momentum": 0.9})), taken)
    assert taken.refused


def test_rounding_is_no_reason_to_refuse_not_even_for_adam() -> None:
    """The bias before the batch normalisation has a gradient of rounding alone, of which Adam makes whole steps."""

    def other_bits(call: Call) -> Call:
        return call._replace(arguments=(call.arguments[0], call.arguments[1] * (1 + 1e-6)))

    normalised = iter([True])

    def once(call: Call) -> Call:
        return other_bits(call) if next(normalised, False) else call

    taken = captured(Recorder(of("sub_", once)))
    ended(plan_course(optimizer=ADAM), taken)
    assert taken.how == "whole steps in a captured graph"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (optimizer("RMSprop"), "RMSprop counts its steps in Python"),
        (optimizer("NAdam"), "NAdam counts its steps in Python"),
        ({**optimizer("SGD", momentum=0.9), **one_cycle()}, "the schedule moves more than the learning rate"),
        ({**optimizer("Adam"), **one_cycle()}, "the schedule moves more than the learning rate"),
    ],
    ids=["RMSprop", "NAdam", "momentum that cycles", "betas that cycle"],
)
def test_what_a_graph_would_freeze_is_left_to_the_passes(changes: dict[str, object], why: str) -> None:
    taken = captured(Recorder())
    found, expected = (ended(plan_course(**changes), take) for take in (taken, step_by_step))
    # One step was replayed before the schedule moved, at its rate in float32.
    assert [epoch[1] for epoch in found.curve] == pytest.approx(
        [epoch[1] for epoch in expected.curve], rel=1e-3
    )
    assert taken.how == f"passes in a captured graph, the rest beside it: {why}"


def waits(work: Callable[[], None]) -> Callable[[], None]:
    """What reads a number of the GPU while it captures."""

    def reading() -> None:
        work()
        torch.ones(1).item()

    return Recorder()(reading)


@pytest.mark.parametrize("grapher", [refuses, waits])
def test_what_cannot_be_captured_trains_step_by_step(grapher: StepGrapher) -> None:
    taken = CapturedSteps(Graphers(grapher, refuses))
    assert ended(plan_course(), taken).same_as(ended(plan_course()))
    assert taken.how == "no graph could be captured: operation not permitted when stream is capturing"


def test_a_captured_training_that_is_interrupted_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(result: EpochResult) -> None:
        if result.number == 2:
            raise Stopped

    whole, plain = ended(plan_course(), captured(Recorder())), tmp_path / "plain.state"
    kept = Checkpoint(tmp_path / "run.state")
    with pytest.raises(Stopped):
        ended(plan_course(), captured(Recorder()), checkpoint=kept, on_epoch=stop)
    with pytest.raises(Stopped):
        ended(plan_course(), checkpoint=Checkpoint(plain), on_epoch=stop)
    assert (tmp_path / "run.state").read_bytes() == plain.read_bytes()
    recorder = Recorder()
    assert ended(plan_course(), captured(recorder), checkpoint=kept).same_as(whole)
    assert len(recorder.graphs) == 1


def test_seeds_side_by_side_are_captured_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def runs() -> list[tuple[tuple[int, ...], tuple[float, ...], tuple[int, ...], str]]:
        plan = plan_course().plan
        found = run_together(
            network(), plan, digits(), seeds=(5, 6), epochs=2, device="cpu", on_epoch=lambda scores: False
        )
        assert found is not None
        return [(run.correct, run.losses, run.trained, run.how) for run in found]

    plain = runs()
    recorder = Recorder()
    monkeypatch.setitem(GRAPHERS, "cpu", Graphers(recorder, Replay))
    assert [run[:3] for run in runs()] == [run[:3] for run in plain]
    assert runs()[0][3] == "side by side with seed 6; whole steps in a captured graph"
    assert recorder.replays


def test_the_record_of_a_run_says_how_its_steps_were_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def how() -> str:
        return run_seed(
            network(), None, digits(), seed=1, epochs=1, device="cpu", on_epoch=lambda right, loss: False
        ).how

    assert how() == ""
    monkeypatch.setitem(GRAPHERS, "cpu", Graphers(Recorder(), Replay))
    assert how() == "whole steps in a captured graph"
    monkeypatch.setitem(GRAPHERS, "cpu", Graphers(refuses, Replay))
    assert how().startswith(
        "passes in a captured graph, the rest beside it: no graph could be captured: operat"
    )


@pytest.mark.parametrize(("make", "size"), [(plan_course, (320,)), (ours, (3, 320))], ids=["a plan", "ours"])
def test_an_epoch_is_sent_to_the_device_at_once(
    make: Callable[[], Course], size: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so are the numbers of a `Normalize`: a GPU waits whenever something is sent to it."""
    sent: list[tuple[int, ...]] = []
    to, tensor = Tensor.to, torch.tensor

    def counted(self: Tensor, *arguments: Any, **options: Any) -> Tensor:
        if self.dtype is torch.int64:
            sent.append(tuple(self.shape))
        return to(self, *arguments, **options)

    made: list[object] = []
    data, course = as_digits(digits()), make()
    plan_course().plan.training(data.train_images[:4])  # the numbers are kept from here on
    monkeypatch.setattr(Tensor, "to", counted)
    monkeypatch.setattr(torch, "tensor", lambda *a, **k: made.append(a) or tensor(*a, **k))
    train(GraphNetwork(network(), fresh_tensors(network(), 5).tensors), data, course, epochs=1)
    assert sent.count(size) == 1
    assert not [shape for shape in sent if shape[-1:] in ((60,), (20,))]
    assert not made


def test_normalising_takes_no_memory_of_its_own() -> None:
    images = torch.rand(4, 1, 28, 28)
    step = plan_course().plan.training.steps[-1]
    assert step.apply(images, [None] * 4).data_ptr() == images.data_ptr()


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from([WEIGHTS, "momentum_buffer"]),
    at=st.integers(0, 2),
    factor=st.floats(0.0, 2.0).filter(lambda factor: not 0.99 < factor < 1.01),
    shrunk=st.floats(1e-3, 1.0),
)
def test_any_one_tensor_that_moves_otherwise_is_noticed(
    kind: str, at: int, factor: float, shrunk: float
) -> None:
    draw = torch.Generator().manual_seed(at)
    before = {
        name: [torch.randn(9, generator=draw) for _ in range(3)] for name in (WEIGHTS, "momentum_buffer")
    }
    moves = {name: [shrunk * torch.randn(9, generator=draw) for _ in range(3)] for name in before}
    expected = {name: [a + b for a, b in zip(before[name], moves[name], strict=True)] for name in before}
    found = {name: [value.clone() for value in values] for name, values in expected.items()}
    assert moved_alike(found, expected, before, [True] * 3)
    found[kind][at] = before[kind][at] + factor * moves[kind][at]
    assert not moved_alike(found, expected, before, [True] * 3)
    assert moved_alike(found, expected, before, [number != at for number in range(3)]) is (kind == WEIGHTS)
    found[kind][at][0] = torch.nan
    assert not moved_alike(found, expected, before, [False] * 3)


def test_a_training_takes_no_more_than_its_share_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that may run at once find room, and CUDA itself some for each of them."""
    shares: list[float] = []
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", shares.append)
    monkeypatch.setattr(torch.backends.cudnn, "conv", SimpleNamespace())
    with pytest.raises((RuntimeError, AssertionError), match="CUDA"):  # this torch has none
        run_seed(
            network(), None, digits(), seed=1, epochs=1, device="cuda", on_epoch=lambda right, loss: True
        )
    assert len(shares) == 1
    assert 0.5 < TRAININGS_PER_GPU * shares[0] < 0.9
