"""A recorded graph must answer on the trusted side as the network did in the sandbox."""

import struct
from typing import Any

import pytest
import safetensors.torch
import torch

from grader.core.facts.notebook import Ending, Isolation, NotebookRun
from grader.execute import measure
from grader.execute import notebook as runner
from grader.execute.graph.same_answers import otherwise
from grader.sandbox.api import Frame, RunResult, RunStatus
from grader.sandbox.worker.export import export_model
from grader.sandbox.worker.measure import unseen
from tests.execute.graph.exported import module
from tests.execute.test_notebook import QUIET
from tests.sandbox.about import ABOUT

pytestmark = pytest.mark.slow

ASKED = measure.query(QUIET, b"seed")
RUN = (
    b'{"error": "", "data": "synthetic", "shims": [], "models": [], "choice": "only-instance", '
    b'"export_error": "", "notes": []}'
)


def sent(name: str) -> list[tuple[str, bytes]]:
    return export_model(module(name), None, torch.randn(4, 1, 28, 28), ASKED.blob, ABOUT)


def outcome(frames: list[tuple[str, bytes]], asked: measure.Query | None = ASKED) -> NotebookRun:
    parts = tuple(Frame(kind=kind, payload=payload) for kind, payload in (*frames, ("run", RUN)))
    result = RunResult(
        status=RunStatus.OK,
        frames=parts,
        isolation=Isolation(isolated=True, backend="test", network=False),
        detail="",
    )
    return runner.record("a.ipynb", result, asked)


def changed(weights: bytes, by: float) -> bytes:
    tensors = safetensors.torch.load(weights)
    tensors["fc.bias"][3] += by
    return safetensors.torch.save(tensors)


def test_the_same_network_is_believed_and_its_answers_are_not_kept() -> None:
    frames = sent("Honest")
    assert [kind for kind, _ in frames] == ["model", "graph", "graph", "weights", "answers"]
    found = outcome(frames)
    assert [frame.kind for frame in found.export] == ["model", "graph", "graph", "weights"]
    assert found.export_error == ""


def test_a_network_that_answers_otherwise_is_not_believed() -> None:
    frames = sent("Honest")
    frames[3] = ("weights", changed(frames[3][1], 0.5))
    found = outcome(frames)
    assert found.export == ()
    assert "answers otherwise than the one that ran there" in found.export_error
    assert "52 images" in found.export_error


def test_a_difference_of_rounding_is_none() -> None:
    frames = sent("Honest")
    frames[3] = ("weights", changed(frames[3][1], 1e-5))
    assert outcome(frames).export_error == ""


@pytest.mark.parametrize("name", ["DropoutAlwaysOn", "StaticBatch", "Flattened"])
def test_only_a_recorded_network_without_chance_is_compared(name: str) -> None:
    kinds = [kind for kind, _ in sent(name)]
    assert ("answers" in kinds) is (name == "Flattened")
    assert outcome(sent(name)).export_error == ""


def test_answers_of_another_form_break_the_protocol() -> None:
    frames = sent("Honest")
    short = struct.pack("<3I", 0, 51, 10) + frames[4][1][52:]
    for payload in (b"", frames[4][1][:-4], short):
        found = outcome([*frames[:4], ("answers", payload)])
        assert (found.ending, found.export) == (Ending.PROTOCOL_ERROR, ())


@pytest.mark.parametrize("order", [(0, 4), (4,), (0, 1, 2, 4, 3), (0, 1, 2, 3, 4, 4)])
def test_answers_come_behind_a_whole_network_once(order: tuple[int, ...]) -> None:
    frames = sent("Honest")
    found = outcome([frames[place] for place in order])
    assert (found.ending, found.export) == (Ending.PROTOCOL_ERROR, ())


def test_answers_that_nobody_asked_for_break_the_protocol() -> None:
    assert outcome(sent("Honest"), None).ending is Ending.PROTOCOL_ERROR


def test_an_image_as_large_as_memory_is_not_made() -> None:
    frames = sent("Honest")
    claim: Any = frames[0][1].replace(b'"example_shape":[4,1,28,28]', b'"example_shape":[4,4096,4096,4096]')
    assert otherwise([("model", claim), *frames[1:4]], frames[4][1], ASKED) == ""


@pytest.mark.parametrize("shape", [(1, 28, 28), (28, 28), (784,), (3, 32, 32), (1, 14, 20), (100,), (1024,)])
def test_unseen_images_fit_every_network(shape: tuple[int, ...]) -> None:
    parts = unseen(ASKED.blob, torch.Size(shape), ABOUT)
    assert [tuple(part.shape) for part in parts] == [(24, *shape), (28, *shape)]
    assert all(len(part.unique(dim=0)) > 20 for part in parts)
