"""The sample class under every rubric that comes with grader, without running any code, against tables that
were read line by line.

After a wanted change write the table anew, and read what moved:

    grader rubric test NAME --on submissions > submissions/_expected_rubrics/NAME.toml
"""

from pathlib import Path

import pytest

from grader.checks.catalogue import catalogue
from grader.core.report import Report
from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.ingest.read import read_submission
from grader.pipeline.grade.grade_one import report_on
from grader.pipeline.grade.products import Known, NothingKept, fill
from grader.pipeline.grade.rubric_samples import differences, expected_table
from grader.pipeline.plan.plan import make_plan
from grader.pipeline.plan.providers import Phase
from grader.pipeline.plan.rubrics import available, load

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "submissions"
TABLES = SAMPLES / "_expected_rubrics"
NAMES = [path.stem for path in available()]
STATIC = Settings(execute=False, retrain=False)


@pytest.fixture(scope="module")
def reports() -> dict[str, tuple[Report, ...]]:
    """Read each sample once for each network, replay its workbook once for each profile, and judge with every
    rubric.
    """
    rules = catalogue()
    rubrics = {name: load(name, rules) for name in NAMES}
    made: dict[str, list[Report]] = {name: [] for name in NAMES}
    for path in sorted(p for p in SAMPLES.iterdir() if p.is_dir() and not p.name.startswith("_")):
        sources = read_submission(path)
        by_network = {r.rubric.profile.network: r.rubric.profile for r in rubrics.values()}
        reads = {network: Known(sources, STATIC, profile) for network, profile in by_network.items()}
        for loaded in rubrics.values():
            plan = make_plan(loaded.rubric, rules)
            fill(plan, reads[loaded.rubric.profile.network], NothingKept(), plan.named((Phase.READ,)))
        by_profile: dict[Profile, Known] = {}
        for name, loaded in rubrics.items():
            profile = loaded.rubric.profile
            read = reads[profile.network]
            if profile not in by_profile:
                known = by_profile[profile] = Known(sources, STATIC, profile)
                for value in read.products().values():
                    known.put(value)
                for product, missing in read.missing().items():
                    known.miss(product, missing)
            fill(make_plan(loaded.rubric, rules), by_profile[profile], NothingKept())
            made[name].append(report_on(by_profile[profile], loaded, rules, STATIC, ()))
    return {name: tuple(found) for name, found in made.items()}


@pytest.mark.parametrize("name", NAMES)
def test_sample_class_under_a_rubric(name: str, reports: dict[str, tuple[Report, ...]]) -> None:
    wrong = differences(reports[name], expected_table(TABLES / f"{name}.toml"))
    assert not wrong, "\n".join(f"{d.submission} {d.criterion}: {d.expected}, found {d.found}" for d in wrong)


def test_every_table_belongs_to_a_rubric() -> None:
    assert sorted(p.stem for p in TABLES.glob("*.toml")) == sorted(NAMES)


def test_rubrics_judge_differently(reports: dict[str, tuple[Report, ...]]) -> None:
    """The profiles and thresholds reach the checks: the class's values are others in the late version and in
    ERA.
    """
    wanted = {"eva6-s4": "pass", "eva6-s4-late": "partial", "era-v1-s6": "partial"}
    for name, verdict in wanted.items():
        (perfect,) = (r for r in reports[name] if r.submission.id == "perfect")
        (found,) = (m.verdict.value for m in perfect.outcomes if m.criterion == "class-values")
        assert found == verdict, name


def test_what_the_wording_calls_optional_fails_nobody() -> None:
    """ERA names the fully connected layer and GAP on one line that begins with "(Optional)"."""
    optional = [
        (name, criterion)
        for name in NAMES
        if "(Optional)" in (rubric := load(name, catalogue()).rubric).source
        for criterion in rubric.criterion
        if criterion.check in ("NN404", "NN405")
    ]
    assert {name for name, _ in optional} == {"era-v1-s6", "era-v3-s6"}
    for name, criterion in optional:
        lenient = set(criterion.policy.values()) == {"warn"} or criterion.params == {"demand": "optional"}
        assert (criterion.points, lenient) == (0, True), (name, criterion.id)
