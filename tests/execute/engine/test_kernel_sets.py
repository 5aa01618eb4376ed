"""Kernels of our own take the place of torch's only where they compute the same, and never in the middle of a
run. `Double` computes what C does where none is built; where it is, both are tested.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from grader.core.facts.retrain import KernelSet
from grader.core.retrain_rule import RuleParams
from grader.core.settings import Settings
from grader.execute.engine.runs.checkpoint import Checkpoint
from grader.execute.engine.runs.initial_weights import fresh_tensors
from grader.execute.engine.runs.retraining import retrain_network
from grader.execute.engine.runs.seed_run import run_seed
from grader.execute.engine.runs.wish import Progress, Wish
from grader.execute.engine.ways import kernel_set, native_kernels
from grader.execute.engine.ways.kernel_set import build, choice, draws_alike, fault_of
from grader.execute.engine.ways.native_kernels import Kernels, dropout
from grader.execute.graph.network import Network, load_network
from grader.sandbox.worker.export import export_model
from tests.execute.engine.kernel_double import NOT_BUILT, Double, at, built
from tests.execute.engine.small import digits, network, recipe


@pytest.fixture(params=["double", pytest.param("native", marks=built)])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Kernels:
    if request.param == "native":
        import grader_native

        return grader_native  # type: ignore[no-any-return]
    double = Double()
    monkeypatch.setattr(kernel_set, "_module", lambda: double)
    return double


@pytest.fixture(autouse=True)
def _chosen_anew() -> Iterator[None]:
    choice.cache_clear()
    yield
    choice.cache_clear()


class Stretched(Double):
    """Keeps a little more often than it is told."""

    def dropout(self, *arguments: float) -> None:
        super().dropout(*arguments[:-1], arguments[-1] * 0.999)


class Behind(Double):
    """Draws the right mask and leaves the generator where it was."""

    def dropout(self, *arguments: float) -> None:
        generator = at(arguments[0], arguments[1], np.uint8)
        before = generator.copy()
        super().dropout(*arguments)
        generator[:] = before


class Biased(Double):
    """Takes the variance of a batch for that of a sample."""

    def batch_norm(self, *arguments: float) -> None:
        rows = arguments[2]
        running = arguments[9]
        super().batch_norm(*arguments)
        if running:
            kept = at(running, arguments[3])
            kept[:] = (kept - 0.9) * (rows - 1) / rows + 0.9


class Imprecise(Double):
    """Loses the part of a gradient that goes through the mean."""

    def batch_norm_back(self, *arguments: float) -> None:
        super().batch_norm_back(*arguments)
        back = at(arguments[2], arguments[3] * arguments[4])
        back += 1e-3 * abs(back).max()


class Refuses(Double):
    def dropout(self, *arguments: float) -> None:
        raise ValueError("the generator counts in another way")


class Old(Double):
    VERSION = 0


def test_kernels_that_compute_what_torch_computes_are_taken(kernels: Kernels) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert fault_of(kernels) == ""
    assert draws_alike(kernels)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("kernels", "why"),
    [
        (Biased(), "the native kernels: batch normalisation is not that of float64"),
        (Imprecise(), "the native kernels: batch normalisation is not that of float64"),
        (Old(), "the native kernels: they are of another version"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Double) else "",
)
def test_others_are_left_and_it_is_said_why(
    kernels: Kernels, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_set, "_module", lambda: kernels)
    assert choice() == (KernelSet.TORCH, why)


@pytest.mark.parametrize("kind", [Stretched, Behind, Refuses])
def test_where_torch_draws_otherwise_dropout_stays_torchs(
    kind: type[Double], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Intel's processors, where it draws by another generator."""
    kernels = kind()
    monkeypatch.setattr(kernel_set, "_module", lambda: kernels)
    assert choice() == (KernelSet.NATIVE, "dropout is torch's, which draws otherwise here")
    chosen = exported(Block(norm(), nn.Dropout(0.5)))
    tensors, images = fresh_tensors(chosen, 4).tensors, torch.randn(12, 1, 28, 28)
    answers = []
    for double in (kernels, Double()):
        monkeypatch.setattr(kernel_set, "_module", lambda double=double: double)
        model, memory = build(KernelSet.NATIVE, chosen, tensors, dropout=True)
        torch.manual_seed(6)
        answers.append(model.to(memory_format=memory).train()(images))  # type: ignore[call-overload]
    assert torch.equal(*answers)


def test_where_none_are_built_torch_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Kernels:
        raise ModuleNotFoundError("No module named 'grader_native'")

    monkeypatch.setattr(kernel_set, "_module", missing)
    assert choice() == (KernelSet.TORCH, NOT_BUILT)


@built
def test_the_built_kernels_are_used_here_where_torch_draws_as_they_do() -> None:
    import grader_native

    assert (choice().kernels is KernelSet.NATIVE) is (fault_of(grader_native) == "")


def layout(values: Tensor, last: bool) -> Tensor:
    return values.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**40),
    shape=st.tuples(*[st.integers(1, 9)] * 4),
    p=st.floats(1e-6, 1 - 1e-6),
    last=st.booleans(),
    drawn=st.integers(0, 1300),
)
@pytest.mark.parametrize("name", ["double", pytest.param("native", marks=built)])
def test_masks_and_the_generator_are_torchs_bit_for_bit(
    name: str, seed: int, shape: tuple[int, ...], p: float, last: bool, drawn: int
) -> None:
    """Wherever in a block of the generator it begins, whatever is dropped."""
    own = kernel_set._module() if name == "native" else Double()
    torch.manual_seed(seed)
    torch.rand(drawn)
    values = layout(torch.randn(shape), last)
    values *= torch.randn(shape).sign().clamp(min=-0.0)  # zeros of both signs
    state = torch.get_rng_state()
    expected = torch.dropout(values, p, True)
    after = torch.get_rng_state()
    torch.set_rng_state(state)
    found = dropout(own, values, p, True)
    assert found.stride() == expected.stride()
    assert found.view(torch.int32).equal(expected.view(torch.int32))
    assert torch.get_rng_state().equal(after)


def test_what_the_kernels_do_not_take_goes_to_torch(kernels: Kernels) -> None:
    torch.manual_seed(0)
    for values, p in (
        (torch.ones(100, 100)[:, ::2], 0.5),
        (torch.ones(9).double(), 0.5),
        (torch.ones(9), 1.0),
    ):
        state = torch.get_rng_state()
        expected = torch.dropout(values, p, True)
        torch.set_rng_state(state)
        assert torch.equal(dropout(kernels, values, p, True), expected)
    assert dropout(kernels, torch.ones(9), 0.5, False).equal(torch.ones(9))
    maps = torch.randn(6, 3, 5, 5)
    for plain in (maps, maps.contiguous(memory_format=torch.channels_last).double(), maps[:, :, 0, 0]):
        numbers = [torch.rand(3, dtype=plain.dtype) for _ in range(4)]
        expected = torch.batch_norm(plain.contiguous(), *[n.clone() for n in numbers], True, 0.1, 1e-5, False)
        found = native_kernels.batch_norm(kernels, 0, plain, *numbers, True, 0.1, 1e-5, False)
        assert torch.equal(found, expected)


def test_what_is_not_finite_stays_so(kernels: Kernels) -> None:
    """A training that diverged is known by it."""
    maps = layout(torch.randn(4, 3, 5, 5), True)
    maps[1, 2, 3, 3] = torch.nan
    ones, zeros = torch.ones(3), torch.zeros(3)
    for rectify in range(4):
        found = native_kernels.batch_norm(
            kernels, rectify, maps, ones, zeros, None, None, True, 0.1, 1e-5, False
        )
        assert found[:, 2].isnan().all()
        assert found[:, :2].isfinite().all()


class Block(nn.Module):
    """Convolutions, then what stands in `layers`, then an average."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 6, 5, stride=2), *layers)
        self.out = nn.Linear(6, 10)

    def forward(self, images: Tensor) -> Tensor:
        answers: Tensor = self.out(self.layers(images).mean((2, 3)))
        return answers


class Twice(Block):
    """Reads the rectified map beside its normalisation."""

    def forward(self, images: Tensor) -> Tensor:
        maps = torch.relu(self.layers[0](images))
        answers: Tensor = self.out((self.layers[1](maps) + maps).mean((2, 3)))
        return answers


class Overwritten(Block):
    """Overwrites a normalised map that is read once more."""

    def forward(self, images: Tensor) -> Tensor:
        maps = self.layers[1](self.layers[0](images))
        answers: Tensor = self.out((torch.relu_(maps) + maps).mean((2, 3)))
        return answers


def norm(**options: bool) -> nn.Module:
    return nn.BatchNorm2d(6, **options)


BLOCKS = {
    "behind": lambda: Block(norm(), nn.ReLU()),
    "before": lambda: Block(nn.ReLU(), norm()),
    "in place": lambda: Block(
        norm(), nn.ReLU(inplace=True), nn.Conv2d(6, 6, 3), nn.ReLU(inplace=True), norm()
    ),
    "both sides": lambda: Block(nn.ReLU(), norm(), nn.ReLU()),
    "between two": lambda: Block(norm(), nn.ReLU(), norm()),
    "after a pooling": lambda: Block(nn.MaxPool2d(2), nn.ReLU(), norm()),
    "alone": lambda: Block(norm(), nn.SiLU()),
    "bare": lambda: Block(norm(affine=False), nn.ReLU(), norm(track_running_stats=False)),
    "frozen": lambda: Block(norm().eval(), nn.ReLU()),
    "read twice": lambda: Twice(norm()),
    "overwritten": lambda: Overwritten(norm()),
}


def exported(model: nn.Module) -> Network:
    return load_network(export_model(model, None, torch.randn(4, 1, 28, 28)))


@pytest.mark.parametrize("name", BLOCKS)
def test_every_neighbourhood_of_a_normalisation_computes_the_same(name: str, kernels: Kernels) -> None:
    torch.manual_seed(8)
    chosen = exported(BLOCKS[name]())
    tensors = fresh_tensors(chosen, 4).tensors
    images = torch.randn(12, 1, 28, 28)
    steps = []
    for used in KernelSet:
        model, memory = build(used, chosen, tensors, dropout=True)
        model.to(memory_format=memory).train()  # type: ignore[call-overload]
        answers = model(images)
        answers.square().sum().backward()
        numbers = [
            answers.detach(),
            *(p.grad for p in model.parameters() if p.grad is not None),
            *model.buffers(),
        ]
        steps.append([number.double() for number in numbers])
    largest = max(float(number.norm()) for number in steps[0])
    for found, expected in zip(*reversed(steps), strict=True):
        # A bias before a normalisation has no gradient but rounding.
        assert float((found - expected).norm()) <= 1e-4 * float(expected.norm()) + 1e-5 * largest


class Views(Block):
    """Takes its maps for one row of numbers."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.out = nn.Linear(6 * 12 * 12, 10)

    def forward(self, images: Tensor) -> Tensor:
        answers: Tensor = self.out(self.layers(images).view(len(images), -1))
        return answers


@pytest.mark.parametrize(
    ("model", "last"),
    [
        (lambda: Block(norm()), True),
        (lambda: Views(norm()), False),
        (lambda: Block(nn.ReLU()), False),
        (lambda: Block(norm(), nn.GroupNorm(2, 6)), False),
    ],
    ids=["normalised", "viewed", "not normalised", "normalised otherwise, too"],
)
def test_only_what_the_kernels_keep_precise_is_laid_out_for_them(
    model: Callable[[], nn.Module], last: bool, kernels: Kernels
) -> None:
    chosen = exported(model())
    _, memory = build(KernelSet.NATIVE, chosen, fresh_tensors(chosen, 0).tensors, dropout=True)
    assert memory is (torch.channels_last if last else torch.contiguous_format)


def one_run(kernels: KernelSet, where: Path | None = None, stop: int = 0) -> tuple[object, list[int]]:
    heard: list[int] = []

    def on_epoch(right: int, loss: float) -> bool:
        heard.append(right)
        if len(heard) == stop:
            raise KeyboardInterrupt
        return False

    run = run_seed(
        network(), None, digits(), seed=5, epochs=3, device="cpu", on_epoch=on_epoch,
        checkpoint=Checkpoint(where), kernels=kernels,
    )  # fmt: skip
    return run, heard


def test_an_interrupted_run_ends_with_the_same_bits(kernels: Kernels, tmp_path: Path) -> None:
    whole, _ = one_run(KernelSet.NATIVE)
    with pytest.raises(KeyboardInterrupt):
        one_run(KernelSet.NATIVE, tmp_path / "run.state", stop=2)
    assert one_run(KernelSet.NATIVE, tmp_path / "run.state")[0] == whole


@pytest.mark.parametrize("first", KernelSet)
def test_no_run_goes_on_with_another_set(first: KernelSet, kernels: Kernels, tmp_path: Path) -> None:
    (second,) = set(KernelSet) - {first}
    state = tmp_path / "run.state"
    with pytest.raises(KeyboardInterrupt):
        one_run(first, state, stop=2)
    other = Checkpoint(state)
    other.kernels = second
    assert other.read() is None
    assert other.epochs == 0
    assert one_run(second, state) == one_run(second)


def test_no_run_is_used_by_another_set_and_the_record_says_which_ran(
    kernels: Kernels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def retrained() -> tuple[KernelSet, list[bool]]:
        told: list[Progress] = []
        wish = Wish(rule=RuleParams(epochs=1), progress=told.append)
        facts = retrain_network(network(), recipe(), digits(), Settings(cache=str(tmp_path)), wish)
        return facts.kernels, [item.cached for item in told]

    monkeypatch.setattr(kernel_set, "choice", lambda: kernel_set.Chosen(KernelSet.NATIVE))
    assert retrained() == (KernelSet.NATIVE, [False])
    monkeypatch.setattr(kernel_set, "choice", lambda: kernel_set.Chosen(KernelSet.TORCH))
    assert retrained() == (KernelSet.TORCH, [False])
    assert retrained() == (KernelSet.TORCH, [True])
    monkeypatch.undo()
