"""Outputs and README text -> model summaries: rows, totals, and whether the rows are all there."""

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from grader.core.evidence.documents import Document, Documents, SourceLine
from grader.core.evidence.notebook import CellKind, Channel, Notebook
from grader.core.evidence.summaries import LayerRow, PrintedCount, Style, Summary, SummaryEvidence
from grader.core.place import Place
from grader.core.submission import Kind

MAX_GAP = 12
"""Lines without a row after which a table without a total has ended."""


class PlacedLine(NamedTuple):
    """One line with its place."""

    place: Place
    text: str


def read_summaries(documents: Documents) -> SummaryEvidence:
    """Find every model summary in notebook outputs, Markdown cells and READMEs.

    Raises:
        Unavailable: there is neither a notebook nor a README to read.

    """
    readable = documents.of(Kind.NOTEBOOK, Kind.README)
    if not readable:
        raise documents.absent("a README or notebook", Kind.README, Kind.NOTEBOOK)
    summaries: list[Summary] = []
    counts: list[PrintedCount] = []
    for document in readable:
        if document.notebook is None:
            summaries += find_summaries(_placed(document.lines), saved=False)
        elif not document.notebook.problem:
            found, printed = _notebook_summaries(document, document.notebook)
            summaries += found
            counts += printed
    return SummaryEvidence(summaries=tuple(summaries), counts=tuple(counts))


def _notebook_summaries(document: Document, notebook: Notebook) -> tuple[list[Summary], list[PrintedCount]]:
    """Summaries and printed counts in the outputs of one notebook, and summaries quoted in its Markdown
    cells.
    """
    summaries: list[Summary] = []
    counts: list[PrintedCount] = []
    quoted = dict(document.prose())
    for cell in notebook.cells:
        if cell.kind is CellKind.CODE:
            lines = [
                PlacedLine(notebook.place(cell.number, output.line + at), text)
                for output in cell.outputs
                if output.channel is not Channel.ERROR
                for at, text in enumerate(output.text.split("\n"))
            ]
            tables = find_summaries(lines, saved=True)
            summaries += tables
            counts += find_counts(lines, tables)
            if not tables and "numel" in cell.source:
                counts += _bare_counts(lines)
        else:
            summaries += find_summaries(_placed(quoted.get(cell.number, ())), saved=False)
    return summaries, counts


def _placed(lines: Iterable[SourceLine]) -> list[PlacedLine]:
    return [PlacedLine(line.place, line.text) for line in lines]


_HEADER = re.compile(r"layer.{0,160}param", re.IGNORECASE)
_KIND = r"[A-Za-z_]\w*"
_TORCHSUMMARY = re.compile(
    rf"^[\W_]*(?P<type>{_KIND}?)-(?P<number>\d+)\b[^\[\]\d]*\[(?P<shape>[^\[\]]*)\](?P<rest>.*)$"
)
_TORCHINFO = re.compile(
    rf"^[\s│|├└─+-]*(?P<type>{_KIND})(?:\s*\([^()]*\))?(?::\s*(?P<number>\d+(?:-\d+)?))?\s+(?:\[(?P<shape>[^\[\]]*)\]|--)(?P<rest>.*)$"
)
_TORCHINFO_BARE = re.compile(
    rf"^[\s│|├└─+-]*(?P<type>{_KIND})(?:\s*\([^()]*\))?(?::\s*(?P<number>\d+(?:-\d+)?))?\s{{2,}}(?P<rest>\(?\d.*|\(rec.*)$"
)
"""A row of torchinfo where no shapes are printed: `Conv2d: 2-1      80`."""
_KERAS = re.compile(
    rf"^[\s│┃|]*\w+\s*\((?P<type>{_KIND})\)?[\s│┃|]*\(?(?P<shape>\([^()]*\)|\[\([^()]*\)\]|multiple|\?)\)?(?P<rest>.*)$"
)
_KERAS_NAME = re.compile(
    r"^\s*[│┃|]\s*\w+(?P<end>)\s*[│┃|]\s*(?:\([^()]*\)|\[\([^()]*\)\]|multiple|\?)\s*[│┃|]"
)
_KERAS_TYPE = re.compile(rf"^\s*[│┃|]\s*(?P<type>\({_KIND}\)?)…?\s*(?:[│┃|]\s*)+$")
_COUNT = re.compile(r"(?<![\w.])(\d{1,3}(?:[,_]\d{3})+|\d+)(?![\w.]|,\d)")
_TOTAL = re.compile(r"^[\W_]*total\s+param\w*(?:\s*#)?[\s:=|*]*(\d[\d,_]*)", re.IGNORECASE)
_TRAINABLE = re.compile(r"^[\W_]*trainable\s+param\w*[\s:=|*]*(\d[\d,_]*)", re.IGNORECASE)
_FIXED = re.compile(r"^[\W_]*non-?\s?trainable\s+param\w*[\s:=|*]*(\d[\d,_]*)", re.IGNORECASE)


class _Open:
    """A table that is being read."""

    def __init__(self, line: PlacedLine, *, saved: bool) -> None:
        self.place = line.place
        self.saved = saved
        self.typed = not saved and line.text.count("|") >= 2
        self.columns = [name.lower() for name in _cells(line.text)]
        self.style: Style | None = None
        self.rows: list[LayerRow] = []
        self.total: int | None = None
        self.total_place: Place | None = None
        self.trainable: int | None = None
        self.fixed: int | None = None
        self.idle = 0
        self.cut = False

    def close(self) -> Summary:
        numbers = [r.number for r in self.rows if r.number is not None]
        gaps = self.style is Style.TORCHSUMMARY and numbers != list(range(1, len(numbers) + 1))
        return Summary(
            place=self.place,
            saved=self.saved,
            style=Style.TYPED if self.typed else self.style or Style.TORCHSUMMARY,
            rows=tuple(self.rows),
            total=self.total,
            total_place=self.total_place,
            trainable=self.trainable,
            non_trainable=self.fixed,
            rows_missing=gaps or self.cut,
        )


def find_summaries(lines: Iterable[PlacedLine], *, saved: bool) -> list[Summary]:
    """Read every table that starts with a header `Layer … Param #`."""
    found: list[Summary] = []
    table: _Open | None = None

    def end() -> None:
        if table is not None and (table.rows or table.total is not None):
            found.append(table.close())

    for line in _unwrapped(list(lines)):
        text = line.text[:500]
        if _HEADER.search(text) and not _COUNT.search(
            re.sub(r"[a-z]+\d|\d[a-z]+", "", text, flags=re.IGNORECASE)
        ):
            end()
            table = _Open(line, saved=saved)
            continue
        if table is None or _take(table, line.place, text):
            continue
        table.idle += bool(text.strip(" -=_│┃━─|`+"))
        if re.search(r"^\s*(?:\.\.\.|…)\s*$", text):
            table.cut = True
        if table.idle > (2 if table.total is not None else MAX_GAP):
            end()
            table = None
    end()
    return found


def _unwrapped(lines: list[PlacedLine]) -> Iterator[PlacedLine]:
    """The lines, with the class of a layer behind its name where Keras wrote it into the line below."""
    for line, after in itertools.pairwise([*lines, None]):
        name = _KERAS_NAME.match(line.text) if line is not None and after is not None else None
        kind = _KERAS_TYPE.match(after.text) if name is not None and after is not None else None
        if line is not None and name is not None and kind is not None:
            at = name.start("end")
            yield line._replace(text=f"{line.text[:at]} {kind['type']}{line.text[at:]}")
        elif line is not None:
            yield line


def _take(table: _Open, place: Place, text: str) -> bool:
    if match := _TOTAL.match(text):
        if table.total is not None:
            return False
        table.total, table.total_place, table.idle = _integer(match.group(1)), place, 0
        return True
    if match := _FIXED.match(text):
        table.fixed = _integer(match.group(1))
        return True
    if match := _TRAINABLE.match(text):
        table.trainable = _integer(match.group(1))
        return True
    if table.total is not None:
        return False
    row = _row(table, place, text)
    if row is None:
        return False
    table.rows.append(row)
    table.idle = 0
    return True


def _row(table: _Open, place: Place, text: str) -> LayerRow | None:
    for style, pattern in (
        (Style.TORCHSUMMARY, _TORCHSUMMARY),
        (Style.KERAS, _KERAS),
        (Style.TORCHINFO, _TORCHINFO),
    ):
        match = pattern.match(text)
        if not match and style is Style.TORCHINFO and "depth-idx" in table.columns[0]:
            match = _TORCHINFO_BARE.match(text)
        if not match:
            continue
        if table.style is None:
            table.style = style
        elif table.style is not style:
            continue
        groups = match.groupdict()
        number = groups.get("number") or ""
        shape, rest = groups.get("shape") or "", match.group("rest").split("connected")[0]
        if style is Style.TORCHINFO:
            shape = _column(table, text, "output shape") or shape
            rest = _column(table, text, "param #") or _SHAPE.sub(" ", rest)
        numbers = [_integer(n) for n in _COUNT.findall(rest)]
        sizes = tuple(int(n) for n in re.findall(r"-?\d+", shape))
        return LayerRow(
            place=place,
            type=match.group("type"),
            number=int(number) if number.isdecimal() else None,
            shape=sizes if style is Style.KERAS else sizes[1:],
            params=numbers[0] if numbers else None,
            excerpt=text.strip()[:200],
        )
    return None


_SHAPE = re.compile(r"\[[^\[\]]*\]")


def _cells(text: str) -> list[str]:
    return re.split(r"\s{2,}", text.strip().lstrip(" \t│|├└─+-"))


def _column(table: _Open, text: str, name: str) -> str:
    """The cell of a torchinfo row under a column's name: its columns and their order are the caller's choice.

    Empty where the row has not as many cells as the header.
    """
    cells = _cells(text)
    if name not in table.columns or len(cells) != len(table.columns):
        return ""
    return cells[table.columns.index(name)]


_PRINTED = re.compile(
    r"(?:total|number\s+of|num|no\.?\s+of|trainable|model|count)\b[^\d\n<>≤]{0,40}param\w*[^\d\n<>≤]{0,25}?(?P<after>\d[\d,_]*)(?![\d.]*\s*[kKmM%]|\.\d)"
    r"|(?<![\d.])(?P<before>\d[\d,_]{2,})\s+(?:total\s+|trainable\s+)?param",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"limit|constraint|budget|target|below|under|less|max|require|safety|size|non-?trainable", re.IGNORECASE
)


def find_counts(lines: Iterable[PlacedLine], tables: Iterable[Summary]) -> list[PrintedCount]:
    """Parameter counts printed by hand-written code (`Total parameters: 9,594`), outside the tables."""
    in_tables = {t.total_place for t in tables}
    found: list[PrintedCount] = []
    for line in lines:
        if (
            "aram" not in line.text
            or len(line.text) > 300
            or line.place in in_tables
            or _LIMIT.search(line.text)
        ):
            continue
        match = _PRINTED.search(line.text)
        repeats = _TOTAL.match(line.text) or _TRAINABLE.match(line.text)
        if match and not (repeats and in_tables - {None}):
            value = _integer(match.group("after") or match.group("before"))
            if value >= 100:  # smaller numbers count layers or groups
                found.append(PrintedCount(place=line.place, value=value, excerpt=line.text.strip()[:200]))
    return found


def _bare_counts(lines: Iterable[PlacedLine]) -> list[PrintedCount]:
    """A number alone on its line, printed by a cell that counts the elements of parameters."""
    alone = [line for line in lines if re.fullmatch(r"\s*\d[\d,_]{2,}\s*", line.text)]
    return [PrintedCount(place=a.place, value=_integer(a.text), excerpt=a.text.strip()) for a in alone[:1]]


def _integer(text: str) -> int:
    return int(re.sub(r"\D", "", text)[:15] or "0")
