"""The training digits are turned by a random angle, within the range that was asked for.

## What it checks
The transforms of the data set that the training loop read when we ran the notebook: `RandomRotation` and the
rotation of `RandomAffine`, with the angles that they hold. Several turns add up.

## Why it matters
Some courses ask for a random rotation between −5° and +5°. `RandomRotation(5)` is that; `RandomRotation((5,
5))` always turns by 5°, and a rotation in the test transform alone does not help the training.

## Example
    transforms.RandomRotation((-7.0, 7.0), fill=(1,))     # asked for: -5 to 5

## What to do instead
Write `transforms.RandomRotation((-5.0, 5.0), fill=(0,))` into the training transform, in front of
`ToTensor()`.
"""

import msgspec

from grader.checks.training._code import Code
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.facts.recipe import Part, RecipeFacts
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, unknown
from grader.core.rubric import CheckParams, CheckPolicy, Treatment
from grader.core.rule import Rule

_TURNS = ("RandomRotation", "RandomAffine")
_ABOUT_DIGITS = (
    "transform",
    "digits",
    "trained on",
    "collate",
    "DataLoader",
    "training loader",
    *_TURNS,
    "RandomApply",
)
_ABOUT_TEST = ("no pass over the test", "the test transform", "the test digits")
_IN_CODE = r"rotat|augment|elastic|warp|^aug|albument|kornia|imgaug"


class Params(CheckParams, frozen=True, kw_only=True):
    """The range of the angle in degrees, from `-degrees` to `degrees`."""

    degrees: float = 5.0


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`narrower`: a rotation that stays inside the range without filling it."""

    narrower: Treatment = Treatment.WARN


def check(
    training: RecipeFacts, notebooks: NotebookEvidence | None, params: Params, policy: Policy
) -> Outcome:
    """Add up the turns of the training transform; unknown where a transform was not read or turns may stand
    elsewhere.
    """
    recipe, code = training.recipe, Code(training.artefact, notebooks)
    doubts = [m for m in recipe.missing if not m.startswith(_ABOUT_TEST)]
    doubt = next((m for m in doubts if any(word in m for word in _ABOUT_DIGITS)), "")
    if recipe.training_transform is None:
        return unknown(f"the training transform is not known: {doubt or 'the training loader was not seen'}")
    turns = [
        p for p in recipe.training_transform if p.kind.removeprefix("RandomApply(").rstrip(")") in _TURNS
    ]
    ranges = [_range(p) for p in turns]
    known = [r for r in ranges if r is not None]
    if len(known) < len(ranges):
        return unknown("the angles of a rotation could not be read")
    low, high = sum(r[0] for r in known), sum(r[1] for r in known)
    wanted = f"{-params.degrees:g}° to {params.degrees:g}°"
    place, excerpt = code.place(r"Rotation\s*\(|Affine\s*\(")
    if low == high:
        return _none(training, code, doubt, wanted, fixed=low)
    summary = f"the training digits are turned by {low:g}° to {high:g}°"
    finding = Finding(
        message="the rotation has another range than was asked for",
        place=place,
        expected=wanted,
        found=f"{low:g}° to {high:g}°",
        hint=f"write transforms.RandomRotation((-{params.degrees:g}, {params.degrees:g}))",
        excerpt=excerpt,
    )
    if doubt:
        return unknown(f"{summary}, but {doubt}", [_as(finding, "transform-not-read")])
    if max(-low, high) > params.degrees + 1e-6:
        return failed(f"{summary}, asked for is {wanted}", [_as(finding, "rotation-too-wide")])
    if max(abs(-low - params.degrees), abs(high - params.degrees)) <= 1e-6:
        return passed(summary)
    if policy.narrower is Treatment.FAIL:
        return failed(f"{summary}, asked for is {wanted}", [_as(finding, "rotation-too-narrow")])
    remark = _as(finding, "rotation-too-narrow", Weight.REMARK)
    return passed(f"{summary}, inside {wanted}", [remark] if policy.narrower is Treatment.WARN else [])


def _none(training: RecipeFacts, code: Code, doubt: str, wanted: str, fixed: float) -> Outcome:
    parts = ", ".join(p.kind for p in training.recipe.training_transform or ()) or "none"
    place, excerpt = code.place(r"transforms?\.Compose|ToTensor")
    finding = Finding(
        message=f"every training digit is turned by the same {fixed:g}°"
        if fixed
        else "the training digits are not turned",
        place=place,
        expected=f"a random rotation, {wanted}",
        found=f"transforms of the training digits: {parts}",
        hint="add transforms.RandomRotation in front of ToTensor() in the transform of the training data set",
        excerpt=excerpt,
        diagnosis="rotation-not-random" if fixed else "no-rotation",
    )
    if doubt:
        return unknown(f"no random rotation was seen, but {doubt}", [finding])
    if not fixed and (
        not code.whole or code.modules or code.names(_IN_CODE if "Affine" in parts else f"{_IN_CODE}|affine")
    ):
        return unknown("no rotation stands in the training transform; there may be one elsewhere", [finding])
    return failed("the training digits are not turned at random", [finding])


def _range(part: Part) -> tuple[float, float] | None:
    """Smallest and largest angle; None where it was not read. A part that is never applied turns by
    nothing.
    """
    degrees, share = part.arguments.get("degrees"), part.arguments.get("p", 1.0)
    if not isinstance(degrees, tuple) or len(degrees) != 2 or not isinstance(share, (int, float)):
        return None
    low, high = degrees
    if share <= 0:
        return 0.0, 0.0
    return (low, high) if share >= 1 else (min(low, 0.0), max(high, 0.0))


def _as(finding: Finding, diagnosis: str, weight: Weight = Weight.FAULT) -> Finding:
    return msgspec.structs.replace(finding, diagnosis=diagnosis, weight=weight)


rule = Rule(code="TR506", name="random-rotation", check=check)
