"""What is installed beside grader, by the names of the folders that installers leave: `ftfy-6.3.1.dist-info`.

importlib.metadata opens and parses a file of every installed distribution for each question, 0.07 s of
computing where a hundred are installed; it is asked where something lies otherwise than a wheel lays it.
"""

import os
import re
import sys
from functools import cache
from typing import NamedTuple

_USUAL = frozenset({"BuiltinImporter", "FrozenImporter", "PathFinder"})


class _Found(NamedTuple):
    versions: dict[str, str]
    """By name, in lower case and with `_` between its words."""
    folders: tuple[str, ...]
    odd: bool
    """Whether something may be installed that no folder of this kind names."""


def version(name: str) -> str | None:
    """Return the version of a distribution; None where it is not installed."""
    found = _look(tuple(sys.path), _finders())
    known = found.versions.get(re.sub(r"[-_.]+", "_", name).lower())
    if known is not None or not found.odd:
        return known
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as asked

    try:
        return asked(name)
    except PackageNotFoundError:
        return None


def may_declare(group: str) -> bool:
    """Whether any distribution may declare entry points of a group."""
    return _may_declare(tuple(sys.path), _finders(), group)


@cache  # a class asks once a submission, and a hundred files were opened for each answer: 2 ms
def _may_declare(path: tuple[str, ...], finders: tuple[str, ...], group: str) -> bool:
    found = _look(path, finders)
    return found.odd or any(_names(folder, group) for folder in found.folders)


def _names(folder: str, group: str) -> bool:
    try:
        with open(os.path.join(folder, "entry_points.txt"), "rb") as handle:  # noqa: PTH118, PTH123 - quicker
            return group.encode() in handle.read()
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _finders() -> tuple[str, ...]:
    """Names of import hooks that may know distributions of their own."""
    return tuple(
        sorted(
            name
            for finder in sys.meta_path
            if (name := getattr(finder, "__name__", type(finder).__name__)) not in _USUAL
            and hasattr(finder, "find_distributions")
        )
    )


@cache
def _look(path: tuple[str, ...], finders: tuple[str, ...]) -> _Found:
    versions: dict[str, str] = {}
    folders: list[str] = []
    odd = bool(finders)
    for entry in path:
        try:
            inside = os.listdir(entry or ".")  # noqa: PTH208 - quicker
        except NotADirectoryError:  # a zip of modules
            odd = True
            continue
        except OSError:
            continue
        for name in inside:
            if name.endswith(".dist-info"):
                folders.append(os.path.join(entry, name))  # noqa: PTH118
                words, _, number = name.removesuffix(".dist-info").partition("-")
                versions.setdefault(re.sub(r"[-_.]+", "_", words).lower(), number)
            elif name.endswith((".egg-info", ".egg", ".egg-link")):
                odd = True
    return _Found(versions, tuple(folders), odd)
