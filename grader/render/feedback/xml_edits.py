"""Small changes to a part of a workbook's package at known places, so that all else stays byte for byte.

A tree that is read and written again loses what its library does not know: prefixes that an attribute names
(`mc:Ignorable`), extensions, the spelling of numbers. Here expat says where an element begins and ends, and
the bytes around it are copied.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from grader.core.submission import Problem
from grader.extract.workbook.faults import Unreadable
from grader.extract.workbook.xml import closed_parser, feed

_TAG: Final = re.compile(rb"<(?P<name>[^\s/>]+)(?:\s+[^\s=/>]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>")
_ATTRIBUTE: Final = re.compile(rb"\s+(?P<name>[^\s=/>]+)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*')")
_PLAIN: Final = ("utf-8", "us-ascii", "ascii")


class Element(NamedTuple):
    """Where an element stands in the bytes of its part: `start` to `end`, its start tag up to `inside`, and
    `close` where its end tag begins (`inside` for one without any).
    """

    name: str
    attributes: dict[str, str]
    start: int
    inside: int
    close: int
    end: int
    prefix: bytes
    """`x:` in a part that spells its names so."""

    @property
    def empty(self) -> bool:
        """Whether it is one tag that closes itself."""
        return self.end == self.inside


class Edit(NamedTuple):
    """Bytes that take the place of those from `start` to `end`."""

    start: int
    end: int
    new: bytes


Wanted = Callable[[tuple[str, ...], dict[str, str]], bool]
"""Says of an element, by the local names from the root down to it and by its attributes, whether it is looked
for.
"""


def elements(data: bytes, part: str, namespace: str, wanted: Wanted) -> list[Element]:
    """Return the wanted elements in the order of their ends. Raises `Unreadable` for a part that is no XML,
    of another encoding than UTF-8, or whose root is of another namespace.
    """
    parser = closed_parser(part)
    path: list[str] = []
    opened: list[tuple[int, dict[str, str]] | None] = []
    found: list[Element] = []

    def refuse(why: str) -> Unreadable:
        return Unreadable(Problem.BROKEN, f"{part} {why}")

    def declared(_: str, encoding: str | None, __: int) -> None:
        if (encoding or "utf-8").lower() not in _PLAIN:
            raise refuse(f"is written in {encoding}")

    def started(name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if not path and space != namespace:
            raise refuse(f"is of the namespace {space!r}")
        path.append(local if space == namespace else name)
        here = wanted(tuple(path), attributes)
        opened.append((parser.CurrentByteIndex, dict(attributes)) if here else None)

    def ended(_: str) -> None:
        name, begun = path.pop(), opened.pop()
        if begun is not None:
            found.append(_element(data, name, begun[1], begun[0], parser.CurrentByteIndex))

    if not data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        raise refuse("does not begin as XML in UTF-8 does")
    parser.XmlDeclHandler = declared
    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    feed(parser, data, part)
    return found


def _element(data: bytes, name: str, attributes: dict[str, str], start: int, at: int) -> Element:
    tag = _TAG.match(data, start)
    if tag is None:
        raise Unreadable(Problem.BROKEN, f"a tag of {name} cannot be found again")
    inside = tag.end()
    prefix = tag["name"].rpartition(b":")
    spelled = prefix[0] + prefix[1]
    if data[inside - 2 : inside] == b"/>":
        return Element(name, attributes, start, inside, inside, inside, spelled)
    return Element(name, attributes, start, inside, at, data.index(b">", at) + 1, spelled)


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Return the bytes with every edit made; none may overlap another."""
    parts: list[bytes] = []
    at = 0
    for edit in sorted(edits):
        if edit.start < at:
            raise ValueError("edits overlap")
        parts += [data[at : edit.start], edit.new]
        at = edit.end
    return b"".join([*parts, data[at:]])


def with_attribute(tag: bytes, name: str, value: str) -> bytes:
    """Return a start tag in which an attribute has this value; both are plain words of ours."""
    for found in _ATTRIBUTE.finditer(tag):
        if found["name"] == name.encode():
            return tag[: found.start("value")] + f'"{value}"'.encode() + tag[found.end("value") :]
    head = re.match(rb"<[^\s/>]+", tag)
    assert head is not None
    return tag[: head.end()] + f' {name}="{value}"'.encode() + tag[head.end() :]


def appended(data: bytes, element: Element, inner: bytes) -> list[Edit]:
    """Edits that put bytes at the end of what an element holds."""
    if not element.empty:
        return [Edit(element.close, element.close, inner)]
    tag = data[element.start : element.inside]
    head = re.match(rb"<([^\s/>]+)", tag)
    assert head is not None
    return [Edit(element.start, element.end, tag[:-2] + b">" + inner + b"</" + head[1] + b">")]
