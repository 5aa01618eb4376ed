"""What every backend promises, once more for bubblewrap as a plain user: the same tests with another sandbox.

Left out are those that stop a job by the watcher's clock, which stands in another process here (`test_resources.py` moves
that one, too).
"""

import pytest

from grader.sandbox.api import Sandbox
from tests.attacks.backends import PlainUser
from tests.sandbox.conftest import works_here
from tests.sandbox.test_conformance import (
    test_a_closed_pipe_is_no_success,
    test_a_file_name_cannot_lead_out,
    test_a_job_sees_its_files_and_reports,
    test_a_worker_that_never_says_done,
    test_floods_are_cut,
    test_garbage_on_the_pipe,
    test_jobs_run_side_by_side,
    test_modules_of_the_student_do_not_replace_ours,
    test_nothing_stays_open,
    test_printing_is_no_frame,
    test_the_environment_of_the_caller_stays_out,
    test_what_was_forked_does_not_outlive_the_job,
)

__all__ = [
    "test_a_closed_pipe_is_no_success",
    "test_a_file_name_cannot_lead_out",
    "test_a_job_sees_its_files_and_reports",
    "test_a_worker_that_never_says_done",
    "test_floods_are_cut",
    "test_garbage_on_the_pipe",
    "test_jobs_run_side_by_side",
    "test_modules_of_the_student_do_not_replace_ours",
    "test_nothing_stays_open",
    "test_printing_is_no_frame",
    "test_the_environment_of_the_caller_stays_out",
    "test_what_was_forked_does_not_outlive_the_job",
]
pytestmark = [pytest.mark.slow, pytest.mark.sandbox]


@pytest.fixture(params=["from nothing", "warm"])
def sandbox(request: pytest.FixtureRequest, plain_user: PlainUser) -> Sandbox:
    """Bubblewrap as nobody."""
    works_here()
    return plain_user.warmed() if request.param == "warm" else plain_user
