"""CONTRIBUTING's own example is built from the page and judged: it once could not be, since no evidence held
headings.
"""

import importlib.util
import re
import sys
import textwrap
from pathlib import Path

import pytest

from grader.core.outcome import Verdict
from grader.core.rubric import Criterion, Rubric
from grader.core.rule import Rule
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.pipeline.grade.judge import judge_one
from grader.pipeline.grade.products import Known, NothingKept, fill
from grader.pipeline.plan.plan import make_plan
from tests.house.test_house import HEADINGS, ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def example(folder: Path) -> Rule:
    """The check of the first Python block of the page."""
    block = re.search(r"^ *```python\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    assert block is not None
    path = folder / "headings_example.py"
    path.write_text(textwrap.dedent(block[1]), "utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # a rule reads its page off its module
    spec.loader.exec_module(module)
    rule = module.rule
    assert isinstance(rule, Rule)
    return rule


@pytest.mark.parametrize(
    ("files", "verdict"),
    [
        ({"README.md": b"# Part 1\nh1 = w1*i1 + w2*i2\n"}, Verdict.PASS),
        ({"README.md": b"h1 = w1*i1 + w2*i2\n```\n# a comment\n```\n"}, Verdict.FAIL),
        ({"README.md": b"version https://git-lfs.github.com/spec/v1\n"}, Verdict.UNKNOWN),
        ({"a.csv": b"1,2\n"}, Verdict.SKIPPED),
    ],
)
def test_the_example_is_a_check(tmp_path: Path, files: dict[str, bytes], verdict: Verdict) -> None:
    rule = example(tmp_path)
    assert [line[3:] for line in rule.doc.splitlines() if line.startswith("## ")] == list(HEADINGS)
    criterion = Criterion(id="headings", check=rule.code, points=1.0)
    rubric = Rubric(id="t", title="t", criterion=(criterion,))
    known = Known(from_bytes("s", files), Settings(execute=False, retrain=False), rubric.profile)
    fill(make_plan(rubric, {rule.code: rule}), known, NothingKept())
    assert judge_one(criterion, rule, rubric, known).verdict is verdict
