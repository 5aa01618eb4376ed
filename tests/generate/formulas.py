"""The formulas of the 2-2-2 network's sheet, and the mistakes that real sheets make in them.

Roles: t1 t2 i1 i2 w1..w8 h1 a_h1 h2 a_h2 o1 a_o1 o2 a_o2 E1 E2 E_tot d1..d8 (d3 is the column of dE/dw3), k1
k2 (the output deltas, where a sheet has helper columns). In a template `{w1}` is the cell of this row,
`{w1@-1}` of the row above, `{d4@first}` of the table's first row, `{eta}` the learning rate, `{eta@drift}`
the same with the `$` forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

WEIGHTS = tuple(f"w{k}" for k in range(1, 9))
GRADIENTS = tuple(f"d{k}" for k in range(1, 9))
ACTIVATIONS = {"a_h1": "h1", "a_h2": "h2", "a_o1": "o1", "a_o2": "o2"}
LIVE = ("h1", "a_h1", "h2", "a_h2", "o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_tot")

Templates = dict[str, str]


class Style(NamedTuple):
    """Ways to write the same mathematics."""

    sigmoid: str = "1/(1+EXP(-{x}))"
    loss: str = "0.5*({t}-{a})^2"
    total: str = "{E1}+{E2}"
    sum: str = "{x}*{y}+{u}*{v}"
    helpers: bool = False  # output deltas in two columns of their own


STYLES = (
    Style(),
    Style(sigmoid="1/(1+EXP(-1*{x}))", loss="(({t}-{a})^2)/2"),
    Style(sigmoid="(1+EXP(-{x}))^-1", loss="1/2*({a}-{t})^2", sum="({x}*{y})+({u}*{v})"),
    Style(loss="POWER({t}-{a},2)/2", sum="SUM({x}*{y},{u}*{v})"),
    Style(helpers=True),
)


def right(style: Style) -> Templates:
    """The formulas of a correct sheet; the weights' are those from the second row on."""

    def total(x: str, y: str, u: str, v: str) -> str:
        return style.sum.format(x=x, y=y, u=u, v=v)

    first, second = "({a_o1}-{t1})*{a_o1}*(1-{a_o1})", "({a_o2}-{t2})*{a_o2}*(1-{a_o2})"
    templates = {
        "h1": total("{w1}", "{i1}", "{w2}", "{i2}"),
        "h2": total("{w3}", "{i1}", "{w4}", "{i2}"),
        "o1": total("{w5}", "{a_h1}", "{w6}", "{a_h2}"),
        "o2": total("{w7}", "{a_h1}", "{w8}", "{a_h2}"),
        "E1": style.loss.format(t="{t1}", a="{a_o1}"),
        "E2": style.loss.format(t="{t2}", a="{a_o2}"),
        "E_tot": style.total,
    }
    templates |= {a: style.sigmoid.format(x=f"{{{h}}}") for a, h in ACTIVATIONS.items()}
    templates |= {w: f"{{{w}@-1}}-{{eta}}*{{{d}@-1}}" for w, d in zip(WEIGHTS, GRADIENTS, strict=True)}
    if style.helpers:
        templates |= {"k1": first, "k2": second}
        first, second = "{k1}", "{k2}"
    for k, hidden in ((5, "a_h1"), (6, "a_h2")):
        templates[f"d{k}"] = f"{first}*{{{hidden}}}"
        templates[f"d{k + 2}"] = f"{second}*{{{hidden}}}"
    for k, (hidden, via1, via2, entry) in enumerate(
        (("a_h1", 5, 7, "i1"), ("a_h1", 5, 7, "i2"), ("a_h2", 6, 8, "i1"), ("a_h2", 6, 8, "i2")), 1
    ):
        back = f"({first}*{{w{via1}}}+{second}*{{w{via2}}})"
        templates[f"d{k}"] = f"{back}*{{{hidden}}}*(1-{{{hidden}}})*{{{entry}}}"
    return templates


class Defect(StrEnum):
    """What is not as it should be; the research on real sheets names where each was seen."""

    NONE = "none"
    CLASS_ERROR = "class-error"  # d3, d4: a_h1 where a_h2 belongs
    OTHER_HIDDEN_IN_D2 = "other-hidden-in-d2"  # d2: a_h2 where a_h1 belongs
    OTHER_OUTPUT_IN_D78 = "other-output-in-d78"  # d7, d8: a_o1 and t2
    OTHER_OUTPUT_FACTOR = "other-output-factor"  # d1, d2: (1-a_o1) where (1-a_o2) belongs
    LOST_DIFFERENCE = "lost-difference"  # d1, d2: (a_o2-t2) left out
    UNBRACKETED_SIGMOID = "unbracketed-sigmoid"  # 1/1+EXP(-x)
    LOSS_DIFFERENCE = "loss-difference"  # E1-E2
    MISSING_HALF = "missing-half"  # E1 without the 1/2
    PRODUCT_FOR_DIFFERENCE = "product-for-difference"  # (a_o1*t1)
    SIGN = "sign"  # (t1-a_o1) in d5
    MISSING_OUTER_BRACKETS = "missing-outer-brackets"  # A+B*f*i
    PREACTIVATION = "preactivation"  # d6: h2 for a_h2
    PREACTIVATION_SLOPE = "preactivation-slope"  # d1..d4: h(1-h)
    SWAPPED_W7_W8 = "swapped-w7-w8"  # the formulas of d7 and d8 exchanged
    WEIGHT_INDEX = "weight-index"  # w6 and w7 exchanged in d1..d4
    WEIGHTS_OF_H1_IN_D34 = "weights-of-h1-in-d34"  # w5, w7 for w6, w8 in d3, d4
    OTHER_INPUT = "other-input"  # d2: i1 for i2
    ETA_DRIFT = "eta-drift"  # the $ forgotten in all updates
    ETA_DRIFT_ONE = "eta-drift-one"  # the $ forgotten in w3's
    FROZEN_GRADIENT = "frozen-gradient"  # w4 always reads the first row's gradient
    WRONG_GRADIENT_COLUMN = "wrong-gradient-column"  # w3, w4 read d1, d2
    UPDATE_MULTIPLIES = "update-multiplies"  # w*eta*d
    UPDATE_ADDS = "update-adds"  # w+eta*d
    UPDATE_WITHOUT_WEIGHT = "update-without-weight"  # -eta*d
    DRAGGED_FORWARD = "dragged-forward"  # one h1 overwritten by an update formula
    DRAGGED_ROW = "dragged-row"  # w1..w4 of one row all hold w2's update
    MID_COLUMN = "mid-column"  # d1 uses a_h2 from some row on
    HARD_CODED_TAIL = "hard-coded-tail"  # d5 typed as numbers from some row on
    ROUNDED_FIRST_ROW = "rounded-first-row"  # the first row's results typed with five digits
    TYPED_TARGET = "typed-target"  # E1 with the target typed into the formula: right today
    HEADER_SWAPPED = "header-swapped"  # t2's column is headed i2: right mathematics
    LYING_TITLE = "lying-title"  # the title says another eta than the cell
    LYING_SHEET_NAME = "lying-sheet-name"  # a sheet named after another eta than its cell holds
    STALE_CACHE = "stale-cache"  # eta was changed after the last calculation
    FORGED_CACHE = "forged-cache"  # shown losses are not what the formulas give
    WRONG_CLASS_VALUES = "wrong-class-values"  # other inputs, targets or weights: right mathematics
    MISPASTED_SWEEP = "mispasted-sweep"  # one pasted column belongs to another eta


RIGHT_MATHEMATICS = frozenset(
    {
        Defect.NONE,
        Defect.TYPED_TARGET,
        Defect.HEADER_SWAPPED,
        Defect.LYING_TITLE,
        Defect.LYING_SHEET_NAME,
        Defect.STALE_CACHE,
        Defect.FORGED_CACHE,
        Defect.WRONG_CLASS_VALUES,
        Defect.MISPASTED_SWEEP,
    }
)


class Fault(NamedTuple):
    """Which columns get which wrong templates, between which iterations (counted from 0; `last` None: to the
    end).
    """

    templates: Mapping[str, str]
    first: int = 0
    last: int | None = None


def replaced(roles: tuple[str, ...], old: str, new: str) -> Callable[[Templates], Templates]:
    return lambda t: {role: t[role].replace(old, new) for role in roles}


def weights_exchanged(t: Templates) -> Templates:
    return {
        role: t[role].replace("{w6}", "{w?}").replace("{w7}", "{w6}").replace("{w?}", "{w7}")
        for role in ("d1", "d2", "d3", "d4")
    }


def outer_brackets_lost(t: Templates) -> Templates:
    changed = {}
    for role in ("d1", "d2", "d3", "d4"):
        inner, rest = t[role][1:].split(")*{a_h", 1)
        changed[role] = f"{inner}*{{a_h{rest}"
    return changed


def preactivation_slope(t: Templates) -> Templates:
    return {
        f"d{k}": t[f"d{k}"].replace(f"{{a_h{n}}}*(1-{{a_h{n}}})", f"{{h{n}}}*(1-{{h{n}}})")
        for k, n in ((1, 1), (2, 1), (3, 2), (4, 2))
    }


# Whole columns. Those in NEEDS_LONG_GRADIENTS change factors that a sheet with helper columns has elsewhere.
COLUMNS: dict[Defect, Callable[[Templates], Templates]] = {
    Defect.CLASS_ERROR: replaced(("d3", "d4"), "{a_h2}*(1-{a_h2})", "{a_h1}*(1-{a_h1})"),
    Defect.OTHER_HIDDEN_IN_D2: replaced(("d2",), "{a_h1}*(1-{a_h1})", "{a_h2}*(1-{a_h2})"),
    Defect.OTHER_OUTPUT_IN_D78: replaced(("d7", "d8"), "{a_o2}", "{a_o1}"),
    Defect.OTHER_OUTPUT_FACTOR: replaced(("d1", "d2"), "(1-{a_o2})", "(1-{a_o1})"),
    Defect.LOST_DIFFERENCE: replaced(("d1", "d2"), "({a_o2}-{t2})*", ""),
    Defect.UNBRACKETED_SIGMOID: lambda t: {a: f"1/1+EXP(-{{{h}}})" for a, h in ACTIVATIONS.items()},
    Defect.LOSS_DIFFERENCE: lambda t: {"E_tot": "{E1}-{E2}"},
    Defect.MISSING_HALF: lambda t: {"E1": "({t1}-{a_o1})^2"},
    Defect.PRODUCT_FOR_DIFFERENCE: replaced(("d5", "d6"), "{a_o1}-{t1}", "{a_o1}*{t1}"),
    Defect.SIGN: replaced(("d5",), "{a_o1}-{t1}", "{t1}-{a_o1}"),
    Defect.MISSING_OUTER_BRACKETS: outer_brackets_lost,
    Defect.PREACTIVATION: replaced(("d6",), "{a_h2}", "{h2}"),
    Defect.PREACTIVATION_SLOPE: preactivation_slope,
    Defect.SWAPPED_W7_W8: lambda t: {"d7": t["d8"], "d8": t["d7"]},
    Defect.WEIGHT_INDEX: weights_exchanged,
    Defect.WEIGHTS_OF_H1_IN_D34: lambda t: {
        role: t[role].replace("{w6}", "{w5}").replace("{w8}", "{w7}") for role in ("d3", "d4")
    },
    Defect.OTHER_INPUT: replaced(("d2",), "{i2}", "{i1}"),
    Defect.WRONG_GRADIENT_COLUMN: lambda t: {
        "w3": t["w3"].replace("{d3@-1}", "{d1@-1}"),
        "w4": t["w4"].replace("{d4@-1}", "{d2@-1}"),
    },
    Defect.UPDATE_MULTIPLIES: lambda t: {w: t[w].replace("-{eta}", "*{eta}") for w in WEIGHTS},
    Defect.UPDATE_ADDS: lambda t: {w: t[w].replace("-{eta}", "+{eta}") for w in WEIGHTS},
    Defect.UPDATE_WITHOUT_WEIGHT: lambda t: {w: t[w].removeprefix(f"{{{w}@-1}}") for w in WEIGHTS},
}
LOCAL = frozenset(
    {
        Defect.DRAGGED_FORWARD,
        Defect.DRAGGED_ROW,
        Defect.MID_COLUMN,
        Defect.HARD_CODED_TAIL,
        Defect.FORGED_CACHE,
    }
)
NEEDS_LONG_GRADIENTS = frozenset(
    {
        Defect.OTHER_OUTPUT_IN_D78,
        Defect.OTHER_OUTPUT_FACTOR,
        Defect.LOST_DIFFERENCE,
        Defect.PRODUCT_FOR_DIFFERENCE,
        Defect.SIGN,
    }
)


def fault_of(defect: Defect, templates: Templates, row: int) -> Fault | None:
    """The wrong formulas of a defect, or None where the formulas stay right. `row` is where the local ones
    strike.
    """
    if defect in COLUMNS:
        changed = COLUMNS[defect](templates)
        return Fault(changed, first=1 if next(iter(changed)) in WEIGHTS else 0)
    if defect is Defect.ETA_DRIFT:  # the first update still reads the right cell
        return Fault({w: templates[w].replace("{eta}", "{eta@drift}") for w in WEIGHTS}, first=1)
    if defect is Defect.ETA_DRIFT_ONE:
        return Fault({"w3": templates["w3"].replace("{eta}", "{eta@drift}")}, first=1)
    if defect is Defect.FROZEN_GRADIENT:
        return Fault({"w4": templates["w4"].replace("{d4@-1}", "{d4@first}")}, first=1)
    if defect is Defect.DRAGGED_FORWARD:
        return Fault({"h1": "{h1@-1}-{eta}*{d1@-1}"}, first=row, last=row)
    if defect is Defect.DRAGGED_ROW:
        return Fault(dict.fromkeys(("w1", "w3", "w4"), templates["w2"]), first=row, last=row)
    if defect is Defect.MID_COLUMN:
        return Fault({"d1": templates["d1"].replace("{a_h1}*(1-{a_h1})", "{a_h2}*(1-{a_h2})")}, first=row)
    return None


def reaches_from(defect: Defect, fault: Fault) -> int:
    """The first iteration in which the wrong template gives another quantity than the right one."""
    return 2 if defect in {Defect.ETA_DRIFT, Defect.ETA_DRIFT_ONE, Defect.FROZEN_GRADIENT} else fault.first
