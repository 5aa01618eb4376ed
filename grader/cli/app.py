"""The entry point: what makes a command cheap is set before anything large is imported, click included."""

import os
import sys

from grader.core.kept_patterns import keep
from grader.core.machine import collect_rarely, look_no_more, one_thread_for_numpy


def main() -> None:
    """Run a command and exit: status 2 for usage and rubric faults, 130 for Ctrl-C, 3 for a crash of ours
    with a log file.
    """
    collect_rarely()
    keep()
    from grader.cli.crash import guarded
    from grader.cli.output import speak_unicode
    from grader.cli.root import app

    # Processes that we start look for their modules where ours are, never in the current folder: it may be a
    # submission.
    os.environ["PYTHONSAFEPATH"] = "1"
    one_thread_for_numpy()
    speak_unicode()
    status = guarded(lambda: app(standalone_mode=False))
    look_no_more()
    sys.exit(status)
