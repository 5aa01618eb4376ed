"""The catalogue of labels on the pages of files."""

from typing import Final, NamedTuple

from grader.render.strings import REMARK, REMARKS

NOTEBOOK_BACK: Final = "Back to the report"
NOTEBOOK_LEAD: Final = (
    "The notebook as it was handed in, with the outputs that were saved in it. Nothing here was run by us."
)
NOTEBOOK_WHOLE: Final = "Long outputs in full (text)"
NOTEBOOK_CELL: Final = "Cell"
NOTEBOOK_KINDS: Final[dict[str, str]] = {"code": "code", "markdown": "text", "raw": "raw"}
NOTEBOOK_CHANNELS: Final[dict[str, str]] = {
    "stdout": "output", "stderr": "messages", "result": "result", "error": "error",
}  # fmt: skip
NOTEBOOK_PICTURE: Final = "Picture"
NOTEBOOK_PICTURES_FULL: Final = "a picture; this page holds no more of them"
NOTEBOOK_TEXT_FULL: Final = "text; this page holds no more of it"
NOTEBOOK_SOURCE_FULL: Final = (
    "characters of this cell are left out, since this page holds no more; open the notebook itself."
)
NOTEBOOK_FORMULAS: Final = "Formulas in this cell"
NOTEBOOK_LEFT_OUT: Final = "Left out"
NOTEBOOK_FULL: Final = "more cells are left out; open the notebook itself to see them."
NOTEBOOK_EMPTY: Final = "This notebook has no cells."
TEXT_LEAD: Final = "The file as it was handed in, as we decoded it. The numbers are those of its lines."
TEXT_FULL: Final = "more lines are left out; open the file itself to see them."
TEXT_REPAIRED: Final = "What we repaired while decoding"


class NoteLabel(NamedTuple):
    """How a kind of note in the margin of a file is shown: never by colour alone."""

    colour: str
    symbol: str
    word: str
    short: str
    counted: str
    counted_many: str


NOTE_KINDS: Final[dict[str, NoteLabel]] = {
    "wrong": NoteLabel("fail", "✗", "To correct", "To correct", "to correct", "to correct"),
    "doubt": NoteLabel(
        "unknown",
        "?",
        "A person looks",
        "A person looks",
        "for a person to look at",
        "for a person to look at",
    ),
    "remark": NoteLabel("partial", "•", "Remark, costs nothing", "Remark", REMARK, REMARKS),
}
NOTE_REPORT: Final = "in the report"
NOTE_LIKE: Final = "the same slip as in"
NOTE_OWN: Final = "show it"
PLACE_CELL: Final = "cell"
PLACE_LINE: Final = "line"
NOTE_BEFORE: Final = "previous"
NOTE_NEXT: Final = "next"
NOTES_APART: Final = "About the file as a whole"
TALLY_FORMULAS: Final = "Formulas:"
TALLY_FINDINGS: Final = "Findings:"
TALLY_COLUMNS: Final = "Columns:"
TALLY_NONE: Final = "none in this file."
TALLY_FIRST: Final = "to the first"
KEYS: Final = "Keys: n next, p previous"
ROWS_LEFT_OUT: Final = "rows {first} to {last} are left out"
SHEET_LEAD: Final = "The cells that matter, with the values that were saved in the file."
SHEET_NUMBERS: Final = "Numbers lead to the findings below."
SHEET: Final = "Sheet"
SHEET_FOLDED: Final = "No finding here."
SHEET_CAPTION: Final = "Columns that were left out stand as one, such as B–V."
SHEET_COLUMNS: Final = "All columns as we read them"
SHEET_COLUMN: Final = "Column"
SHEET_HEADER: Final = "Header"
SHEET_READ_AS: Final = "Read as"
SHEET_STANDING: Final = "Is"
SHEET_FORMULA: Final = "First formula"
SHEET_NOTE: Final = "Finding"
SHEET_OTHERS: Final = "more sheets hold no training table and no finding."
SHEET_HOLDS: Final = "holds"
SHEET_STORED: Final = "the stored value"
UNREAD_LINE: Final = "this may state {names}; its words or its layout are not read"
