"""Grades samples with a rubric and compares with a table of expected verdicts: a rubric has tests too."""

from pathlib import Path

import msgspec

from grader.core.faults import UsageFault
from grader.core.report import Report
from grader.core.settings import Settings
from grader.core.toml import read_toml
from grader.ingest.read import read_submission
from grader.pipeline.grade.grade_one import grade_one
from grader.pipeline.plan.rubrics import LoadedRubric


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict that is not the expected one."""

    submission: str
    criterion: str
    expected: str
    found: str


def expected_table(path: Path) -> dict[str, dict[str, str]]:
    """Return `[submission] criterion = "verdict"` tables; several verdicts are written `pass|unknown`."""
    try:
        raw = read_toml(path.read_bytes())
        return msgspec.convert(raw, dict[str, dict[str, str]])
    except (OSError, ValueError) as fault:
        raise UsageFault(f"{path}: no table of expected verdicts ({fault})") from fault


def grade_samples(folder: Path, loaded: LoadedRubric, settings: Settings) -> tuple[Report, ...]:
    """Grade every folder of `folder`, sorted; names that begin with `_` or `.` are left out."""
    from grader.checks.catalogue import catalogue

    rules = catalogue()
    paths = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(("_", ".")))
    return tuple(grade_one(read_submission(p), loaded, rules, settings)[0] for p in paths)


def differences(reports: tuple[Report, ...], table: dict[str, dict[str, str]]) -> tuple[Difference, ...]:
    """Compare by criterion id; a row or criterion that only one side has is a difference."""
    found = {r.submission.id: {m.criterion: m.verdict.value for m in r.outcomes} for r in reports}
    wrong: list[Difference] = []
    for name in sorted(found.keys() | table.keys()):
        have, want = found.get(name, {}), table.get(name, {})
        for criterion in sorted(have.keys() | want.keys()):
            a, b = want.get(criterion, "nothing"), have.get(criterion, "nothing")
            if b not in a.split("|"):
                wrong.append(Difference(submission=name, criterion=criterion, expected=a, found=b))
    return tuple(wrong)


def as_table(reports: tuple[Report, ...]) -> str:
    """Return the verdicts as such a table."""
    blocks = []
    for report in reports:
        lines = "".join(f'{m.criterion} = "{m.verdict.value}"\n' for m in report.outcomes)
        blocks.append(f"[{report.submission.id}]\n{lines}")
    return "\n".join(blocks)
