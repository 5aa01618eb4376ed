"""Every learning rate of the assignment is shown.

## What it checks
For each learning rate of the assignment: a table, a pasted column or a chart in any workbook of the
submission shows its losses, or a picture whose file name, caption or heading says the rate; a picture that a
notebook's cell drew counts as well, where its title or the text above it does. Nobody reads the curve of a
picture; a rubric that wants a person to look at them says `pictures = "open"`. Pictures that name no rate a
person has to look at in any case; also at single losses beside their rates, which say what became of the
loss and show no curve.

## Why it matters
The assignment asks what happens to the loss curve when the learning rate changes. One curve cannot show it.

## Example
One sheet with η = 1, and nothing for 0.1, 0.2, 0.5, 0.8 and 2.

## What to do instead
Give each rate a sheet, or paste the losses of each rate as a column with the rate as header, and plot all
six.
"""

from enum import Enum

from grader.checks.sweep._pictures import Picture
from grader.checks.sweep._where import counted, listed, not_shown, told, where_shown
from grader.core.evidence.documents import Documents
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Finding, Outcome, Weight, graded, passed, unknown
from grader.core.rubric import CheckParams, Profile
from grader.core.rule import Rule
from grader.core.submission import Submission


class Counting(Enum):
    """What a picture that names its rate is worth."""

    COUNT = "count"
    """It shows its rate."""
    OPEN = "open"
    """A person has to look at it."""


class Params(CheckParams, frozen=True, kw_only=True):
    """What pictures are worth."""

    pictures: Counting = Counting.COUNT


def check(
    replay: ReplayFacts, submission: Submission, profile: Profile, params: Params, documents: Documents | None
) -> Outcome:
    """Give the share of the rates that are shown; `unknown` where something that was not read may show the
    others.
    """
    if replay.doubt:
        return unknown(replay.doubt)
    rates = profile.learning_rates
    places, drawn, missing, elsewhere = where_shown(replay, submission, documents, rates)
    remarks = [_remark(rate, found) for rate, found in drawn.items()]
    if not drawn and not missing:
        return passed(f"all {len(rates)} learning rates are shown: {told(places)}")
    shown = f"{len(places)} of {len(rates)} learning rates are shown in workbooks"
    if drawn:
        shown += f", η = {listed(drawn)} in {counted(sum(len(found) for found in drawn.values()))}"
    if missing:
        finding = not_shown(replay, missing, places, rates)
        if elsewhere:
            return unknown(f"{shown}; {elsewhere}", (finding, *remarks))
        if not (drawn and params.pictures is Counting.OPEN):
            return graded((len(rates) - len(missing)) / len(rates), shown, (finding, *remarks))
        return unknown(f"{shown}: a person has to look at them", (finding, *remarks))
    if params.pictures is Counting.OPEN:
        return unknown(f"{shown}: a person has to look at them", remarks)
    return passed(f"{shown}, whose curves nobody read", remarks)


def _remark(rate: float, found: tuple[Picture, ...]) -> Finding:
    """A rate that only pictures show, with their places."""
    return Finding(
        message=f"η = {rate:g} is shown in a picture, whose curve nobody read",
        place=found[0].place,
        expected=f"losses for η = {rate:g} in cells, where they can be recomputed",
        found=", ".join(str(picture.place) for picture in found),
        hint=f"Paste the losses of η = {rate:g} as a column with the rate as header.",
        diagnosis="rate-in-a-picture",
        weight=Weight.REMARK,
    )


rule = Rule(code="LR302", name="every-rate-shown", check=check)
