"""A log was pasted under `print(log)`, and `log` never existed.

The saved output reached 99.4 % and earned ten points; the cell above it reads a name that nothing in the notebook makes,
so it cannot have printed anything. Other ways of the same kind: output under a cell that holds nothing but imports, under
a function that is only defined, under a call of a function that prints nothing. A cell that only fails for want of a
package, a GPU, a network, data or time says nothing about its output.
"""

import pytest

from grader.checks.catalogue import catalogue
from grader.core.outcome import Outcome, Verdict
from grader.core.rubric import Criterion, Profile, Rubric
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.pipeline.grade.judge import judge
from grader.pipeline.grade.products import Known
from grader.pipeline.plan.plan import make_plan
from tests.attacks.judged import NOTEBOOK, notebook

LOG = "\n".join(
    f"Epoch {n}\nTest set: Average loss: 0.0171, Accuracy: {9930 + n}/10000 ({99.3 + n / 100:.2f}%)\n"
    for n in range(1, 16)
)
TRAIN = (
    "import torch\nfrom helpers import *\nfor epoch in range(1, 16):\n    print('Epoch', epoch)\n    train(epoch)\n"
    "    test()"
)


def graded(files: dict[str, bytes], *, provisional_logs: bool = False) -> dict[str, Outcome]:
    criteria = tuple(Criterion(id=code, check=code, points=10.0) for code in ("TR501", "RT601"))
    rubric = Rubric(id="a", title="a", criterion=criteria, provisional_logs=provisional_logs)
    rules = catalogue()
    known = Known(from_bytes("attack", files), Settings(execute=False, retrain=False), Profile())
    for step in make_plan(rubric, rules).steps:
        known.provide(step)
    found = judge(rubric, rules, known)
    return dict(zip(("TR501", "RT601"), found, strict=True))


def logged(*cells: str, **beside: str) -> Outcome:
    """TR501 for a notebook whose last cell saved the log; `beside` are Python files by their names."""
    files = {NOTEBOOK: notebook(*cells, outputs={len(cells): LOG})}
    return graded(files | {f"{name}.py": text.encode() for name, text in beside.items()})["TR501"]


PASTED = {
    "print of a name that nothing makes": ("import torch", "print(log)"),
    "a name that is shown": ("import torch", "log"),
    "a name that is only local elsewhere": ("def f():\n    log = 'x'\n    return log", "print(log)"),
    "a function of another cell that prints it": ("def show():\n    print(log)", "show()"),
    "a function of the same cell": ("import torch", "def show():\n    print(log)\nshow()"),
    "a loop over it": ("import torch", "for line in log:\n    print(line)"),
    "a formatted text": ("import torch", "print(f'{log}')"),
    "a method of it": ("import torch", "history.show()"),
    "nothing else in the notebook": ("print(log)",),
    "a method, and nothing else": ("history.show()",),
    "a sibling without it": ("from helpers import *", "print(log)"),
}


@pytest.mark.parametrize("kind", PASTED)
def test_a_name_that_nothing_makes_is_told(kind: str) -> None:
    found = logged(*PASTED[kind], helpers="value = 3\n")
    assert found.verdict is Verdict.UNKNOWN
    assert found.findings[0].diagnosis == "log-without-source"
    assert ("`history`" if "method" in kind else "`log`") in found.summary


SILENT = {
    "imports": ("import torch\nfrom torch import nn",),
    "a comment": ("# training",),
    "nothing": ("",),
    "a definition": ("def train(epoch):\n    print(epoch)",),
    "assignments": ("epochs = 15\nrate = 0.1",),
    "a fixed word": ("print('done')",),
    "a function that prints nothing": ("def train():\n    total = 0\n    return total", "r = train()"),
}


@pytest.mark.parametrize("kind", SILENT)
def test_a_cell_that_prints_nothing_did_not_print_a_log(kind: str) -> None:
    found = logged(*SILENT[kind])
    assert (found.verdict, found.findings[0].diagnosis) == (Verdict.UNKNOWN, "log-without-source")


def test_a_miss_is_no_fail_either_where_nobody_printed_it() -> None:
    low = LOG.replace("994", "993")
    files = {NOTEBOOK: notebook("import torch", "print(log)", outputs={2: low})}
    assert graded(files)["TR501"].verdict is Verdict.UNKNOWN


HONEST = {
    "functions of a sibling": ((TRAIN,), {"helpers": "def train(e): ...\ndef test(): print(1)"}),
    "a sibling that is not there": ((TRAIN,), {}),
    "a name of a later cell": (
        ("import torch", "log = fit()\ndef fit(): return make().fit()", "print(log)"),
        {},
    ),
    "a shell": (("!python train.py",), {}),
    "a script that is run": (("%run train.py",), {}),
    "a timed cell": (("model = make()", "%%time\nmodel.fit()"), {"x": "y = 1"}),
    "a name from a magic": (("%time log = train()", "print(log)"), {}),
    "a name from a shell": (("log = !cat log.txt", "print(log)"), {}),
    "a stored name": (("%store -r log", "print(log)"), {}),
    "a global of a function": (("def f():\n    global log\n    log = model.fit()", "f()\nprint(log)"), {}),
    "a comprehension": (("rows = open('log.txt')", "print([row for row in rows])"), {}),
    "an exception": (("import torch", "try:\n    run()\nexcept Exception as fault:\n    print(fault)"), {}),
    "walrus, with and match": (
        ("import io", "with io.StringIO() as file:\n    print((n := run(file)), n)"),
        {},
    ),
    "a cell that no parser reads": (("print 'two'\nlog = 3", "print(log)"), {}),
    "executed text": (("exec('log = 3')", "print(log)"), {}),
    "a notebook's own names": (("1 + 1", "print(_, In, Out, get_ipython())"), {}),
    "a function under a condition": (
        ("def f(debug=False):\n    if debug:\n        print(log)\n    print(1)", "f()"),
        {},
    ),
    "model.eval()": (("model = make()", "model.eval()\nprint(model)"), {}),
    "a generator": (("def steps():\n    yield print(model.fit())", "for step in steps():\n    pass"), {}),
}


@pytest.mark.parametrize("kind", HONEST)
def test_a_cell_that_may_have_printed_it_keeps_its_points(kind: str) -> None:
    cells, beside = HONEST[kind]
    made = "def make(): ...\ndef run(*_): return make().fit()\ndef train(*_): ...\n"
    found = logged(made, *cells, **beside)
    assert (found.verdict, [f.diagnosis for f in found.findings if f.diagnosis != "rounded-percent"]) == (
        Verdict.PASS,
        [],
    )


@pytest.mark.parametrize(
    "cell",
    [
        "train()",
        "for epoch in range(15):\n    train(epoch)\n    test()",
        "model = Net().to(device)\nfor epoch in range(1, 16):\n    test(model, device, test_loader)",
    ],
)
def test_an_excerpt_of_a_notebook_is_not_asked_for_what_it_calls(cell: str) -> None:
    """Somebody who hands in the last cell alone trained elsewhere; who hands in `print(log)` alone did not show it."""
    assert logged(cell).verdict is Verdict.PASS


def test_a_log_is_provisional_while_the_retraining_is_open_where_a_rubric_says_so() -> None:
    files = {NOTEBOOK: notebook(TRAIN, outputs={1: LOG})}
    usual, strict = graded(files), graded(files, provisional_logs=True)
    assert [usual[c].verdict for c in usual] == [strict[c].verdict for c in strict]
    assert (usual["TR501"].provisional, strict["TR501"].provisional) == (False, True)
