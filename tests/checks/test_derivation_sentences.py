"""No sentence of a BP check names a quantity, a place or a count that the derivation does not hold.

A page is drawn statement by statement: right, wrong, on a line that cannot be read, in words only, or not
there. What each check then says is held against that draw.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum

from hypothesis import given, settings
from hypothesis import strategies as st

from grader.checks.backprop import chain_steps, final_gradients, forward_pass, loss_function, update_rule
from grader.checks.backprop._definitions import DefinitionPolicy
from grader.core.evidence.formulas import FormulaEvidence
from grader.core.outcome import Finding, Outcome, Verdict, Weight
from grader.core.submission import Kind
from grader.extract.documents.documents import read_documents
from grader.extract.formulas.document.mentions import unread_places
from grader.extract.formulas.provider import formulas_of
from grader.ingest.read import from_bytes

O1, O2 = "(a_o1 - t1) * a_o1 * (1 - a_o1)", "(a_o2 - t2) * a_o2 * (1 - a_o2)"
HIDDEN = {k: f"({O1} * {a} + {O2} * {b}) * a_h{h} * (1 - a_h{h}) * i{i}" for k, a, b, h, i in (
    (1, "w5", "w7", 1, 1), (2, "w5", "w7", 1, 2), (3, "w6", "w8", 2, 1), (4, "w6", "w8", 2, 2),
)}  # fmt: skip
GRADIENTS = {
    **{f"∂E/∂w{k}": right for k, right in HIDDEN.items()},
    "∂E/∂w5": f"{O1} * a_h1",
    "∂E/∂w6": f"{O1} * a_h2",
    "∂E/∂w7": f"{O2} * a_h1",
    "∂E/∂w8": f"{O2} * a_h2",
}
FORWARD = {
    "h1": "w1*i1 + w2*i2",
    "h2": "w3*i1 + w4*i2",
    "a_h1": "σ(h1)",
    "a_h2": "σ(h2)",
    "o1": "w5*a_h1 + w6*a_h2",
    "o2": "w7*a_h1 + w8*a_h2",
    "a_o1": "σ(o1)",
    "a_o2": "σ(o2)",
}
LOSS = {"E1": "1/2 * (t1 - a_o1)^2", "E2": "1/2 * (t2 - a_o2)^2", "E": "E1 + E2"}
UPDATES = {f"w{k}": f"w{k} - η * ∂E/∂w{k}" for k in range(1, 9)}
EVERY = {**FORWARD, **LOSS, **GRADIENTS, **UPDATES}


class Drawn(Enum):
    """How a statement stands on the page."""

    RIGHT = "right"
    WRONG = "wrong"
    UNREADABLE = "unreadable"
    ABSENT = "absent"


def wrong(name: str) -> str:
    """A value that the quantity has not, by one slip of the pen; never the value of another one."""
    right = EVERY[name]
    if name in UPDATES:
        return right.replace(" - η", " + η")
    if name in ("a_h1", "a_h2", "a_o1", "a_o2"):
        return right.replace("σ", "exp")
    if name in LOSS:
        return right.replace(" - ", " + ") if "-" in right else "E1 - E2"
    return right.replace(" + ", " - ", 1) if name in FORWARD else right.replace("1 - a_", "1 + a_", 1)


def text_of(drawn: Mapping[str, Drawn]) -> tuple[str, dict[str, int]]:
    """The page, and the line on which each statement stands."""
    lines: list[str] = []
    places: dict[str, int] = {}
    for name, how in drawn.items():
        if how is Drawn.ABSENT:
            continue
        value = {Drawn.RIGHT: EVERY[name], Drawn.WRONG: wrong(name)}.get(how, f"qz7 % ({EVERY[name]}) % qz8")
        lines += ["    filler", f"    {name} = {value}"]
        places[name] = len(lines)
    return "\n".join(lines) + "\n", places


def evidence(text: str) -> FormulaEvidence:
    (document,) = read_documents(from_bytes("s", {"README.md": text.encode()})).of(Kind.README)
    formulas = formulas_of(document)
    return FormulaEvidence(documents=(formulas,), unread=unread_places(document, formulas.lines))


def outcomes(found: FormulaEvidence) -> Iterable[tuple[dict[str, str], Outcome]]:
    yield GRADIENTS, final_gradients.check(found, final_gradients.Policy())
    yield GRADIENTS, chain_steps.check(found, chain_steps.Params(), chain_steps.Policy())
    yield FORWARD, forward_pass.check(found, DefinitionPolicy())
    yield LOSS, loss_function.check(found, DefinitionPolicy())
    yield UPDATES, update_rule.check(found, None, update_rule.Params(each_weight=True), update_rule.Policy())


def accused(outcome: Outcome, ending: str) -> set[str]:
    messages = [f.message for f in outcome.findings if f.weight is not Weight.REMARK]
    return {m.removesuffix(ending).removeprefix("the update of ") for m in messages if m.endswith(ending)}


def texts(finding: Finding) -> list[str]:
    return [finding.message, finding.expected, finding.found, finding.hint]


@settings(max_examples=25)
@given(st.fixed_dictionaries({name: st.sampled_from(Drawn) for name in EVERY}))
def test_every_sentence_is_held_by_the_page(drawn: dict[str, Drawn]) -> None:
    text, places = text_of(drawn)
    for wanted, outcome in outcomes(evidence(text)):
        standing = {how: {n for n in wanted if drawn[n] is how} for how in Drawn}
        assert accused(outcome, " is wrong") <= standing[Drawn.WRONG], outcome.summary
        assert accused(outcome, " is not given") <= standing[Drawn.ABSENT], outcome.summary
        counted = re.match(r"(\d+) of (\d+) ", outcome.summary)
        if counted and outcome.verdict is not Verdict.SKIPPED and "chain" not in outcome.summary:
            assert counted.groups() == (str(len(standing[Drawn.RIGHT])), str(len(wanted))), outcome.summary
        if outcome.verdict is Verdict.PASS and wanted is not GRADIENTS:
            assert standing[Drawn.RIGHT] == set(wanted)
        if "could not be read" in outcome.summary:
            assert standing[Drawn.UNREADABLE], outcome.summary
        for finding in outcome.findings:
            if finding.place is not None and finding.place.line is not None:
                assert finding.place.line in places.values(), finding
            if finding.excerpt:
                assert finding.excerpt.strip() in text, finding
            for number in re.findall(r"(?<![\w.])\d{3,}(?![\w.])", " ".join(texts(finding))):
                raise AssertionError(f"{number} is no number of the page: {finding}")
