"""Every golden case of every rule gives the outcome that it names."""

from pathlib import Path

import msgspec
import pytest

from grader.core.rule import Rule
from tests.checks import golden


@pytest.mark.parametrize(
    ("rule", "path"), [pytest.param(r, p, id=f"{r.code}-{p.stem}") for r, p in golden.cases()]
)
def test_golden(rule: Rule, path: Path) -> None:
    case, outcome = golden.run(rule, path)
    expect = case.expect
    wanted = msgspec.structs.replace(
        expect,
        diagnoses=None if expect.diagnoses is None else tuple(sorted(expect.diagnoses)),
        places=None if expect.places is None else tuple(sorted(expect.places)),
    )
    assert golden.observed(outcome, expect) == wanted, outcome
