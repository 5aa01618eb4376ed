"""The demo says truly what this machine has: a demo that claimed MNIST where there was none was a past mistake."""

import importlib.util
from pathlib import Path

import pytest

from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.pipeline.batch import Graded, Request

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("found", "isolated"), [(True, True), (True, False), (False, True), (False, False)])
def test_words_of_the_demo(
    found: bool, isolated: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("demo", ROOT / "scripts" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    asked: list[Request] = []

    def load(_: object) -> None:
        if not found:
            raise Unavailable("no MNIST: get it by X", Verdict.SKIPPED)

    def grade(request: Request, *_: object) -> Graded:
        asked.append(request)
        return Graded(run=1, resumed=False, reports=(), refused={}, page=Path("index.html"))

    class Trial:
        works = isolated

    monkeypatch.setattr(demo, "load_mnist", load)
    monkeypatch.setattr(demo, "grade_class", grade)
    monkeypatch.setattr(demo, "try_bubblewrap", Trial)
    assert demo.main() == 0
    told = capsys.readouterr().out
    assert ("MNIST:     found" in told) is found
    assert ("get it by X" in told) is not found
    assert ("Isolation: NONE" in told) is not isolated
    assert asked[0].settings.retrain is found
    assert asked[0].settings.unsafe_no_sandbox is not isolated
