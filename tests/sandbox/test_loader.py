"""Batches from memory are torch's own, bit for bit, and nothing but plain MNIST is served that way."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader, SubsetRandomSampler  # noqa: E402
from torch.utils.data._utils import fetch  # noqa: E402

from grader.sandbox.worker import loader, mnist_stub, torchvision_ops  # noqa: E402
from grader.sandbox.worker.patches import Ledger  # noqa: E402
from tests.sandbox.about import ABOUT  # noqa: E402

torchvision_ops.declare()

from torchvision import datasets, transforms  # noqa: E402

NORMALISE = transforms.Normalize((0.1307,), (0.3081,))
PLAIN = transforms.Compose([transforms.ToTensor(), NORMALISE])


@pytest.fixture
def stub() -> Iterator[Ledger]:
    ledger = Ledger()
    mnist_stub.install(mnist_stub.load(None, ABOUT), ledger, ABOUT)
    yield ledger
    ledger.restore()


def read(make: Callable[[], Any]) -> tuple[str, str]:
    """Digests of two epochs (values, shapes, strides, types) and of the random state after them."""
    torch.manual_seed(11)
    digest = hashlib.sha256()
    batches = make()
    for _ in range(2):
        for images, labels in batches:
            for tensor in (images, labels):
                digest.update(repr((tensor.shape, tensor.stride(), tensor.dtype)).encode())
                digest.update(tensor.numpy().tobytes())
    return digest.hexdigest(), hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest()


def both(ledger: Ledger, make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the batches came from memory; asserts that they are torch's whatever way they came."""
    expected = read(make)
    slow: list[int] = []
    original = fetch._MapDatasetFetcher.fetch

    def counted(fetcher: Any, indices: Any) -> Any:
        slow.append(1)
        return original(fetcher, indices)

    monkeypatch.setattr(fetch._MapDatasetFetcher, "fetch", counted)
    loader.install(ledger, datasets.MNIST)
    assert read(make) == expected
    return not slow


@pytest.mark.parametrize(
    "transform",
    [
        transforms.ToTensor(),
        PLAIN,
        transforms.Compose([transforms.ToTensor()]),
        transforms.Compose([transforms.ToTensor(), NORMALISE, transforms.Normalize([0.1], [2.0])]),
    ],
)
@pytest.mark.parametrize("options", [{"shuffle": True}, {"shuffle": True, "drop_last": True}, {}])
def test_two_epochs_of_plain_mnist_are_bitwise_torchs(
    stub: Ledger, transform: Any, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> Any:
        return DataLoader(datasets.MNIST("d", transform=transform), batch_size=50, **options)

    assert both(stub, make, monkeypatch)


def test_a_split_of_mnist_is_served_too(stub: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def make() -> Any:
        whole = datasets.MNIST("d", transform=PLAIN)
        part, _ = torch.utils.data.random_split(whole, [150, len(whole) - 150])
        return DataLoader(part, batch_size=32, shuffle=True)

    assert both(stub, make, monkeypatch)


def test_a_sampler_of_the_notebooks_own_keeps_its_order(
    stub: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> Any:
        return DataLoader(
            datasets.MNIST("d", transform=PLAIN), batch_size=7, sampler=SubsetRandomSampler(range(5, 90))
        )

    assert both(stub, make, monkeypatch)


class Noisy(datasets.MNIST):
    """A data set of the notebook's own."""

    def __getitem__(self, index: int) -> Any:
        image, label = super().__getitem__(index)
        return image + torch.rand(1), label


def own_collate(samples: list[Any]) -> Any:
    """Three images at a time, upside down."""
    return torch.stack([s[0].flip(1) for s in samples]), torch.tensor([s[1] for s in samples])


@pytest.mark.parametrize(
    "make",
    [
        lambda: DataLoader(Noisy("d", transform=PLAIN), batch_size=50, shuffle=True),
        lambda: DataLoader(datasets.MNIST("d", transform=PLAIN), batch_size=50, collate_fn=own_collate),
        lambda: DataLoader(
            datasets.MNIST("d", transform=PLAIN, target_transform=lambda y: 9 - y), batch_size=50
        ),
        lambda: DataLoader(
            datasets.MNIST("d", transform=transforms.Compose([transforms.RandomRotation(7), *PLAIN.transforms])),
            batch_size=50,
            shuffle=True,
        ),
        lambda: DataLoader(datasets.MNIST("d", transform=transforms.Compose([*PLAIN.transforms, torch.neg]))),
    ],
    ids=["subclass", "collate", "target-transform", "augmented", "own-step"],
)  # fmt: skip
def test_everything_else_goes_torchs_way(
    stub: Ledger, make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not both(stub, make, monkeypatch)


def test_digits_that_the_notebook_changes_are_the_ones_it_gets(stub: Ledger) -> None:
    loader.install(stub, datasets.MNIST)
    data = datasets.MNIST("d", transform=transforms.ToTensor())
    batches = DataLoader(data, batch_size=len(data))
    assert next(iter(batches))[0].any()
    data.data.zero_()
    data.targets = data.targets * 0 + 3
    images, labels = next(iter(batches))
    assert not images.any()
    assert labels.tolist() == [3] * len(data)


def test_a_patched_class_is_respected(stub: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    loader.install(stub, datasets.MNIST)
    monkeypatch.setattr(transforms.Normalize, "forward", lambda _self, image: image * 0 + 5)
    images, _ = next(iter(DataLoader(datasets.MNIST("d", transform=PLAIN), batch_size=4)))
    assert images.unique().tolist() == [5.0]


def test_a_mean_for_three_channels_is_refused_as_torchvision_refuses_it(stub: Ledger) -> None:
    loader.install(stub, datasets.MNIST)
    coloured = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)])
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        next(iter(DataLoader(datasets.MNIST("d", transform=coloured), batch_size=4)))
