"""What a network is told to be is the same, whether it is looked into here or in a fork of the warm process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import msgspec
import pytest

from grader.core.facts.notebook import Ending, ExportFrame, Isolation, NotebookRun
from grader.core.faults import Unavailable
from grader.execute import notebook
from grader.execute.graph import provider
from grader.sandbox import apart, warm
from grader.sandbox.api import Job
from grader.sandbox.bwrap import Bubblewrap
from tests.execute.graph.exported import frames
from tests.execute.graph.test_same_answers import ASKED, changed, sent
from tests.sandbox.conftest import works_here

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.skipif(sys.platform != "linux", reason="jobs start warm on Linux alone"),
]
ROOT = Path(__file__).parents[3]
NETWORKS = ("Honest", "NoOpGap", "Attention", "DropoutAlwaysOn", "LookUp", "GroupedAndDilated")


def run_of(name: str) -> NotebookRun:
    return NotebookRun(
        artefact="a.ipynb",
        ending=Ending.OK,
        isolation=Isolation(backend="test", isolated=True),
        data="synthetic",
        export=tuple(ExportFrame(kind=kind, payload=payload) for kind, payload in frames(name)),
    )


@pytest.fixture(scope="module")
def served() -> Iterator[None]:
    works_here()
    server = warm.Server(Bubblewrap.surroundings(), provider.LOOKS)
    Bubblewrap(warm=server.address).run(Job(files={}, entry="", options={"mode": "ping"}))
    with mock.patch.dict(os.environ, {warm.SOCKET: server.address}):
        yield
    server.close()


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("name", NETWORKS)
def test_the_facts_are_those_of_this_process(name: str) -> None:
    run = run_of(name)
    with mock.patch.object(provider, "_facts", side_effect=AssertionError("looked into here")):
        found = provider.network_facts(run)
    assert found == provider.look(run).facts


@pytest.mark.usefixtures("served")
def test_why_there_are_none_is_said_in_the_same_words() -> None:
    whole = run_of("Honest")
    broken = msgspec.structs.replace(
        whole, export=tuple(msgspec.structs.replace(f, payload=b"{}") for f in whole.export)
    )
    with pytest.raises(Unavailable) as there:
        provider.network_facts(broken)
    assert str(there.value) == provider.look(broken).refused != ""


@pytest.mark.usefixtures("served")
def test_a_look_that_meets_a_limit_is_for_a_person() -> None:
    ended = apart.Ended(detail="2 s")
    with mock.patch.object(apart, "call", return_value=ended), pytest.raises(Unavailable, match="its limits"):
        provider.network_facts(run_of("Honest"))


@pytest.mark.usefixtures("served")
def test_answers_are_compared_as_in_this_process() -> None:
    parts = sent("Honest")
    honest = tuple(ExportFrame(kind=kind, payload=payload) for kind, payload in parts[:-1])
    moved = tuple(
        msgspec.structs.replace(f, payload=changed(f.payload, 0.1)) if f.kind == "weights" else f
        for f in honest
    )
    said = [notebook._compared(network, parts[-1][1], ASKED) for network in (honest, moved)]
    with mock.patch.dict(os.environ):
        del os.environ[warm.SOCKET]
        assert said == [notebook._compared(network, parts[-1][1], ASKED) for network in (honest, moved)]
    assert said[0] == ""
    assert "answers otherwise" in said[1]


@pytest.mark.usefixtures("served")
def test_whoever_only_executes_imports_no_torch(tmp_path: Path) -> None:
    """It lay in memory twice, 130 MiB of it of no use to anybody."""
    kept = tmp_path / "run"
    kept.write_bytes(msgspec.msgpack.encode(run_of("Honest")))
    code = (
        "import sys, msgspec\nfrom pathlib import Path\nfrom grader.core.facts.notebook import NotebookRun\n"
        "from grader.execute.graph.provider import network_facts\nimport grader.execute.preload\n"
        "run = msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=NotebookRun)\n"
        "assert network_facts(run).parameters\nassert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(kept)], cwd=ROOT, check=True)
