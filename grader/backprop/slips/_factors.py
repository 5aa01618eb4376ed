"""Factors and steps of the chain rule that a formula of the network can lack."""

from grader.backprop.expression import Expr, binary, call, deriv, num, show, sym
from grader.core.assigned_network import Activation, AssignedNetwork

FACTOR_PLACES = frozenset("+-*")


def missing_factors(assigned: AssignedNetwork) -> tuple[tuple[Expr, str], ...]:
    """Every factor with what is said of it, those of the first units first."""
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


def steps(assigned: AssignedNetwork) -> tuple[tuple[Expr, str], ...]:
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


def activated(assigned: AssignedNetwork) -> frozenset[str]:
    """The outputs of all units."""
    return frozenset(unit.output for unit in assigned.units)
