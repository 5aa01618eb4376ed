"""A notebook of `import torch` and a blob sent a network, and no network stood in its source.

Code in the sandbox can write our worker's frames itself: 20 of 20 points for a network that nobody wrote, in silence. What
came out must be built by a source that ran: a class, an import, a layer of the library, a name given to `type`, a
builder of a library; and what it is made of must be named somewhere. Else every criterion about the network is `unknown`,
and the retraining is too, and a person looks.
"""

import base64

import pytest

from grader.core.outcome import Verdict
from tests.attacks.judged import NOTEBOOK, PREAMBLE, known_of, notebook, outcomes, source_of
from tests.execute.graph.exported import frames, module

CODES = ("NN401", "NN402", "NN404", "RT601")
SOURCE = source_of(module("Honest")) + (
    "features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.1), nn.Linear(8, 10))\n"
)
BLOB = base64.b85encode(SOURCE.encode()).decode()
RUN = '{"models": [{"name": "Honest", "declared": 1050}]}'

NOBODY = {
    "only a blob": {NOTEBOOK: notebook("import torch", f"send(b85decode('{BLOB}'))\nRUN = {RUN}")},
    "code in a blob": {NOTEBOOK: notebook(PREAMBLE, f"exec(base64.b85decode('{BLOB}'))\nmodel = Honest()")},
    "another class": {NOTEBOOK: notebook(SOURCE.replace("Honest", "Other"))},
    "a comment": {NOTEBOOK: notebook(PREAMBLE + "# class Honest(nn.Module): conv batchnorm dropout linear")},
    "a file that nothing uses": {NOTEBOOK: notebook(PREAMBLE), "old/attic.py": SOURCE.encode()},
    "a class without its layers": {
        NOTEBOOK: notebook(PREAMBLE + "class Honest(nn.Module):\n    def forward(self, x): return x\n")
    },
}


@pytest.mark.parametrize("kind", NOBODY)
def test_a_person_looks_at_a_network_that_nobody_wrote(kind: str) -> None:
    found = outcomes(known_of(frames("Honest"), NOBODY[kind]), "NN401", "NN402", "NN404")
    assert {outcome.verdict for outcome in found.values()} == {Verdict.UNKNOWN}
    assert all("Honest" in outcome.summary and "source" in outcome.summary for outcome in found.values())


WRITTEN = {
    "a cell": {NOTEBOOK: notebook(SOURCE)},
    "below a magic": {NOTEBOOK: notebook("%matplotlib inline\n!pip install x\n" + SOURCE)},
    "a cell that is written to a file": {NOTEBOOK: notebook("%%writefile net.py\n" + SOURCE, "import net")},
    "a sibling module": {
        NOTEBOOK: notebook("from net import Honest\nm = Honest()"),
        "net.py": SOURCE.encode(),
    },
    "a module of a package": {
        NOTEBOOK: notebook("from models.net import Honest"),
        "models/net.py": SOURCE.encode(),
    },
    "a sibling's sibling": {
        NOTEBOOK: notebook("import start"),
        "start.py": b"from net import Honest",
        "net.py": SOURCE.encode(),
    },
    "a script that is run": {NOTEBOOK: notebook("%run net.py"), "net.py": SOURCE.encode()},
    "text that is executed": {NOTEBOOK: notebook(f"exec({SOURCE!r})")},
    "a class made by type": {
        NOTEBOOK: notebook(
            SOURCE.replace("class Honest", "class Kind") + '\nHonest = type("Honest", (Kind,), {})\n'
        )
    },
    "a class inside a function": {
        NOTEBOOK: notebook(
            PREAMBLE
            + "def make():\n    class Honest(nn.Module):\n        conv = nn.Conv2d, nn.BatchNorm2d, nn.Dropout, "
            + "nn.Linear\n    return Honest()\n"
        )
    },
    "a cell that no parser reads": {NOTEBOOK: notebook(SOURCE + "\nprint 'two'\n")},
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_a_network_that_stands_in_what_ran_is_graded(kind: str) -> None:
    found = outcomes(known_of(frames("Honest"), WRITTEN[kind]), "NN401", "NN402", "NN404")
    assert {outcome.verdict for outcome in found.values()} == {Verdict.PASS}


LAYERS = "nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.1), nn.Linear(4, 10)"
LIBRARY = (
    ("Sequential", f"def make():\n    return nn.Sequential({LAYERS})"),
    ("ResNet", "import torchvision.models as models\nmodel = models.resnet18(num_classes=10)"),
    ("MobileNetV2", "from torchvision.models import mobilenet_v2\nmodel = mobilenet_v2()"),
    ("VisionTransformer", "from torchvision import datasets, models\nmodels.vit_b_16()"),
    ("GraphModule", f"net = nn.Sequential({LAYERS})\nfx.symbolic_trace(net)"),
)


@pytest.mark.parametrize(("name", "code"), LIBRARY)
def test_a_network_of_the_library_is_built_by_the_code_that_names_it(name: str, code: str) -> None:
    sent = [(kind, payload.replace(b'"Honest"', f'"{name}"'.encode())) for kind, payload in frames("Honest")]
    named = outcomes(known_of(sent, {NOTEBOOK: notebook(PREAMBLE + code)}), "NN401")["NN401"]
    silent = outcomes(known_of(sent, {NOTEBOOK: notebook(PREAMBLE)}), "NN401")["NN401"]
    assert (named.verdict, silent.verdict) == (Verdict.PASS, Verdict.UNKNOWN)


def test_a_notebook_that_the_reader_lost_shows_nothing() -> None:
    """What the sandbox could run and our reader could not read is no source that anybody can point at."""
    known = known_of(frames("Honest"), {NOTEBOOK: b'{"cells": [], "metadata": {}, "nbformat": 4}'})
    found = outcomes(known, "NN401")["NN401"]
    assert found.verdict is Verdict.UNKNOWN
    assert "could be read" in found.summary
