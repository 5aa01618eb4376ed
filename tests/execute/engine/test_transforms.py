"""Every transform that we follow gives torchvision's bytes and leaves torch's random state where torchvision
leaves it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from grader.core.facts.recipe import Part
from grader.execute.engine.recipes.transforms import UnknownTransform, compile_test, compile_training, plain
from grader.sandbox.worker.torchvision_ops import declare
from tests.execute.engine.small import TENSOR, digits

declare()
from torchvision import transforms as tv  # noqa: E402

Image = pytest.importorskip("PIL.Image")
IMAGES = torch.from_numpy(digits(train=96, test=1).train_images)
NORMAL = [tv.ToTensor(), tv.Normalize((0.1307,), (0.3081,))]


def part(kind: str, **arguments: Any) -> Part:
    return Part(kind=kind, arguments=arguments)


RESIZED = part("Resize", size=(28, 28), interpolation="bilinear", max_size=None, antialias=True)
CASES: list[tuple[list[Callable[[Any], Any]], list[Part]]] = [
    ([], []),
    ([tv.RandomRotation((-7.0, 7.0), fill=(1,))], [part("RandomRotation", degrees=(-7.0, 7.0), fill=(1,))]),
    (
        [tv.RandomRotation(180)],
        [part("RandomRotation", degrees=(-180.0, 180.0), interpolation="nearest", center=None)],
    ),
    (
        [tv.RandomAffine(10, translate=(0.1, 0.1), scale=(0.9, 1.1), shear=5)],
        [
            part(
                "RandomAffine",
                degrees=(-10.0, 10.0),
                translate=(0.1, 0.1),
                scale=(0.9, 1.1),
                shear=(-5.0, 5.0),
            )
        ],
    ),
    (
        [tv.RandomAffine(8, shear=(-5, 5, -3, 3))],
        [part("RandomAffine", degrees=(-8.0, 8.0), shear=(-5.0, 5.0, -3.0, 3.0))],
    ),
    (
        [tv.RandomAffine(0, translate=(0.1, 0.2))],
        [part("RandomAffine", degrees=(0.0, 0.0), translate=(0.1, 0.2))],
    ),
    ([tv.RandomAffine(0, scale=(0.7, 1.3))], [part("RandomAffine", degrees=(0.0, 0.0), scale=(0.7, 1.3))]),
    # So small that Pillow's fixed point leaves 32 bits.
    (
        [tv.RandomAffine(30, scale=(0.0002, 0.02), shear=20)],
        [part("RandomAffine", degrees=(-30.0, 30.0), scale=(0.0002, 0.02), shear=(-20.0, 20.0))],
    ),
    ([tv.ColorJitter(brightness=0.4)], [part("ColorJitter", brightness=(0.6, 1.4))]),
    ([tv.ColorJitter(contrast=0.4)], [part("ColorJitter", contrast=(0.6, 1.4))]),
    ([tv.RandomCrop(28, padding=4)], [part("RandomCrop", size=(28, 28), padding=4)]),
    (
        [tv.ColorJitter(0.4, 0.5, 0.1, 0.1)],
        [
            part(
                "ColorJitter",
                brightness=(0.6, 1.4),
                contrast=(0.5, 1.5),
                saturation=(0.9, 1.1),
                hue=(-0.1, 0.1),
            )
        ],
    ),
    (
        [tv.RandomHorizontalFlip(0.3), tv.RandomRotation(10)],
        [part("RandomHorizontalFlip", p=0.3), part("RandomRotation", degrees=(-10.0, 10.0))],
    ),
    (
        [tv.RandomApply([tv.CenterCrop(22)], p=0.3), tv.Resize((28, 28)), tv.RandomRotation(15)],
        [
            part("RandomApply(CenterCrop)", size=(22, 22), p=0.3),
            RESIZED,
            part("RandomRotation", degrees=(-15.0, 15.0)),
        ],
    ),
    (
        [tv.RandomApply([tv.RandomRotation(20)], p=0.5)],
        [part("RandomApply(RandomRotation)", degrees=(-20.0, 20.0), p=0.5)],
    ),
    ([tv.Resize((32, 32))], [part("Resize", size=(32, 32))]),
    ([tv.Resize((20, 24))], [part("Resize", size=(20, 24))]),
    ([tv.Pad(2)], [part("Pad", padding=2)]),
    ([tv.CenterCrop(24)], [part("CenterCrop", size=(24, 24))]),
]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    CASES,
    ids=lambda value: "+".join(p.kind for p in value) if value and isinstance(value[0], Part) else "",
)
def test_equals_torchvision_bit_for_bit(theirs: Sequence[Any], ours: Sequence[Part]) -> None:
    composed = tv.Compose([*theirs, *NORMAL])
    torch.manual_seed(5)
    expected = torch.stack([composed(Image.fromarray(image.numpy())) for image in IMAGES])
    state = torch.get_rng_state()
    pipeline = compile_training((*ours, *TENSOR), tuple(expected.shape[1:]))
    torch.manual_seed(5)
    got = torch.cat([pipeline(batch) for batch in IMAGES.split(40)])
    assert torch.equal(got, expected)
    assert torch.equal(torch.get_rng_state(), state)


def test_erasing_equals_torchvision() -> None:
    composed = tv.Compose([*NORMAL, tv.RandomErasing(0.5)])
    torch.manual_seed(5)
    expected = torch.stack([composed(Image.fromarray(image.numpy())) for image in IMAGES])
    erasing = part("RandomErasing", p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0)
    pipeline = compile_training((*TENSOR, erasing), (1, 28, 28))
    torch.manual_seed(5)
    assert torch.equal(pipeline(IMAGES), expected)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (tv.RandomRotation(15), part("RandomRotation", degrees=(-15.0, 15.0), fill=0)),
        (tv.RandomRotation(15, fill=1), part("RandomRotation", degrees=(-15.0, 15.0), fill=1)),
        (
            tv.RandomAffine(9, translate=(0.1, 0.1), scale=(0.9, 1.1), shear=4),
            part(
                "RandomAffine", degrees=(-9.0, 9.0), translate=(0.1, 0.1), scale=(0.9, 1.1), shear=(-4.0, 4.0)
            ),
        ),
    ],
)
def test_a_turn_behind_to_tensor_equals_torchvisions_grid(theirs: Callable[[Any], Any], ours: Part) -> None:
    composed = tv.Compose([*NORMAL, theirs])
    torch.manual_seed(5)
    expected = torch.stack([composed(Image.fromarray(image.numpy())) for image in IMAGES])
    pipeline = compile_training((*TENSOR, ours), (1, 28, 28))
    torch.manual_seed(5)
    assert torch.equal(pipeline(IMAGES), expected)


def test_compiling_draws_nothing() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    compile_training((part("RandomRotation", degrees=(-7.0, 7.0)), *TENSOR), (1, 28, 28))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (None, "not known"),
        ((), "makes no tensor"),
        ((part("Lambda"), *TENSOR), "Lambda"),
        ((part("TrivialAugmentWide"), *TENSOR), "TrivialAugmentWide"),
        ((part("RandomRotation", degrees=(-7.0, 7.0), interpolation="bilinear"), *TENSOR), "interpolation"),
        ((part("RandomRotation", degrees=(-7.0, 7.0), expand=True), *TENSOR), "expand"),
        ((part("RandomRotation", degrees=(-7.0,)), *TENSOR), "argument"),
        ((part("RandomRotation", degrees=(7.0, -7.0)), *TENSOR), "range"),
        ((part("RandomRotation"), *TENSOR), "degrees"),
        ((part("RandomRotation", degrees=(-7.0, 1e300)), *TENSOR), "argument"),
        ((part("RandomAffine", degrees=(0.0, 0.0), scale=(0.0, 1.0)), *TENSOR), "out of range"),
        ((part("RandomCrop", size=(28, 28), padding=4_000), *TENSOR), "padding"),
        ((part("Pad", padding=2), part("RandomCrop", size=(28, 28)), *TENSOR), "change of size"),
        ((part("Pad", padding=2), *TENSOR), "makes"),
        ((part("RandomApply(CenterCrop)", size=(22, 22), p=0.1), *TENSOR), "RandomApply"),
        ((*TENSOR, *TENSOR), "twice"),
        ((part("Pad", padding=0),) * 1_000, "1,000 parts"),
        ((*TENSOR, part("RandomCrop", size=(28, 28))), "RandomCrop"),
        ((Part(kind="ToTensor"), part("Normalize", mean=(0.1,), std=(0.0,))), "deviation of 0"),
        ((Part(kind="ToTensor"), part("Normalize", mean=(0.1,), std=("x",))), "argument"),
        ((Part(kind="ToTensor"), part("Normalize", mean=(0.1, 0.2, 0.3), std=(0.5, 0.5, 0.5))), "argument"),
    ],
)
def test_what_is_not_on_the_list_is_refused_by_name(parts: tuple[Part, ...] | None, reason: str) -> None:
    with pytest.raises(UnknownTransform, match=reason):
        compile_training(parts, (1, 28, 28))


def test_a_random_test_transform_is_refused() -> None:
    with pytest.raises(UnknownTransform, match="random"):
        compile_test((part("RandomRotation", degrees=(-7.0, 7.0)), *TENSOR), (1, 28, 28))


def test_the_plain_pipeline_is_to_tensor_and_normalize() -> None:
    composed = tv.Compose(NORMAL)
    expected = torch.stack([composed(Image.fromarray(image.numpy())) for image in IMAGES[:5]])
    assert torch.equal(plain((1, 28, 28))(IMAGES[:5]), expected)
