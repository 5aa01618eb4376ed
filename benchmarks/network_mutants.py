"""Single-edit mutants of right derivations of other networks than the class sheet's, called wrong and named, or not.

    python benchmarks/network_mutants.py [--mutants 500] [--network NAME] [--verbose]

Each derivation is printed by `tests.generate.derivation`, which knows nothing of the reader; its lines must be
called right. A mutant counts where the oracle of `formula_mutants` (Python's grammar, numeric derivatives)
says that it is false; it is fed with the other lines.
"""

import argparse
import random
import sys
from pathlib import Path

from grader.backprop.assigned import reading_for
from grader.core.assigned_network import Activation, AssignedNetwork, Bias, Loss
from grader.core.evidence.formulas import DocumentFormulas
from grader.extract.documents.markdown import markdown_lines
from grader.extract.formulas.assemble import read_document

A = Activation
NETWORKS = {
    "class": AssignedNetwork(),
    "mazur-biases": AssignedNetwork(bias=Bias.LAYER),
    "tanh-2-3-1": AssignedNetwork(layers=(2, 3, 1), activations=(A.TANH, A.TANH)),
    "softmax-2-2-2": AssignedNetwork(activations=(A.SIGMOID, A.SOFTMAX), loss=Loss.CROSS_ENTROPY),
    "relu": AssignedNetwork(activations=(A.RELU, A.LINEAR)),
    "deep": AssignedNetwork(layers=(2, 3, 2, 2), activations=(A.SIGMOID,) * 3, bias=Bias.UNIT),
}


def read(network: AssignedNetwork, lines: list[str]) -> DocumentFormulas:
    """Read a derivation for its network."""
    with reading_for(network):
        return read_document(markdown_lines("\n\n".join(lines), "README.md"), "README.md")


def measure(network: AssignedNetwork, count: int, *, verbose: bool) -> tuple[int, int, int, int]:
    """Return how many right lines are not called right, how many mutants were made, how many of them are
    called wrong, and of how many the slip is named.
    """
    from benchmarks.formula_mutants import mutants, value_differs
    from tests.generate.derivation import document

    lines = document(network)
    spoilt = sum(line.verdict.value != "right" for line in read(network, lines).lines)
    rng = random.Random(5)
    made = caught = named = 0
    while made < count:
        at = rng.randrange(len(lines))
        options = mutants(lines[at], network)
        if not options:
            continue
        mutant = rng.choice(options)
        if not value_differs(lines[at], mutant.text, network):
            continue
        made += 1
        changed = [*lines[:at], mutant.text, *lines[at + 1 :]]
        found = read(network, changed)
        wrong = [x for x in found.lines if x.verdict.value == "wrong"]
        caught += bool(wrong)
        named += any(x.place.line == 2 * at + 1 and bool(x.repairs) for x in wrong)
        others = [x for x in wrong if x.place.line != 2 * at + 1]
        if verbose and (not wrong or others):
            told = [
                (x.place.line, x.verdict.value, x.reason) for x in found.lines if x.place.line == 2 * at + 1
            ]
            print(
                f"{mutant.name}: {mutant.text} <- {lines[at]} {told} {found.other_network} {len(others)} others"
            )
        spoilt += len(others)
    return spoilt, made, caught, named


def main() -> int:
    """Print one line a network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mutants", type=int, default=500)
    parser.add_argument("--network", choices=sorted(NETWORKS))
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    bad = False
    for name, network in NETWORKS.items():
        if options.network in (None, name):
            spoilt, made, caught, named = measure(network, options.mutants, verbose=options.verbose)
            print(
                f"{name:<14} right lines spoilt {spoilt}; {made} mutants, called wrong "
                f"{100 * caught / made:.1f} %, named {100 * named / made:.1f} %"
            )
            bad = bad or spoilt > 0 or caught < 0.99 * made
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
