"""Streaming XML without entities: expat with every door closed.

A document type declaration is refused before anything in it is expanded, so neither a billion laughs nor an
external entity can start. Same defence as defusedxml, whose parsers build trees where we want events.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from xml.etree import ElementTree
from xml.parsers import expat

from grader.core.submission import Problem
from grader.extract.workbook.faults import Declared, Unreadable

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], None]


def parse(data: bytes, part: str, start: Start, end: End, text: Text) -> None:
    """Feed a part of a package to handlers; names arrive without namespace. Raises `Unreadable` on bad
    XML.
    """
    parser = closed_parser(part)
    parser.buffer_text = True
    parser.buffer_size = 65_536

    def local(name: str) -> str:
        return name.rpartition(" ")[2]

    names: dict[str, str] = {}

    def started(name: str, attributes: dict[str, str]) -> None:
        short = names.get(name)
        if short is None:
            short = names[name] = local(name)
        start(short, attributes)

    def ended(name: str) -> None:
        end(names[name])

    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    parser.CharacterDataHandler = text
    feed(parser, data, part)


def closed_parser(part: str) -> expat.XMLParserType:
    """Return a parser that refuses document types; it gives names as `namespace name`."""
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: object) -> int:
        raise Declared(
            Problem.BROKEN,
            f"{part} declares entities (a document type), which no spreadsheet program "
            "writes; it was not read.",
        )

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    return parser


def feed(parser: expat.XMLParserType, data: bytes, part: str) -> None:
    """Parse a whole part; raises `Unreadable` where it is no XML."""
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as fault:  # the last two: an encoding that nobody has
        raise Unreadable(
            Problem.BROKEN, f"{part} is damaged ({fault}). Save the workbook again as .xlsx."
        ) from fault


MAX_TAGS = 4_000_000
"""Tags of a long part, whose elements take half a gigabyte; the largest of 89 real books has 110,000 cells,
with six tags at most.
"""


class Elements:
    """A long part as elements, which are built without a call into Python for each: reading a book of some
    thousand formulas takes 0.8, one of 100,000 half of what it takes with handlers. Of a damaged part there
    is what stands before the damage.
    """

    def __init__(self, data: bytes, part: str) -> None:
        if data.count(b"<") > MAX_TAGS:
            raise Unreadable(
                Problem.TOO_LARGE,
                f"{part} has more than {MAX_TAGS:,} tags; an iteration table needs some 20,000. Delete the "
                "sheets and rows that are not needed.",
            )
        self.fault: Unreadable | None = None
        self.open: list[ElementTree.Element] = []
        """The elements that the damage cuts off."""
        self.names = _Names()
        """The name of each tag without its namespace."""
        builder = ElementTree.TreeBuilder()
        parser = ElementTree.XMLParser(target=builder)  # noqa: S314 - no entities come to it
        if b"<!" in data or b"\0" in data:  # a document type has one of them in any encoding that expat knows
            self._look(data, part)
        try:
            parser.feed(data)
            self._root = None if self.fault else parser.close()
        except (ElementTree.ParseError, LookupError, ValueError):
            self._look(data, part)
        with suppress(IndexError):
            while self.fault:
                self.open.append(builder.end(""))
        if self.fault:
            self._root = builder.close()

    def _look(self, data: bytes, part: str) -> None:
        """Take what is wrong with a part; raises `Declared` for one with a document type."""
        try:
            feed(closed_parser(part), data, part)
        except Declared:
            raise
        except Unreadable as fault:
            self.fault = fault

    @property
    def all(self) -> Iterator[ElementTree.Element]:
        """Every element in document order."""
        return iter(()) if self._root is None else self._root.iter()


class _Names(dict[str, str]):
    """The names of elements without their namespace, by tag."""

    def __missing__(self, tag: str) -> str:
        name = self[tag] = tag.rpartition("}")[2]
        return name


class Node:
    """A small XML tree for parts that are not long: relations, charts, the workbook part itself."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        self.children: list[Node] = []
        self.text = ""

    def all(self, name: str) -> "list[Node]":
        """Every descendant of a name, in document order."""
        found: list[Node] = []
        stack = list(reversed(self.children))
        while stack:
            node = stack.pop()
            if node.name == name:
                found.append(node)
            stack.extend(reversed(node.children))
        return found

    def first(self, name: str) -> "Node | None":
        """The first descendant of a name."""
        return next(iter(self.all(name)), None)

    def child(self, name: str) -> "Node | None":
        """The first direct child of a name."""
        return next((node for node in self.children if node.name == name), None)


MAX_NODES = 400_000


def tree(data: bytes, part: str) -> Node:
    """Parse a part into `Node`s; attribute names lose their namespace."""
    root = Node("", {})
    stack = [root]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MAX_NODES:
            raise Unreadable(
                Problem.TOO_LARGE, f"{part} has more than {MAX_NODES:,} elements; it was not read."
            )
        node = Node(name, attributes)
        stack[-1].children.append(node)
        stack.append(node)

    def end(_: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].text += data

    parse(data, part, start, end, text)
    return root
