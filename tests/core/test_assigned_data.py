"""A rubric's `[data]`: known names bring everything, others say what they are, and MNIST is what it was."""

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.core.assigned_data import KNOWN, MNIST, DataSet, Digest, described
from grader.core.faults import RubricFault
from grader.core.retrain_rule import RuleParams
from grader.core.rubric import Assignment, Rubric
from grader.pipeline.plan.plan import make_plan
from grader.pipeline.plan.rubrics import parse


def rubric(text: str, *checks: str) -> Rubric:
    criteria = "".join(f'\n[[criterion]]\nid = "{c}"\ncheck = "{c}"\npoints = 0\n' for c in checks)
    return parse(f'id = "x"\ntitle = "x"\n{text}\n{criteria}'.encode(), "x.toml", catalogue()).rubric


def test_without_the_table_a_rubric_is_about_mnist() -> None:
    found = rubric("", "TR501", "RT601")
    assert (found.data, found.execution.data) == (MNIST, MNIST)
    assert found.assignment == Assignment()
    assert found == rubric('[data]\nname = "mnist"', "TR501", "RT601")
    assert make_plan(found, catalogue()).retraining.rules == (RuleParams(),)


@pytest.mark.parametrize("name", [name for name, data in KNOWN.items() if data.digest is Digest.MD5])
def test_digests_are_those_that_torchvision_publishes(name: str) -> None:
    pytest.importorskip("torch")
    from grader.sandbox.worker import torchvision_ops

    torchvision_ops.declare()
    datasets = pytest.importorskip("torchvision.datasets")
    data = KNOWN[name]
    kind = getattr(datasets, data.torchvision)
    if data.archive.digest:
        assert (data.archive.name, data.archive.digest) == (kind.url.rpartition("/")[2], kind.md5)
        assert kind.url.startswith(data.mirrors)
        assert data.split in kind.splits
        return
    assert {f"{file.name}.gz": file.digest for file in data.files} == dict(kind.resources)
    assert list(data.mirrors) == kind.mirrors


def test_limits_follow_the_data_set() -> None:
    found = rubric('[data]\nname = "emnist-digits"\n[assignment]\naccuracy = 99.0', "TR501", "RT601", "TR504")
    params = {c.check: msgspec.convert(c.params, catalogue()[c.check].params) for c in found.criterion}
    assert params["TR501"].denominator == 40_000  # type: ignore[attr-defined]
    assert params["TR504"].training_images == 240_000  # type: ignore[attr-defined]
    rule = params["RT601"]
    assert isinstance(rule, RuleParams)
    assert (rule.right, rule.digits, rule.spread) == (39_600, 40_000, 1.0)
    assert rule.percent(39_600) == "99.00 %"


def test_where_trainings_scatter_more_less_is_clear() -> None:
    fashion = rubric('[data]\nname = "fashion-mnist"\n[assignment]\naccuracy = 90.0', "RT601")
    (rule,) = make_plan(fashion, catalogue()).retraining.rules
    assert rule.right == 9_000
    assert rule.spread > 3
    assert rule.right - rule.clear_miss > 3 * (RuleParams().right - RuleParams().clear_miss)


OWN = """
[data]
name = "bars"
title = "Bars"
torchvision = "FashionMNIST"
side = 20
classes = 3
training_images = 300
test_images = 60
"""


def test_a_data_set_of_ones_own_says_everything() -> None:
    data = rubric(OWN, "RT601").data
    assert (data.image, data.classes, data.trainable, data.mirrors) == ((1, 20, 20), 3, False, ())
    with pytest.raises(RubricFault, match="'bars' is none of mnist"):
        rubric('[data]\nname = "bars"', "RT601")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[data]\nname = "mnist"\nside = 0', "side must be at least 1"),
        ('[data]\nname = "mnist"\nside = 500', "side is at most"),
        ('[data]\nname = "mnist"\nchannels = 2', "channels is 1 or 3"),
        ('[data]\nname = "mnist"\nfiles = [{ name = "a" }]', "files are training images"),
        ('[data]\nname = "mnist"\nfolders = ["../x"]', "below the folder"),
        ('[data]\nname = "mnist"\nsides = 3', "sides"),
        ("[data]\nname = 3", "3 is none of"),
        ('[assignment]\ndata = "mnist"', "a table of its own"),
        ('[execution]\ndata = "mnist"', "a table of its own"),
    ],
)
def test_a_wrong_description_is_named(text: str, said: str) -> None:
    with pytest.raises(RubricFault, match=said):
        rubric(text, "RT601")


def test_what_is_no_table_is_named() -> None:
    assert described(3)[0] == MNIST
    assert isinstance(described({})[0], DataSet)
