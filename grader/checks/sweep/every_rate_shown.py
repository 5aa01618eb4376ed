"""Every learning rate of the assignment is shown.

## What it checks
For each learning rate of the assignment: a table, a pasted column or a chart in any workbook of the submission shows its
losses. Rates that are nowhere in cells may still be in screenshots; those a person has to look at.

## Why it matters
The assignment asks what happens to the loss curve when the learning rate changes. One curve cannot show it.

## Example
One sheet with η = 1, and nothing for 0.1, 0.2, 0.5, 0.8 and 2.

## What to do instead
Give each rate a sheet, or paste the losses of each rate as a column with the rate as header, and plot all six.
"""

from grader.core.evidence.formulas import FormulaEvidence
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Finding, Outcome, graded, passed, unknown
from grader.core.place import Place
from grader.core.rubric import Profile
from grader.core.rule import Rule
from grader.core.submission import Kind, Submission


def check(
    replay: ReplayFacts, submission: Submission, profile: Profile, formulas: FormulaEvidence | None
) -> Outcome:
    """Give the share of the rates that are shown; `unknown` where screenshots may show the others."""
    if replay.doubt:
        return unknown(replay.doubt)
    places = {rate: _places(replay, rate) for rate in profile.learning_rates}
    missing = [rate for rate, found in places.items() if not found]
    total = len(profile.learning_rates)
    if not missing:
        return passed(f"all {total} learning rates are shown: {_told(places)}")
    names = ", ".join(f"{rate:g}" for rate in missing)
    pictures = sum(a.kind is Kind.IMAGE for a in submission.artefacts) + sum(
        book.images for book in replay.books
    )
    pictures += sum(document.images for document in formulas.documents) if formulas is not None else 0
    finding = Finding(
        message=f"no table, column or chart of a workbook shows the losses for η = {names}",
        place=Place(artefact=replay.judged[0].artefact),
        expected=f"losses for {', '.join(f'{rate:g}' for rate in profile.learning_rates)}",
        found=_told(places) or "none of them",
        hint=f"Add a sheet or a column with its rate as header for η = {names}.",
        diagnosis="rate-not-shown",
    )
    shown = f"{total - len(missing)} of {total} learning rates are shown in workbooks"
    if pictures:
        plural = "pictures" if pictures > 1 else "picture"
        return unknown(
            f"{shown}; η = {names} at most in {pictures} {plural}: not machine-checkable", (finding,)
        )
    return graded((total - len(missing)) / total, shown, (finding,))


def _places(replay: ReplayFacts, rate: float) -> list[str]:
    found = []
    for book in replay.judged:
        found += [f"{book.artefact} {one.sheet}" for one in book.shown if abs(one.eta - rate) <= 1e-9 * rate]
        charts = (chart for chart in book.charts if abs(chart.eta - rate) <= 1e-9 * rate)
        found += [f"{book.artefact} chart {chart.title!r}" for chart in charts]
    return found


def _told(places: dict[float, list[str]]) -> str:
    return "; ".join(f"{rate:g} in {found[0]}" for rate, found in places.items() if found)


rule = Rule(code="LR302", name="every-rate-shown", check=check)
