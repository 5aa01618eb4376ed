"""One small assignment in the form that each grader wants, and 21 hand-ins of it that are broken or hostile.

The assignment: define `net`, a network of at most 2,000 parameters that normalises its batches and has no
linear layer. Three questions of one point. The sound notebook answers all, the false one none; every fifth of
the class forgets the normalisation.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
LAYERS = "nn.Conv2d(1, 8, 3), {norm}nn.ReLU(), nn.Conv2d(8, 10, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()"
TAIL = (
    "count = sum(p.numel() for p in net.parameters())",
    "with torch.no_grad():\n    scores = net(torch.zeros(2, 1, 28, 28))",
    "print(count, tuple(scores.shape))",
)
HEAD = "import torch\nfrom torch import nn\ntorch.manual_seed(0)"
SOUND = (HEAD, f"net = nn.Sequential({LAYERS.format(norm='nn.BatchNorm2d(8), ')})", *TAIL)
FALSE = (HEAD, "net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))", *TAIL)
QUESTIONS = {
    "small": "sum(p.numel() for p in net.parameters()) < 2000",
    "normalised": "sum(isinstance(m, torch.nn.BatchNorm2d) for m in net.modules()) > 0",
    "no_linear": "sum(isinstance(m, torch.nn.Linear) for m in net.modules()) == 0",
}
RUBRIC = """\
id = "three-questions"
title = "Three questions about a network"
[[criterion]]
id = "small"
check = "NN401"
points = 1
params.below = 2000
[[criterion]]
id = "normalised"
check = "NN402"
points = 1
[[criterion]]
id = "no-linear"
check = "NN405"
points = 1
params.demand = "forbidden"
params.point_convolution_counts = false
"""


class Probe(NamedTuple):
    """A hand-in: its cells, what is done to the file's bytes, and the scores that an honest grader may
    give.
    """

    cells: tuple[str, ...]
    honest: tuple[float, ...]
    spoil: Callable[[bytes], bytes] = bytes
    edit: Callable[[dict[str, Any]], None] = lambda book: None


def before(index: int, code: str, cells: tuple[str, ...] = SOUND) -> tuple[str, ...]:
    """The cells with code put before one of them."""
    return tuple(f"{code}\n{c}" if n == index else c for n, c in enumerate(cells))


def _same_ids(book: dict[str, Any]) -> None:
    book["nbformat_minor"] = 5
    for cell in book["cells"]:
        cell["id"] = "same"


def _copied_cell(book: dict[str, Any]) -> None:
    book["cells"].insert(2, json.loads(json.dumps(book["cells"][1])))


def _saved_under_r(book: dict[str, Any]) -> None:
    book["metadata"]["kernelspec"] = {"name": "ir", "display_name": "R", "language": "R"}


_STUBBORN = (
    "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass"
)
_NO_ASSERTS = """\
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)
get_ipython().ast_transformers.append(Drop())"""
_ALWAYS_RIGHT = """\
try:
    from otter.test_files import abstract_test, ok_test
    for kind in [*vars(ok_test).values(), *vars(abstract_test).values()]:
        if isinstance(kind, type) and "run" in vars(kind):
            def run(self, *a, _was=kind.run, **k):
                _was(self, *a, **k)
                for result in self.test_case_results:
                    result.passed = True
            kind.run = run
except Exception:
    pass"""
_LIARS = """\
import builtins
class Yes(int):
    def __lt__(self, other): return True
    def __gt__(self, other): return True
    def __eq__(self, other): return True
    __hash__ = int.__hash__
builtins.sum = lambda *a: Yes(0)
builtins.isinstance = lambda *a: True"""
_TELLS = "get_ipython().events.register('pre_run_cell', lambda info: print('LEAK', info.raw_cell))"
_LOOKS = """\
import pathlib
for path in sorted(pathlib.Path("..").rglob("*"))[:5000]:
    if path.suffix in (".py", ".toml", ".ipynb") and "BatchNorm2d" in path.read_text(errors="replace"):
        print("LEAK", path)"""
_SCRIPT = """from IPython.display import HTML, display\ndisplay(HTML("<script>document.title = 'owned'</script><img src=x onerror='document.title=1'>"))"""
_CALLS = """import urllib.request\ntry:\n    urllib.request.urlopen("http://127.0.0.1:9/", timeout=2)\nexcept Exception as e:\n    print(type(e).__name__)"""
_ALL = (3.0,)
_NONE = (0.0,)

PROBES: Mapping[str, Probe] = {
    # Someone waits for ever, or for what never ends. `net` stands before it, so all three points may be
    # given.
    "endless_loop": Probe(before(2, "while True: pass"), (0.0, 1.0, 2.0, 3.0)),
    "deaf_to_interrupts": Probe(before(2, _STUBBORN), (0.0, 1.0, 2.0, 3.0)),
    "ends_the_process": Probe(before(1, "import os; os._exit(0)"), _NONE),
    "prints_100_mb": Probe(before(2, "for _ in range(100_000): print('x' * 1000)"), _ALL),
    "displays_5000": Probe(before(2, "from IPython.display import HTML, display\nfor n in range(5000): "
                                     "display(HTML(f'<b>{n}</b>'))"), _ALL),
    # Wrong work that wants full marks.
    "drops_asserts": Probe(before(0, _NO_ASSERTS, FALSE), _NONE),
    "patches_the_tests": Probe(before(0, _ALWAYS_RIGHT, FALSE), _NONE),
    "lying_builtins": Probe(before(1, _LIARS, FALSE), _NONE),
    "prints_later_cells": Probe(before(0, _TELLS, FALSE), _NONE),
    "looks_for_the_tests": Probe(before(0, _LOOKS, FALSE), _NONE),
    # Right work that wants more than marks.
    "script_in_output": Probe(before(2, _SCRIPT), _ALL),
    "calls_the_network": Probe(before(2, _CALLS), _ALL),
    # Right work in a bad wrapping.
    "byte_order_mark": Probe(SOUND, _ALL, lambda b: b"\xef\xbb\xbf" + b),
    "utf_16": Probe(SOUND, _ALL, lambda b: b.decode("utf-8").encode("utf-16")),
    "latin_1": Probe(("# réseau\n" + SOUND[0], *SOUND[1:]), _ALL, lambda b: b.decode("utf-8").encode("latin-1")),
    "same_cell_ids": Probe(SOUND, _ALL, edit=_same_ids),
    "copied_cell": Probe(SOUND, _ALL, edit=_copied_cell),
    "saved_under_r": Probe(SOUND, _ALL, edit=_saved_under_r),
    # Nothing to grade.
    "half_a_file": Probe(SOUND, _NONE, lambda b: b[: len(b) // 2]),
    "empty_file": Probe(SOUND, _NONE, lambda b: b""),
    # Must still be graded after all these.
    "zz_sound": Probe(SOUND, _ALL),
}  # fmt: skip

_TIMES_ZERO = (
    HEAD,
    (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.first, self.norm, self.last = nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), "
        "nn.Conv2d(8, 10, 3)\n"
        "    def forward(self, x):\n        x = self.first(x)\n        x = torch.relu(x + 0 * self.norm(x))\n"
        "        return self.last(x).mean((2, 3))\nnet = Net()"
    ),
    *TAIL,
)
_CLAIMS_ITS_CLASS = (
    HEAD,
    (
        "class Fake(nn.Module):\n    __class__ = nn.BatchNorm2d\n    def forward(self, "
        "x):\n        return x\n"
        f"net = nn.Sequential({LAYERS.format(norm='Fake(), ')})"
    ),
    *TAIL,
)
_BIG = (
    "nn.Conv2d(1, 64, 5), nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, 10, 3), "
    "nn.AdaptiveAvgPool2d(1), nn.Flatten()"
)
_HIDES_PARAMETERS = (
    HEAD,
    f"net = nn.Sequential({_BIG})\nnn.Module.parameters = lambda self, recurse=True: iter([torch.zeros(10)])",
    *TAIL,
)
_SMALL_NUMBERS = (
    HEAD,
    f"net = nn.Sequential({_BIG})\ntorch.Tensor.numel = lambda self: 1\nnn.Parameter.numel = lambda self: 1",
    *TAIL,
)
_HIDES_LINEAR = (
    HEAD,
    (
        "Dense = type('Dense', (nn.Module,), {'__init__': lambda s: (nn.Module.__init__(s), setattr(s, 'w',"
        " nn.Parameter(torch.zeros(10, 100))))[0], 'forward': lambda s, x: "
        "x.flatten(1)[:, :100] @ s.w.t()})\n"
        "net = nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.AdaptiveAvgPool2d(10), Dense())"
    ),
    *TAIL,
)
_SWAPPED_LATER = (
    *FALSE,
    (
        "import atexit, builtins\n_is = isinstance\nbuiltins.isinstance = lambda o, k: k "
        "is not nn.Linear and "
        "(k is nn.BatchNorm2d or _is(o, k))"
    ),
)

FORGERIES: Mapping[str, Probe] = {
    # Each has what a test that asks objects wants to see, and computes something else.
    "norm_times_zero": Probe(_TIMES_ZERO, (2.0,)),
    "claims_its_class": Probe(_CLAIMS_ITS_CLASS, (2.0,)),
    "hides_parameters": Probe(_HIDES_PARAMETERS, (2.0,)),
    "small_numbers": Probe(_SMALL_NUMBERS, (2.0,)),
    "hides_linear": Probe(_HIDES_LINEAR, (2.0,)),
    "swapped_later": Probe(_SWAPPED_LATER, _NONE),
}


def plain(cells: tuple[str, ...], edit: Callable[[dict[str, Any]], None] = lambda book: None) -> bytes:
    """A notebook that was never run, as bytes."""
    made = [
        {"cell_type": "code", "source": c, "metadata": {}, "outputs": [], "execution_count": None}
        for c in cells
    ]
    return _book(made, edit)


def for_nbgrader(
    cells: tuple[str, ...],
    *,
    source: bool = False,
    edit: Callable[[dict[str, Any]], None] = lambda book: None,
) -> bytes:
    """The same notebook with nbgrader's metadata; `source` holds the hidden tests."""
    made = [_marked(c, f"answer{n}", solution=True) for n, c in enumerate(cells)]
    if source:
        for cell in made:
            cell["source"] = f"### BEGIN SOLUTION\n{cell['source']}\n### END SOLUTION"
    for name, question in QUESTIONS.items():
        text = f"### BEGIN HIDDEN TESTS\nassert {question}\n### END HIDDEN TESTS" if source else ""
        made.append(_marked(f"# {name}\n{text}", name, solution=False))
    return _book(made, edit)


def _book(cells: list[dict[str, Any]], edit: Callable[[dict[str, Any]], None]) -> bytes:
    book: dict[str, Any] = {
        "cells": cells,
        "metadata": {"kernelspec": dict(KERNEL)},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    edit(book)
    return json.dumps(book, ensure_ascii=False).encode("utf-8")


def _marked(source: str, name: str, *, solution: bool) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": name,
        "solution": solution,
        "grade": not solution,
        "locked": not solution,
        "task": False,
    }
    if not solution:
        meta["points"] = 1
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"nbgrader": meta},
        "outputs": [],
        "execution_count": None,
    }


def write(root: Path, name: str, data: bytes, nbgrader: bytes) -> None:
    """Put one hand-in where each grader looks for it."""
    for path, content in (
        (root / "class" / name / "S4.ipynb", data),
        (root / "nbgrader" / "submitted" / name / "ps1" / "p1.ipynb", nbgrader),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_tests(root: Path) -> None:
    """Write the rubric, nbgrader's source notebook, and otter's tests."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "rubric.toml").write_text(RUBRIC, encoding="utf-8")
    source = root / "nbgrader" / "source" / "ps1" / "p1.ipynb"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(for_nbgrader(SOUND, source=True))
    (root / "nbgrader" / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'bench'\n", encoding="utf-8"
    )
    tests = root / "otter" / "tests"
    tests.mkdir(parents=True, exist_ok=True)
    for name, question in QUESTIONS.items():
        case = {"code": f">>> bool({question})\nTrue", "hidden": True, "locked": False, "points": 1}
        suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        text = f"OK_FORMAT = True\n\ntest = { ({'name': name, 'points': 1, 'suites': [suite]})!r}\n"
        (tests / f"{name}.py").write_text(text, encoding="utf-8")


def make_class(root: Path, size: int, imports: str = "") -> dict[str, float]:
    """Write a class, no two of which hand in one network or one notebook, and every fifth of which is wrong in
    one question; returns the right score of each. `imports` stand in everybody's first cell.
    """
    write_tests(root)
    scores = {}
    for number in range(size):
        wrong = number % 5 == 4
        cells = of_student(number, forgets=wrong, imports=imports)
        name = f"s{number:02}"
        write(root, name, plain(cells), for_nbgrader(cells))
        scores[name] = 2.0 if wrong else 3.0
    return scores


def of_student(number: int, *, forgets: bool, imports: str = "") -> tuple[str, ...]:
    """The cells of one student, with a network of at most 1,898 parameters that 24 neighbours do not have."""
    width, kernel = 5 + number % 12, 3 + 2 * (number // 12 % 2)
    norm = "" if forgets else f"nn.BatchNorm2d({width}), "
    layers = f"nn.Conv2d(1, {width}, {kernel}), {norm}nn.ReLU(), nn.Conv2d({width}, 10, 3)"
    head = "\n".join(part for part in (f"# student {number}", HEAD, imports) if part)
    return (head, f"net = nn.Sequential({layers}, nn.AdaptiveAvgPool2d(1), nn.Flatten())", *TAIL)


def make_probes(root: Path, probes: Mapping[str, Probe] = PROBES) -> None:
    """Write every probe."""
    write_tests(root)
    for name, probe in probes.items():
        write(
            root,
            name,
            probe.spoil(plain(probe.cells, probe.edit)),
            probe.spoil(for_nbgrader(probe.cells, edit=probe.edit)),
        )
