"""Comments of ours on a sheet of a student's package: their part, the boxes that show them, and what ties
both to the sheet.
"""

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Final

from grader.core.submission import Problem
from grader.extract.workbook.faults import Unreadable
from grader.extract.workbook.xlsx import Package
from grader.render import strings
from grader.render.feedback.workbook_styles import MAIN
from grader.render.feedback.xml_edits import Edit, appended, edited, elements

_LONGEST: Final = 8_000
"""Characters of a comment; Excel holds 32,767."""
_RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES: Final = "http://schemas.openxmlformats.org/package/2006/content-types"
_COMMENTS_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_VML_TYPE: Final = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_NO_RELATIONS: Final = f'<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="{_RELATIONS}"/>'.encode()
_BEHIND: Final = frozenset(
    (
        "legacyDrawingHF",
        "drawingHF",
        "picture",
        "oleObjects",
        "controls",
        "webPublishItems",
        "tableParts",
        "extLst",
    )
)
"""What stands behind `legacyDrawing` in a worksheet (ISO/IEC 29500-1, 18.3.1.99)."""


def comment_parts(comments: Mapping[str, Sequence[str]]) -> tuple[bytes, bytes]:
    """Return the comments of a sheet, by the address of their cell, and the boxes that show them, as openpyxl
    writes both.
    """
    from openpyxl.cell.text import Text
    from openpyxl.comments.comment_sheet import CommentRecord, CommentSheet
    from openpyxl.xml.functions import tostring

    records = []
    for address, said in comments.items():
        text = "\n\n".join(said)[:_LONGEST]
        lines = sum(1 + len(line) // 60 for line in text.split("\n"))
        record = CommentRecord(ref=address, author=strings.FEEDBACK_BY, text=Text(t=text))
        record.width, record.height = 420, min(480, 24 + 18 * lines)
        records.append(record)
    sheet = CommentSheet.from_comments(records)
    return tostring(sheet.to_tree()), sheet.write_shapes()


def tie(
    package: Package, parts: dict[str, bytes], part: str, comments: Mapping[str, Sequence[str]], number: int
) -> None:
    """Put the comments of a sheet into the parts of its package; `number` tells sheets apart.

    Raises `Unreadable` where the sheet has comments or old drawings already, beside which none can be put.
    """
    own = package.relations(part)
    if any("comment" in target.lower() or target.lower().endswith(".vml") for target in own.values()):
        raise Unreadable(Problem.NOT_READ, "a sheet with findings has comments of its own")
    texts, shapes = f"xl/comments/grader{number}.xml", f"xl/drawings/graderComments{number}.vml"
    if texts in parts or shapes in parts:
        raise Unreadable(Problem.NOT_READ, f"it has a part {texts} or {shapes}")
    parts[texts], parts[shapes] = comment_parts(comments)
    ids = [
        next(i for i in (f"rIdGrader{n}{end}" for n in range(len(own) + 1)) if i not in own) for end in "ab"
    ]
    parts[part] = _drawn(parts[part], part, ids[1])
    folder, base = posixpath.split(part)
    rels = posixpath.join(folder, "_rels", f"{base}.rels")
    new = "".join(
        f'<Relationship Id="{id_}" Type="{_RELATION}/{kind}" Target="/{name}"/>'
        for id_, kind, name in zip(ids, ("comments", "vmlDrawing"), (texts, shapes), strict=True)
    )
    parts[rels] = _inside(parts.get(rels, _NO_RELATIONS), rels, _RELATIONS, new)
    _typed(parts, texts)


def _drawn(data: bytes, part: str, relation: str) -> bytes:
    """A sheet that says where the boxes of its comments are."""
    top = elements(data, part, MAIN, lambda path, _: len(path) <= 2)
    names = {element.name for element in top}
    if "legacyDrawing" in names or "sheetData" not in names:
        raise Unreadable(Problem.NOT_READ, "a sheet with findings has old drawings of its own")
    root = top[-1]
    at = min((element.start for element in top if element.name in _BEHIND), default=root.close)
    tag = f'<{root.prefix.decode()}legacyDrawing xmlns:r="{_RELATION}" r:id="{relation}"/>'
    return edited(data, [Edit(at, at, tag.encode())])


def _typed(parts: dict[str, bytes], texts: str) -> None:
    """Say in the list of types what the new parts are."""
    name = "[Content_Types].xml"
    override = f'<Override PartName="/{texts}" ContentType="{_COMMENTS_TYPE}"/>'
    known = elements(parts[name], name, _TYPES, lambda path, _: path[-1] == "Default")
    if not any(element.attributes.get("Extension", "").lower() == "vml" for element in known):
        override = f'<Default Extension="vml" ContentType="{_VML_TYPE}"/>{override}'
    parts[name] = _inside(parts[name], name, _TYPES, override)


def _inside(data: bytes, part: str, namespace: str, inner: str) -> bytes:
    """A part with more at the end of its root, in the root's own spelling."""
    root = elements(data, part, namespace, lambda path, _: len(path) == 1)[0]
    spelled = re.sub(r"<(?=\w)", f"<{root.prefix.decode()}", inner).encode()
    return edited(data, appended(data, root, spelled))
