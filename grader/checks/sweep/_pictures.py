"""Pictures of a submission, each counted once, and the learning rate that a name, caption or heading gives
them.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from grader.core.evidence.documents import Document, Documents
from grader.core.evidence.notebook import CellKind
from grader.core.facts.replay import ReplayFacts
from grader.core.place import Place
from grader.core.submission import Kind, Submission
from grader.execute.replay.learning_rates import claimed_rates, same_rate
from grader.extract.documents.picture_texts import pictures_with_texts, target_path

_DECIMAL = re.compile(r"(?<![\d.,])(\d[.,]\d{1,3})(?![\d]|[.,]\d)")
_SPACED = re.compile(r"(?<!\d)(\d)[ _p-](\d)(?!\d)")
"""`lr_0_1`, `eta-0-5`, `0p8`: a file name that avoids the point."""


_ELSEWHERE = ("http:", "https:", "data:", "attachment:")
"""Pictures that are no files of the submission: on the web, or pasted into the document."""


class Picture(NamedTuple):
    """One picture: where it stands (its file, else the link), and the rate that is said to be shown (0 where
    none is).
    """

    place: Place
    name: str
    rate: float


class Pictures(NamedTuple):
    """All pictures that can be looked at, and links to pictures that were not handed in."""

    found: tuple[Picture, ...]
    missing: tuple[Place, ...]

    def of(self, rate: float) -> tuple[Picture, ...]:
        """The pictures that are said to show a rate."""
        return tuple(picture for picture in self.found if picture.rate and same_rate(picture.rate, rate))

    @property
    def unnamed(self) -> int:
        """How many pictures nothing gives a rate."""
        return sum(not picture.rate for picture in self.found)


def pictures_of(
    submission: Submission, documents: Documents | None, replay: ReplayFacts, rates: Sequence[float]
) -> Pictures:
    """Every picture of a submission: files, links to the web, and those inside workbooks."""
    files = {a.path.lower(): a.path for a in submission.artefacts if a.kind is Kind.IMAGE}
    counted = _counted([*files, *(p.target for d in _read(documents) for p in d.pictures)], rates)
    named: dict[str, Picture] = {}
    missing: list[Place] = []
    for document in _read(documents):
        for shown, texts in pictures_with_texts(document):
            target = shown.target
            path = target_path(document.path, target)
            if path not in files and not target.lower().startswith(_ELSEWHERE):
                missing.append(shown.place)
                continue
            pasted = target.lower().startswith("data:")
            key = path if path in files else f"{target}{shown.place if pasted else ''}"
            place = Place(artefact=files[path]) if path in files else shown.place
            own = _label_and_number(target)[0]
            told = [text for text in texts if own not in counted or _label_and_number(text)[0] != own]
            whole = 0.0 if own in counted else _rate_of_whole(target, rates)
            rate = _rate_of_name(target, rates) or _said(told[:1], rates) or whole or _said(told, rates)
            known = named.get(key)
            if known is None or (not known.rate and rate):
                named[key] = Picture(place, files.get(path, target[:80]), rate)
        for drawn in _drawn_by_cells(document, rates):
            named[str(drawn.place)] = drawn
    for path, original in files.items():
        rate = _rate_of_name(original, rates)
        if not rate and _label_and_number(original)[0] not in counted:
            rate = _rate_of_whole(original, rates)
        if path not in named or (rate and not named[path].rate):
            named[path] = Picture(Place(artefact=original), original, rate)
    found = [_numbered(picture, named.values(), rates) for _, picture in sorted(named.items())]
    for book in replay.books:
        found += [
            Picture(Place(artefact=book.artefact, sheet=sheet or None), sheet, _said((sheet,), rates))
            for sheet in (*book.pictures, *[""] * (book.images - len(book.pictures)))
        ]
    return Pictures(tuple(found), tuple(missing))


_FIGURE = re.compile(r"<(?:Figure size [\dx.]+ with \d+ Axes|IPython\.core\.display\.Image object)>")
_TITLE = re.compile(r"(?:title|label|suptitle)\s*\(\s*[rfu]?(?:\"([^\"]{1,120})\"|'([^']{1,120})')")
_COMMENT = re.compile(r"(?m)^\s*#\s*(.{1,120})$")


def _drawn_by_cells(document: Document, rates: Sequence[float]) -> Iterable[Picture]:
    """Pictures that a notebook's cells drew, where a title, a comment or the text above says their one rate.

    Others are open where a cell lists rates of the assignment, and not counted else: a notebook draws digits
    and accuracies as well.
    """
    above: list[str] = []
    sweeps = document.notebook is not None and any(
        _lists(cell.source, rates) for cell in document.notebook.code_cells
    )
    for cell in document.notebook.cells if document.notebook is not None else ():
        if cell.kind is CellKind.MARKDOWN:
            above = [line for line in cell.source.split("\n") if line.strip()]
            continue
        if any(_FIGURE.search(output.text) for output in cell.outputs):
            titles = [double or single for double, single in _TITLE.findall(cell.source)]
            texts = (*titles, *_COMMENT.findall(cell.source), *reversed(above[-3:]))
            rate = _said(texts, rates)
            if rate or sweeps:
                yield Picture(Place(artefact=document.path, cell=cell.number), f"cell {cell.number}", rate)
        above = []


def _lists(source: str, rates: Sequence[float]) -> bool:
    numbers = {float(number) for number in re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", source)}
    return sum(any(same_rate(rate, number) for number in numbers) for rate in rates) >= _SWEEP


_SWEEP = 3
"""Rates of the assignment in one cell that make a sweep."""


def _read(documents: Documents | None) -> Sequence[Document]:
    return documents.documents if documents is not None else ()


def _rate_of_name(path: str, rates: Sequence[float]) -> float:
    """The rate that a file's name gives with its point: `lr_0.1.png`, `0.5.png`, `loss-0_8.jpg`; 0 where it
    gives none or several. Its caption comes next, then a name without a point, then what stands around it.
    """
    stem = _stem_of(path)
    for text in (stem, _SPACED.sub(r"\1.\2", stem)):
        decimals = [float(number.replace(",", ".")) for number in _DECIMAL.findall(text)]
        rate = (_only(claimed_rates(text), rates) or _only(decimals, rates)) if decimals else 0.0
        if rate:
            return rate
    return 0.0


def _rate_of_whole(path: str, rates: Sequence[float]) -> float:
    """The rate of a name without a point: `lr_2.png` is 2, `lr_05.png` is 0.5."""
    _, number = _label_and_number(path)
    if number.startswith("0") and len(number) > 1:
        return _only([float(f"0.{number[1:]}")], rates) if claimed_rates(_stem_of(path)) else 0.0
    return _only(claimed_rates(_stem_of(path)), rates)


def _counted(paths: Iterable[str], rates: Sequence[float]) -> frozenset[str]:
    """Labels of pictures that are counted from one and reach a number that is no rate: LR1, LR2, LR3."""
    numbers: dict[str, set[str]] = {}
    for path in paths:
        label, number = _label_and_number(path)
        if number:
            numbers.setdefault(label, set()).add(number)
    return frozenset(
        label
        for label, found in numbers.items()
        if {int(number) for number in found} == set(range(1, len(found) + 1))
        and any(not _rate_of_whole(f"lr{number}", rates) for number in found)
    )


def _label_and_number(path: str) -> tuple[str, str]:
    """A name without the digits at its end, in lower case, and those digits."""
    stem = _stem_of(path).strip()
    label = stem.rstrip("0123456789")
    return label.lower(), stem[len(label) :]


def _stem_of(path: str) -> str:
    if path.lower().startswith("data:"):
        return ""
    name = unquote(path).replace("\\", "/").rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _numbered(picture: Picture, others: Iterable[Picture], rates: Sequence[float]) -> Picture:
    """`1.png` is the rate 1 beside `0.5.png`, and the first picture anywhere else."""
    stems = {_stem(other.name) for other in others}
    beside = any(re.fullmatch(r"\d[.,]\d+", stem) for stem in stems)
    if picture.rate or not beside or not re.fullmatch(r"\d{1,2}", _stem(picture.name)):
        return picture
    return picture._replace(rate=_only([float(_stem(picture.name))], rates))


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]


def _said(texts: Sequence[str], rates: Sequence[float]) -> float:
    """The one rate that the nearest text speaks of; a text that names several says nothing of one picture."""
    for text in texts:
        claims = claimed_rates(re.sub(r"[*#`|]+", " ", text).strip(" :-"), bare=True)
        if claims:
            return _only(claims, rates)
    return 0.0


def _only(claims: Iterable[float], rates: Sequence[float]) -> float:
    """The rate of the assignment that is claimed, where exactly one number is."""
    numbers = list(dict.fromkeys(claims))
    if len(numbers) != 1:
        return 0.0
    return next((rate for rate in rates if same_rate(rate, numbers[0])), 0.0)
