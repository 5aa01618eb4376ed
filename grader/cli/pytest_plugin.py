"""pytest as a front door: `pytest --grader DIR` has a test for each criterion of a rubric.

`fail` and `partial` fail with the findings as their message, `unknown` and `skipped` skip with their reason,
`error`, which is ours, is an error of the set-up. Points are user properties, which JUnit XML shows as
`<property>` (https://docs.pytest.org/en/stable/how-to/output.html, record_property). The entry point
`pytest11` loads this module into every pytest of the environment, so it imports nothing until it is asked.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from grader.core.report import Marked, Report
    from grader.core.rubric import Criterion
    from grader.core.rule import Rule
    from grader.pipeline.plan.rubrics import LoadedRubric

FINDINGS_SHOWN = 10


class CriterionFailed(Exception):
    """A criterion that is failed or partly right."""

    def __init__(self, marked: "Marked") -> None:
        super().__init__(marked.summary)
        self.marked = marked


class GraderFailed(Exception):
    """A fault of grader, which costs nobody points."""


class Work(pytest.Collector):
    """The submission: graded once, when the first of its criteria is asked for."""

    def __init__(self, *, loaded: "LoadedRubric", execute: bool, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # pytest's own arguments, passed through
        self._loaded = loaded
        self._execute = execute
        self.report: Report | None = None

    def collect(self) -> "Sequence[CriterionTest]":
        """Return a test for each criterion that a student may see."""
        shown = [c for c in self._loaded.rubric.criterion if not c.hidden]
        return [CriterionTest.from_parent(self, name=f"{c.check} {c.id}", criterion=c) for c in shown]

    def marked(self, criterion: str) -> "Marked":
        """Return what became of a criterion."""
        if self.report is None:
            from grader.core.settings import Settings
            from grader.pipeline.grade.self_check import self_check

            settings = Settings(execute=self._execute, retrain=False, unsafe_no_sandbox=True)
            self.report, _ = self_check(self.path, self._loaded, settings, lambda _: None)
        return next(m for m in self.report.outcomes if m.criterion == criterion)


class CriterionTest(pytest.Item):
    """One criterion as a test."""

    def __init__(self, *, criterion: "Criterion", **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # pytest's own arguments, passed through
        self._criterion = criterion
        self.add_marker("grader")

    def setup(self) -> None:
        """Grade, and say what the criterion is worth; raises GraderFailed where that is our fault."""
        from grader.core.outcome import Verdict

        assert isinstance(self.parent, Work)
        self.marked = self.parent.marked(self._criterion.id)
        self.user_properties += [
            ("criterion", self.marked.criterion),
            ("code", self.marked.code),
            ("verdict", self.marked.verdict.value),
            ("points", f"{self.marked.points:g}"),
            ("max_points", f"{self.marked.max_points:g}"),
            ("pending_points", f"{self.marked.pending_points:g}"),
        ]
        if self.marked.verdict is Verdict.ERROR:
            raise GraderFailed(self.marked.summary)

    def runtest(self) -> None:
        """Fail, skip or pass as the verdict says."""
        from grader.core.outcome import Verdict

        if self.marked.verdict.pending:
            pytest.skip(self.marked.summary)
        if self.marked.verdict in (Verdict.FAIL, Verdict.PARTIAL):
            raise CriterionFailed(self.marked)

    def repr_failure(self, excinfo: "pytest.ExceptionInfo[BaseException]", style: str | None = None) -> str:
        """Return the findings; of a fault of ours its one sentence."""
        if isinstance(excinfo.value, CriterionFailed):
            return _told(excinfo.value.marked)
        if isinstance(excinfo.value, GraderFailed):
            return f"a fault of grader, which costs no points: {excinfo.value}"
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say where pytest shows the test."""
        return self.path, None, self.name


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; `-r` is pytest's own."""
    group = parser.getgroup("grader", "submissions of 'Backpropagation and MNIST'")
    group.addoption("--grader", metavar="DIR", help="Check the submission in DIR: a test for each criterion.")
    group.addoption(
        "--grader-rubric",
        metavar="RUBRIC",
        default="",
        help="A rubric file or name (default: .grader.toml of DIR, else default).",
    )
    group.addoption(
        "--grader-run",
        action="store_true",
        help="Also run the notebook, with your own rights and without isolation: for your own work.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark of these tests: `-m grader` chooses them alone."""
    config.addinivalue_line("markers", "grader: a criterion of a submission (pytest --grader DIR)")


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the criteria behind the tests that were found otherwise."""
    given = config.getoption("grader", default=None)
    if given is None:
        return
    from grader.core.faults import UsageFault
    from grader.ingest.ignore import read_config
    from grader.pipeline.plan.rubrics import load

    path = (config.invocation_params.dir / str(given)).resolve()
    if not path.exists():
        raise pytest.UsageError(f"--grader {given}: no such file or folder")
    try:
        own = read_config(path if path.is_dir() else path.parent).rubric
        loaded = load(str(config.getoption("grader_rubric")) or own, _catalogue())
    except UsageFault as fault:
        raise pytest.UsageError(str(fault)) from fault
    execute = bool(config.getoption("grader_run"))
    work = Work.from_parent(
        session, name="grader", path=path, nodeid="grader", loaded=loaded, execute=execute
    )
    config.stash[_WORK] = work
    items += work.collect()


_WORK = pytest.StashKey[Work]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the points in one line."""
    work = config.stash.get(_WORK, None)
    if work is None or work.report is None:
        return
    report = work.report
    pending = f", {report.pending_points:g} open" if report.pending_points else ""
    terminalreporter.write_line(f"grader: {report.score:g} of {report.max_score:g} points{pending}")


def _catalogue() -> "Mapping[str, Rule]":
    from grader.checks.catalogue import catalogue

    return catalogue()


def _told(marked: "Marked") -> str:
    from grader.core.outcome import Weight
    from grader.render.same_fault import one_by_one
    from grader.render.summary import told

    faults = one_by_one(marked.findings, Weight.FAULT)
    lines = [f"{marked.summary} ({marked.points:g} of {marked.max_points:g} points)"]
    lines += [told(fault) for fault in faults[:FINDINGS_SHOWN]]
    if (more := len(faults) - FINDINGS_SHOWN) > 0:
        lines.append(f"and {more} more")
    return "\n".join(lines)
