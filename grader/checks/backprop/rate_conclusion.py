"""The README says what the learning rate does to learning.

## What it checks
Whether some sentence of the documents joins a larger learning rate with faster learning, or a smaller one
with slower learning, which is what the six curves of this assignment show. It never fails: a conclusion can
be worded in ways that no program reads.

## Why it matters
The sweep over learning rates is drawn to be read; the sentence shows that it was.

Measured on 91 folders of labelled and public hand-ins and on 33 further public READMEs of this part: 33
passes, each sentence read in its README and none wrong; three of them state it as a rule rather than of the
curves drawn. A conclusion in other words is still `unknown`.

## Example
    See the graph below.

## What to do instead
    The larger the learning rate, the faster the loss falls: after 100 iterations it is 0.012 at 1.0 and 0.005
    at 2.0.
"""

from grader.core.evidence.conclusion import ConclusionEvidence
from grader.core.outcome import Finding, Outcome, Weight, passed, unknown
from grader.core.rule import Rule


def check(conclusion: ConclusionEvidence) -> Outcome:
    """Pass where a statement is found, else leave it to a person."""
    if not conclusion.statements:
        return unknown("no sentence about the effect of the learning rate was found: a person should look")
    first = conclusion.statements[0]
    remark = Finding(
        message="the effect of the learning rate is stated",
        place=first.place,
        found=first.text,
        excerpt=first.text,
        weight=Weight.REMARK,
    )
    return passed("the effect of the learning rate is stated", [remark])


rule = Rule(code="BP106", name="rate-conclusion", check=check)
