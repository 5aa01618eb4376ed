"""The test accuracy is over the 10,000 test images.

## What it checks
The number of images in the fractions of the saved log (`9941/10000`): 60,000 is the training set. Where
it prints none, what the loop above it tests on, if its source shows that.

## Why it matters
A test loader made with `train=True` measures how well the network remembers. The code may have been corrected
later and look innocent; the saved log still shows 60,000.

Measured on 39 labelled public notebooks and fifty hand-ins that nothing was tuned on (75 passes, all right;
seven print no fraction and are `unknown`), on 95 folders of public hand-ins and 643 other public notebooks:
22 fails, each read at its source and right.

## Example
    Test set: Average loss: 0.0101, Accuracy: 59648/60000 (99.41%)

## What to do instead
`datasets.MNIST(root, train=False, ...)` for the test loader, then run the whole notebook again.
"""

from collections.abc import Mapping
from typing import ClassVar

from grader.checks.training._runs import of_another, shown_by, submitted, unless_another, without_log
from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import LogEvidence, Run
from grader.core.outcome import Finding, Outcome, failed, unknown
from grader.core.rubric import Assignment, CheckParams
from grader.core.rule import Rule


class Params(CheckParams, frozen=True, kw_only=True):
    """Sizes of the test set and of the training set."""

    test_images: int = Assignment().test_images
    training_images: int = Assignment().training_images
    limits: ClassVar[Mapping[str, str]] = {"test_images": "test_images", "training_images": "training_images"}


def check(logs: LogEvidence, documents: Documents, params: Params) -> Outcome:
    """Pass if one run is over the test images, fail if every run is over the training images, else
    unknown.
    """
    found = submitted(logs)
    if found.of_another:
        return of_another(found)
    runs = found.judged
    if not runs:
        return without_log(logs, documents)
    counted = [r for r in runs if r.denominators]
    seen = next((r for r in runs if r.tested == params.test_images), None)
    if not counted and seen is not None:
        text = f"the loop tests on all {params.test_images:,} test images, as its source shows ({seen.place})"
        return shown_by(seen, logs, text)
    if not counted:
        return unknown("the log does not show over how many images the test accuracy is")
    right = [r for r in counted if r.denominators == (params.test_images,)]
    if right:
        text = f"the test accuracy is over {params.test_images:,} images ({right[0].place})"
        return shown_by(right[0], logs, text)
    findings = [_finding(r, params) for r in counted]
    on_training = all(r.denominators == (params.training_images,) for r in counted) and len(counted) == len(
        runs
    )
    text = f"the test accuracy is over {counted[0].denominators[-1]:,} images"
    if not on_training:
        return unknown(text, findings)
    others = (r for r in found.elsewhere if r.denominators == (params.test_images,))
    return unless_another(failed(f"{text}: the training set", findings), others)


def _finding(run: Run, params: Params) -> Finding:
    total = run.denominators[-1]
    epoch = next(e for e in run.epochs if e.total == total)
    same = total == params.training_images
    return Finding(
        message="the test loader reads the training set"
        if same
        else "the test accuracy is not over the whole test set",
        place=epoch.place,
        expected=f"{params.test_images:,} images",
        found=f"{total:,} images",
        hint="make the test loader with the test set (train=False) and run the notebook again",
        excerpt=epoch.excerpt,
        marked=str(total) if str(total) in epoch.excerpt else "",
        diagnosis="tested-on-training-set" if same else "other-test-set",
    )


rule = Rule(code="TR504", name="images-tested", formerly=("test-split",), check=check)
