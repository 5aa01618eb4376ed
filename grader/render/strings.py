"""The catalogue of labels and headings of pages and terminal; a check's sentences stay in its own file."""

import re
from typing import Final, NamedTuple

from grader.core.outcome import Verdict

_PLAIN_WORD: Final = re.compile(r"[a-z]+[ ,;:]")


class VerdictLabel(NamedTuple):
    """How one verdict is shown: never by colour alone."""

    word: str
    symbol: str
    ascii_symbol: str
    heading: str
    """Heading of the section that lists its criteria."""
    meaning: str
    """One sentence for a student."""


VERDICTS: Final[dict[Verdict, VerdictLabel]] = {
    Verdict.FAIL: VerdictLabel(
        "Failed", "✗", "x", "To correct", "Something is wrong: what it is, where, and how to correct it."
    ),
    Verdict.PARTIAL: VerdictLabel(
        "Partly right", "◐", "~", "Partly right", "A part is right and earned its points; "
                                        "the rest is listed here."
    ),
    Verdict.UNKNOWN: VerdictLabel(
        "Needs a person", "?", "?", "Waiting for a person",
        "The program could not decide. A person will look; until then these points are open, not lost.",
    ),
    Verdict.ERROR: VerdictLabel(
        "Our error", "!", "!", "Errors of ours",
        "The grading program failed here. It is not your fault, and these points are open, not lost.",
    ),
    Verdict.SKIPPED: VerdictLabel(
        "Not checked", "○", "-", "Not checked",
        "Something that the check needs is not there. These points are open until it is.",
    ),
    Verdict.PASS: VerdictLabel("Passed", "✓", "+", "Passed", "Right."),
}  # fmt: skip
"""In the order in which pages list them: what a student can mend first, what is done last."""

HEADLINE: Final[dict[Verdict, str]] = {
    Verdict.ERROR: "A part of the grading failed on our side. The rest is graded.",
    Verdict.UNKNOWN: "A person has to look at a part of this. The rest is graded.",
    Verdict.FAIL: "Something is not right yet.",
    Verdict.PARTIAL: "Right in large part, with something left to correct.",
    Verdict.SKIPPED: "A part could not be checked, because something is missing.",
    Verdict.PASS: "Everything that was checked is right.",
}

OVERALL: Final[dict[Verdict, str]] = {Verdict.SKIPPED: "Not all checked"}
"""The word of a verdict where it speaks of a whole submission, if that is another."""
HEADLINE_REMARKS: Final = "on what is wrong or unclear and costs nothing."
HEADLINE_BESIDE: Final = "There is besides:"
HEADLINE_BESIDES: Final = "Something that takes no points away is listed below."

SKIP_LINK: Final = "Skip to the results"
SCORE: Final = "Score"
POINTS: Final = "points"
POINTS_EARNED: Final = "earned"
POINTS_MISSED: Final = "missed"
POINT: Final = "point"
NO_POINTS: Final = "worth no points"
OF: Final = "of"
OPEN_POINTS_NOTE: Final = (
    "Open points wait for a person or for something that is missing. They are neither won nor lost."
)
NOTHING_DECIDED: Final = "Nothing could be decided yet."
OVERVIEW: Final = "Results by state"

STEPS: Final = "Do this next"
STEPS_NONE: Final = "Nothing is left to correct."
STEPS_WAIT: Final = "There is nothing for you to correct: the open points do not wait for you."
STEP_HAND_IN: Final = "Hand one in that can be opened; several criteria cannot be judged without it."
STEP_UP_TO: Final = "up to"
STEP_WHERE: Final = "In {places}."
STEP_ALSO: Final = "The same in {places}."
AND_MORE: Final = "and {count} more"

FINDING_EXPECTED: Final = "Expected"
FINDING_FOUND: Final = "Found"
FINDING_WHERE: Final = "Where"
FINDING_HINT: Final = "What to do"
FINDING_REMARK: Final = "Remark (costs nothing)"
FINDING_WROTE: Final = "You wrote"
FINDING_RIGHT: Final = "It should be"
FINDING_OR: Final = "or just as well"
FINDING_IN: Final = "in"
FINDING_FIRST: Final = "(shown is the first)"
FOLDED_CHECKS: Final = "What these checks look at, and why"
FOLLOWS: Final = "follows from"
REMARK: Final = "remark"
REMARKS: Final = "remarks"
REMARKS_HEADING: Final = "Right, with remarks"
REMARKS_MEANING: Final = (
    "These points are yours. What is remarked on is wrong or unclear all the same: correct it."
)
CRITERION_SMALL: Final = "Asked for:"
SAME_SLIP: Final = "The same slip as in"
FINDINGS_OPEN: Final = 3
"""Findings of one criterion that stand unfolded: the fourth of a kind teaches nothing new."""
FINDINGS_FOLDED: Final = "more like these"
FINDINGS_MORE: Final = "more findings of this kind stand in result.json."
EXCERPT: Final = "Excerpt from"
ABOUT_CHECK: Final = "About this check"
ABOUT_CHECKS: Final = "About the checks"
NEXT_CARD: Final = "Next one to correct"
BACK_TO_TOP: Final = "Back to the top"
PROVISIONAL: Final = "provisional"
BONUS: Final = "bonus"
DECIDED_BY: Final = "Decided by"
COMMENT: Final = "Comment"

ARITHMETIC: Final = "How the points add up"
ARITHMETIC_CAPTION: Final = "Share earned × points of the criterion = points"
CRITERION: Final = "Criterion"
RESULT: Final = "Result"
SHARE: Final = "Share"
WORTH: Final = "Worth"
EARNED: Final = "Points"
OPEN: Final = "Open"
TOTAL: Final = "Total"
OPEN_SHARE: Final = "open"

PICTURES: Final = "Pictures"
PICTURE_TABLE: Final = "The numbers behind this picture"
CLAIMS: Final = "What your files say and what we found"
CLAIMS_CAPTION: Final = "One line a claim. The table only shows; what counts is judged above."
CLAIM: Final = "Claim"
CLAIM_README: Final = "README says"
CLAIM_CODE: Final = "Code does"
CLAIM_LOG: Final = "Saved log shows"
CLAIM_OURS: Final = "Our run gave"
OURS_RETRAINED: Final = "your network, trained by us"
OURS_REPRODUCED: Final = "your code, run by us"
CLAIM_AGREES: Final = "Agree?"
AGREEMENTS: Final[dict[str, str]] = {"yes": "yes", "no": "no", "open": "–"}
NOT_SAID: Final = "–"

READ: Final = "What we read"
READ_LEAD: Final = (
    "Check this first if a result surprises you: perhaps we read something else than you meant."
)
READ_FILES: Final = "Files of the submission"
FILE: Final = "File"
FILE_KIND: Final = "Read as"
FILE_MAIN: Final = "Main"
FILE_NOTE: Final = "Note"
FILE_SIZE: Final = "Size"
FILES_NONE: Final = "No file could be read."
READ_NOTES: Final = "What we made of them"
READ_DOUBTS: Final = "Where we were in doubt"
YES: Final = "yes"
FILE_VIEW: Final = "as we read it"
FILES_ANNOTATED: Final = "In your own files"

FEEDBACK_LINE: Final = "Line"
FEEDBACK_ASKED: Final = "Asked for"
FEEDBACK_BY: Final = "grader"
FEEDBACK_CELLS: Final = (
    "This is your notebook with what was found in it: cells like this one, above the cell that each speaks "
    "of. Your own cells and outputs are as you handed them in. Leave ours or delete them; they are not read "
    "when you hand the notebook in again."
)
FEEDBACK_WHOLE: Final = "Of the notebook as a whole:"
FEEDBACK_SHEET: Final = "Findings"
FEEDBACK_COLUMNS: Final = ("Sheet", "Cells", "Check", "Result", "What was found", "In detail")
FEEDBACK_OF_BOOK: Final = "Of the whole workbook:"
FEEDBACK_PAGE: Final = "The notebook with what was found in it, and the outputs that were saved in it."

KINDS: Final[dict[str, str]] = {
    "readme": "README", "notebook": "notebook", "workbook": "workbook", "source": "Python file", "image": "picture", "other": "other",
    "archive": "archive, not unpacked", "note": "typed text or link",
}  # fmt: skip
PROBLEMS: Final[dict[str, str]] = {
    "lfs-pointer": "only a Git LFS pointer, not the file itself",
    "lock-file": "a lock file of an office program, not a workbook",
    "empty": "empty",
    "not-what-it-says": "not what its name says",
    "broken": "broken",
    "too-large": "too large to read",
    "encrypted": "protected by a password",
    "old-format": "an old format that cannot be read",
    "not-unpacked": "an archive that was not unpacked",
    "not-read": "not read by grader",
}

REPRODUCE: Final = "Reproduce this"
REPRODUCE_COMMAND: Final = "Command (FOLDER is where the files are)"
REPRODUCE_GRADER: Final = "grader"
REPRODUCE_PYTHON: Final = "Python"
REPRODUCE_PLATFORM: Final = "Platform"
REPRODUCE_PACKAGES: Final = "Libraries"
REPRODUCE_ISOLATION: Final = "Isolation of student code"
REPRODUCE_DEVICE: Final = "Trained on"
REPRODUCE_SEEDS: Final = "Seeds"
REPRODUCE_OPTIONS: Final = "Options"
REPRODUCE_RUBRIC: Final = "Rubric"
REPRODUCE_SUBMISSION: Final = "Submission (SHA-256)"
REPRODUCE_RUBRIC_HASH: Final = "Rubric (SHA-256)"

STAMP_ISOLATION: Final = (
    "Student code ran without isolation: a self-check, not a result to grade a class with."
)
STAMP_SINGLE: Final = "One file was given: what other files would show was not looked for."
STAMP_PROVISIONAL: Final = (
    "Some points are provisional: they rest on what the submission says, because its code was not run."
)

CLASS_TITLE: Final = "Class overview"
CLASS_SUBMISSIONS: Final = "submissions"
CLASS_SUBMISSION: Final = "submission"
CLASS_EMPTY: Final = "No submission was graded."
CLASS_WAITING: Final = "Waiting for a person"
CLASS_WAITING_NONE: Final = "Nobody waits for a person."
CLASS_WAITING_ELSEWHERE: Final = "Nobody on this page waits for a person. The first who does is one of"
CLASS_WAITING_MORE: Final = "more wait"
CLASS_WAITING_CAPTION: Final = "Most open points first"
CLASS_WAITING_REASON: Final = "What to look at"
CLASS_BESIDES: Final = "takes no points away"
CLASS_CRITERIA: Final = "criteria wait for the same reason"
CLASS_TABLE: Final = "All submissions"
CLASS_TABLE_CAPTION: Final = "Those who need a person first; a symbol leads to the finding, a heading sorts."
CLASS_ID: Final = "Submission"
CLASS_PERCENT: Final = "Of all points"
CLASS_WORST: Final = "Most costly finding"
CLASS_SCORES: Final = "Distribution of scores"
CLASS_SCORES_CAPTION: Final = (
    "Submissions by share of all points; grey: points are open, so the share may grow"
)
CLASS_BIN: Final = "Share"
CLASS_COUNT: Final = "Submissions"
CLASS_MISTAKES: Final = "Frequent mistakes"
CLASS_MISTAKES_CAPTION: Final = "Submissions in which a check found this mistake"
CLASS_MISTAKES_NONE: Final = "No mistake was found."
CLASS_DIAGNOSIS: Final = "Mistake"
CLASS_OTHER: Final = "Other"
CLASS_SLOWEST: Final = "Slowest"
CLASS_SLOWEST_CAPTION: Final = "Seconds of grading, the ten longest"
CLASS_SECONDS: Final = "Seconds"
CLASS_PHASES: Final = "By phase"
CLASS_UNGRADED: Final = "Could not be graded"
CLASS_UNGRADED_CAPTION: Final = "Nothing of these could be judged"
CLASS_ASIDE: Final = "Not among these submissions: {names}; {why}."
CLASS_REASON: Final = "Reason"
COHORT_ALIKE: Final = "Submissions that look alike: a person looks, nothing was decided"
COHORT_MISTAKES: Final = "Rare mistakes in common: a person looks, nothing was decided"
COHORT_NOTE: Final = "Which submissions look alike"
COHORT_HOW: Final = "The closest two:"
CLASS_RUBRIC: Final = "Rubric"
CLASS_RUN: Final = "Run"
CLASS_GRADED: Final = "Graded"
CLASS_EXPORTS: Final = "Marks"
CLASS_MARKS_FILE: Final = "marks.csv"
CLASS_ALIKE_FILE: Final = "alike.json"
CLASS_ALIKE_MORE: Final = "and {:,} more, each named in alike.json"
CLASS_PLATFORMS: Final = "for a platform's worksheet"
CLASS_DECIDE: Final = "Command that decides"
CLASS_PASSED_BY: Final = "Passed by"
CLASS_KEY: Final = "What the columns are"
CLASS_STATES: Final = "Submissions by their most severe result among the criteria that make up the full score"
CLASS_MEDIAN: Final = "Median, of all points"
CLASS_TYPED: Final = "What students typed beside their files"
CLASS_TYPED_COLUMNS: Final = ("Submission", "Text, and links in it (nothing was fetched)")
CLASS_STILL_OPEN: Final = "with open points"
CLASS_FILTER: Final = "Filter by name or finding"
CLASS_STATE: Final = "State"
CLASS_ALL: Final = "all"
CLASS_SHOWN: Final = "shown"
CLASS_PARTS: Final = "On this page and on others"
INSTRUCTORS_ONLY: Final = "For instructors only: this page names every submission."

TERMINAL_NEXT: Final = "Next:"
TERMINAL_NEXT_LAST: Final = "What to do next, most points first:"
TERMINAL_EXPECTED: Final = "expected"
TERMINAL_FOUND: Final = "found"
TERMINAL_OR: Final = "or"
TERMINAL_SAME: Final = "same as"
TERMINAL_WHERE: Final = "where"
TERMINAL_HINT: Final = "do"
TERMINAL_REMARK: Final = "remark"
TERMINAL_PASSED: Final = "Passed"
TERMINAL_PAGE: Final = "page"
TERMINAL_WHY: Final = "why"


def overall(verdict: Verdict) -> VerdictLabel:
    """How a verdict on a whole submission is shown."""
    label = VERDICTS[verdict]
    return label._replace(word=OVERALL.get(verdict, label.word))


def count_of_remarks(count: int) -> str:
    """`1 remark`, `8 remarks`."""
    return f"{count} {REMARK if count == 1 else REMARKS}"


def missing(kind: str) -> str:
    """`The notebook is missing`."""
    return f"The {kind} is missing"


def sentence(text: str) -> str:
    """Begin with a capital where the first word is a plain word; names such as `w5`, `a_h1` and `S4.xlsx`
    keep their spelling.
    """
    return text[:1].upper() + text[1:] if _PLAIN_WORD.match(text) else text


def points(value: float) -> str:
    """`1 point`, `2.5 points`."""
    text = number(value)
    return f"{text} {POINT if text == '1' else POINTS}"


def number(value: float) -> str:
    """Two decimals at most, no idle zeros, a true minus sign: `7`, `7.5`, `−0.25`."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "−")


def percent(value: float) -> str:
    """`93.3 %`, with a space that does not break; never rounded up to a full 100."""
    shown = min(round(value, 1), 99.9) if value < 100 else value
    return f"{number(shown)}\N{NO-BREAK SPACE}%"


def size(count: int) -> str:
    """Bytes for people: `812 bytes`, `20 kB`, `3.4 MB`."""
    if count < 1_000:
        return f"{count} byte" if count == 1 else f"{count} bytes"
    if count < 1_000_000:
        return f"{count / 1_000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"
