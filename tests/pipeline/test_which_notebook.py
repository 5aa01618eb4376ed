"""Where nobody knows which notebook is meant, what one of them does wrong is no student's fail."""

import json

import pytest

from grader.checks.catalogue import catalogue
from grader.core.facts.network import Modes, NetworkFacts, OutputKind
from grader.core.outcome import Outcome, Verdict
from grader.core.rubric import Criterion, Rubric
from grader.core.settings import Settings
from grader.extract.documents.documents import read_documents
from grader.extract.logs.model_summary import read_summaries
from grader.ingest.read import from_bytes
from grader.pipeline.grade.judge import judge
from grader.pipeline.grade.products import Known

TOTAL = 24_010
TABLE = (
    "Layer (type)  Output Shape  Param #\nConv2d-1  [-1, 8, 26, 26]  {n}\nTotal params: "
    "{n:,}\nTrainable params: {n:,}\n"
)
TRAINS = (
    "class Net(nn.Module): pass  # MNIST BatchNorm2d Dropout AvgPool2d\nloss.backward()\noptimizer.step()"
)


def _notebook(total: int, name: str = "a") -> bytes:
    output = {"output_type": "stream", "name": "stdout", "text": TABLE.format(n=total)}
    cell = {
        "cell_type": "code",
        "source": f"{TRAINS}  # {name}",
        "outputs": [output],
        "metadata": {},
        "execution_count": 1,
    }
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode()


def network(artefact: str, parameters: int) -> NetworkFacts:
    return NetworkFacts(
        artefact=artefact,
        name="Net",
        graph="0" * 64,
        declared_parameters=parameters,
        parameters=parameters,
        constants=0,
        input_shape=(1, 28, 28),
        output=OutputKind.LOG_SOFTMAX,
        outputs=10,
        modes=Modes.SAME,
    )


def _judged(files: dict[str, bytes], facts: NetworkFacts) -> Outcome:
    rubric = Rubric(id="t", title="t", criterion=(Criterion(id="p", check="NN401", points=10.0),))
    sources = from_bytes("s", files)
    known = Known(sources, Settings(), rubric.profile)
    known.put(facts)
    known.put(read_summaries(read_documents(sources)))
    (outcome,) = judge(rubric, catalogue(), known)
    return outcome


def test_a_fault_of_the_only_notebook_is_one() -> None:
    outcome = _judged({"a.ipynb": _notebook(TOTAL)}, network("a.ipynb", TOTAL))
    assert outcome.verdict is Verdict.FAIL


@pytest.mark.parametrize(("other", "verdict"), [(TOTAL, Verdict.FAIL), (9_854, Verdict.UNKNOWN)])
def test_a_second_candidate_asks_a_person_unless_it_prints_the_same_network(
    other: int, verdict: Verdict
) -> None:
    files = {"a.ipynb": _notebook(TOTAL), "b.ipynb": _notebook(other, "b")}
    outcome = _judged(files, network("a.ipynb", TOTAL))
    assert outcome.verdict is verdict
    assert ("several-notebooks" in [f.diagnosis for f in outcome.findings]) is (verdict is Verdict.UNKNOWN)


def test_credit_of_one_network_is_not_given_while_another_may_be_the_submitted_one() -> None:
    files = {"a.ipynb": _notebook(9_854), "b.ipynb": _notebook(TOTAL, "b")}
    outcome = _judged(files, network("a.ipynb", 9_854))
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.credit == 0.0
    assert "b.ipynb could be the submitted notebook" in outcome.summary
    same = {"a.ipynb": _notebook(9_854), "b.ipynb": _notebook(9_854, "b")}
    assert _judged(same, network("a.ipynb", 9_854)).verdict is Verdict.PASS


def test_a_draft_that_nobody_takes_for_the_submission_changes_nothing() -> None:
    draft = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}).encode()
    outcome = _judged({"a.ipynb": _notebook(TOTAL), "draft.ipynb": draft}, network("a.ipynb", TOTAL))
    assert outcome.verdict is Verdict.FAIL
