"""Defined names that stand for a number: each becomes a sheet of one cell, so that the replay can change it
like any other.

A learning rate need not stand in a cell: one real book defines `learning_rate` as 2.
"""

from grader.core.evidence.workbook import Run, Sheet


def name_constants(names: dict[str, str]) -> tuple[Sheet, ...]:
    """Sheets for the names whose text is a number; in `names` they become references to these sheets."""
    sheets = []
    for name, text in sorted(names.items()):
        try:
            value = float(text.strip())
        except ValueError:
            continue
        title = f"defined name {name}"
        sheets.append(Sheet(name=title, runs=(Run(column=1, row=1, count=1, numbers=(value,)),)))
        quoted = title.replace("'", "''")
        names[name] = f"'{quoted}'!$A$1"
    return tuple(sheets)
