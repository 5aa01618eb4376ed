"""What the documents of a submission derive: every formula with how it was read and judged."""

from enum import Enum

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.evidence.documents import TextRepair
from grader.core.place import Place


class FormulaVerdict(Enum):
    """What a line is as mathematics of the 2-2-2 network."""

    RIGHT = "right"
    WRONG = "wrong"
    TYPO = "typo"
    """Right once a misspelt name, a bracket or a sign of division is mended."""
    UNSURE = "unsure"
    """Could not be read to its end: a person must look."""


class FormulaKind(Enum):
    """Which part of the derivation a line belongs to."""

    FORWARD = "forward"
    LOSS = "loss"
    CHAIN = "chain"
    FINAL = "final"
    """∂E/∂w in closed form."""
    UPDATE = "update"


class FormulaRepair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to make a wrong line true. `diagnosis` is a stable code of the mistake (`index-swapped`)."""

    diagnosis: str
    phrase: str
    """The mistake in words: "index swapped"."""
    wrote: str = ""
    should_be: str = ""
    line: str = ""
    """The whole corrected statement."""
    equal: bool = False
    """Whether it explains the line as well as the first repair does."""


class FormulaRemark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to tell the student that costs nothing, with its code."""

    code: str
    message: str


class FormulaSide(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One side of `a = b = c` as understood; `derivatives` are the ∂X/∂Y that still stand in it."""

    reading: str
    derivatives: tuple[str, ...] = ()
    agrees: bool = True
    """Whether it has the value of the left side."""


def _told(repair: FormulaRepair, wrote: str) -> str:
    if wrote and repair.should_be:
        return f"{repair.phrase}: you wrote {wrote}, it should be {repair.should_be}"
    return f"{repair.phrase}: {repair.line}"


class FormulaLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One statement of a document.

    `text` is the student's own text of it, `marked` the guilty part of that text, both verbatim. `states` is
    the left side in canonical names (`∂E/∂w5`); `gradients` are the weights whose ∂E/∂w the line gives,
    because its left side has that value; `updates` the weights that an update rule covers. `mislinked` says
    that a true product of derivatives does not telescope; `single_path` that only the path through one output
    is missing from a chain.
    """

    place: Place
    text: str
    reading: str
    kind: FormulaKind
    verdict: FormulaVerdict
    states: str
    sides: tuple[FormulaSide, ...]
    marked: str = ""
    expected: str = ""
    repairs: tuple[FormulaRepair, ...] = ()
    remarks: tuple[FormulaRemark, ...] = ()
    reason: str = ""
    """Why a line is unsure."""
    gradients: tuple[str, ...] = ()
    may_state: tuple[str, ...] = ()
    """Of an unsure line: the weights whose ∂E/∂w its formula is by its value, whatever its left side says."""
    updates: tuple[str, ...] = ()
    mislinked: bool = False
    single_path: bool = False

    @property
    def closed(self) -> bool:
        """Whether a side beside the left one is free of derivatives."""
        return any(not side.derivatives for side in self.sides[1:])

    @property
    def repair_sentence(self) -> str:
        """What is wrong and what it should be, by the likeliest repair; empty for a line without one."""
        if not self.repairs:
            return ""
        first, *others = self.repairs
        told = [_told(first, self.marked or first.wrote)]
        told += [_told(other, other.wrote) for other in others if other.equal]
        return "; or ".join(told)

    @property
    def result_right(self) -> bool:
        """Whether only a step of a wrong line is wrong: it ends in closed forms, and they are right."""
        ends = [side for side in self.sides[1:] if not side.derivatives]
        return self.verdict is FormulaVerdict.WRONG and bool(ends) and all(side.agrees for side in ends)


class FormulaConvention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The conventions of a document, found by vote over its lines."""

    hidden_transposed: bool = False
    """h1 = w1 i1 + w3 i2 instead of w1 i1 + w2 i2."""
    output_transposed: bool = False
    """o1 = w5 a_h1 + w7 a_h2 instead of w5 a_h1 + w6 a_h2."""
    half: bool = True
    """Whether the loss carries ½."""
    plain_is_activated: bool = False
    """h1 means the activation, because the sums are called net_h1."""

    @property
    def standard(self) -> bool:
        """Whether nothing differs from the class sheet."""
        return self == FormulaConvention()

    def __str__(self) -> str:
        parts = []
        if self.hidden_transposed:
            parts.append("hidden weights numbered the other way round")
        if self.output_transposed:
            parts.append("output weights numbered the other way round")
        if not self.half:
            parts.append("loss without 1/2")
        if self.plain_is_activated:
            parts.append("h and o mean activations")
        return ", ".join(parts) or "as in the class sheet"


class Unread(Enum):
    """Why something that could hold a formula was not read."""

    LINE = "line"
    """It names a quantity in words or in a layout that is not read."""
    PICTURE = "picture"
    OWN_DISK = "own-disk"
    """A picture whose address is a path on the author's own computer: nobody else can open it."""
    FILE = "file"
    """A file, or the rest of one, that cannot be read."""


SIGNAL = "δ"
"""The name, among those of what was not read, of an error signal's definition."""


class UnreadPlace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that was not read; `names` are the quantities that it names, none for what could hold any of
    them.
    """

    what: Unread
    place: Place
    names: tuple[str, ...] = ()
    text: str = ""


class DocumentFormulas(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The formulas of one document. `images` counts pictures, which may hold formulas that nobody can read
    here.

    `other_network` says what its own forward pass or loss has that the rubric's network lacks (`3 inputs`),
    where it has.
    """

    artefact: str
    main: bool
    encoding: str
    convention: FormulaConvention
    lines: tuple[FormulaLine, ...]
    images: int = 0
    other_network: str = ""
    mended: tuple[TextRepair, ...] = ()


class FormulaEvidence(Evidence, frozen=True, kw_only=True):
    """Every document, the main one first.

    `unread` is what else was handed in and could hold a formula: a check says "not given" only where
    `could_hold` of the quantity is empty.
    """

    documents: tuple[DocumentFormulas, ...]
    unread: tuple[UnreadPlace, ...] = ()
    workbooks: tuple[DocumentFormulas, ...] = ()
    """Derivations that stand as text in the cells of workbooks, of the rubric's network."""

    def could_hold(self, quantity: str) -> tuple[UnreadPlace, ...]:
        """Return what was not read and could state a quantity, by its canonical name: `∂E/∂w1`, `a_h1`, `E`,
        `w1`.
        """
        unsure = (
            UnreadPlace(what=Unread.LINE, place=line.place, names=(quantity,), text=line.text)
            for line in self.lines
            if any(quantity == f"∂E/∂{weight}" for weight in line.may_state)
        )
        return (*(u for u in self.unread if not u.names or quantity in u.names), *unsure)

    def in_cells(self) -> "FormulaEvidence":
        """Return what the cells of the workbooks state, as if it were all."""
        return FormulaEvidence(documents=self.workbooks)

    @property
    def lines(self) -> tuple[FormulaLine, ...]:
        """All statements of all documents."""
        return tuple(line for document in self.documents for line in document.lines)

    @property
    def other_networks(self) -> tuple[DocumentFormulas, ...]:
        """Documents whose own definitions are those of another network than the rubric's."""
        return tuple(document for document in self.documents if document.other_network)

    @property
    def images(self) -> int:
        """Pictures in all documents."""
        return sum(document.images for document in self.documents)

    def reading(self) -> tuple[tuple[str, str], ...]:
        """Lines of "what we read"."""
        found = []
        for document in self.documents:
            text = (
                f"{len(document.lines)} formula{'s' * (len(document.lines) != 1)}, in "
                f"{document.encoding}; {document.convention}"
            )
            if document.other_network:
                text += f"; derives another network: {document.other_network}"
            if document.images:
                text += f"; pictures that nobody can read here: {document.images}"
            found.append((document.artefact, text))
            found += [
                (
                    document.artefact,
                    (
                        f"wrongly encoded {m.found!r} was read as {m.became!r} from line {m.line} "
                        f"on (times: {m.count})"
                    ),
                )
                for m in document.mended
            ]
        return tuple(found)
