"""Judge the statements of one document: conventions by vote, then right, wrong, typo or unsure for each."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from grader.backprop.assigned import remembered
from grader.backprop.expression import Expr, nodes, show
from grader.extract.formulas.document.collect import Item
from grader.extract.formulas.judging.decide import Decision, Truth, decide, whole_step
from grader.extract.formulas.judging.network import STANDARD, Convention, Point, conventions, points
from grader.extract.formulas.judging.other_networks import true_of_another
from grader.extract.formulas.reading.vocabulary import tokens
from grader.extract.formulas.repair.diagnose import Explanation, broken_links, explain
from grader.extract.formulas.repair.repair_brackets import repair_brackets
from grader.extract.formulas.repair.repair_slips import SlipRepair, repair_slips

MAX_EXPLAINED = 120
"""Wrong lines of one document that are explained; a document with more is told about these."""
OWN_LINES = 4
"""Right lines from which on a document is about this network."""
WIRING_GAIN = 2
"""Lines that another numbering of the weights must put right before it is believed."""


class Judged(NamedTuple):
    """A statement with its answer: `right`, `wrong`, `typo` or `unsure`."""

    item: Item
    answer: str
    trees: tuple[Expr, ...]
    explanations: tuple[Explanation, ...] = ()
    mended: SlipRepair | None = None
    reason: str = ""
    mislinked: bool = False


class Judgement(NamedTuple):
    """All judged statements of a document under the convention that it votes for."""

    convention: Convention
    judged: tuple[Judged, ...]

    def count(self, answer: str) -> int:
        """How many statements got an answer."""
        return sum(j.answer == answer for j in self.judged)


def judge(items: Sequence[Item]) -> Judgement:
    """Choose the convention with the most right lines (in doubt the standard one) and answer for every line."""
    convention = _vote(items)
    at = points(convention)
    stated = Counter(show(i.trees[0]) for i in items if i.trees)
    judged: list[Judged] = []
    explained: dict[str, _Explained] = {}
    for item in items:
        answer = _answer(item, at, stated, explained)
        if answer is not None:
            judged.append(answer)
    judged = [
        j
        for j in judged
        if not j.item.program or j.answer == "right" or (j.answer == "wrong" and j.explanations)
    ]
    if sum(j.answer == "right" for j in judged) < OWN_LINES:
        judged = [_foreign(j) for j in judged]
    return Judgement(convention, tuple(judged))


def of_another_network(judgement: Judgement, network: str, quantities: set[str]) -> Judgement:
    """No accusation in a document whose own definitions, of `quantities`, are those of another network.

    Where the rubric's definition of such a quantity stands there too, what is right stays right: the document has both.
    """
    if not network:
        return judgement
    both = any(
        j.answer == "right" and j.trees[0].head == "sym" and j.trees[0].name in quantities
        for j in judgement.judged
    )
    return _unsure(judgement, network, ("right", "unsure") if both else ())


def doubted(judgement: Judgement, too_few: str) -> tuple[str, Judgement]:
    """No accusation in a document that names one unit where the network has more, or whose false lines are
    true of another network.

    What is right stays right: such a document only makes another network likely.
    """
    if not any(j.answer in ("wrong", "typo") for j in judgement.judged):
        return "", judgement
    false = [_as_written(j) for j in judgement.judged if j.answer == "wrong"]
    true = [_as_written(j) for j in judgement.judged if j.answer == "right"]
    network = too_few or true_of_another(true, false, judgement.convention)
    return network, _unsure(judgement, network, ("right", "unsure")) if network else judgement


def _as_written(judged: Judged) -> tuple[Expr, ...]:
    """The statement with δ for what the document calls so; as mended where it was misspelt."""
    return (
        judged.item.as_written
        if judged.trees == judged.item.trees and judged.item.as_written
        else judged.trees
    )


def _unsure(judgement: Judgement, network: str, kept: Sequence[str]) -> Judgement:
    reason = f"this derives another network ({network})"
    return judgement._replace(
        judged=tuple(
            # Nothing is remarked on either: what a line of another network should look like is not ours to say.
            j
            if j.answer in kept
            else Judged(j.item._replace(notes=(), in_markdown=False), "unsure", j.item.trees, reason=reason)
            for j in judgement.judged
        )
    )


def _foreign(judged: Judged) -> Judged:
    """In a document that is hardly about this network, a false line that nothing explains speaks of something else."""
    if judged.answer != "wrong" or judged.explanations:
        return judged
    return judged._replace(answer="unsure", reason="no formula of this network, and no slip explains it")


def _vote(items: Sequence[Item]) -> Convention:
    decided = [i for i in items if len(i.trees) >= 2]
    truths = {STANDARD: [_at_one_point(i, STANDARD) for i in decided]}
    false = [k for k, t in enumerate(truths[STANDARD]) if t is Truth.FALSE]
    if not false:
        return STANDARD
    best, most = STANDARD, _score(truths[STANDARD])
    for convention in conventions()[1:]:
        # Only what is false now can gain; most documents end here.
        gained = sum(_at_one_point(decided[k], convention) is Truth.TRUE for k in false)
        rewired = convention._replace(half=True) != STANDARD
        if gained < (WIRING_GAIN if rewired else 1):
            continue
        score = _score([_at_one_point(i, convention) for i in decided])
        if score > most:
            best, most = convention, score
    return best


def _at_one_point(item: Item, convention: Convention) -> Truth:
    return decide(item.trees, points(convention)[:1]).truth


def _score(truths: Sequence[Truth]) -> int:
    return truths.count(Truth.TRUE) - truths.count(Truth.FALSE)


BY_LAYOUT = ("arrow", "abbreviated", "below")
"""Notes of lines whose `=` was inferred: they are called wrong only where a slip of the catalogue explains them."""
_NOT_WHOLE = (
    "doubtful-left",
    "bracket-not-closed",
    "bracket-not-opened",
    "fragment",
    "cut-out",
    "operator-scope",
    "goes-on",
)


def _answer(
    item: Item, at: Sequence[Point], stated: Counter[str], explained: dict[str, "_Explained"]
) -> Judged | None:
    decision = decide(item.trees, at)
    problems = item.statement.problems
    if any(side.goal for side in item.statement.sides) or decision.truth is Truth.VALUE:
        return None
    if item.noted("if-true") and (problems or decision.truth is not Truth.TRUE):
        return None
    if problems:
        return _misspelt(item, at, stated) or _unread(item, decision)
    if decision.truth is Truth.TRUE:
        return _true(item)
    if decision.truth is Truth.OPEN:
        return None
    if decision.truth is Truth.NO_VALUE:
        return Judged(item, "unsure", item.trees, reason=decision.reason)
    return _false(item, at, stated, explained)


def _misspelt(item: Item, at: Sequence[Point], stated: Counter[str]) -> Judged | None:
    """A statement of which a side could not be read, with the slip of typing that hides it."""
    if item.inherited:
        return None
    mended = repair_slips(item.statement, at, frozenset(stated)) or repair_brackets(item.statement, at)
    if mended is None:
        return None
    return Judged(item, "wrong" if mended.explanations else "typo", mended.trees, mended.explanations, mended)


def _false(
    item: Item, at: Sequence[Point], stated: Counter[str], explained: dict[str, "_Explained"]
) -> Judged:
    """A statement that was read and is not true: misspelt, read in doubt, or wrong."""
    unbalanced = item.noted("bracket-not-closed", "bracket-not-opened") and not item.inherited
    mended = repair_brackets(item.statement, at) if unbalanced else None
    if mended is not None:
        return Judged(item, "typo", mended.trees, (), mended)
    doubt = _doubt(item)
    if doubt:
        return Judged(item, "unsure", item.trees, reason=doubt)
    why = _explain(item, at, stated, explained)
    if not why and item.noted(*BY_LAYOUT):
        return Judged(item, "unsure", item.trees, reason="its layout is not surely read as an equation")
    answer = "typo" if item.noted("equals-missing") and not why else "wrong"
    return Judged(item, answer, item.trees, why)


class _Explained(NamedTuple):
    """The explanations of a statement, kept for the lines that state the same."""

    trees: tuple[Expr, ...]
    found: tuple[Explanation, ...]


def _explain(
    item: Item, at: Sequence[Point], stated: Counter[str], explained: dict[str, _Explained]
) -> tuple[Explanation, ...]:
    key = " = ".join(show(t) for t in item.trees)
    kept = explained.get(key)
    if kept is not None:
        moved = tuple(_moved(e, kept.trees, item.trees) for e in kept.found)
        if all(moved):
            return tuple(e for e in moved if e is not None)
    elif len(explained) >= MAX_EXPLAINED:
        return ()
    explained[key] = fresh = _explained(_Sides(item.trees), tuple(at), _others(item, stated))
    return fresh.found


class _Sides:
    """The sides of a statement. Those of another are equal where they are the same letter by letter, at the
    same places of their lines.
    """

    def __init__(self, trees: tuple[Expr, ...]) -> None:
        self.trees = trees
        self._packed = msgspec.msgpack.encode(trees)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Sides) and self._packed == other._packed

    def __hash__(self) -> int:
        return hash(self._packed)


@remembered(256)  # classmates make the same mistakes: of 48 of a generated class of 100 sixteen were distinct
def _explained(sides: _Sides, at: tuple[Point, ...], others: frozenset[str]) -> _Explained:
    return _Explained(sides.trees, tuple(explain(sides.trees, at, others)))


def _moved(e: Explanation, trees: Sequence[Expr], to: Sequence[Expr]) -> Explanation | None:
    """The explanation with its guilty node in another line that states the same, in other spacing or spelling.

    None where that node cannot be found there.
    """
    if e.wrote is None:
        return e
    old, new = list(nodes(trees[e.side])), list(nodes(to[e.side]))
    if [n.head for n in old] != [n.head for n in new]:
        return None
    spot = next((k for k, n in enumerate(old) if n is e.wrote), None)
    return None if spot is None else e._replace(wrote=new[spot])


def _others(item: Item, left_sides: Counter[str]) -> frozenset[str]:
    """Left sides that lines beside this one state."""
    own = show(item.trees[0])
    return frozenset(left for left, times in left_sides.items() if left != own or times > 1)


def _true(item: Item) -> Judged:
    slips = item.noted("d-inside", "equals-missing")
    mislinked = any(broken_links(t) for t in item.trees)
    return Judged(item, "typo" if slips else "right", item.trees, mislinked=mislinked)


def _doubt(item: Item) -> str:
    """Why a line that seems false may not have been read to its end."""
    if item.noted("gap"):
        return "continues a formula that other text separates from it"
    if item.noted(*_NOT_WHOLE):
        return "brackets do not balance, or the formula goes on elsewhere"
    if item.noted("labelled"):
        return "the line does not say what its formula stands for"
    for note in item.notes:
        told = any(c.isalnum() or c == "," for c in note.message)
        if note.code == "text-after" and told and note.message.lower() not in _SAID_LAST:
            return f"text after the formula: {note.message}"
    if whole_step(item.trees) and _STEP.search(item.raw):
        return "Δw may be the whole step, with the learning rate in it"
    return ""


_SAID_LAST = frozenset({
    "answer", "done", "final", "final answer", "final equation", "final expression", "final form", "final formula",
    "final gradient", "final result", "qed", "result",
})  # fmt: skip
"""What stands behind a formula that is whole: `(final)`."""
_STEP = re.compile(r"(?:[Δ∆]|\\Delta(?![a-zA-Z]))\s*\{?\s*(?:[wWbBωθ]|\\(?:omega|theta))")
"""A step as it is written: the small letter, or `dw`, is the gradient of a program."""


def _unread(item: Item, decision: Decision) -> Judged | None:
    bad = [item.statement.sides[k] for k in item.statement.problems]
    if decision.truth is Truth.TRUE:
        return Judged(item, "unsure", item.trees, reason=f"one side could not be read: {bad[0].problem}")
    if not any(_formula_like(side.text.text) for side in bad):
        return None
    return Judged(item, "unsure", item.trees, reason=f"could not be read: {bad[0].problem}")


def _formula_like(text: str) -> bool:
    found = tokens(text)
    names = sum(t.kind in ("sym", "pair") and t.name != "w?" for t in found)
    words = sum(t.kind == "word" and t.name.isalpha() for t in found)
    operators = sum(t.kind == "op" and t.name in "*/^+-" for t in found)
    differential = "∂" in text or any(t.kind == "d" for t in found)
    return (differential or (names >= 2 and operators >= 1)) and words <= names + 2
