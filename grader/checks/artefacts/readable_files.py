"""Every file is what its name says.

## What it checks
That no file is empty, damaged, a Git LFS pointer, a lock file of a spreadsheet program, protected by a
password, or something else than its suffix promises.

## Why it matters
Such a file opens for nobody. Often a good copy lies beside it, and then nothing is lost; this check says so
before it is too late.

## Example
    ~$backpropagation.xlsx      165 bytes, a lock file
    S4.ipynb                    version https://git-lfs.github.com/spec/v1

## What to do instead
Close the spreadsheet program before you commit, run `git lfs pull`, and open each file once from the folder
that you hand in.
"""

from grader.core.outcome import Finding, Outcome, Weight, passed, skipped, unknown
from grader.core.place import Place
from grader.core.rule import Rule
from grader.core.submission import Kind, Problem, Submission

_HARMLESS = {Problem.LOCK_FILE, Problem.EMPTY}
_OURS = (".grader.toml", ".graderignore")  # written by `grader init`
_GRADED = {Kind.README, Kind.NOTEBOOK, Kind.WORKBOOK}


def check(submission: Submission) -> Outcome:
    """Pass with remarks; `unknown` where a file that would be graded cannot be read. Never a fail: AR001
    costs.
    """
    own = (a for a in submission.artefacts if a.kind is not Kind.NOTE)  # what was typed is no file of theirs
    theirs = [a for a in own if a.path.rpartition("/")[2] not in _OURS]
    bad = [a for a in theirs if a.problem is not Problem.NONE]
    findings = [
        Finding(
            message="this file is not what its name says"
            if a.problem is Problem.NOT_WHAT_IT_SAYS
            else "this file cannot be used",
            place=Place(artefact=a.path),
            found=a.note.partition("; ")[0] or a.problem.value,
            hint=a.note.partition("; ")[2],
            diagnosis=a.problem.value,
            weight=Weight.REMARK,
        )
        for a in bad
    ]
    if submission.single_file and not bad:
        return skipped("one file was given, not a submission folder")
    if not bad:
        return passed(f"all {len(theirs)} files are what they say they are")
    serious = [a for a in bad if a.kind in _GRADED and a.problem not in _HARMLESS]
    if any(not any(a.kind is kind and a.readable for a in theirs) for kind in _GRADED):
        serious += [a for a in bad if a.kind is Kind.ARCHIVE]
    if not serious:
        return passed(f"{len(bad)} files that nobody needs cannot be used", findings)
    names = ", ".join(a.path for a in serious)
    return unknown(f"cannot be read: {names}", findings)


rule = Rule(code="AR002", name="readable-files", check=check)
