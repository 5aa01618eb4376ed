"""Whether a notebook trains on the digits that it tests on, read off its source; in doubt it does not.

A `ConcatDataset([train, test])`, a training loop over the test loader, both loaders made from one set: such a
log shows what the network remembers. Two parts of one set are disjoint, so a validation split, a fold and a
shuffle are no leak. Nothing is said unless every loop that trains or tests in the cells of a log could be
followed: a loop under a condition, a loader of a class of the student's own, a trainer of a package leave it
open. Training digits that are scored beside test digits are no leak either.
"""

import ast
from collections.abc import Mapping, Sequence
from functools import cached_property

from grader.extract.documents.cell_names import parsed
from grader.extract.logs.leaks.data_parts import CUT, Path
from grader.extract.logs.leaks.digits_flow import Flow, TooMuchError, Use
from grader.extract.logs.leaks.image_counts import divides_by_batches


class TrainedOnTest:
    """Which cells of a notebook train on the digits that they test on; its code is followed once."""

    def __init__(self, trees: Mapping[int, ast.Module | None], modules: Mapping[str, str]) -> None:
        self._trees = trees
        self._modules = modules

    def found(self, cells: Sequence[int]) -> str:
        """Why the test accuracy under these cells is of digits that were trained on, for a person; empty
        where it is not, or nobody can tell.
        """
        shared = self._shared([use for use in self._uses if use.cell in cells])
        if shared:
            text = "the network is trained on the digits that it is tested on"
            return f"{text}, {' and '.join(sorted(shared))}"
        replaced = self._flow.replaced
        return f"a data set is given the digits of {replaced}" if replaced else ""

    def _shared(self, uses: Sequence[Use]) -> set[str]:
        """The halves of which digits are trained on and tested."""
        tested = [(at, use) for at, use in enumerate(uses) if not use.trains]
        if not all(use.parts for use in uses):
            return set()
        if not tested:  # a loop over test digits that takes steps tests on what it trains on
            return {path[0] for use in uses for path in use.parts} & self._flow.library.tests
        shared: set[Path] = set()
        for at, use in tested:
            trained = {part for earlier in uses[:at] if earlier.trains for part in earlier.parts}
            both = {part for part in use.parts if any(_overlap(part, other) for other in trained)}
            if not both:
                return set()
            shared |= both
        halves = {path[0] for path in shared}
        if self._flow.library.tests and not halves & self._flow.library.tests:
            return set()  # training digits are scored, and what the test digits are for was not seen
        return halves

    def scored(self, cells: Sequence[int]) -> frozenset[str]:
        """The halves that are tested under these cells, each as a whole; empty where anything else is tested,
        or nobody can tell.
        """
        tested = [use.parts for use in self._uses if use.cell in cells and not use.trains]
        if not tested or not all(tested) or any(len(path) > 1 for parts in tested for path in parts):
            return frozenset()
        return frozenset(path[0] for parts in tested for path in parts)

    def part_tested(self, cells: Sequence[int]) -> str:
        """What the loops under these cells test on, where all of it is known and none is the test digits to
        the end; empty otherwise.
        """
        tests = [use for use in self._uses if use.cell in cells and not use.trains]
        known = bool(tests) and all(use.parts for use in tests)
        whole = any(use.whole and {path[1:] for path in use.parts} <= {(), (CUT,)}
                    and all("train=False" in path[0] for path in use.parts) for use in tests)  # fmt: skip
        if not known or whole:
            return ""
        path = min(path for use in tests for path in use.parts)
        if "train=False" in path[0] and path[1:] in ((), (CUT,)):
            return f"the loop over {path[0]} may end before its end"
        return f"the loop tests on {'a part of ' if len(path) > 1 else ''}{path[0]}"

    def shares(self, cells: Sequence[int]) -> frozenset[str]:
        """The halves of which an accuracy under these cells is a share: tested as a whole, to the end, and
        divided by no number of images that the batches only nearly have.
        """
        to_the_end = all(use.whole for use in self._uses if use.cell in cells and not use.trains)
        plain = to_the_end and not self._flow.altered and not self._miscounts
        return self.scored(cells) if plain else frozenset()

    @cached_property
    def _miscounts(self) -> bool:
        trees = [*self._trees.values(), *map(parsed, self._modules.values())]
        return any(divides_by_batches(tree) for tree in trees if tree is not None)

    @cached_property
    def _flow(self) -> "Flow":
        return Flow(self._modules)

    @cached_property
    def _uses(self) -> Sequence[Use]:
        for number, tree in sorted(self._trees.items()):
            try:
                if tree is None:
                    return ()
                self._flow.run(number, tree.body)
            except (TooMuchError, RecursionError):
                return ()
        return self._flow.uses


def _overlap(one: Path, other: Path) -> bool:
    """Whether one part lies within the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
