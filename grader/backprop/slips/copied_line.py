"""A line was copied for the next quantity and not changed all through.

An index or a weight is another one's wherever it stands.

    w8 = w6 - η * ∂E/∂w6     wrong
    w8 = w8 - η * ∂E/∂w8     right
"""

from collections.abc import Iterator
from itertools import permutations

from grader.backprop.assigned import made, network
from grader.backprop.confusions import repeated, swaps
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, renamed, sym, symbols
from grader.core.assigned_network import AssignedNetwork

_FAMILIES = {
    "the hidden index": ("h", "a_h"),
    "the output index": ("o", "a_o", "t", "E"),
    "every index": ("h", "a_h", "o", "a_o", "t", "E", "i"),
}


def _renumberings(assigned: AssignedNetwork) -> tuple[tuple[str, str], ...]:
    numbers = [str(k) for k in range(1, max(len(assigned.hidden), *assigned.layers) + 1)]
    return tuple(permutations(numbers, 2))


def all_through(t: Expr) -> Iterator[Edit]:
    """Another index of a family, or another weight, wherever it stands."""
    used, known = symbols(t), set(network().quantities)
    for family, bases in _FAMILIES.items():
        for k, other in made(_renumberings):
            names = {base + k: base + other for base in bases if base + k in used}
            if len(names) >= 2 and set(names.values()) <= known:
                phrase = f"{family} {k} should be {other} throughout"
                yield Edit(1.05, renamed(t, names), None, None, phrase)
    for first, name in repeated(t):
        for swap in swaps(name) if name in network().weights else ():
            phrase = f"line copied: {name} should be {swap.name} throughout"
            yield Edit(1.1, renamed(t, {name: swap.name}), first, sym(swap.name), phrase)


slip = Slip(
    code="copied-line",
    sentence="line copied and not changed all through",
    rank=9,
    all_through=all_through,
)
