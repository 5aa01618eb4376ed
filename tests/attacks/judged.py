"""Grades an attack as a submission would be: a notebook, and what its run is said to have sent over the pipe."""

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import nn

from grader.checks.catalogue import catalogue
from grader.core.facts.notebook import Choice, Ending, ExportFrame, Isolation, NotebookRun
from grader.core.outcome import Outcome
from grader.core.rubric import Criterion, Profile, Rubric
from grader.core.settings import Settings
from grader.execute.network_source import unwritten
from grader.ingest.read import from_bytes
from grader.pipeline.grade.judge import judge_one
from grader.pipeline.grade.products import Known
from grader.pipeline.plan.plan import make_plan
from grader.sandbox.worker.export import export_model

NOTEBOOK = "S4.ipynb"
Frames = Iterable[tuple[str, bytes]]
PREAMBLE = "import torch\nfrom torch import Tensor, nn\nfrom torch.nn import functional\n"


def notebook(*cells: str, outputs: Mapping[int, str] | None = None) -> bytes:
    """A notebook with these code cells; `outputs` is what each of them, from 1, saved as printed."""
    made = []
    for number, source in enumerate(cells, 1):
        text = (outputs or {}).get(number, "")
        stream = [{"output_type": "stream", "name": "stdout", "text": text}] if text else []
        made.append(
            {
                "cell_type": "code",
                "source": source,
                "outputs": stream,
                "metadata": {},
                "execution_count": number,
            }
        )
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def source_of(module: nn.Module) -> str:
    """What the cell of that network would hold: its class, and the classes and functions of ours that it is made with."""
    parts: dict[str, str] = {}
    open_: list[Callable[..., object]] = [
        kind for kind in type(module).__mro__ if issubclass(kind, nn.Module)
    ]
    while open_:
        part = open_.pop()
        if part.__module__.startswith("tests.") and part.__name__ not in parts:
            parts[part.__name__] = source = inspect.getsource(part)
            named = vars(sys.modules[part.__module__])
            used = [named[word] for word in re.findall(r"\w+", source) if word in named]
            open_ += [found for found in used if inspect.isclass(found) or inspect.isfunction(found)]
    return PREAMBLE + "\n".join(parts.values()) + f"\nmodel = {type(module).__name__}()\n"


def frames_of(module: nn.Module) -> list[tuple[str, bytes]]:
    """What our worker sends of the network after a forward pass in training."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    module.train()(torch.randn(16, 1, 28, 28))
    return export_model(module, None, torch.randn(16, 1, 28, 28))


def known_of(frames: Frames, files: Mapping[str, bytes], recipe: bytes = b"") -> Known:
    """The submission, with a run that sent these frames and this recipe and ended well."""
    sources = from_bytes("attack", dict(files))
    known = Known(sources, Settings(execute=False, retrain=False), Profile())
    export = tuple(ExportFrame(kind=kind, payload=payload) for kind, payload in frames)
    run = NotebookRun(
        artefact=NOTEBOOK,
        ending=Ending.OK,
        isolation=Isolation(backend="none", isolated=False),
        data="synthetic",
        choice=Choice.LAST_TRAINED,
        export=export,
        unwritten=unwritten(sources, NOTEBOOK, export),
        recipe=recipe,
    )
    known.put(run)
    return known


def outcomes(known: Known, *codes: str) -> dict[str, Outcome]:
    """What each criterion says, with the default thresholds."""
    rules = catalogue()
    criteria = tuple(Criterion(id=code.lower(), check=code, points=1.0) for code in codes)
    rubric = Rubric(id="attack", title="attack", criterion=criteria)
    for step in make_plan(rubric, rules).steps:
        known.provide(step)
    return {item.check: judge_one(item, rules[item.check], rubric, known) for item in criteria}


def judged(module: nn.Module, *codes: str, recipe: bytes = b"") -> dict[str, Outcome]:
    """The criteria for a network whose source stands in the notebook."""
    files = {NOTEBOOK: notebook(source_of(module))}
    return outcomes(known_of(frames_of(module), files, recipe), *codes)
