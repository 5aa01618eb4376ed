"""The submission holds a README, a workbook and a notebook.

## What it checks
That a text with the derivation, a spreadsheet and a notebook were handed in, wherever they lie and whatever
they are called. What a file is for counts: where a course's own wording asks for no notebook, a Python file
that builds the network stands for it.

## Why it matters
A part that was not handed in cannot be graded. Most missing files were made but not committed, or lie behind
a Git LFS pointer. What may lie in an archive that was not unpacked, in a Word file or behind a link is not
told as missing: a person has to look.

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
from grader.core.submission import Artefact, Kind, Problem, Submission

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
    closed: list[str] = []
    for kind in required.kinds:
        of_kind = [a for a in submission.artefacts if a.kind is kind]
        if any(a.readable for a in of_kind) or (
            kind is Kind.NOTEBOOK and required.scripts and _scripts(submission)
        ):
            continue
        what, suffix = _WORDS.get(kind, (f"a file of kind {kind.value}", kind.value))
        if Kind.WORKBOOK not in required.kinds:
            what = what.removesuffix(" with the derivation")  # the notebook alone is asked for
        linked = any(e.kind is kind for e in submission.elsewhere)
        if linked or any(a.may_hold(kind) and _closed(a) for a in submission.artefacts):
            closed.append(submission.absent(kind, what).reason)
        elif of_kind:
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
                    message=f"{what} is missing",
                    expected=f"one file {suffix}",
                    found=_listing(submission),
                    hint=f"add {what} to the folder that you hand in, and check that it "
                    "was committed or packed",
                    diagnosis=f"missing-{kind.value}",
                )
            )
    if closed:
        return unknown("; ".join(dict.fromkeys(closed)), findings)
    absent = {f.diagnosis for f in findings}
    have = len(required.kinds) - len(absent)
    summary = f"{have} of {len(required.kinds)} required files can be read"
    if Kind.NOTEBOOK in required.kinds and not any(
        a.kind is Kind.NOTEBOOK and a.readable for a in submission.artefacts
    ):
        script = _scripts(submission) if required.scripts else ""
        summary += f"; {script} stands for the notebook" if script else ""
    gone = [f.message.removesuffix(" is missing") for f in findings if f.diagnosis.startswith("missing-")]
    told = f"{', '.join(gone[:-1])} and {gone[-1]} are missing" if len(gone) == len(findings) > 1 else ""
    return graded(have / len(required.kinds) if required.kinds else 1.0, summary, findings, told)


def _closed(artefact: Artefact) -> bool:
    """Whether nobody could look into it: not unpacked, not read, or no byte of it came out of its archive."""
    no_bytes = not artefact.size and artefact.problem not in (Problem.NONE, Problem.EMPTY)
    return artefact.problem in (Problem.NOT_UNPACKED, Problem.NOT_READ) or no_bytes


def _scripts(submission: Submission) -> str:
    """The Python file that holds the network; empty where none does."""
    return next((a.path for a in submission.artefacts if a.kind is Kind.SOURCE and a.main and a.readable), "")


def _remedy(note: str) -> str:
    return (
        note.partition("; ")[2]
        or "open the file yourself; if it does not open, save it again and hand in the new one"
    )


def _listing(submission: Submission) -> str:
    paths = [a.path for a in submission.artefacts if not a.path.rpartition("/")[2].startswith(".")]
    shown = ", ".join(paths[:8])
    return f"{shown} and {len(paths) - 8} more" if len(paths) > 8 else shown or "nothing"


rule = Rule(code="AR001", name="required-files", check=check)
