"""Grade one submission: the sentence of the design, as code."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from grader.core.facts.retrain import RetrainFacts, WrongDigits
from grader.core.outcome import Outcome
from grader.core.report import Note, Report
from grader.core.rubric import Absent
from grader.core.rule import Rule
from grader.core.settings import Settings
from grader.core.submission import Kind, Problem, Sources
from grader.pipeline.grade.judge import judge
from grader.pipeline.grade.notes import read_notes
from grader.pipeline.grade.products import Known, NothingKept, fill
from grader.pipeline.grade.provenance import provenance
from grader.pipeline.plan.plan import make_plan
from grader.pipeline.plan.rubrics import LoadedRubric
from grader.score.marks import Marks, mark, with_marks

Progress = Callable[[str], None]
"""Called with a short sentence whenever something that may take seconds begins."""


def grade_one(
    sources: Sources,
    loaded: LoadedRubric,
    rules: Mapping[str, Rule],
    settings: Settings,
    progress: Progress = lambda _: None,
) -> tuple[Report, Known]:
    """Return the report of one submission, and what was learnt on the way.

    Never raises on student bytes: a crash of ours is an `error` outcome of the criteria that needed it.
    """
    plan = make_plan(loaded.rubric, rules)
    profile = loaded.rubric.profile_of(sources.submission.id)
    known = Known(sources, settings, profile, plan.retraining, execution=plan.execution)
    fill(plan, known, NothingKept(), progress=progress)
    return report_on(known, loaded, rules, settings, read_notes(known)), known


def report_on(
    known: Known,
    loaded: LoadedRubric,
    rules: Mapping[str, Rule],
    settings: Settings,
    notes: tuple[Note, ...],
    *,
    late_days: float = 0.0,
) -> Report:
    """Judge and score what is known; pure, so a stored `Known` can be judged again with another rubric."""
    marks = _marks(known, loaded, rules, judge(loaded.rubric, rules, known), late_days)
    trained = known.products().get(RetrainFacts.__name__)
    return Report(
        submission=known.submission,
        rubric=loaded.ref,
        outcomes=marks.outcomes,
        verdict=marks.verdict,
        score=marks.score,
        max_score=marks.max_score,
        pending_points=marks.pending_points,
        provenance=provenance(settings, known),
        adjustments=marks.adjustments,
        read=(*_artefact_notes(known), *notes),
        wrong_digits=trained.wrong if isinstance(trained, RetrainFacts) else WrongDigits(),
    )


def report_again(
    before: Report,
    known: Known,
    loaded: LoadedRubric,
    rules: Mapping[str, Rule],
    told: Mapping[str, Outcome],
    *,
    late_days: float = 0.0,
) -> Report:
    """Judge and score with another rubric what a report with the same options is about: `told` are the
    outcomes that stand, as `judge` takes them. Of the rest only what its checks ask for need be known.
    """
    marks = _marks(known, loaded, rules, judge(loaded.rubric, rules, known, told), late_days)
    return with_marks(msgspec.structs.replace(before, rubric=loaded.ref), marks)


def _marks(
    known: Known,
    loaded: LoadedRubric,
    rules: Mapping[str, Rule],
    outcomes: Sequence[Outcome],
    late_days: float,
) -> Marks:
    # Of one file that somebody asked about nobody can say what else there is.
    missing = Absent.OPEN if known.submission.single_file else loaded.rubric.missing
    return mark(loaded.rubric, rules, outcomes, late_days, missing=missing)


def _artefact_notes(known: Known) -> tuple[Note, ...]:
    submission = known.submission
    problems = tuple(
        Note(what=a.path, text=a.note or a.problem.value)
        for a in submission.artefacts
        if a.problem is not Problem.NONE or a.kind is Kind.NOTE
    )
    doubts = tuple(Note(what="choice", text=d) for d in submission.doubts)
    return (*problems, *doubts, *(Note(what="submission", text=n) for n in submission.notes))
