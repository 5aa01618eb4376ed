"""What a recorded pass stands for, and the near misses that it must leave to the export."""

import copy
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from grader.execute.graph.interpret import GraphNetwork  # noqa: E402
from grader.execute.graph.network import Network, load_network  # noqa: E402
from grader.sandbox.worker import export as worker  # noqa: E402
from grader.sandbox.worker.record import Asked, NotRecorded, record  # noqa: E402
from tests.sandbox import recordable  # noqa: E402

pytestmark = pytest.mark.slow

READS = (
    "Item", "Truth", "List", "Array", "AsArray", "Copied", "Pickled", "Equal", "WeightRead", "WeightData",
    "MovingAverage", "Selected",
)  # fmt: skip
SOUND = (
    "Small",
    "Inverse",
    "NoGrad",
    "NoGradInPlace",
    "Sizes",
    "Constants",
    "Unchanged",
    "Several",
    "ShapePrinted",
)


def made(name: str) -> Any:
    """The network of that name after one pass in training, so that its statistics say something."""
    torch.manual_seed(3)
    model = getattr(recordable, name)()
    model.train()
    with torch.no_grad():
        model(images(16))
    return model


def images(count: int, seed: int = 1) -> Any:
    return torch.randn(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def recorded(name: str) -> Network:
    """The network as the trusted side has it; fails where it was exported and not recorded."""
    found = []

    def watched(*given: Any) -> Any:
        found.append(record(*given))
        return found[-1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(worker, "record", watched)
        frames = worker.export_model(made(name), None, images(8))
    assert found
    return load_network(frames)


def refused(name: str, reason: str) -> None:
    with pytest.raises(NotRecorded, match=reason):
        record(made(name), {}, images(8))


@pytest.mark.parametrize("name", READS)
def test_a_value_that_python_reads_is_left_to_the_export(name: str) -> None:
    refused(name, "reads|asks a tensor")


@pytest.mark.parametrize("name", ["Noise", "PythonChance", "NumpyChance"])
def test_chance_that_is_no_dropout_is_left_to_the_export(name: str) -> None:
    refused(name, "draws random numbers")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("BatchBranch", "a number of forward is 1 for 4 images and 2 for 7"),
        ("BatchPlusOne", "a number of forward is 5 for 4 images and 8 for 7"),
        ("Counter", "other things for other images"),
        ("PlainMemory", "changes a tensor that is no buffer"),
        ("OwnGradient", "autograd function of its own"),
        ("AsksForGradients", "asks a tensor"),
        ("Tuple", "returns a tuple"),
        ("Constant", "returns what it did not compute"),
    ],
)
def test_what_passes_do_not_agree_about_is_left_to_the_export(name: str, reason: str) -> None:
    refused(name, reason)


@pytest.mark.parametrize("name", SOUND)
def test_a_recorded_graph_answers_as_the_network_in_both_modes(name: str) -> None:
    network, model = recorded(name), made(name)
    rebuilt = GraphNetwork(network, network.tensors)
    for training in (False, True):
        for each in (model, rebuilt):
            each.train(training)
        with torch.no_grad():
            torch.manual_seed(5)
            wanted = model(images(33, 2))
            torch.manual_seed(5)
            assert torch.equal(rebuilt(images(33, 2)), wanted)


@pytest.mark.parametrize("name", ["Small", "Inverse", "NoGrad", "NoGradInPlace", "Unchanged"])
def test_gradients_are_those_of_the_network(name: str) -> None:
    network, model = recorded(name), made(name)
    rebuilt = GraphNetwork(network, network.tensors)
    for each in (model, rebuilt):
        each.train()
        torch.manual_seed(3)
        each(images(8))[:, 0].sum().backward()
    wanted = {key: p.grad for key, p in model.named_parameters() if p.grad is not None}
    kinds = [key for key in network.kinds if network.trains(key)]
    assert kinds == list(wanted)
    for key, parameter in zip(kinds, rebuilt.parameters(), strict=True):
        assert torch.equal(parameter.grad, wanted[key])


def test_gradients_stop_where_no_grad_says() -> None:
    calls = recorded("NoGrad").training.instructions
    assert [call.base for call in calls].count("detach") == 1


def test_autocast_is_read_as_the_float32_that_the_retraining_uses() -> None:
    network, model = recorded("Autocast"), made("Autocast").eval()
    rebuilt = GraphNetwork(network, network.tensors).eval()
    with torch.no_grad():
        assert torch.equal(rebuilt(images(9)), recordable.Small.forward(model, images(9)))


@pytest.mark.parametrize("name", ["Small", "Inverse", "Constants", "Unchanged", "Several"])
def test_the_graph_is_the_one_that_the_export_makes(name: str) -> None:
    def never(*_given: Any) -> Any:
        raise NotRecorded("not now")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(worker, "record", never)
        exported = load_network(worker.export_model(made(name), None, images(8)))
    ours = recorded(name)
    assert ours.digest == exported.digest
    assert ours.kinds == exported.kinds
    assert all(torch.equal(value, exported.tensors[key]) for key, value in ours.tensors.items())


@pytest.mark.parametrize("name", ["Small", "Counter", "PlainMemory", "NoGradInPlace", "Item"])
def test_everything_is_put_back(name: str) -> None:
    model = made(name)
    model.train()
    before = copy.deepcopy({k: v for k, v in vars(model).items() if not k.startswith("_")})
    tensors = {key: value.clone() for key, value in model.state_dict().items()}
    torch.manual_seed(11)
    random.seed(11)
    np.random.seed(11)
    chance = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[union-attr]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch.export, "export", lambda *_a, **_k: 1 / 0)
        worker.export_model(model, None, images(8))
    assert all(torch.equal(value, tensors[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), chance[0])
    assert (random.getstate(), np.random.get_state()[1].tobytes()) == chance[1:]  # type: ignore[union-attr]
    after = {k: v for k, v in vars(model).items() if not k.startswith("_")}
    assert after.keys() == before.keys()
    assert all(torch.equal(v, after[k]) if hasattr(v, "dim") else v == after[k] for k, v in before.items())
    assert model.training
    assert torch.autograd.Function.__dict__["apply"].__func__.__qualname__ == "Function.apply"


def test_the_state_of_the_last_step_is_recorded_and_not_the_live_one() -> None:
    model = made("Small")
    state = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        model.conv.weight.fill_(float("nan"))
    found = record(model, state, images(8), Asked(lambda _shape: [images(5)], 10))
    model.load_state_dict(state)
    with torch.no_grad():
        assert torch.equal(found.answers, model.eval()(images(5)))


def test_a_notebook_that_ended_without_gradients_changes_nothing() -> None:
    with torch.no_grad():
        ended = load_network(worker.export_model(made("Small"), None, images(8)))
    assert ended.digest == recorded("Small").digest


def test_one_image_and_three_are_enough_of_an_example() -> None:
    for count in (1, 2, 3):
        assert load_network(worker.export_model(made("Small"), None, images(count))).static_batch == 0


def test_recording_imports_no_compiler() -> None:
    code = (
        "import sys, torch; from tests.sandbox import recordable; from grader.sandbox.worker import export\n"
        "made = export.export_model(recordable.Small(), None, torch.rand(4, 1, 28, 28))\n"
        "assert len(made) == 4\n"
        "assert not {'sympy', 'torch._dynamo', 'torch.fx.experimental.symbolic_shapes'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
