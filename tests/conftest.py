"""What holds for every test: one Hypothesis profile, and a last line that says what was skipped and why."""

import sys
from collections import Counter
from collections.abc import Generator, Iterator

import hypothesis
import pytest

from grader.core.machine import collect_rarely
from grader.store import database
from tests.imported_workers import start_workers_so

# As the command does: looking for garbage in circles took two thirds of parsing our modules (tests/house), and a
# tenth of collecting; of formulas and golden cases it takes nothing that can be measured.
collect_rarely()

# No test takes the power away; a class of three commits some thirty times, and each waits for the disk. That a store
# outside the tests is written through, tests/store asks a process of its own.
database.SYNCHRONOUS = "OFF"
if sys.platform == "linux":
    start_workers_so()
# How long an example takes depends on what else the machine does; what a test finds must not.
hypothesis.settings.register_profile(
    "grader", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("grader")


@pytest.fixture(scope="session")
def warm_address() -> Iterator[str]:
    """The socket of a process that starts jobs warm; it imports nothing before the first one."""
    if sys.platform != "linux":
        pytest.skip("jobs start warm on Linux alone")
    from grader.sandbox.bwrap import Bubblewrap
    from grader.sandbox.warm import Server

    server = Server(Bubblewrap.surroundings())
    yield server.address
    server.close()


ESCAPED = 99
"""Exit status where a test marked `escape` failed: student code left its sandbox, and nobody may miss that.
"""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Print what was skipped below everything else; a worker of xdist has no terminal and prints nothing."""
    yield
    if any(report.keywords.get("escape") for report in _failed(session)):
        session.exitstatus = ESCAPED
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not session.config.option.collectonly:
        reporter.ensure_newline()
        reporter.write_line(what_was_skipped(reporter.stats.get("skipped", [])))


def _failed(session: pytest.Session) -> list[pytest.TestReport]:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    return [] if reporter is None else reporter.stats.get("failed", [])


def what_was_skipped(reports: list[pytest.TestReport | pytest.CollectReport]) -> str:
    """Return one line: how many tests were skipped for which reason, the most frequent first."""
    reasons = Counter(_reason(report) for report in reports)
    if not reasons:
        return "skipped: nothing"
    told = [f"{count} because {reason}" for reason, count in reasons.most_common()]
    return f"skipped: {'; '.join(told)}"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return " ".join(reason.removeprefix("Skipped:").split()) or "no reason was given"
