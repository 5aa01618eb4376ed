"""The student's own check: the engine, checks and statistics of the instructor, minus what the rubric
hides.
"""

from pathlib import Path

import msgspec

from grader.core.report import Report
from grader.core.rubric import Absent
from grader.core.settings import Settings
from grader.ingest.ignore import ignored
from grader.ingest.read import read_submission
from grader.pipeline.grade.grade_one import Progress, grade_one
from grader.pipeline.grade.products import Known
from grader.pipeline.plan.rubrics import LoadedRubric
from grader.sandbox.reader import own_work

HONEST_LINE = (
    "Self-check. Your code ran on this computer with your own rights, without isolation: do not run "
    "this on work that is not"
    " yours. The instructor's run decides."
)
"""From the research on sandboxes: students run their own code, and must know that nothing protects them from
it.
"""


def self_check(
    path: Path, loaded: LoadedRubric, settings: Settings, progress: Progress
) -> tuple[Report, Known]:
    """Grade one's own work as the instructor will, with the criteria that the rubric shows."""
    from grader.checks.catalogue import catalogue

    visible = tuple(c for c in loaded.rubric.criterion if not c.hidden)
    open_rubric = msgspec.structs.replace(loaded.rubric, criterion=visible, missing=Absent.OPEN)
    shown = msgspec.structs.replace(loaded, rubric=open_rubric)
    with own_work():
        sources = read_submission(path, left_out=ignored(path)) if path.is_dir() else read_submission(path)
        return grade_one(sources, shown, catalogue(), settings, progress)
