"""The charts plot what they say.

## What it checks
For every chart of the workbooks: the learning rate in its title against the learning rate of the cells that
it plots, and whether the plotted range starts with the first iteration and ends with the last. Contradictions
are remarks and cost nothing.

## Why it matters
A chart titled η = 0.1 that plots the sheet of η = 0.5 tells the reader the wrong story.

## Example
    title  Loss (η = 0.1)      range  Sheet2!$W$34:$W$100, whose learning rate is 0.5

## What to do instead
Correct the title, or select the range again: from the first to the last iteration of the sheet that the title
names.
"""

from grader.core.facts.replay import BookFacts, ChartFacts, ReplayFacts
from grader.core.outcome import Finding, Outcome, Weight, passed, skipped, unknown
from grader.core.place import Place
from grader.core.rule import Rule


def check(replay: ReplayFacts) -> Outcome:
    """Pass with a remark for every contradiction."""
    if replay.doubt:
        return unknown(replay.doubt)
    charts = [(book, chart) for book in replay.judged for chart in book.charts]
    if not charts:
        return skipped("the workbooks hold no chart")
    agreeing = sum(chart.consistent for _, chart in charts)
    findings = [finding for book, chart in charts for finding in _findings(book, chart)]
    return passed(f"{agreeing} of {len(charts)} charts plot what they say", findings)


def _findings(book: BookFacts, chart: ChartFacts) -> list[Finding]:
    return [
        Finding(
            message=f"chart {chart.title or 'without a title'}: {problem}",
            place=Place(artefact=book.artefact, sheet=chart.sheet or None),
            found=", ".join(chart.ranges[:3]),
            hint="Correct the title, or select the plotted range again.",
            diagnosis="chart-title" if "title" in problem else "chart-range",
            weight=Weight.REMARK,
        )
        for problem in chart.problems
    ]


rule = Rule(code="LR303", name="charts-agree", check=check)
