"""Downloads whose names say whose each file is: flat ones, and folders for each student and plugin."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.core.submission import Kind
from grader.ingest.forms.entries import Entry, Listing, listing
from grader.ingest.forms.platforms import NAMINGS, PLATFORMS, Seen, dashed, is_companion
from grader.ingest.identify import archive_kind, kind_by_name
from grader.ingest.read import Layout

_BLACKBOARD_NAME = re.compile(r"^\s*Name:\s*(?P<name>.+?)\s*\((?P<user>[^()]+)\)\s*$", re.MULTILINE)
_BLACKBOARD_NONE = re.compile(
    r"There (?:is|are) no student (?:submission text data|comments) for this assignment\."
)


def by_names(entries: Sequence[Path], platform: str) -> Listing:
    """Group files and folders by what a platform's names say; an empty label is `Name - file`.

    What does not follow the naming is refused with its name and costs nobody else; among the folders of
    Moodle a folder of another name is somebody's work all the same.
    """
    read = PLATFORMS.get(platform, dashed)
    groups: dict[str, list[tuple[Seen, Path]]] = {}
    refused: list[tuple[str, str]] = []
    strays: list[Entry] = []
    for path in entries:
        seen = read(path.name, path.is_dir())
        if seen is None:
            if not is_companion(path.name):
                odd = f"does not follow {NAMINGS.get(platform, 'the naming `Name - file`')}"
                if platform == "Moodle" and _holds_something(path):
                    strays.append(Entry(id=path.name, paths=(str(path),), note=odd))
                else:
                    refused.append((path.name, odd))
        elif path.is_symlink():
            refused.append((path.name, "a symbolic link, which is not followed"))
        elif seen.unwanted:
            refused.append((path.name, seen.unwanted))
        else:
            groups.setdefault(seen.who, []).append((seen, path))
    label = f"{platform} download" if platform else "Name - file"
    people = _students(groups) if platform == "Blackboard" else {who: who for who in groups}
    found = [_entry(people[who], parts, platform, label) for who, parts in groups.items()]
    return listing(label, (*found, *strays), refused)


def _holds_something(folder: Path) -> bool:
    try:
        return folder.is_dir() and not folder.is_symlink() and any(folder.iterdir())
    except OSError:
        return False


def _entry(who: str, parts: Sequence[tuple[Seen, Path]], platform: str, label: str) -> Entry:
    """One student's files under their own names; of several attempts the newest."""
    last = max(seen.attempt for seen, _ in parts)
    kept = sorted(
        ((seen, path) for seen, path in parts if seen.attempt == last), key=lambda p: (p[0].order, p[1].name)
    )
    older = sorted({seen.attempt for seen, _ in parts} - {last})
    notes = [f"the newest of {len(older) + 1} attempts was read, of {last}"] if older else []
    for seen, path in _not_replaced(parts, kept):
        notes.append(f"{seen.rest} of the attempt of {seen.attempt} was read as well: no newer one holds any")
        kept.append((seen, path))
    twice = {rest for rest, n in Counter(seen.rest for seen, _ in kept).items() if n > 1}
    names = tuple(path.name if seen.rest in twice and path.is_file() else _below(seen) for seen, path in kept)
    return Entry(
        id=who,
        paths=tuple(str(path) for _, path in kept),
        layout=Layout(
            names=names if any(names) else (),
            typed=tuple(str(path) for seen, path in kept if seen.typed),
            platform=platform if any(seen.typed for seen, _ in kept) else "",
            notes=tuple(notes),
        ),
        late_days=1.0 if any(seen.late for seen, _ in parts) else 0.0,
        note=label,
    )


def _not_replaced(
    parts: Sequence[tuple[Seen, Path]], kept: Sequence[tuple[Seen, Path]]
) -> list[tuple[Seen, Path]]:
    """Files of older attempts of a kind that no newer attempt holds: a second attempt may bring one file
    alone.
    """
    have = {_sort(seen.rest) for seen, _ in kept if not seen.typed}
    found: list[tuple[Seen, Path]] = []
    if "archive" in have:
        return found
    for attempt in sorted({seen.attempt for seen, _ in parts if not seen.typed}, reverse=True):
        here = [
            (s, p) for s, p in parts if s.attempt == attempt and not s.typed and _sort(s.rest) not in have
        ]
        found += [(s, p) for s, p in here if _sort(s.rest)]
        have |= {_sort(s.rest) for s, _ in here}
    return found


def _sort(name: str) -> str:
    """The kind of a part of a hand-in, by its name; empty for any other file."""
    kind = kind_by_name(name)
    if archive_kind(name, b""):
        return "archive"
    return kind.value if kind in (Kind.README, Kind.NOTEBOOK, Kind.WORKBOOK, Kind.SOURCE) else ""


def _below(seen: Seen) -> str:
    return seen.rest or ("typed text" if seen.typed else "")


def backslashed(files: Sequence[Path]) -> Listing:
    """A class that Linux unpacked from a zip of Windows: `class\\ana\\README.md` is one file name."""
    split = {p: p.name.split("\\") for p in files}
    while len({parts[0] for parts in split.values()}) == 1 and all(
        len(parts) > 2 for parts in split.values()
    ):
        split = {p: parts[1:] for p, parts in split.items()}
    groups: dict[str, list[tuple[str, Path]]] = {}
    for path, parts in split.items():
        groups.setdefault(parts[0], []).append(("/".join(parts[1:]), path))
    found = [
        Entry(
            id=who,
            paths=tuple(str(path) for _, path in held),
            layout=Layout(names=tuple(name for name, _ in held)),
            note="names with backslashes",
        )
        for who, held in groups.items()
    ]
    return listing("names with backslashes", found, ())


def by_stems(files: Sequence[Path]) -> Listing:
    """A flat class in which each student's files have the student's name: `ana.md`, `ana.ipynb`."""
    groups: dict[str, list[Path]] = {}
    for path in files:
        groups.setdefault(path.stem, []).append(path)
    found = [
        Entry(id=who, paths=tuple(map(str, held)), layout=Layout(names=tuple(p.name for p in held)))
        for who, held in groups.items()
    ]
    return listing("files with one name", found, ())


def _students(groups: Mapping[str, Sequence[tuple[Seen, Path]]]) -> dict[str, str]:
    """Return the user name behind each name's beginning `gradebook_COURSE_ASSIGNMENT_user`.

    The text file beside each attempt says it; without one it is what all beginnings do not share, else what
    stands behind the last underscore.
    """
    said: dict[str, str] = {}
    for head, parts in groups.items():
        for seen, path in parts:
            match = _BLACKBOARD_NAME.search(path.read_text("utf-8", "replace")) if seen.typed else None
            if match and (head.endswith(f"_{match['user']}") or head == match["user"]):
                said[head] = match["user"]
    prefix = next((head.removesuffix(user) for head, user in said.items()), _shared(list(groups)))
    found = {}
    for head in groups:
        tail = head.removeprefix(prefix) if prefix and head.startswith(prefix) else head.rpartition("_")[2]
        found[head] = said.get(head) or tail or head
    unique = len(set(found.values())) == len(found)
    return found if unique else {head: head for head in groups}


def _shared(heads: Sequence[str]) -> str:
    """What all names begin with, up to an underscore; of one alone, up to its last."""
    first, last = min(heads), max(heads)
    end = next(
        (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last))
    )
    return first[: first.rfind("_", 0, end) + 1] if len(heads) > 1 else first[: first.rfind("_") + 1]


def gradescope(root: Path, entries: Sequence[Path]) -> Listing:
    """Return the folders of an export, called as its metadata calls the students."""
    names = _gradescope_names(root / "submission_metadata.yml")
    folders = [p for p in entries if PLATFORMS["Gradescope"](p.name, p.is_dir()) is not None]
    namesakes = Counter(names.get(p.name, p.name) for p in folders)
    found = [
        Entry(id=_gradescope_id(p.name, names, namesakes), paths=(str(p),), note=f"Gradescope {p.name}")
        for p in folders
    ]
    refused = [
        (p.name, f"does not follow {NAMINGS['Gradescope']}")
        for p in entries
        if p not in folders and not is_companion(p.name)
    ]
    return listing("Gradescope download", found, refused)


def _gradescope_id(folder: str, names: Mapping[str, str], namesakes: Mapping[str, int]) -> str:
    """Return a student's name; with the number of the submission where another student has the same name."""
    name = names.get(folder, folder)
    return f"{name} ({folder})" if namesakes.get(name, 0) > 1 else name


def _gradescope_names(metadata: Path) -> dict[str, str]:
    """Names by folder; those of a group are joined.

    Only two keys of a flat, machine-written file are needed; a YAML parser would be a dependency for them.
    Names of tests and rubric items stand in the same file, so only those below `:submitters:` count.
    """
    if not metadata.is_file():
        return {}
    names: dict[str, list[str]] = {}
    current, within = "", False
    for line in metadata.read_text("utf-8-sig", "replace").splitlines():
        if match := re.match(r"^[\"']?(submission_\d+)[\"']?:", line):
            current, within = match[1], False
        elif match := re.match(r"^  :?([a-z_]+):?:?\s*$", line.rstrip()):
            within = match[1] == "submitters"
        elif re.match(r"^  :?\w+:", line):
            within = False
        elif current and within and (match := re.match(r"^\s+-?\s*:?name:\s*(.+?)\s*$", line)):
            names.setdefault(current, []).append(_unquoted(match[1]))
    return {folder: ", ".join(dict.fromkeys(people)) for folder, people in names.items()}


def _unquoted(value: str) -> str:
    """A YAML scalar as text: plain, in single quotes, or in double quotes with escapes."""
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    if len(value) > 1 and value[0] == value[-1] == '"':
        try:
            decoded = json.loads(re.sub(r"\\x([0-9A-Fa-f]{2})", r"\\u00\1", value))
        except ValueError:
            return value[1:-1]
        return decoded if isinstance(decoded, str) else value[1:-1]
    return value
