"""Mistakes of factors, terms and steps of the chain rule."""

from collections.abc import Iterator
from itertools import pairwise

from grader.backprop.assigned import made
from grader.core.assigned_network import Activation, AssignedNetwork
from grader.extract.formulas.reading.expression import (
    Expr,
    Path,
    Spot,
    at,
    binary,
    call,
    deriv,
    factors,
    nodes,
    num,
    product,
    put,
    same,
    show,
    sym,
    terms,
    total,
)
from grader.extract.formulas.repair.edit import Edit


def _missing_factors(assigned: AssignedNetwork) -> tuple[tuple[Expr, str], ...]:
    found: list[tuple[Expr, str]] = []
    one = num(1.0)
    for unit in assigned.units:
        a, kind = unit.output, assigned.activation(unit)
        if kind in (Activation.SIGMOID, Activation.SOFTMAX):
            rest = binary("-", one, sym(a))
            found.append((binary("*", sym(a), rest), f"missing factor {a} * (1 - {a})"))
            found.append((rest, f"missing factor (1 - {a})"))
        elif kind is Activation.TANH:
            rest = binary("-", one, binary("^", sym(a), num(2.0)))
            found.append((rest, f"missing factor (1 - {a}^2)"))
        elif kind is Activation.RELU:
            found.append((call("reluprime", sym(unit.sum)), f"missing factor relu'({unit.sum})"))
        found.append((sym(a), f"missing factor {a}"))
    found += [(sym(w), f"missing factor {w}") for w in (*assigned.weights, *assigned.inputs)]
    for unit, t in zip(assigned.outputs, assigned.targets, strict=True):
        found.append((binary("-", sym(unit.output), sym(t)), f"missing factor ({unit.output} - {t})"))
    found += [
        (num(0.5), "missing factor 1/2"),
        (num(2.0), "missing factor 2"),
        (sym("eta"), "missing learning rate η"),
    ]
    return tuple(found)


def _steps(assigned: AssignedNetwork) -> tuple[tuple[Expr, str], ...]:
    """The steps of the chain rule that may be missing, those of the first units first."""
    found: list[tuple[str, str]] = []
    weights = {
        "o": [w for u in assigned.outputs for w, _ in u.terms],
        "h": [w for u in assigned.hidden for w, _ in u.terms],
    }
    after = {a for unit in assigned.outputs for _, a in unit.terms}
    for k in range(max(len(assigned.hidden), len(assigned.outputs))):
        outputs, hidden = assigned.outputs[k : k + 1], assigned.hidden[k : k + 1]
        for unit in outputs:
            found += [("E", unit.output), (assigned.losses[k], unit.output), (unit.output, unit.sum)]
            found += [(unit.sum, a) for a in sorted(after)]
        for unit in hidden:
            found += [(unit.output, unit.sum), ("E", unit.output)]
            found += [(unit.sum, x) for _, x in unit.terms if x.startswith("a_")]
        found += [(unit.sum, w) for unit in outputs for w in weights["o"]]
        found += [(unit.sum, w) for unit in hidden for w in weights["h"]]
    steps = [deriv(sym(x), sym(y)) for x, y in found]
    return tuple((step, f"missing factor {show(step)}") for step in steps)


def _activated(assigned: AssignedNetwork) -> frozenset[str]:
    return frozenset(unit.output for unit in assigned.units)


_FACTOR_PLACES = frozenset("+-*")


def factor_edits(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Factors and terms too few or too many."""
    path, node = spot
    above = at(t, path[:-1]).head if path else ""
    if node.head == "*" and above == "*":
        return
    if node.head == "*":
        fs = factors(node)
        for k, f in enumerate(fs):
            new = product(fs[:k] + fs[k + 1 :])
            yield Edit(1.2, "extra-factor", f"extra factor {show(f)}", put(t, path, new), node, new)
        for k in range(len(fs) - 1):
            new = product(fs[:k] + fs[k + 2 :]) if len(fs) > 2 else num(1.0)
            phrase = f"extra factors {show(product(fs[k : k + 2]))}"
            yield Edit(1.5, "extra-factor", phrase, put(t, path, new), node, new)
    inside = not path or above in _FACTOR_PLACES or above == "neg"
    if inside and node.head in ("*", "sym", "deriv", "-", "^", "/", "+"):
        for f, phrase in made(_missing_factors):
            new = binary("*", node, f)
            yield Edit(1.3 if path else 1.2, "factor-missing", phrase, put(t, path, new), node, new)
        if any(n.head == "deriv" for n in nodes(node)):
            pure = all(f.head == "deriv" for f in factors(node))
            for f, phrase in made(_steps):
                new = binary("*", node, f)
                yield Edit(1.1 if pure else 1.25, "factor-missing", phrase, put(t, path, new), node, new)
        yield from _factors_in_place(t, path, node)
    if node.head in ("+", "-") and above not in ("+", "-"):
        ts = terms(node)
        for k in range(len(ts)):
            new = total(ts[:k] + ts[k + 1 :])
            yield Edit(1.3, "extra-term", f"extra term {show(ts[k].expr)}", put(t, path, new), node, new)
    if node.head == "sym" and node.name in made(_activated) and above in ("*", "", "+"):
        new = binary("-", num(1.0), node)
        yield Edit(
            1.25, "one-minus-missing", f"1 - is missing before {node.name}", put(t, path, new), node, new
        )
    if node.head == "sym" and node.name.startswith("t") and above in ("*", ""):
        new = binary("-", sym("a_o" + node.name[-1]), node)
        yield Edit(1.25, "term-missing", f"a_o{node.name[-1]} - is missing", put(t, path, new), node, new)
    if node.head == "sym" and node.name.startswith("a_o") and above in ("*", "", "^"):
        other = sym("t" + node.name[-1])
        for new in (binary("-", node, other), binary("-", other, node)):
            yield Edit(
                1.25, "term-missing", f"{show(new)} lost its {show(other)}", put(t, path, new), node, new
            )


def _factors_in_place(t: Expr, path: Path, node: Expr) -> Iterator[Edit]:
    """The factor that belongs beside another: (1 - a) after a, a before (1 - a)."""
    fs = factors(node)
    for k, f in enumerate(fs):
        if f.head == "sym" and f.name in made(_activated):
            beside, spot = binary("-", num(1.0), sym(f.name)), k + 1
        elif f.head == "-" and same(f.args[0], num(1.0)) and f.args[1].name in made(_activated):
            beside, spot = sym(f.args[1].name), k
        else:
            continue
        new = product([*fs[:spot], beside, *fs[spot:]])
        yield Edit(1.15, "factor-missing", f"missing factor {show(beside)}", put(t, path, new), node, new)


def chain_edits(t: Expr, spot: Spot) -> Iterator[Edit]:
    """A step that is not on the path, ∂X/∂Y * ∂Y/∂Z -> ∂X/∂Z, or one that is left out between two others."""
    path, node = spot
    if node.head != "*":
        return
    fs = factors(node)
    for k, (left, right) in enumerate(pairwise(fs)):
        if left.head == right.head == "deriv":
            new = product([*fs[:k], deriv(left.args[0], right.args[1]), *fs[k + 2 :]])
            phrase = f"{show(left.args[1])} is not on the path"
            yield Edit(1.1, "step-off-path", phrase, put(t, path, new), node, new)
            if not same(left.args[1], right.args[0]):
                link = deriv(left.args[1], right.args[0])
                new = product([*fs[: k + 1], link, *fs[k + 1 :]])
                yield Edit(
                    0.9, "factor-missing", f"missing factor {show(link)}", put(t, path, new), node, new
                )
