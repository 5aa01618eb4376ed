"""Nothing is told as not given while a file lies beside it that nobody could open."""

import pytest

from grader.core.outcome import Verdict
from tests.attacks.judged import known_of, outcomes
from tests.checks.test_derivation_sentences import EVERY

CODES = ("BP101", "BP103", "BP104")
HALF = "# Session 6\n\n" + "\n\n".join(f"{name} = {right}" for name, right in list(EVERY.items())[::2])


@pytest.mark.parametrize("name", ["rest.rar", "rest.7z", "report.pdf"])
def test_what_a_readme_lacks_may_lie_in_a_file_that_was_not_opened(name: str) -> None:
    files = {"README.md": HALF.encode()}
    alone = outcomes(known_of((), files), *CODES)
    assert {outcome.verdict for outcome in alone.values()} == {Verdict.PARTIAL}
    beside = outcomes(known_of((), {**files, name: b"Rar!\x1a\x07\x01\x00 a part of it"}), *CODES)
    assert {outcome.verdict for outcome in beside.values()} == {Verdict.UNKNOWN}
    assert all(name in outcome.summary for outcome in beside.values())
    assert not [f for outcome in beside.values() for f in outcome.findings if f.diagnosis == "missing"]
