"""Where in a submission something stands."""

import msgspec


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A spot that a student can open.

    `artefact` is the path inside the submission, with `/`; `line` and `cell` count from 1; `sheet` and `ref`
    (`K7`, `Z33:Z100`) belong to workbooks; in a notebook `line` counts inside the cell.
    """

    artefact: str
    line: int | None = None
    cell: int | None = None
    sheet: str | None = None
    ref: str | None = None

    def __str__(self) -> str:
        if self.sheet is not None or self.ref is not None:
            spot = "!".join(part for part in (self.sheet, self.ref) if part)
            return f"{self.artefact} {spot}"
        if self.cell is not None:
            line = "" if self.line is None else f" line {self.line}"
            return f"{self.artefact} cell {self.cell}{line}"
        return self.artefact if self.line is None else f"{self.artefact}:{self.line}"


def letters(column: int) -> str:
    """Return the letters of a column of a workbook: 1 is A, 27 is AA."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
