"""What is kept between runs: the key that it is kept under, the digest of the code that made it, and the
write that keeps it whole.

Every store of results uses these three: the products of a class, finished trainings, whole runs, pages.

* `key` turns everything that decides a result into one name. It takes records whole, so that a field which
  somebody adds to one of them is in every key by itself.
* `code_of` says which code made a result: a digest of a module and of everything of ours that it imports. It
  is computed, since a number that is raised by hand was forgotten, and a store gave the old answer of a
  reader that had changed.
* `write_whole` leaves the old file or the new one, whenever the process is killed.
"""

import hashlib
import importlib.util
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from grader.core.bucket import Bucket, Place

OURS = ("grader", "reference")
_FROM = re.compile(r"from[ \t]+((?:grader|reference)[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|.*)")
_NAMED = tuple(re.compile(rf"{top}(?:\.\w+)+") for top in OURS)
"""A module in an import, or in a text: as the target of a provider, or as what a child process runs.

Each begins with letters, which `re` searches for quickly: with `\b`, or the `^` of a line, before them our
own 3 MB took 107 ms in the place of 12, in each process of a class.
"""


def key(**parts: object) -> str:
    """Return the SHA-256 of named parts: records, numbers, texts and lists of them, in whatever order they
    are named.
    """
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def code_of(*modules: str, within: tuple[str, ...] = OURS) -> str:
    """Return a digest of the sources of some modules and of all that they import of ours, directly or through
    another.

    `within` bounds what counts: a training of hours is not thrown away for a word in a record that its loop
    never reads. Files beside the modules that are no Python, such as templates, count with them.
    """
    return _code_of(tuple(sorted(modules)), within)


@cache
def _code_of(modules: tuple[str, ...], within: tuple[str, ...]) -> str:
    found: dict[str, _Module] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or not _below(name, within) or (module := _module(name)) is None:
            continue
        found[name] = module
        waiting += module.imports
    files = {module.file: module.sha256 for module in found.values()}
    for folder in {os.path.dirname(file) for file in files}:  # noqa: PTH120 - 300 folders
        files |= {data: _digest_of(data) for data in _beside(folder)}
    return key(code=[[file.rpartition(os.sep)[2], sha256] for file, sha256 in sorted(files.items())])


def _below(name: str, folders: Iterable[str]) -> bool:
    return any(name == folder or name.startswith(f"{folder}.") for folder in folders)


class _Module(NamedTuple):
    """A module of ours, by its text."""

    file: str
    sha256: str
    imports: frozenset[str]
    """The modules that it names; a package that is imported or named itself counts with all that is in it."""


@cache
def _module(name: str) -> _Module | None:
    """Read a module, without importing anything; None where there is no such module."""
    file = _source(name)
    if file is None:
        return None
    with open(file, "rb") as handle:  # noqa: PTH123 - pathlib took a third of a digest of 550 modules
        source = handle.read()
    # What is no import lies between two of them, and behind each come the package and the names of one.
    rest, *imports = _FROM.split(source.decode("utf-8"))
    found: set[str] = set()
    for package, names, between in zip(*(imports[at::3] for at in range(3)), strict=True):
        parts = [f"{package}.{n.split()[0]}" for n in names.strip("()").split("#")[0].split(",") if n.strip()]
        members = [p for p in parts if _source(p) is not None] if _is_package(package) else []
        found.update(inner for member in members for inner in modules_of(member))
        if len(members) < len(parts):
            found.add(package)
        rest += between
    for named in {match[0] for pattern in _NAMED for match in pattern.finditer(rest)}:
        words = named.split(".")
        deepest = (".".join(words[:n]) for n in range(len(words), 1, -1))
        if (module := next((m for m in deepest if _source(m) is not None), None)) is not None:
            found.update(modules_of(module))
    return _Module(file, digest(source), frozenset(found))


def modules_of(name: str) -> Iterator[str]:
    """Yield a module and, where it is a package, all modules in it."""
    yield name
    if _is_package(name):
        yield from (m for m in _files_of(name.partition(".")[0]) if m.startswith(f"{name}."))


def _is_package(name: str) -> bool:
    source = _source(name)
    return source is not None and source.endswith(f"{os.sep}__init__.py")


def _source(name: str) -> str | None:
    """Return the file of a module, without importing anything; None where there is no such module."""
    return _files_of(name.partition(".")[0]).get(name)


_DATA = frozenset({".j2", ".css", ".js", ".sql", ".toml", ".json"})


@cache
def _digest_of(file: str) -> str:
    with open(file, "rb") as handle:  # noqa: PTH123
        return digest(handle.read())


@cache
def _beside(folder: str) -> tuple[str, ...]:
    """What lies beside the modules of a folder and counts with each of them."""
    found: list[str] = []
    for entry in os.scandir(folder):
        if entry.is_dir():
            if entry.name != "__pycache__" and "__init__.py" not in os.listdir(entry.path):  # noqa: PTH208
                found += _beside(entry.path)
        elif os.path.splitext(entry.name)[1] in _DATA:  # noqa: PTH122
            found.append(entry.path)
    return tuple(found)


@cache
def _files_of(top: str) -> Mapping[str, str]:
    """Return the files of a package by the names of their modules, sorted, for a look at each folder: asking
    for one file after the other took a fifth of a digest.
    """
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.origin:
        return {}
    if not spec.submodule_search_locations:  # one file, by a package that is none
        return {top: spec.origin}
    found: dict[str, str] = {}
    waiting = [(top, os.path.dirname(spec.origin))]  # noqa: PTH120
    while waiting:
        package, folder = waiting.pop()
        for entry in os.scandir(folder):
            word, suffix = os.path.splitext(entry.name)  # noqa: PTH122
            if suffix == ".py":
                if word == "__init__":
                    found[package] = entry.path
                else:
                    found.setdefault(f"{package}.{word}", entry.path)  # a folder of the name goes first
            elif not suffix and word != "__pycache__" and entry.is_dir():
                waiting.append((f"{package}.{word}", entry.path))
    return dict(sorted(found.items()))


def write_whole(path: Place, data: bytes, *, mode: int = 0o644, first: bool = False) -> None:
    """Write a file in one step, with the folders above it: a kill leaves the old one or the new one, never
    half of it. Who may read a file of a bucket is for the bucket to say, whatever `mode` is.

    Raises FileExistsError where it is to be the `first` of its name and is not, whoever wrote at the same
    moment.
    """
    if isinstance(path, Bucket):
        path.write_bytes(data, first=first)
        return
    try:
        descriptor, name = _draft(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = _draft(path)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
        Path(name).chmod(mode)
        if first:
            _appear_first(Path(name), path)
        else:
            Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _draft(path: Path) -> tuple[int, str]:
    """Open a new file beside another; return its descriptor and its name."""
    return tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)


def _appear_first(part: Path, path: Path) -> None:
    """Give a file its name where no other has it. Raises FileExistsError where one has."""
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: two at the same moment are not told apart
        if path.exists():
            raise FileExistsError(path) from None
        part.replace(path)
    else:
        part.unlink()
