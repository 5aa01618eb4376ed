"""The network is trained with batches of the size that was asked for.

## What it checks
The batch size of the DataLoader that the training loop really read when we ran the notebook. The test loader
may have another size.

## Why it matters
Some courses fix the batch size, so that results can be compared. A number that is written down and then not
passed on (`batch_size = 128` above, `DataLoader(train, batch_size=64)` below) does not count: the loader
does.

## Example
    train_loader = DataLoader(train, batch_size=64, shuffle=True)     # asked for: 128

## What to do instead
Pass the size to the training loader. Where the size depends on the GPU (`128 if cuda else 64`), our run takes
the branch without GPU and a person looks: write one number. So it is where the number stands in a file that
the notebook imports.
"""

from grader.checks.training._code import Code
from grader.core.evidence.notebook import NotebookEvidence
from grader.core.facts.recipe import RecipeFacts
from grader.core.outcome import Finding, Outcome, failed, passed, unknown
from grader.core.rubric import CheckParams
from grader.core.rule import Rule


class Params(CheckParams, frozen=True, kw_only=True):
    """The `size` of a training batch, in images."""

    size: int = 128


def check(training: RecipeFacts, notebooks: NotebookEvidence | None, params: Params) -> Outcome:
    """Compare the loader's size; unknown where it was not read or the code takes another one on a GPU."""
    size = training.recipe.batch_size
    if size < 1:
        why = next((m for m in training.recipe.missing if "batch" in m), "the training loader was not seen")
        return unknown(f"the batch size is not known: {why}")
    code = Code(training.artefact, notebooks)
    other = code.sizes_by_machine() - {size}
    summary = f"the training loader of {training.artefact} makes batches of {size:,}"
    place, excerpt = code.place(rf"batch\w*\W+{size}\b")
    finding = Finding(
        message="the training loader makes batches of another size",
        place=place,
        expected=f"batches of {params.size:,} images",
        found=f"{size:,} in our run, which has no GPU"
        + (f"; the code also names {', '.join(sorted(map(str, other)))}" if other else ""),
        hint=f"write DataLoader(..., batch_size={params.size})",
        excerpt=excerpt,
        diagnosis="batch-size-depends-on-machine" if other else "other-batch-size",
    )
    if other:
        return unknown(f"{summary}, but the size depends on the machine", [finding])
    if size == params.size:
        return passed(summary)
    if not code.whole:
        return unknown(f"{summary}; not all of its code could be read", [finding])
    sizes = code.sizes()
    if code.modules and size not in sizes:  # a file of the student's may choose it by the GPU
        return unknown(f"{summary}; that number may stand in {', '.join(code.modules)}", [finding])
    if size not in sizes or any(isinstance(value, str) for value in sizes):
        # `n = 128 if torch.cuda.is_available() else 64` and batch_size=n: our run saw the 64 only.
        return unknown(f"{summary}; how that number comes about could not be read", [finding])
    return failed(f"{summary}, asked for are {params.size:,}", [finding])


rule = Rule(code="TR505", name="batch-size", check=check)
