"""A stored class, scored again: with another rubric it is a run of its own, whose facts are those of the
first.

Queue, export, override and diff ask the run that the pages show. Were a class drawn with a rubric that no run
has, they would go on with the old one, and the next decision would draw the old marks again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from grader.checks.catalogue import catalogue
from grader.core.report import Report
from grader.core.rule import Rule
from grader.pipeline.drawing.whole_class import Published, publish_run
from grader.pipeline.plan.plan import MarkSheet, mark_sheet
from grader.pipeline.plan.rubric_request import load_asked
from grader.pipeline.plan.rubrics import parse
from grader.store.carry_over import share_facts
from grader.store.runs import Run, Store


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A class that was scored again."""

    run: Run
    published: Published
    before: Sequence[Report] | None = None
    """The reports with the rubric before; None where the rubric is the same."""


def sheet_of(run: Run, rules: Mapping[str, Rule]) -> MarkSheet:
    """Return the mark sheet that a run was graded with."""
    return mark_sheet(parse(run.rubric, run.rubric_name, rules))


def score_again(store: Store, run: Run, rubric: str, out: Path) -> Again:
    """Judge a run with its own rubric or another, and draw the pages; an empty name is its own.

    Raises RubricFault for a rubric with faults, UsageFault where the pages cannot be written.
    """
    rules = catalogue()
    if not rubric:
        return Again(run=run, published=publish_run(store, run, sheet_of(run, rules), out))
    loaded, data = load_asked(rubric, rules, run.settings)
    before = (run, sheet_of(run, rules))
    if data != run.rubric:
        run = share_facts(store, run, loaded.path, data)
    published = publish_run(store, run, mark_sheet(loaded), out, before=before)
    return Again(run=run, published=published, before=published.before)
