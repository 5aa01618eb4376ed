"""A run was stopped, and its student read a sentence about our machine, or waited behind a cell that never ends.

Each way to end leads to one verdict and one sentence: nobody fails for it, nobody passes in silence, and what had
arrived by then is kept. A cell that swallows every interrupt held a worker for 330 seconds; now what there is is sent
without it, and a rubric bounds the whole.
"""

import json
from collections.abc import Mapping

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.core.facts.notebook import CellStatus, Ending, Isolation, NotebookRun
from grader.core.faults import RubricFault, SandboxFault
from grader.core.outcome import Outcome, Verdict
from grader.core.retrain_rule import Retraining
from grader.core.rubric import Execution, Profile, Rubric
from grader.core.settings import Settings
from grader.execute import notebook as runner
from grader.ingest.read import from_bytes
from grader.pipeline.grade.products import Known
from grader.pipeline.plan.plan import make_plan
from grader.pipeline.plan.product_key import ProductKeys
from grader.pipeline.plan.providers import by_product
from grader.pipeline.plan.rubrics import parse
from grader.sandbox.api import Frame, Job, Limits, Listener, RunResult, RunStatus, unheard
from tests.attacks.judged import NOTEBOOK, notebook, outcomes
from tests.execute.test_notebook import HEAD, NET
from tests.sandbox.warm import WarmWorker

NETWORK = ("NN401", "NN402", "NN403", "NN404", "RT601")
CELL = {"cell": 1, "status": "ok", "error": "", "message": "", "line": 0, "stdout": "hello"}
QUIET = Settings(data="/nowhere")  # without MNIST: digits are drawn
MADE = HEAD + NET + "model = Net(4, 0.1)"

SENTENCES: Mapping[RunStatus, str] = {
    RunStatus.NONZERO: "ended its own Python process (killed by signal 9)",
    RunStatus.WALL: "stopped after 330 seconds",
    RunStatus.CPU: "more than 300 seconds of the processor",
    RunStatus.MEMORY: "more than 2048 MiB of memory",
    RunStatus.OUTPUT: "wrote without end",
    RunStatus.PIDS: "more than 128 processes and threads",
    RunStatus.PROTOCOL_ERROR: "so nothing of it counts",
    RunStatus.INCOMPLETE: "ended its own Python process, and nothing after that was run",
}


class Ends:
    """A sandbox in which every job ends in one way, after one cell."""

    name = "ends"

    def __init__(self, status: RunStatus) -> None:
        self.status = status

    def run(self, job: Job, listen: Listener = unheard) -> RunResult:
        del job, listen
        return RunResult(
            status=self.status,
            frames=(Frame(kind="cell", payload=json.dumps(CELL).encode()),),
            isolation=Isolation(backend="test", isolated=True),
            exit_code=-9,
            detail="our own words",
        )


def judged(run: NotebookRun, *codes: str) -> dict[str, Outcome]:
    """What the criteria say where this run is all there is of the notebook."""
    files = {NOTEBOOK: notebook(MADE), "README.md": b"w1 = 0.15"}
    known = Known(from_bytes("s", files), Settings(), Profile())
    known.put(run)
    return outcomes(known, *codes)


def in_sandbox(sandbox: Ends | WarmWorker, *cells: str, limits: Limits | None = None) -> NotebookRun:
    """The record of a run of these cells."""
    given = from_bytes("s", {NOTEBOOK: notebook(*cells)})
    return runner.run_in(sandbox, given, given.items[0], QUIET, limits)


def test_every_ending_has_its_sentence() -> None:
    assert set(SENTENCES) == set(RunStatus) - {RunStatus.OK, RunStatus.OURS}


@pytest.mark.parametrize("status", SENTENCES, ids=lambda status: status.value)
def test_nobody_fails_or_passes_for_a_run_that_was_stopped(status: RunStatus) -> None:
    """Unknown with the sentence; the cells that had ended are kept, and what needs no run is judged as ever."""
    run = in_sandbox(Ends(status), MADE)
    assert [(c.cell, c.status, c.stdout) for c in run.cells] == [(1, CellStatus.OK, "hello")]
    found = judged(run, *NETWORK, "AR001")
    assert {found[code].verdict for code in NETWORK} == {Verdict.UNKNOWN}
    assert all(SENTENCES[status] in found[code].summary for code in NETWORK), found["NN401"].summary
    assert found["AR001"].verdict not in (Verdict.UNKNOWN, Verdict.ERROR)
    read = dict(run.reading())[NOTEBOOK]
    assert "1 code cells had ended" in read
    assert SENTENCES[status] in read


def test_a_sandbox_that_did_not_start_is_our_fault() -> None:
    with pytest.raises(SandboxFault, match="our own words"):
        in_sandbox(Ends(RunStatus.OURS), MADE)


def test_what_is_no_notebook_and_what_cannot_be_run_is_for_a_person() -> None:
    """`rejected`: a file that nobody can read. `unsupported`: Keras."""
    said = {
        "cut off": (notebook(MADE)[:-40], "RT601"),
        "Keras": (notebook("from keras.models import Sequential\nm = Sequential()"), "Keras"),
    }
    for data, word in said.values():
        known = Known(from_bytes("s", {NOTEBOOK: data}), Settings(), Profile())
        found = outcomes(known, "NN401", "RT601")
        assert {outcome.verdict for outcome in found.values()} == {Verdict.UNKNOWN}
        assert word == "RT601" or word in found["NN401"].summary


@pytest.mark.slow
@pytest.mark.parametrize(
    ("last", "ending"),
    [
        ("import os; os._exit(0)", Ending.INCOMPLETE),
        ("import os; os._exit(3)", Ending.NONZERO),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Ending.NONZERO),
    ],
)
def test_a_notebook_that_ends_its_process_keeps_its_cells(last: str, ending: Ending) -> None:
    run = in_sandbox(WarmWorker(), "print('before')", MADE + "\n" + last, "print('after')")
    assert run.ending is ending
    assert [c.stdout for c in run.cells] == ["before\n"]
    assert "ended its own Python process" in run.export_error


DEAF = """
import signal
while True:
    try:
        signal.raise_signal(signal.SIGALRM)
    except BaseException:
        pass
"""


@pytest.mark.slow
def test_a_cell_that_swallows_every_interrupt_costs_itself_alone() -> None:
    """It rings the alarm of its time itself; the network that stood before it is sent, and later cells are not run."""
    run = in_sandbox(WarmWorker(), MADE, DEAF, "print('after')")
    assert run.ending is Ending.OK, run.notes
    assert [c.status for c in run.cells] == [CellStatus.OK, CellStatus.TIMEOUT, CellStatus.NOT_RUN]
    assert "swallowed the end of its time" in run.cells[1].message
    assert run.cells[2].message == "cell 2 did not end"
    assert [frame.kind for frame in run.export] == ["model", "graph", "graph", "weights"]
    assert judged(run, "NN402")["NN402"].verdict is Verdict.PASS


def rubric_of(execution: str) -> Rubric:
    text = f'id = "r"\ntitle = "r"\n{execution}\n[[criterion]]\nid = "a"\ncheck = "NN401"\npoints = 1\n'
    return parse(text.encode(), "r.toml", catalogue()).rubric


def test_a_rubric_bounds_the_whole_run() -> None:
    asked: list[Limits] = []

    class Notes(Ends):
        def run(self, job: Job, listen: Listener = unheard) -> RunResult:
            asked.append(job.limits)
            return super().run(job, listen)

    rubric = rubric_of("[execution]\nseconds = 90")
    known = Known(
        from_bytes("s", {NOTEBOOK: notebook(MADE)}),
        QUIET,
        Profile(),
        execution=make_plan(rubric, catalogue()).execution,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grader.sandbox.choose.choose", lambda **_: Notes(RunStatus.WALL))
        found = outcomes(known, "NN401")["NN401"]
    assert [limits.wall for limits in asked] == [90.0]
    assert asked[0].cell < asked[0].cells < 90.0
    assert "stopped after 90 seconds" in found.summary
    assert runner.limits_for(Execution().seconds) == Limits()


@pytest.mark.parametrize("value", ["3", "-1", "nan", "1e9", "'long'", "[1]"])
def test_an_absurd_bound_is_a_fault_of_the_rubric(value: str) -> None:
    with pytest.raises(RubricFault, match="execution"):
        rubric_of(f"[execution]\nseconds = {value}")


def test_another_bound_runs_the_notebook_again_and_reads_nothing_again() -> None:
    given = from_bytes("s", {NOTEBOOK: notebook(MADE)})

    def keys(seconds: float) -> ProductKeys:
        bound = Execution(seconds=seconds)
        return ProductKeys(given.submission, QUIET, Profile(), Retraining(), bound)

    made = {name: provider for name, provider in by_product().items() if name in ("NotebookRun", "Documents")}
    changed = {name: keys(90.0).of(p) != keys(330.0).of(p) for name, p in made.items()}
    assert changed == {"NotebookRun": True, "Documents": False}


def test_a_student_reads_the_sentence_and_never_our_own_words() -> None:
    run = in_sandbox(Ends(RunStatus.MEMORY), MADE)
    told = json.dumps(msgspec.to_builtins(judged(run, *NETWORK)["NN401"]))
    assert "our own words" not in told
