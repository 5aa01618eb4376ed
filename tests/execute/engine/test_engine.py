"""Our training is the training it stands for: the reference's for our recipe, a DataLoader loop for a
student's.
"""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from grader.core.facts.recipe import Part, Stepping, Turn
from grader.core.facts.retrain import KernelSet
from grader.execute.engine.recipes.epoch_plans import PlanCourse, order
from grader.execute.engine.recipes.recipe import Plan, resolve
from grader.execute.engine.recipes.transforms import plain
from grader.execute.engine.runs.initial_weights import fresh_tensors
from grader.execute.engine.runs.loop import train
from grader.execute.engine.runs.seed_run import as_digits, run_seed
from grader.execute.graph.interpret import GraphNetwork
from reference import train as reference
from reference.recipe import RECIPES
from tests.execute.engine.small import digits, module, network, recipe


def plan(**changes: object) -> Plan:
    resolved = resolve(recipe(**changes), (1, 28, 28), 320)
    assert resolved.plan is not None, resolved.missing
    return resolved.plan


def test_fresh_weights_equal_those_of_a_new_module() -> None:
    torch.manual_seed(3)
    built = module()
    after = torch.get_rng_state()
    fresh = fresh_tensors(network(), 3)
    assert fresh.kept == ()
    state = built.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in fresh.tensors.items())
    assert torch.equal(torch.get_rng_state(), after)


def test_nothing_of_the_students_values_survives() -> None:
    net = network()
    trained = [
        key for key in net.kinds if key.endswith("weight") and net.trains(key) and net.tensors[key].dim() > 1
    ]
    fresh = fresh_tensors(net, 3)
    assert trained
    assert all(not torch.equal(fresh.tensors[key], net.tensors[key]) for key in trained)


def test_a_parameter_without_a_rule_is_kept_and_said() -> None:
    from grader.execute.graph.network import load_network
    from grader.sandbox.worker.export import export_model

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module()
            self.scale = nn.Parameter(torch.full((10,), 2.5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x) * self.scale

    net = load_network(export_model(Scaled(), None, torch.randn(4, 1, 28, 28)))
    fresh = fresh_tensors(net, 0)
    assert (fresh.kept, fresh.kept_numbers) == (("scale",), 10)
    assert torch.equal(fresh.tensors["scale"], torch.full((10,), 2.5))


def test_our_recipe_is_the_reference_loop_bit_for_bit() -> None:
    data = digits()
    torch.manual_seed(3)
    built = module()
    expected = reference.train(built, data, replace(RECIPES["default"], epochs=2), 3)
    got = run_seed(
        network(),
        None,
        data,
        seed=3,
        epochs=2,
        device="cpu",
        on_epoch=lambda right, loss: False,
        kernels=KernelSet.TORCH,
    )
    assert got.correct == tuple(epoch.correct for epoch in expected.epochs)
    assert got.losses == tuple(round(epoch.loss, 6) for epoch in expected.epochs)
    assert got.proof.steps == got.proof.steps_expected == expected.steps == 6
    assert got.proof.parameters_changed > 0.9
    assert got.proof.finite
    assert got.proof.repeatable


def test_a_students_recipe_is_their_dataloader_loop_bit_for_bit() -> None:
    data = as_digits(digits())
    images = plain((1, 28, 28))(data.train_images)
    torch.manual_seed(5)
    theirs = module().train()
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9, fused=True)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    loader = DataLoader(TensorDataset(images, data.train_labels), batch_size=64, shuffle=True)
    for _ in range(3):
        for batch, labels in loader:
            loss = nn.functional.cross_entropy(theirs(batch), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()

    ours = GraphNetwork(network(), fresh_tensors(network(), 5).tensors)
    training = train(ours, data, PlanCourse(plan()), epochs=3)
    state = theirs.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in ours.tensors().items())
    assert [result.rate for result in training.epochs] == [0.05, 0.025, 0.025]
    assert training.steps == 15


def test_an_optimizer_takes_over_the_weights_and_nothing_else_bit_for_bit() -> None:
    data = as_digits(digits())
    images = plain((1, 28, 28))(data.train_images)
    torch.manual_seed(5)
    theirs = module().train()
    loader = DataLoader(TensorDataset(images, data.train_labels), batch_size=64, shuffle=True)
    first = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9, fused=True)
    scheduler = torch.optim.lr_scheduler.StepLR(first, 1, 0.5)
    second = torch.optim.Adam(theirs.parameters(), lr=0.01, fused=True)
    for optimizer in (first, first, second):
        for batch, labels in loader:
            loss = nn.functional.cross_entropy(theirs(batch), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if optimizer is first:
            scheduler.step()

    then = (Turn(epochs=1, optimizer=Part(kind="Adam", arguments={"lr": 0.01})),)
    part = Part(kind="StepLR", arguments={"step_size": 1, "gamma": 0.5})
    course = PlanCourse(plan(scheduler=part, then=then))
    ours = GraphNetwork(network(), fresh_tensors(network(), 5).tensors)
    training = train(ours, data, course, epochs=3)
    state = theirs.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in ours.tensors().items())
    assert [result.rate for result in training.epochs] == [0.025, 0.0125, 0.01]


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [("clip_grad_norm_", {"max_norm": 0.1, "norm_type": 2.0}), ("clip_grad_value_", {"clip_value": 0.01})],
)
def test_gradients_are_clipped_as_the_loop_clips_them_bit_for_bit(
    kind: str, arguments: dict[str, float]
) -> None:
    data = as_digits(digits())
    images = plain((1, 28, 28))(data.train_images)
    torch.manual_seed(5)
    theirs = module().train()
    loader = DataLoader(TensorDataset(images, data.train_labels), batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9, fused=True)
    for _ in range(2):
        for batch, labels in loader:
            loss = nn.functional.cross_entropy(theirs(batch), labels)
            optimizer.zero_grad()
            loss.backward()
            getattr(nn.utils, kind)(theirs.parameters(), **arguments)
            optimizer.step()

    made = plan(scheduler=None, clipping=Part(kind=kind, arguments=dict(arguments)), epochs=2)
    ours = GraphNetwork(network(), fresh_tensors(network(), 5).tensors)
    train(ours, data, PlanCourse(made), epochs=2)
    state = theirs.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in ours.tensors().items())
    assert kind in made.summary
    assert made.couples_weights


def test_the_order_is_that_of_a_dataloader() -> None:
    data = TensorDataset(torch.arange(320))
    torch.manual_seed(11)
    expected = [batch for (batch,) in DataLoader(data, batch_size=100, shuffle=True)]
    after = torch.get_rng_state()
    torch.manual_seed(11)
    got = order(320, plan(batch_size=100))
    assert [batch.tolist() for batch in got] == [batch.tolist() for batch in expected]
    assert torch.equal(torch.get_rng_state(), after)


def test_a_last_batch_that_is_not_full_is_dropped_where_the_loader_drops_it() -> None:
    assert [len(batch) for batch in order(320, plan(batch_size=100))] == [100, 100, 100, 20]
    assert [len(batch) for batch in order(320, plan(batch_size=100, drop_last=True))] == [100, 100, 100]
    assert torch.equal(torch.cat(order(320, plan(shuffle=False))), torch.arange(320))


def test_training_learns_and_stops_where_it_is_told() -> None:
    heard: list[int] = []

    def stop(right: int, loss: float) -> bool:
        heard.append(right)
        return len(heard) == 2

    wide = plan(optimizer=Part(kind="Adam", arguments={"lr": 0.02}), scheduler=None, epochs=6)
    run = run_seed(network(), wide, digits(), seed=1, epochs=6, device="cpu", on_epoch=stop)
    assert len(run.correct) == len(heard) == 2
    assert run.planned == 6
    assert run.losses[1] < run.losses[0]
    assert run.proof.steps == run.proof.steps_expected == 10


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (
            "SGD",
            {
                "lr": 0.1,
                "momentum": 0.9,
                "nesterov": True,
                "weight_decay": 1e-4,
                "dampening": 0,
                "maximize": False,
            },
        ),
        (
            "Adam",
            {
                "lr": 0.01,
                "betas": (0.9, 0.999),
                "eps": 1e-8,
                "weight_decay": 0,
                "amsgrad": False,
                "foreach": None,
            },
        ),
        ("AdamW", {"lr": 0.01, "weight_decay": 0.01, "decoupled_weight_decay": True}),
        ("RMSprop", {"lr": 0.01, "alpha": 0.99, "centered": False}),
        ("Adagrad", {"lr": 0.01}),
        ("Adadelta", {"lr": 1.0, "rho": 0.9}),
        ("NAdam", {"lr": 0.002}),
    ],
)
def test_optimizers_that_we_follow(kind: str, arguments: dict[str, object]) -> None:
    (leg,) = plan(optimizer=Part(kind=kind, arguments=arguments), scheduler=None).legs
    made = leg.optimizer([nn.Parameter(torch.ones(2))])
    assert type(made).__name__ == kind
    assert made.param_groups[0]["lr"] == arguments["lr"]


@pytest.mark.parametrize(
    ("kind", "arguments", "stepping"),
    [
        ("StepLR", {"step_size": 6, "gamma": 0.1}, Stepping.EPOCH),
        ("MultiStepLR", {"milestones": (2.0, 4.0), "gamma": 0.1}, Stepping.EPOCH),
        ("ExponentialLR", {"gamma": 0.9}, Stepping.EPOCH),
        ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.0}, Stepping.EPOCH),
        ("OneCycleLR", {"max_lr": 0.1, "epochs": 3, "steps_per_epoch": 2, "pct_start": 0.2}, Stepping.BATCH),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 3}, Stepping.EPOCH),
        ("LambdaLR", {"factors": (1.0, 0.5, 0.25)}, Stepping.EPOCH),
        ("ReduceLROnPlateau", {"mode": "min", "factor": 0.1, "patience": 2}, Stepping.EPOCH),
    ],
)
def test_schedules_that_we_follow(kind: str, arguments: dict[str, object], stepping: Stepping) -> None:
    made = plan(scheduler=Part(kind=kind, arguments=arguments), stepping=stepping)
    model = GraphNetwork(network(), fresh_tensors(network(), 0).tensors)
    assert len(train(model, as_digits(digits()), PlanCourse(made), epochs=3).epochs) == 3


def test_the_values_of_a_function_move_the_learning_rate_as_the_function_did() -> None:
    (made,) = plan(
        optimizer=Part(kind="SGD", arguments={"lr": 0.1}),
        scheduler=Part(kind="LambdaLR", arguments={"factors": (1.0, 0.5, 0.25)}),
    ).legs
    optimizer = made.optimizer([nn.Parameter(torch.ones(1))])
    assert made.scheduler is not None
    scheduler, rates = made.scheduler(optimizer), []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([0.1, 0.05, 0.025, 0.025])
    long = Part(kind="LambdaLR", arguments={"factors": tuple(0.5**n for n in range(21))})
    assert "LambdaLR(factors=[1, 0.5, …, 9.53674e-07])" in plan(scheduler=long).summary


def test_a_one_cycle_of_the_slice_is_stretched_over_all_digits() -> None:
    part = Part(kind="OneCycleLR", arguments={"max_lr": 0.1, "epochs": 3, "steps_per_epoch": 2})
    (made,) = plan(scheduler=part, stepping=Stepping.BATCH).legs
    assert made.scheduler is not None
    assert made.scheduler(made.optimizer([nn.Parameter(torch.ones(1))])).total_steps == 3 * 5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"optimizer": None}, "optimizer is not known"),
        ({"optimizer": Part(kind="LBFGS", arguments={"lr": 1.0})}, "LBFGS"),
        ({"optimizer": Part(kind="SGD", arguments={"momentum": 0.9})}, "learning rate"),
        ({"optimizer": Part(kind="SGD", arguments={"lr": 0.1, "params": 3})}, "params"),
        ({"optimizer": Part(kind="SGD", arguments={"lr": -1.0})}, "SGD"),
        ({"optimizer": Part(kind="SGD", arguments={"lr": 1e300})}, "1e\\+300"),
        ({"optimizer": Part(kind="SGD", arguments={"lr": 0.1, "maximize": True})}, "unusual"),
        ({"scheduler": Part(kind="LambdaLR")}, "LambdaLR"),
        ({"scheduler": Part(kind="LambdaLR", arguments={"factors": ()})}, "LambdaLR"),
        ({"scheduler": Part(kind="LambdaLR", arguments={"factors": (1.0, -1.0)})}, "LambdaLR"),
        ({"stepping": Stepping.BATCH}, "after every batch"),
        ({"loss": None}, "loss is not known"),
        ({"loss": Part(kind="hinge")}, "hinge"),
        ({"batch_size": 0}, "batch size is not known"),
        ({"batch_size": 1_000_000}, "batch size of"),
        ({"epochs": 0}, "number of epochs is not known"),
        ({"training_transform": None}, "training transform is not known"),
        ({"test_transform": None}, "test transform is not known"),
        ({"default_initialisation": False}, "initialised"),
        ({"missing": ("gradients are clipped in some steps",)}, "clipped"),
        ({"clipping": Part(kind="clip_grad", arguments={"max_norm": 1.0})}, "clipped by clip_grad"),
        ({"clipping": Part(kind="clip_grad_norm_", arguments={"norm_type": 2.0})}, "unusual numbers"),
        ({"clipping": Part(kind="clip_grad_norm_", arguments={"max_norm": -1.0})}, "unusual numbers"),
        ({"then": (Turn(epochs=3, optimizer=Part(kind="Adam", arguments={"lr": 0.1})),)}, "which optimizer"),
        ({"then": (Turn(epochs=0, optimizer=Part(kind="Adam", arguments={"lr": 0.1})),)}, "which optimizer"),
        ({"then": (Turn(epochs=1),)}, "optimizer is not known"),
        ({"then": (Turn(epochs=1),) * 200}, "201 optimizers"),
    ],
)
def test_what_we_cannot_follow_is_said(changes: dict[str, object], reason: str) -> None:
    import re

    resolved = resolve(recipe(**changes), (1, 28, 28))
    assert resolved.plan is None
    assert any(re.search(reason, item) for item in resolved.missing), resolved.missing


def test_a_plateau_is_followed_but_not_for_sure() -> None:
    part = Part(kind="ReduceLROnPlateau", arguments={"mode": "min", "patience": 2})
    resolved = resolve(recipe(scheduler=part), (1, 28, 28))
    assert resolved.plan is not None
    assert "watches" in resolved.missing[0]


def test_a_training_that_diverges_is_no_proof_and_holds_no_nan() -> None:
    wild = plan(optimizer=Part(kind="SGD", arguments={"lr": 1e8, "momentum": 0.9}), scheduler=None)
    run = run_seed(
        network(), wild, digits(), seed=1, epochs=2, device="cpu", on_epoch=lambda right, loss: False
    )
    assert not run.proof.finite
    assert run.proof.faults
    assert max(run.losses) == 1e9


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[", b"\xff", b'{"format": 2}', b'{"format": 1, "code": "x"}']
)
def test_what_is_no_recipe_is_none(payload: bytes) -> None:
    from grader.core.facts.recipe import decode_recipe

    assert decode_recipe(payload) is None
    assert resolve(decode_recipe(payload), (1, 28, 28)).missing


def test_a_training_loads_no_compiler_and_is_the_same_with_it() -> None:
    """The first optimizer of a process took 1.2 CPU seconds and 70 MiB for what nothing here uses."""
    code = """
import sys
from grader.execute.engine.recipes.recipe import resolve
from grader.execute.engine.runs.seed_run import run_seed
from tests.execute.engine.small import digits, network, recipe
plans = (resolve(recipe(), (1, 28, 28), 320).plan, None)
def curves():
    runs = [run_seed(network(), p, digits(), seed=1, epochs=1, device="cpu", on_epoch=lambda *_: False) for p in plans]
    return [(run.correct, run.losses) for run in runs]
before = curves()
assert not {"sympy", "torch._dynamo.utils"} & set(sys.modules)
import torch._dynamo
assert "torch._dynamo.utils" in sys.modules or torch._dynamo.config is not None
assert curves() == before
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
