"""What of a submission is run to get its network: the main notebook, else a Python file, and what comes next
where that gives none.

A student's own word comes first: the script that the README starts. Then what a file does, and last whether
it trains a network of another file: the skeleton of a class that lies beside a repository trains as well, and
builds its own.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from grader.core.assigned_data import MNIST, DataSet
from grader.core.submission import Kind, Source, Sources
from grader.sandbox.worker import cells

_TORCH = re.compile(r"(?:import|from)\s+torch\b")
_KERAS = re.compile(r"(?:import|from)\s+(?:keras|tensorflow)\b")
_IMPORTED = re.compile(r"(?m)^[ \t]*(?:from|import)[ \t]+([\w.]+)")
_STARTED = re.compile(r"\bpython[\d.]*[ \t]+(?:-u[ \t]+)?(?P<module>-m[ \t]+)?(?P<path>[\w./\\-]+)")
_SEARCHED = 1_000_000
"""Bytes of a README in which commands are looked for."""


def choose_entry(sources: Sources, data: DataSet = MNIST) -> Source | None:
    """The main notebook, else the one that looks most like training; without any notebook such a Python
    file.
    """
    return next(iter(entries(sources, data)), None)


def entries(sources: Sources, data: DataSet = MNIST) -> list[Source]:
    """What may be run, the best first: one notebook, or Python files.

    A script that trains a network of another file comes before that file: it says which class is meant, and
    how it is trained. Behind the first stand the files that it takes a network from: where it makes none,
    because it wants a file or a name that was not handed in, the class can still be read there.
    """
    main = sources.main(Kind.NOTEBOOK)
    notebooks = sources.of(Kind.NOTEBOOK)
    if main is None and notebooks:
        main = max(notebooks, key=lambda source: _looks_like_training(source, data))
    if main is not None:
        return [main, *_lenders(main, sources)]
    files = [(s, cells.decode(s.data)) for s in sources.of(Kind.SOURCE) if not _is_test(s)]
    defining = [_module(s) for s, text in files if "Module" in text]
    started = _started(sources)
    scored = [
        (
            (
                _module(s) in started and _trains(text),
                _script_score(text, defining, data),
                _borrows(text, defining),
            ),
            s,
        )
        for s, text in files
    ]
    ranked = [s for key, s in sorted(scored, key=lambda item: item[0], reverse=True) if key[1] > 0]
    behind = _lenders(ranked[0], sources) if ranked else []
    return [*ranked[:1], *behind, *(s for s in ranked[1:] if s not in behind)]


def is_keras(source: Source) -> bool:
    """Whether a file is written for Keras and has nothing of torch."""
    text = cells.decode(source.data)
    return bool(_KERAS.search(text)) and not _TORCH.search(text)


def makes_otherwise(entry: Source, name: str) -> bool:
    """Whether a file makes a class with arguments alone: the network that the class makes by itself is
    another one.
    """
    calls = re.findall(rf"(?<!class )(?<![\w.]){re.escape(name)}\(\s*(.?)", _code(entry))
    return bool(calls) and ")" not in calls


def _lenders(entry: Source, sources: Sources) -> list[Source]:
    """Python files that the entry imports and that define a network."""
    wanted = _imported(_code(entry))
    return [
        s
        for s in sources.of(Kind.SOURCE)
        if s is not entry
        and _module(s) in wanted
        and not _is_test(s)
        and "Module" in (text := cells.decode(s.data))
        and _TORCH.search(text)
    ]


def _code(entry: Source) -> str:
    try:
        return "\n".join(cell.source for cell in cells.read(entry.artefact.path, entry.data))
    except ValueError:
        return ""


def _module(source: Source) -> str:
    return PurePosixPath(source.artefact.path).stem


def _imported(text: str) -> frozenset[str]:
    return frozenset(name.rpartition(".")[2] for name in _IMPORTED.findall(text))


def _borrows(text: str, defining: Sequence[str]) -> bool:
    return not _imported(text).isdisjoint(defining)


def _trains(text: str) -> bool:
    return ".backward(" in text


def _started(sources: Sources) -> frozenset[str]:
    """Modules that a README starts: `python src/train.py`, `python -m src.train`."""
    found = set()
    for readme in sources.of(Kind.README):
        for match in _STARTED.finditer(cells.decode(readme.data[:_SEARCHED])):
            path = match["path"].rstrip(".")
            if match["module"] or path.endswith(".py"):
                found.add(re.split(r"[./\\]", path.removesuffix(".py"))[-1])
    return frozenset(found)


def _is_test(source: Source) -> bool:
    path = PurePosixPath(source.artefact.path)
    return path.name.startswith(("test_", "conftest")) or path.stem.endswith("_test") or "tests" in path.parts


def _script_score(text: str, defining: Sequence[str], data: DataSet) -> int:
    """How much a Python file looks like the one that a person starts; 0 for none of it."""
    borrows, trains, digits = _borrows(text, defining), _trains(text), data.torchvision in text
    if not _TORCH.search(text) or not ("Module" in text or (digits and (trains or borrows))):
        return 0
    loads = bool(re.search(rf"\b{re.escape(data.torchvision)}\s*\(", text)) and (trains or borrows)
    return 1 + 8 * loads + 4 * (digits and trains) + 2 * trains + digits


def _looks_like_training(source: Source, data: DataSet) -> int:
    text = cells.decode(source.data)
    if not _TORCH.search(text) or "Module" not in text:
        return 0
    digits = data.torchvision in text
    return 1 + 4 * (digits and _trains(text)) + 2 * _trains(text) + digits
