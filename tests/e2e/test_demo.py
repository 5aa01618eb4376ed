"""The demo says truly what this machine has: a demo that claimed MNIST where there was none was a past
mistake.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from grader.core.faults import Unavailable
from grader.core.outcome import Finding, Verdict
from grader.core.report import Marked, Report
from grader.pipeline.classroom.grade_class import Graded
from grader.pipeline.stages.request import Request
from tests.render.samples import decided

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", ROOT / "scripts" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def asked(demo: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """The demo grades nobody, and the requests are kept."""
    requests: list[Request] = []

    def grade(request: Request, *_: object) -> Graded:
        requests.append(request)
        left = 10 if request.train_only and request.settings.retrain else 0
        return Graded(run=1, resumed=False, reports=(), refused={}, page=Path("index.html"), left=left)

    monkeypatch.setattr(demo, "grade_class", grade)
    monkeypatch.delenv("GRADER_DATA", raising=False)
    return requests


class Trial:
    """What trying the sandbox found."""

    def __init__(self, works: bool) -> None:
        self.works = works
        self.reason = "bubblewrap is not there"


def raising(reason: str, verdict: Verdict) -> Callable[..., None]:
    def load(*_: object) -> None:
        raise Unavailable(reason, verdict)

    return load


@pytest.mark.parametrize("isolated", [True, False])
@pytest.mark.parametrize("mnist", ["there", "fetched", "unreachable", "damaged"])
def test_words_of_the_demo(
    mnist: str,
    isolated: bool,
    demo: ModuleType,
    asked: list[Request],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    missing = raising("no MNIST here", Verdict.SKIPPED)
    damaged = raising("MNIST is damaged", Verdict.UNKNOWN)
    offline = raising("no network", Verdict.SKIPPED)
    fetched: list[Path] = []
    load = {"there": lambda _: None, "damaged": damaged}.get(mnist, missing)
    monkeypatch.setattr(demo, "load_images", load)
    monkeypatch.setattr(demo, "fetch", offline if mnist == "unreachable" else fetched.append)
    monkeypatch.setattr(demo, "try_bubblewrap", lambda: Trial(isolated))
    assert demo.main() == 0
    told = capsys.readouterr().out
    found = mnist in ("there", "fetched")
    assert ("MNIST:     found" in told) is found
    assert ("fetching it (11.6 MB" in told) is (mnist in ("fetched", "unreachable"))
    assert len(fetched) == (mnist == "fetched")
    assert ("trained again: no network" in told) is (mnist == "unreachable")
    assert ("trained again: MNIST is damaged" in told) is (mnist == "damaged")
    assert ("10 submissions were not trained again" in told) is found
    assert ("Isolation: NONE" in told) is not isolated
    assert ("not isolated: bubblewrap is not there" in told) is not isolated
    assert asked[0].settings.retrain is found
    assert asked[0].settings.unsafe_no_sandbox is not isolated
    assert asked[0].train_only == ("perfect",)


def test_a_named_folder_without_mnist_is_the_users_and_nothing_is_fetched(
    demo: ModuleType, asked: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_DATA", "/nowhere")
    monkeypatch.setattr(demo, "load_images", raising("/nowhere: no such directory", Verdict.SKIPPED))
    monkeypatch.setattr(demo, "fetch", lambda *_: pytest.fail("fetched"))
    assert demo.main() == 0
    assert not asked[0].settings.retrain


def test_light_runs_and_fetches_nothing(
    demo: ModuleType,
    asked: list[Request],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(demo, "fetch", lambda *_: pytest.fail("fetched"))
    assert demo.main(["--light"]) == 0
    assert not asked[0].settings.execute
    assert not asked[0].settings.retrain
    told = capsys.readouterr().out
    assert "nothing is run, nothing is trained" in told
    assert "MNIST:" not in told


def test_everything_is_trained_where_it_is_wished(
    demo: ModuleType, asked: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "load_images", lambda _: None)
    assert demo.main(["--all"]) == 0
    assert asked[0].train_only == ()


def graded(slug: str, **verdicts: Verdict) -> Report:
    """A report with an outcome a check; whatever is not passed has a finding."""
    import msgspec

    sample = decided()
    outcomes = tuple(
        Marked(
            criterion=code,
            code=code,
            name=code,
            title=code,
            verdict=verdict,
            credit=float(verdict is Verdict.PASS),
            points=10.0 * (verdict is Verdict.PASS),
            max_points=10.0,
            summary=f"{code} of {slug}",
            findings=(Finding(message="wrong", hint="mend it"),) if verdict is Verdict.FAIL else (),
        )
        for code, verdict in verdicts.items()
    )
    submission = msgspec.structs.replace(sample.submission, slug=slug, id=slug)
    return msgspec.structs.replace(sample, submission=submission, outcomes=outcomes)


def test_findings_are_of_different_checks_and_submissions(demo: ModuleType) -> None:
    reports = (
        graded("ann", RT601=Verdict.PASS, TR501=Verdict.PASS),
        graded("bob", WB201=Verdict.FAIL, BP101=Verdict.FAIL, TR501=Verdict.FAIL),
        graded("cid", WB201=Verdict.FAIL),
        graded("dan", TR501=Verdict.UNKNOWN),
    )
    found = [(r.submission.slug, m.code) for r, m in demo.telling(reports)]
    assert found == [("ann", "RT601"), ("cid", "WB201"), ("bob", "BP101")]
    assert demo.telling(()) == []
    many = tuple(graded(f"s{n}", NN401=Verdict.FAIL) for n in range(9))
    assert len(demo.telling(many)) == 6


def test_a_finding_in_words_says_what_and_what_to_do(demo: ModuleType) -> None:
    (report,) = (graded("bob", BP101=Verdict.FAIL),)
    assert demo.in_words(report.outcomes[0]) == "BP101 of bob. Wrong. Mend it."
