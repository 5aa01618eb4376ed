"""Judged statements -> evidence: readings, the guilty span in the student's own text, repairs in the student's own spelling."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from grader.backprop.assigned import network
from grader.backprop.expression import Expr, has_derivative, nodes, show
from grader.core.evidence.documents import SourceLine, TextRepair
from grader.core.evidence.formulas import (
    DocumentFormulas,
    FormulaConvention,
    FormulaKind,
    FormulaLine,
    FormulaRemark,
    FormulaRepair,
    FormulaSide,
    FormulaVerdict,
)
from grader.extract.documents.markdown import pictures_in
from grader.extract.formulas.document.another_network import Sign, told
from grader.extract.formulas.document.collect import Item, Items, collect, plain_as_activated
from grader.extract.formulas.document.lost_stars import loses_stars
from grader.extract.formulas.document.not_shown import as_shown
from grader.extract.formulas.judging.decide import Truth, decide, is_step, is_update, with_weight
from grader.extract.formulas.judging.judge import Judged, Judgement, doubted, judge, of_another_network
from grader.extract.formulas.judging.network import NoValue, Point, close, points
from grader.extract.formulas.reading.quote import quoted
from grader.extract.formulas.repair.diagnose import Explanation

_Spelling = Callable[[str], str]


def read_document(
    lines: Sequence[SourceLine],
    artefact: str,
    *,
    main: bool = True,
    encoding: str = "utf-8",
    repairs: Sequence[TextRepair] = (),
) -> DocumentFormulas:
    """Read and judge every formula of one document; never raises on its text."""
    collected = collect(lines)
    judgement = judge(collected.items)
    if not collected.names_activations and not collected.plain_is_activated and judgement.count("wrong"):
        activated = plain_as_activated(collected)
        retried = judge(activated.items)
        if retried.count("right") >= judgement.count("right") + 2 and retried.count(
            "wrong"
        ) < judgement.count("wrong"):
            collected, judgement = activated, retried
    collected, judgement = _with_own_names(lines, collected, judgement)
    other = told(collected.signs)
    judgement = of_another_network(judgement, other, {s.quantity for s in collected.signs})
    if not other:
        other, judgement = doubted(judgement, collected.too_few)
    at = points(judgement.convention)
    spelling = _spelling(collected.items)
    judged = [_line(j, at, spelling) for j in judgement.judged]
    unread = [_not_read(line) for line in collected.unread]
    return DocumentFormulas(
        artefact=artefact,
        main=main,
        encoding=encoding,
        convention=FormulaConvention(
            hidden_transposed=judgement.convention.hidden_transposed,
            output_transposed=judgement.convention.output_transposed,
            half=judgement.convention.half,
            plain_is_activated=collected.plain_is_activated,
        ),
        lines=tuple(as_shown(judged, lines) + unread),
        images=sum(not picture.on_own_disk for picture in pictures_in(lines)),
        other_network=other if _derives(judgement) or not _only_of_a_loss(collected.signs) else "",
        mended=tuple(repairs),
    )


def _derives(judgement: Judgement) -> bool:
    """Whether a document holds any derivative or any unit of a network: a loss alone derives nothing."""
    kinds = (FormulaKind.FINAL, FormulaKind.FORWARD, FormulaKind.UPDATE)
    return any(
        _kind(j.trees) in kinds or any(has_derivative(t) for t in j.trees)
        for j in judgement.judged
        if j.trees
    )


def _only_of_a_loss(signs: Sequence[Sign]) -> bool:
    return all(sign.quantity == "E" for sign in signs)


def _with_own_names(
    lines: Sequence[SourceLine], collected: Items, judgement: Judgement
) -> tuple[Items, Judgement]:
    """The document with names that are a loss's elsewhere (an input's, a target's) read as what it defines
    them to be, where that puts right what was false.

    `error_o1 = (a_o1 - t1) * a_o1 * (1 - a_o1)` names the factor that both gradients share, and no loss.
    """
    named = [(j.answer in ("right", "typo"), name) for j in judgement.judged if (name := _defined_name(j))]
    own = frozenset(name for right, name in named if not right and (True, name) not in named)
    if not own:
        return collected, judgement
    renamed = collect(lines, own)
    retried = judge(renamed.items)
    more = retried.count("right") - judgement.count("right")
    fewer = sum(judgement.count(answer) - retried.count(answer) for answer in ("wrong", "unsure"))
    return (renamed, retried) if more >= 2 and fewer > 0 else (collected, judgement)


def _defined_name(judged: Judged) -> str:
    """How a statement spells the loss, input, target or y that it defines; empty where it defines none."""
    left = judged.trees[0] if judged.trees else None
    if left is None or left.head != "sym" or judged.item.inherited:
        return ""
    written = judged.item.raw[left.start : left.end] if left.start >= 0 else ""
    known = left.name.startswith(("E", "i", "t")) or written[:1] in ("y", "Y")
    return written if known and _NAME.fullmatch(written) else ""


def _not_read(line: SourceLine) -> FormulaLine:
    return FormulaLine(
        place=line.place,
        text=line.text[:200],
        reading="",
        kind=FormulaKind.CHAIN,
        verdict=FormulaVerdict.UNSURE,
        states="",
        sides=(),
        reason="not read: the line is too long, or the document has more than 2,000 formulas",
    )


def _line(judged: Judged, at: Sequence[Point], spelling: _Spelling) -> FormulaLine:
    item = judged.item
    trees = judged.trees
    verdict = FormulaVerdict(judged.answer)
    repairs = _repairs(judged, spelling)
    text = quoted(item.raw, item.statement.start, item.statement.end)
    left = trees[0] if trees else None
    return FormulaLine(
        place=item.place,
        text=text,
        reading=_reading(item),
        kind=_kind(trees),
        verdict=verdict,
        states="" if left is None or item.noted("gap") else show(left),
        sides=_sides(judged, at),
        marked=_marked(judged),
        expected=repairs[0].line if repairs else "",
        repairs=repairs,
        remarks=_remarks(judged),
        reason=judged.reason,
        gradients=_gradients(trees, at),
        may_state=_may_state(trees, at) if verdict is FormulaVerdict.UNSURE else (),
        updates=_updates(trees),
        mislinked=judged.mislinked,
        single_path=_single_path(judged),
    )


def _reading(item: Item) -> str:
    """The statement as understood; a side that could not be read stands in the student's words."""
    shown = [show(t) for t in item.trees]
    if is_step(item.trees):
        shown[0] = f"Δ{show(item.trees[0].args[1])}"
    trees = iter(shown)
    parts = [next(trees)] if item.inherited else []
    for side in item.statement.sides:
        if side.tree is not None:
            parts.append(next(trees))
        elif side.problem:
            parts.append(side.text.text)
    return " = ".join(parts)


def _kind(trees: Sequence[Expr]) -> FormulaKind:
    if not trees:
        return FormulaKind.CHAIN
    left = trees[0]
    if is_step(trees):
        return FormulaKind.UPDATE
    if left.head == "sym":
        if left.name.startswith("w"):
            return FormulaKind.UPDATE
        return FormulaKind.LOSS if left.name.startswith("E") else FormulaKind.FORWARD
    total = left.head == "deriv" and left.args[0].name == "E" and left.args[1].name.startswith("w")
    if total and any(not has_derivative(t) for t in trees[1:]):
        return FormulaKind.FINAL
    if left.head != "deriv" and not any(has_derivative(t) for t in trees):
        return FormulaKind.FORWARD
    return FormulaKind.CHAIN


def _sides(judged: Judged, at: Sequence[Point]) -> tuple[FormulaSide, ...]:
    trees = judged.trees
    false = judged.answer == "wrong"
    return tuple(
        FormulaSide(
            reading=show(t),
            derivatives=_derivatives(t),
            agrees=not (false and k) or decide((trees[0], t), at).truth in (Truth.TRUE, Truth.VALUE),
        )
        for k, t in enumerate(trees)
    )


def _derivatives(t: Expr) -> tuple[str, ...]:
    return tuple(dict.fromkeys(show(n) for n in nodes(t) if n.head == "deriv"))


def _gradients(trees: Sequence[Expr], at: Sequence[Point]) -> tuple[str, ...]:
    """The weight whose ∂E/∂w is the value of the left side: also ∂E1/∂w5, on which E2 does not depend."""
    if not trees or trees[0].head != "deriv" or is_step(trees):
        return ()
    name = trees[0].args[1].name
    if name == "w?" and trees[0].args[0].name == "E":
        return network().weights
    if name not in (*network().weights, *network().biases):
        return ()
    try:
        equal = all(close(p.value(trees[0]), p.slopes(name)["E"]) for p in at)
    except NoValue:
        return ()
    return (name,) if equal else ()


def _may_state(trees: Sequence[Expr], at: Sequence[Point]) -> tuple[str, ...]:
    """The weights whose ∂E/∂w the last side of a statement is by its value: `E wrt w1: …`, `W[0, 0] = …`."""
    if not trees or trees[-1].head in ("sym", "num"):
        return ()
    try:
        values = [p.value(trees[-1]) for p in at]
        return tuple(
            w for w in network().weights
            if all(close(value, p.slopes(w)["E"]) for p, value in zip(at, values, strict=True))
        )  # fmt: skip
    except NoValue:
        return ()


def _updates(trees: Sequence[Expr]) -> tuple[str, ...]:
    if not trees:
        return ()
    left = trees[0]
    if is_step(trees):
        return network().weights if left.args[1].name == "w?" else (left.args[1].name,)
    if not is_update([with_weight(t, network().weights[0]) for t in trees]) and not is_update(trees):
        return ()
    if left.name == "w?":
        return network().weights
    return (left.name,)


def _single_path(judged: Judged) -> bool:
    """A wrong chain of derivatives alone that only lacks the path through the other output."""
    return (
        judged.answer == "wrong"
        and any(e.code == "path-missing" for e in judged.explanations)
        and all(has_derivative(t) for t in judged.trees)
    )


def _span(t: Expr) -> tuple[int, int] | None:
    """The student's characters that a tree was read from."""
    spans = [(n.start, n.end) for n in nodes(t) if n.start >= 0]
    if not spans:
        return None
    return min(s for s, _ in spans), max(e for _, e in spans)


def _marked(judged: Judged) -> str:
    raw = judged.item.raw
    if not judged.explanations:
        mended = judged.mended
        return mended.wrote if mended is not None and mended.wrote in raw else ""
    first = judged.explanations[0]
    guilty = first.wrote if first.wrote is not None else judged.trees[first.side]
    span = _span(guilty) or _span(judged.trees[first.side])
    return quoted(raw, *span).strip() if span else ""


def _repairs(judged: Judged, spelling: _Spelling) -> tuple[FormulaRepair, ...]:
    found: list[FormulaRepair] = []
    rival = _rival(judged.explanations)
    mended = judged.mended
    if mended is not None and not judged.explanations:
        found.append(
            FormulaRepair(
                diagnosis=mended.code,
                phrase=mended.phrase,
                wrote=mended.wrote,
                should_be=mended.should,
                line=" = ".join(show(t) for t in mended.trees),
            )
        )
    elif judged.item.noted("equals-missing", "d-inside") and not judged.explanations:
        equals = judged.item.noted("equals-missing")
        found.append(
            FormulaRepair(
                diagnosis="equals-missing" if equals else "d-inside",
                phrase="the = is missing" if equals else "a d before a weight inside a derivative",
                line=" = ".join(show(t) for t in judged.trees),
            )
        )
    found += [_repair(e, judged, spelling, equal=e is rival) for e in judged.explanations]
    return tuple(found)


TIE = 0.2
"""Difference of cost within which a wrong left side and a wrong right side explain a line equally well."""


def _rival(explanations: Sequence[Explanation]) -> Explanation | None:
    """The repair of the other side of the `=` that is about as likely as the first: what was copied is not known."""
    first = explanations[0] if explanations else None
    return next(
        (
            e
            for e in explanations[1:]
            if first is not None and (e.side == 0) != (first.side == 0) and e.cost - first.cost <= TIE
        ),
        None,
    )


def _repair(e: Explanation, judged: Judged, spelling: _Spelling, *, equal: bool) -> FormulaRepair:
    wrote = should = ""
    if e.wrote is not None and e.should is not None:
        wrote, should = show(e.wrote, spelling), show(e.should, spelling)
    else:
        wrote, should = show(judged.trees[e.side], spelling), show(e.trees[e.side], spelling)
    phrase = e.phrase if judged.mended is None else f"{judged.mended.phrase}; {e.phrase}"
    return FormulaRepair(
        diagnosis=e.code,
        phrase=phrase,
        wrote=wrote,
        should_be=should,
        line=" = ".join(show(t) for t in e.trees),
        equal=equal,
    )


_TELL = {
    "zero-for-o": "",
    "power-sign-lost": "the sign of the exponent is lost",
    "double-star": "",
    "spaced-power": "",
    "bracket-not-closed": "",
    "bracket-not-opened": "",
    "no-d-below": "",
    "no-d-above": "",
    "d-inside": "",
    "shorthand": "",
}


def _remarks(judged: Judged) -> tuple[FormulaRemark, ...]:
    item = judged.item
    found = {n.code: n.message for n in item.notes if n.code in _TELL}
    if judged.mislinked:
        found["mislinked"] = "true, but neighbouring derivatives of the product do not join"
    if loses_stars(item):
        found["renders-wrongly"] = (
            "Markdown takes the * of products for emphasis and drops them: put the formula into a code block"
        )
    return tuple(FormulaRemark(code=code, message=message) for code, message in found.items())


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _spelling(items: Sequence[Item]) -> _Spelling:
    """How this document writes each quantity, most frequent first; canonical where it writes TeX or a 0 for an o."""
    written: dict[str, Counter[str]] = {}
    for item in items:
        for tree in item.trees:
            for node in nodes(tree):
                if node.head != "sym" or node.start < 0:
                    continue
                text = item.raw[node.start : node.end]
                if _NAME.fullmatch(text) and "0" not in text:
                    written.setdefault(node.name, Counter())[text] += 1
    best = {name: min(c.items(), key=lambda kv: (-kv[1], kv[0]))[0] for name, c in written.items()}
    best["eta"] = best.get("eta", "η")
    return lambda name: best.get(name, "w" if name == "w?" else name)
