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
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

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
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or not _below(name, within):
            continue
        found.add(name)
        waiting += _imports(name)
    files = {path for name in found for path in _files(name)}
    return key(code=[[path.name, _digest_of(path)] for path in sorted(files)])


@cache
def _digest_of(source: Path) -> str:
    return digest(source.read_bytes())


def _below(name: str, folders: Iterable[str]) -> bool:
    return any(name == folder or name.startswith(f"{folder}.") for folder in folders)


@cache
def _imports(name: str) -> frozenset[str]:
    """Return the modules that a module names; a package that is imported or named itself counts with all that
    is in it.
    """
    source = _source(name)
    if source is None:
        return frozenset()
    text = source.read_text("utf-8")
    found: set[str] = set()
    for package, names in _FROM.findall(text):
        parts = [f"{package}.{n.split()[0]}" for n in names.strip("()").split("#")[0].split(",") if n.strip()]
        members = [p for p in parts if _source(p) is not None] if _is_package(package) else []
        found.update(inner for member in members for inner in modules_of(member))
        if len(members) < len(parts):
            found.add(package)
    rest = _FROM.sub("", text)
    for named in {match[0] for pattern in _NAMED for match in pattern.finditer(rest)}:
        words = named.split(".")
        deepest = (".".join(words[:n]) for n in range(len(words), 1, -1))
        if (module := next((m for m in deepest if _source(m) is not None), None)) is not None:
            found.update(modules_of(module))
    return frozenset(found)


def modules_of(name: str) -> Iterator[str]:
    """Yield a module and, where it is a package, all modules in it."""
    yield name
    source = _source(name)
    if source is not None and _is_package(name):
        for path in sorted(source.parent.rglob("*.py")):
            inner = path.relative_to(source.parent).with_suffix("").parts
            yield ".".join([name, *(part for part in inner if part != "__init__")])


def _is_package(name: str) -> bool:
    source = _source(name)
    return source is not None and source.name == "__init__.py"


def _files(name: str) -> Iterator[Path]:
    source = _source(name)
    if source is None:
        return
    yield source
    yield from _data(source.parent)


@cache
def _data(folder: Path) -> tuple[Path, ...]:
    """What lies beside the modules of a folder and counts with each of them."""
    found: list[Path] = []
    for path in folder.iterdir():
        if path.is_file() and path.suffix in _DATA:
            found.append(path)
        elif path.is_dir() and not (path / "__init__.py").exists():
            found += [inner for inner in path.rglob("*") if inner.suffix in _DATA]
    return tuple(found)


_DATA = frozenset({".j2", ".css", ".js", ".sql", ".toml", ".json"})


@cache
def _source(name: str) -> Path | None:
    """Return the file of a module of ours, without importing anything; None where there is no such module."""
    top, *inner = name.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.origin:
        return None
    if not spec.submodule_search_locations:  # one file, by a package that is none
        return None if inner else Path(spec.origin)
    path = Path(spec.origin).parent.joinpath(*inner)
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file if file.is_file() else None


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
