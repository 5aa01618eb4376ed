"""Parts of the worker that need no process of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from grader.sandbox.worker import (  # noqa: E402
    mnist_stub,
    module_tensors,
    pick_model,
    recipe,
    recorder,
    torchvision_ops,
)
from grader.sandbox.worker.patches import WHAT, Ledger  # noqa: E402
from grader.sandbox.worker.tracker import Tracker  # noqa: E402
from tests.sandbox.about import ABOUT  # noqa: E402


@pytest.fixture
def watched() -> Iterator[tuple[Ledger, Tracker]]:
    ledger = Ledger()
    tracker = Tracker(ledger)
    tracker.start()
    yield ledger, tracker
    tracker.stop()
    ledger.restore()


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 10, 28), nn.Flatten())


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    nn.CrossEntropyLoss()(model(torch.rand(2, 1, 28, 28)), torch.tensor([1, 2])).backward()
    optimizer.step()


def test_a_loss_module_is_not_the_network(watched: tuple[Ledger, Tracker]) -> None:
    _, tracker = watched
    model = small()
    step(model, torch.optim.SGD(model.parameters(), lr=0.1))
    assert tracker.latest is not None
    assert tracker.latest.module is model
    assert tracker.latest.steps == 1


def test_evaluation_after_training_changes_nothing(watched: tuple[Ledger, Tracker]) -> None:
    _, tracker = watched
    model, other = small(), small()
    step(model, torch.optim.SGD(model.parameters(), lr=0.1))
    kept = {k: v.clone() for k, v in model.state_dict().items()}
    with torch.no_grad():
        other(torch.rand(2, 1, 28, 28))
        model[0].weight.fill_(float("nan"))
    found = pick_model.choose(tracker, {"model": model, "other": other}, ABOUT)
    assert found.how == "last-trained"
    assert found.module is model
    assert found.state is not None
    assert all(torch.equal(found.state[k], kept[k]) for k in kept)


def test_patches_are_undone() -> None:
    before = (nn.Module.__call__, torch.autograd.backward, nn.functional.nll_loss, torch.manual_seed)
    ledger = Ledger()
    tracker = Tracker(ledger)
    tracker.start()
    recorder.Recorder(ledger, tracker)
    assert nn.Module.__call__ is not before[0]
    tracker.stop()
    ledger.restore()
    assert (nn.Module.__call__, torch.autograd.backward, nn.functional.nll_loss, torch.manual_seed) == before


def test_without_training_the_only_instance_or_the_only_class() -> None:
    tracker = Tracker(Ledger())
    model = small()
    assert (
        pick_model.choose(tracker, {"m": model, "again": model, "part": model[0]}, ABOUT).how
        == "only-instance"
    )
    several = pick_model.choose(tracker, {"a": small(), "b": small()}, ABOUT)
    assert several.how == "none"
    assert "several networks" in several.reason

    class Fits(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x)

    class NeedsMore(Fits):
        def __init__(self, width: int) -> None:
            super().__init__()

    assert pick_model.choose(tracker, {"Fits": Fits, "NeedsMore": NeedsMore}, ABOUT).how == "extracted-class"
    assert pick_model.choose(tracker, {}, ABOUT).how == "none"


def test_counting_goes_by_dictionaries() -> None:
    class Liar(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.c = nn.Conv2d(1, 10, 28)
            self.again = self.c

        def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
            return iter(())

    liar = Liar()
    assert sum(p.numel() for p in module_tensors.parameters(liar)) == 7850
    assert (
        set(module_tensors.state(liar))
        == set(liar.state_dict())
        == {"c.weight", "c.bias", "again.weight", "again.bias"}
    )
    liar.inside = nn.Sequential(liar)
    assert sum(p.numel() for p in module_tensors.parameters(liar)) == 7850


def test_synthetic_digits_are_always_the_same() -> None:
    one, two = mnist_stub.load(None, ABOUT), mnist_stub.load(None, ABOUT)
    assert torch.equal(one.train_images, two.train_images)
    assert one.synthetic
    assert sorted(set(one.test_labels.tolist())) == list(range(10))
    with pytest.raises(ValueError, match="expected"):
        mnist_stub.load(b"\x01\0\0\0\x01\0\0\0short", ABOUT)


@pytest.mark.parametrize(
    ("source", "early"),
    [
        ("for e in range(19):\n  train()\n  test()", False),
        ("for e in range(19):\n  train()\n  if acc > 99.4:\n    break", True),
        ("while True:\n  loss.backward()\n  if done: break", True),
        ("for x in xs:\n  if x: break", False),
        ("for e in range(3):\n  train()\n  for b in loader:\n    plot(b)\n    break", False),
        ("!pip install x\nfor e in range(3):\n  model.fit()\n  break", True),
        ("syntax error here", False),
    ],
)
def test_loops_that_may_stop_early(source: str, early: bool) -> None:
    assert recipe.stops_early(source) is early


def test_factors_of_a_function_with_a_memory_are_not_believed() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.2)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)
    optimizer.step()
    scheduler.step()
    assert recipe._moved_by(scheduler, [1.0, 0.5])
    assert not recipe._moved_by(scheduler, [1.0, 0.25])


def test_default_initialisation_is_recognised() -> None:
    for seed in range(20):
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.Conv2d(16, 16, 3, bias=False), nn.Linear(64, 10)
        )
        assert recorder.looks_default(model), seed
        nn.init.xavier_normal_(model[3].weight)
        assert not recorder.looks_default(model), seed
    trained = nn.Sequential(nn.BatchNorm2d(4))
    nn.init.constant_(trained[0].weight, 0.5)
    assert not recorder.looks_default(trained)


def test_every_shim_is_explained() -> None:
    ledger = Ledger()
    for name in WHAT:
        ledger.used(name, "detail")
    assert [s["name"] for s in ledger.report()] == sorted(WHAT)


def test_operators_that_a_matched_torchvision_brings_are_not_declared_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beside the torch that it was built for, a second declaration ended the process: every notebook was lost
    there.
    """

    def unknown(*_: object) -> None:
        raise RuntimeError("no such schema")

    loaded: list[str] = []
    declared: list[object] = []
    monkeypatch.setattr(torchvision_ops.torch.ops, "load_library", loaded.append)
    monkeypatch.setattr(torchvision_ops.torch._C, "_get_schema", unknown)
    monkeypatch.setattr(torchvision_ops, "_libraries", declared)
    torchvision_ops.declare()
    assert [Path(path).name.partition(".")[0] for path in loaded] == ["_C"]
    assert declared == []


def test_torchvision_can_be_imported_beside_a_cpu_torch() -> None:
    torchvision_ops.declare()
    torchvision_ops.declare()
    datasets = pytest.importorskip("torchvision.datasets")
    assert datasets.MNIST is not None
