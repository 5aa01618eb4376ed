"""The submission holds a README, a workbook and a notebook.

## What it checks
That a text with the derivation, a spreadsheet and a notebook were handed in, wherever they lie and whatever
they are called. What a file is for counts: where a course's own wording asks for no notebook, a Python file
that builds the network stands for it.

## Why it matters
A part that was not handed in cannot be graded. Most missing files were made but not committed, or lie behind
a Git LFS pointer.

## Example
    README.md
    S4.ipynb

The workbook is missing.

## What to do instead
Hand in all three, in one folder or archive:

    README.md
    backpropagation.xlsx
    S4.ipynb
"""

from grader.core.outcome import Finding, Outcome, graded, skipped, unknown
from grader.core.place import Place
from grader.core.rubric import CheckParams
from grader.core.rule import Rule
from grader.core.submission import Kind, Submission

_WORDS = {
    Kind.README: ("a README with the derivation", "README.md"),
    Kind.WORKBOOK: ("a workbook", ".xlsx"),
    Kind.NOTEBOOK: ("a notebook", ".ipynb"),
}


class Required(CheckParams, frozen=True, kw_only=True):
    """Which kinds must be there.

    `scripts` tells whether a Python file that builds a network satisfies `notebook`; a course whose text asks
    for an `.ipynb` says no.
    """

    kinds: tuple[Kind, ...] = (Kind.README, Kind.WORKBOOK, Kind.NOTEBOOK)
    scripts: bool = True


def check(submission: Submission, required: Required) -> Outcome:
    """Give credit for each required kind of which one artefact can be read."""
    if submission.single_file:
        return skipped("one file was given, not a submission folder")
    findings: list[Finding] = []
    for kind in required.kinds:
        of_kind = [a for a in submission.artefacts if a.kind is kind]
        if any(a.readable for a in of_kind) or (
            kind is Kind.NOTEBOOK and required.scripts and _scripts(submission)
        ):
            continue
        what, suffix = _WORDS.get(kind, (f"a file of kind {kind.value}", kind.value))
        if of_kind:
            findings += [
                Finding(
                    message=f"{what} was handed in, but it cannot be read",
                    place=Place(artefact=a.path),
                    expected=f"{what} that opens",
                    found=a.note or a.problem.value,
                    hint=_remedy(a.note),
                    diagnosis=f"unreadable-{kind.value}",
                )
                for a in of_kind
            ]
        else:
            findings.append(
                Finding(
                    message=f"{what} {'may lie in an archive' if submission.archives else 'is missing'}",
                    expected=f"one file {suffix}",
                    found=_listing(submission),
                    hint=f"add {what} to the folder that you hand in, and check that it "
                    "was committed or packed",
                    diagnosis=f"missing-{kind.value}",
                )
            )
    absent = {f.diagnosis for f in findings}
    unopened = submission.archives if any(code.startswith("missing") for code in absent) else ()
    have = len(required.kinds) - len(absent)
    summary = f"{have} of {len(required.kinds)} required files can be read"
    if Kind.NOTEBOOK in required.kinds and not any(
        a.kind is Kind.NOTEBOOK and a.readable for a in submission.artefacts
    ):
        script = _scripts(submission) if required.scripts else ""
        summary += f"; {script} stands for the notebook" if script else ""
    gone = [f.message.removesuffix(" is missing") for f in findings if f.diagnosis.startswith("missing-")]
    told = f"{', '.join(gone[:-1])} and {gone[-1]} are missing" if len(gone) == len(findings) > 1 else ""
    if unopened:
        return unknown(
            f"{summary}; the others may lie in {', '.join(unopened[:3])}, which is not opened", findings
        )
    return graded(have / len(required.kinds) if required.kinds else 1.0, summary, findings, told)


def _scripts(submission: Submission) -> str:
    """The Python file that holds the network; empty where none does."""
    return next((a.path for a in submission.artefacts if a.kind is Kind.SOURCE and a.main and a.readable), "")


def _remedy(note: str) -> str:
    return (
        note.partition("; ")[2]
        or "open the file yourself; if it does not open, save it again and hand in the new one"
    )


def _listing(submission: Submission) -> str:
    paths = [a.path for a in submission.artefacts]
    shown = ", ".join(paths[:8])
    return f"{shown} and {len(paths) - 8} more" if len(paths) > 8 else shown or "nothing"


rule = Rule(code="AR001", name="required-files", check=check)
