"""Whether the source that ran builds the network that came out of the sandbox; in doubt it does not, and a
person looks.

Code in the sandbox can write our frames itself: a notebook of two lines and a blob sent a network that nobody
wrote, and it earned every point of the network. So the class must stand in the cells or in a file that they
use: as a class, as an import, as a layer of the library, as a name given to `type`, or as a builder of a
library (`resnet18` for a ResNet). And what the network is made of must be named somewhere: no batch
normalisation comes from a source without the word.
"""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import msgspec

from grader.core.evidence.documents import Document
from grader.core.facts.notebook import ExportFrame
from grader.core.submission import Kind, Source, Sources
from grader.sandbox.worker import cells

_LARGEST = 400_000
"""Characters of one source that are looked at; a larger one holds data."""
_MAGIC = re.compile(r"^\s*(?:%%|[!%?])")
_MAKERS = frozenset({"type", "new_class", "make_dataclass", "setattr"})
_COMPILERS = {
    "GraphModule": ("symbolic_trace", "GraphModule"),
    "ScriptModule": ("script", "trace"),
    "RecursiveScriptModule": ("script", "trace"),
    "TopLevelTracedModule": ("trace",),
    "OptimizedModule": ("compile",),
}
"""Classes that torch wraps a network in, and the calls that do it."""
_ZOOS = re.compile(
    r"\b(?:torchvision(?:\.|\s+import\s[^\n]*?\b)(?:models|ops)|timm|torch\.hub|fastai|segmentation_models_pytorch)\b"
)
"""Packages that hold whole networks: what they are made of stands in no source of the student's."""
_WORDS = {
    "aten.batch_norm": re.compile(r"batch_?norm", re.IGNORECASE),
    "aten.dropout": re.compile(r"drop", re.IGNORECASE),
    "aten.feature_dropout": re.compile(r"drop", re.IGNORECASE),
    "aten.conv2d": re.compile(r"conv", re.IGNORECASE),
    "aten.linear": re.compile(r"linear|attention|transformer|addmm|matmul|dense", re.IGNORECASE),
}
"""What a source that builds such a layer names."""


def unwritten(sources: Sources, path: str, export: Sequence[ExportFrame]) -> str:
    """Why no source that ran builds the exported network, for a person; empty where one does or where there
    is none.
    """
    name, operators = _claimed(export)
    if not name:
        return ""
    texts = ran(sources, path)
    if not texts:
        return f"no cell of {path} could be read, so nothing shows that it builds {name}"
    if not any(_builds(text, name) for text in texts):
        return (
            f"no source that ran builds {name}: neither a class nor an import nor a builder of "
            "that name stands in "
            f"{path} or a file that it uses"
        )
    whole = "\n".join(texts)
    if _ZOOS.search(whole):
        return ""
    whole += "\n".join(_plain_texts(sources))
    missing = [
        op
        for op, word in _WORDS.items()
        if any(o.startswith(op) for o in operators) and not word.search(whole)
    ]
    if missing:
        what = missing[0].removeprefix("aten.")
        return (
            f"{name} uses {what}, and no source that ran names such a layer ({path} and "
            "the files that it uses)"
        )
    return ""


def _claimed(export: Sequence[ExportFrame]) -> tuple[str, frozenset[str]]:
    """The class name and the operators, as the frames say; nothing where they cannot be read: they are
    refused later.
    """
    try:
        read = [json.loads(frame.payload) for frame in export if frame.kind in ("model", "graph")]
        name = str(read[0]["class_name"]) if read and read[0]["export"] != "failed" else ""
        return name[:200], frozenset(str(node["op"]) for graph in read[1:] for node in graph["nodes"])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return "", frozenset()


def ran(sources: Sources, path: str) -> list[str]:
    """The cells of a notebook, or a script, and the Python files whose names they mention, each as text."""
    entry = next((source for source in sources if source.artefact.path == path), None)
    if entry is None:
        return []
    found = _cells(entry)
    open_ = list(found)
    beside = {
        PurePosixPath(source.artefact.path).stem: source
        for source in sources.of(Kind.SOURCE)
        if source.artefact.path != path and len(source.data) <= _LARGEST
    }
    packages = {
        part: stem for stem, source in beside.items() for part in PurePosixPath(source.artefact.path).parts
    }
    while open_:
        words = set(re.findall(r"\w+", open_.pop()))
        used = [s for s in beside if s in words]
        used += [s for part, s in packages.items() if part in words and s in beside]
        for stem in dict.fromkeys(used):
            text = cells.decode(beside.pop(stem).data)
            found.append(text)
            open_.append(text)
    return found


def _cells(entry: Source) -> list[str]:
    if entry.artefact.kind is Kind.SOURCE:
        return [cells.decode(entry.data)[:_LARGEST]]
    if entry.reading:
        # What the limited process read when the file was identified: no bytes of a student are parsed here.
        notebook = msgspec.msgpack.decode(entry.reading, type=Document).notebook
        return [cell.source[:_LARGEST] for cell in notebook.code_cells] if notebook is not None else []
    try:  # a file that nobody identified: the process could not be had
        return [cell.source[:_LARGEST] for cell in cells.read(entry.artefact.path, entry.data)]
    except ValueError:
        return []


def _plain_texts(sources: Sources) -> Iterator[str]:
    """Files that a source may read its layers from: settings in YAML, JSON, TOML."""
    for source in sources:
        if source.artefact.path.lower().endswith((".yaml", ".yml", ".json", ".toml", ".cfg", ".ini")):
            yield cells.decode(source.data[:_LARGEST])


def _builds(text: str, name: str) -> bool:
    # A class may stand in a text that is executed, or below `%%writefile`: a person can read it there.
    defined = re.compile(rf"(?m)^[ \t]*class[ \t]+{re.escape(name)}\b")
    code = "\n".join("" if _MAGIC.match(line) else line for line in text.split("\n"))
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return bool(defined.search(text))
    nodes = list(ast.walk(tree))
    called = {_name_of(node.func) for node in nodes if isinstance(node, ast.Call)}
    return (
        any(_names(node, name, defined) for node in nodes)
        or not called.isdisjoint(_COMPILERS.get(name, ()))
        or (bool(_ZOOS.search(text)) and any(_is_builder(builder, name) for builder in called))
    )


def _names(node: ast.AST, name: str, defined: re.Pattern[str]) -> bool:
    match node:
        case ast.ClassDef(name=found) | ast.Attribute(attr=found):
            return found == name
        case ast.alias(name=whole, asname=other):
            return name in (whole.rpartition(".")[2], other) or (whole == "*" and name in _SHORT)
        case ast.Call(func=function, args=[*given]):
            strings = [a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            executed = _name_of(function) in ("exec", "eval", "write", "write_text")
            made = _name_of(function) in _MAKERS and name in strings
            return made or (executed and any(defined.search(s) for s in strings))
        case ast.Assign(targets=[ast.Attribute(attr="__name__")], value=ast.Constant(value=found)):
            return found == name
    return False


_SHORT = frozenset({"Sequential", "ModuleList", "Module"})
"""Names of the library that `from torch.nn import *` brings without saying so."""


def _is_builder(called: str, name: str) -> bool:
    """`resnet18` makes a ResNet, `mobilenet_v2` a MobileNetV2, `vit_b_16` a VisionTransformer."""
    plain, made = called.lower().replace("_", ""), name.lower().replace("_", "")
    variant = "_" in called or any(letter.isdigit() for letter in called)
    return (
        made in plain
        or (variant and plain[:2] == made[:2])
        or called in ("create_model", "get_model", "load")
    )


def _name_of(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
