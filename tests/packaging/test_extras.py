"""Where a part of an extra is missing, checks that need it are skipped and say which extra; nothing is our
fault then.
"""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from grader.checks.catalogue import catalogue
from grader.core.distribution import install_hint
from grader.core.outcome import Verdict
from grader.core.settings import Settings
from grader.ingest.read import read_submission
from grader.pipeline.grade.grade_one import grade_one
from grader.pipeline.plan.rubrics import load

PERFECT = Path(__file__).parents[2] / "submissions" / "perfect"


@pytest.mark.parametrize("missing", ["torch", "torchvision", "IPython", "safetensors"])
def test_missing_part_of_an_extra_is_named_and_costs_nothing(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name.partition(".")[0] == missing else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    # None makes `import` raise, so that a way round find_spec is noticed, too.
    monkeypatch.setitem(sys.modules, missing, None)
    rules = catalogue()
    settings = Settings(execute=True, retrain=True, unsafe_no_sandbox=True)
    report, _ = grade_one(read_submission(PERFECT), load("default", rules), rules, settings)
    verdicts = {m.code: m for m in report.outcomes}
    assert not [m.code for m in report.outcomes if m.verdict in (Verdict.ERROR, Verdict.FAIL)]
    for code in ("NN401", "NN402", "NN403", "NN404", "RT601"):
        assert verdicts[code].verdict is Verdict.SKIPPED, verdicts[code].summary
        assert install_hint("notebook") in verdicts[code].summary
        assert verdicts[code].summary.casefold().startswith(missing.casefold())
    assert verdicts["BP101"].verdict is verdicts["WB201"].verdict is Verdict.PASS
