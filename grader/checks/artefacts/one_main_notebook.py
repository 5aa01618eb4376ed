"""It is clear which notebook is the submission.

## What it checks
Whether one notebook stands out, or several could be the one. The README decides: the notebook that it calls
the submission, else the only one that it names by its file name; one that it does not name is never taken in
its place. Where it names several or none, a file name that says `final` decides, else the last step of a
numbered series (`step 1` to `step 3`), else the content (a network, training, test accuracy). What lies in a
folder `drafts`, `archive`, `old` or `backup` is no submission.

## Why it matters
Two versions of a notebook have two networks and two logs. grader reads both, takes one as the main one and
shows which; if they are nearly alike, a person should confirm. Until then nothing that comes from running one
of them passes or fails anybody, unless the others print a summary of a network with as many parameters.

## Example
    S4.ipynb
    S4 (copy).ipynb

## What to do instead
Hand in one notebook, or put drafts into a folder `drafts/` and name the final one in the README.
"""

from grader.core.outcome import Finding, Outcome, passed, unknown
from grader.core.place import Place
from grader.core.rule import Rule
from grader.core.submission import Kind, Submission


def check(submission: Submission) -> Outcome:
    """Pass where the choice is clear; `unknown` with the list where it is not."""
    notebooks = [a for a in submission.artefacts if a.kind is Kind.NOTEBOOK and a.readable]
    if not notebooks:
        return submission.absent(Kind.NOTEBOOK, "a notebook").outcome()
    main = next((a for a in notebooks if a.main), notebooks[0])
    if not submission.doubts:
        return passed(f"{main.path} is the main notebook")
    findings = [
        Finding(
            message="could be the submitted notebook",
            place=Place(artefact=a.path),
            expected="one notebook that stands out",
            found="taken as the main one" if a.main else "read as well",
            hint="name the final notebook in the README, or hand in only that one",
            diagnosis="several-notebooks",
        )
        for a in notebooks
    ]
    return unknown("; ".join(submission.doubts), findings)


rule = Rule(code="AR003", name="one-main-notebook", check=check)
