"""What calls of libraries make of the two halves of a data set: loaders, joins and parts of them.

A data set is a set of parts: one half, then what was taken of it, outermost first. Of two things taken of one
set nobody says that they are the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DATA_SETS = frozenset({"MNIST", "FashionMNIST", "KMNIST", "EMNIST", "CIFAR10", "CIFAR100"})
"""Data sets of torchvision whose `train=` says which half is meant."""
_JOINS = frozenset({"ConcatDataset", "ChainDataset", "cat", "concat", "concatenate", "vstack"})
_SAME = frozenset({
    "enumerate", "tqdm", "tqdm_notebook", "iter", "list", "tuple", "islice", "track", "progress_bar",
    "deepcopy", "copy", "TensorDataset", "DataLoader", "SequentialSampler",
})  # fmt: skip
"""Calls that hand on the digits of their first argument."""
CUT = "cut"
"""What `islice` and `drop_last` leave of a set: not all of it, and the same wherever it is cut."""
MOST_PARTS = 8

Path = tuple[str, ...]
"""One part of the data: the set and its half, then what was taken of it, outermost first."""


@dataclass(frozen=True)
class Digits:
    """The parts of the data that a data set, a tensor or a loader goes over."""

    parts: frozenset[Path]


@dataclass(frozen=True)
class Constant:
    """A value that holds no digits."""

    value: object


NOTHING = Constant(None)


class Library:
    """The data sets that were made so far."""

    def __init__(self) -> None:
        self.tests: set[str] = set()
        """The test halves that were loaded."""
        self._taken = 0

    def half(self, name: str, given: Sequence[object], named: Mapping[str | None, object]) -> object:
        """One half of a data set of the library."""
        second = given[1] if len(given) > 1 and name != "EMNIST" else Constant(value=True)
        half = named.get("train", second)
        if not isinstance(half, Constant) or not isinstance(half.value, bool) or None in named:
            return None
        said = f"{name}(train={half.value})"
        if not half.value:
            self.tests.add(said)
        return Digits(frozenset({(said,)}))

    def handed_on(self, name: str, given: Sequence[object], named: Mapping[str | None, object]) -> object:
        """What a call of a library returns of the digits that it is given."""
        first = given[0] if given else named.get("dataset", named.get("datasets", named.get("iterable")))
        if name in _JOINS:
            return joined(first) if isinstance(first, tuple) else None
        if name == "Subset":
            return self.part_of(first)
        if name == "random_split":
            lengths = given[1] if len(given) > 1 else named.get("lengths")
            count = len(lengths) if isinstance(lengths, tuple) else MOST_PARTS
            return tuple(self.part_of(first) for _ in range(count))
        if name not in _SAME:
            return None
        options = {**named, **spread} if isinstance(spread := named.get(None), dict) else named
        # A `SequentialSampler` of the same digits is all of them; a `RandomSampler` may draw some twice.
        whole = (NOTHING, first) if isinstance(first, Digits) else (NOTHING,)
        picks = any(options.get(key, NOTHING) not in whole for key in ("sampler", "batch_sampler"))
        if name == "DataLoader" and (picks or len(given) > 3):
            return self.part_of(first)
        drops = options.get("drop_last", Constant(value=False)) != Constant(value=False)
        return _cut(first) if name == "islice" or drops else first

    def part_of(self, held: object) -> object:
        """Some of these digits; no two parts are taken to be the same."""
        if not isinstance(held, Digits):
            return None
        self._taken += 1
        return Digits(frozenset((*path, str(self._taken)) for path in held.parts))


def _cut(held: object) -> object:
    return Digits(frozenset((*path, CUT) for path in held.parts)) if isinstance(held, Digits) else held


def joined(values: Sequence[object]) -> object:
    """All digits of several sets, or several tuples as one; unknown where one of them is."""
    sets = [v for v in values if isinstance(v, Digits)]
    if values and len(sets) == len(values):
        return Digits(frozenset().union(*(v.parts for v in sets)))
    if values and all(isinstance(v, tuple) for v in values):
        return tuple(part for v in values if isinstance(v, tuple) for part in v)
    return None
