"""Writes docs/reference from the code: checks, slips, rubric files and the command line.

    python scripts/make_docs.py            # write the pages
    python scripts/make_docs.py --check    # exit status 1 where a committed page differs

tests/e2e/test_docs.py runs the second.
"""

import ast
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import click
import msgspec

from grader.backprop import slips
from grader.backprop.slip_catalogue import CATALOGUE
from grader.checks.catalogue import catalogue
from grader.cli.root import app
from grader.core.assigned_data import KNOWN, Archive, DataFile, DataSet
from grader.core.assigned_network import AssignedNetwork
from grader.core.rubric import Assignment, Criterion, Execution, LatePolicy, Model, Profile, Rubric, Treatment
from grader.core.rule import Rule, Status
from grader.pipeline.plan.rubrics import available, load

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
MADE = "<!-- Made by scripts/make_docs.py; change the code, not this page. -->\n\n"
_CLAIMED = (
    "With `provisional_claims` in the rubric, and where nothing may be executed, claims can earn "
    "provisionally: {}.\n"
)
FAMILIES = {
    "AR": "Files",
    "BP": "Derivation in the README",
    "WB": "Workbook",
    "LR": "Learning rates",
    "NN": "Network",
    "TR": "Training log",
    "RT": "Training again",
    "RD": "README against the rest",
    "IN": "Integrity",
}


def pages() -> dict[str, str]:
    """Return every generated page by its path below docs/reference."""
    rules = catalogue()
    made = {f"checks/{code}.md": _check_page(rule) for code, rule in rules.items()}
    made["checks.md"] = _index(rules)
    made["rubric.md"] = _rubric_page(rules)
    made["cli.md"] = _cli_page()
    made["slips.md"] = _slips_page()
    return {name: MADE + text.rstrip() + "\n" for name, text in sorted(made.items())}


def differences() -> list[str]:
    """Return what of docs/reference is not what the code says, one line each."""
    made = pages()
    on_disk = {f"checks/{p.name}" for p in (REFERENCE / "checks").glob("*.md")}
    wrong = [f"{name}: no such check any more" for name in sorted(on_disk - set(made))]
    for name, text in made.items():
        path = REFERENCE / name
        if not path.is_file():
            wrong.append(f"{name}: missing")
        elif path.read_text("utf-8") != text:
            wrong.append(f"{name}: differs from the code")
    return wrong


def _index(rules: dict[str, Rule]) -> str:
    lines = [
        "# Checks\n",
        (
            "Codes are for ever: a check that goes leaves its code unused. A check in *preview* is shown "
            "and worth nothing.\n"
        ),
    ]
    for family, title in FAMILIES.items():
        lines.append(f"## {title} ({family})\n\n| code | name | what holds when it passes |\n|---|---|---|")
        for code, rule in rules.items():
            if rule.family == family:
                state = "" if rule.status is Status.STABLE else f" *({rule.status.value})*"
                lines.append(f"| [{code}](checks/{code}.md) | {rule.name} | {_cell(rule.title)}{state} |")
        lines.append("")
    return "\n".join(lines)


def _check_page(rule: Rule) -> str:
    rest = rule.doc.partition("\n")[2].strip()
    needs = ", ".join(f"{n.type.__name__}{' (optional)' if n.optional else ''}" for n in rule.needs)
    users = [
        f"{path.stem} ({_number(sum(c.points for c in own))})"
        for path in available()
        if (own := [c for c in load(str(path), catalogue()).rubric.criterion if c.check == rule.code])
    ]
    lines = [
        f"# {rule.code} {rule.name}\n\n{rule.title} *({rule.status.value})*\n",
        f"{rest}\n",
        "## In a rubric\n",
        *_fields_table("params", rule.params),
        *_fields_table("policy", rule.policy),
        f"Reads: {needs or 'the list of files'}. Rubrics with it (points): {', '.join(users) or 'none'}.\n",
        *([_CLAIMED.format(", ".join(n.type.__name__ for n in rule.claim_needs))] if rule.claimed else []),
        "[All checks](../checks.md)",
    ]
    return "\n".join(lines)


def _slips_page() -> str:
    """Every slip with the text of its file."""
    parts = [
        "# Slips",
        "",
        "What grader names in a formula that is wrong, in a line of a README as in a cell of a sheet.",
        "`diagnosis` in `result.json` is the code, and a class counts by it.",
    ]
    for slip in sorted(CATALOGUE):
        text = (
            inspect.getdoc(importlib.import_module(f"{slips.__name__}.{slip.code.replace('-', '_')}")) or ""
        )
        parts += ["", f"## {slip.code}", "", f"*{slip.sentence}*", "", text]
    return "\n".join(parts)


def _rubric_page(rules: dict[str, Rule]) -> str:
    used = [
        f"| `{path.stem}` | {_number(sum(c.points for c in found.criterion))} | {_cell(found.title)} |"
        for path in available()
        for found in [load(str(path), rules).rubric]
    ]
    thresholds: list[str] = []
    for code, rule in rules.items():
        rows = [*_rows("params", rule.params), *_rows("policy", rule.policy)]
        thresholds += [f"| [{code}](checks/{code}.md) {row}" for row in rows]
    return "\n".join(
        [
            "# Rubric files\n",
            (
                "A rubric is a TOML file. A name or a value that is not known is a fault, and `grader rubric "
                "check FILE` reports all faults at once;"
            ),
            "`grader rubric schema` prints a JSON schema for editors.\n",
            "```toml",
            (
                'id = "mine"\ntitle = "Backpropagation and MNIST"\n\n[profile]\ntargets = [0.5, '
                "0.5]\n\n[assignment]\naccuracy = 99.2\nparameters = 8000\n"
            ),
            '[[criterion]]\nid = "parameters"\ncheck = "NN401"\npoints = 10\n```\n',
            "## Rubrics that come with grader\n\n| name | points | |\n|---|---|---|",
            *used,
            "",
            "## The file\n",
            *_fields_table("", Rubric),
            "## `[[criterion]]`\n",
            *_fields_table("", Criterion),
            "## `[[model]]`\n",
            (
                f"{_sentence(Model)} Criteria of the families IN, NN, RD, RT and TR may name one; a "
                "notebook that is called as two are is told apart by the classes that it names. The "
                "`assignment` table of a model (`[model.assignment]`) has the fields of `[assignment]`.\n"
            ),
            *_fields_table("", Model),
            "## `[network]`\n",
            f"{_sentence(AssignedNetwork)}\n",
            *_fields_table("", AssignedNetwork),
            "## `[data]`\n",
            f"{_sentence(DataSet)}\n",
            *_fields_table("", DataSet),
            "`files` is a list of tables:\n",
            *_fields_table("", DataFile),
            "`archive` is a table:\n",
            *_fields_table("", Archive),
            "| known name | class | image | classes | images | files verified by |",
            "|---|---|---|---|---|---|",
            *(_known_row(data) for data in KNOWN.values()),
            "",
            "## `[profile]`\n",
            f"{_sentence(Profile)}\n",
            *_fields_table("", Profile),
            "## `[assignment]`\n",
            (
                f"{_sentence(Assignment)} A criterion that sets a limit in its own `params` "
                "overrides it for itself.\n"
            ),
            *_fields_table("", Assignment),
            "## `[execution]`\n",
            f"{_sentence(Execution)}\n",
            *_fields_table("", Execution),
            "## `[late]`\n",
            f"{_sentence(LatePolicy)}\n",
            *_fields_table("", LatePolicy),
            "## Thresholds and treatments of each check\n",
            (
                f"A treatment is one of {', '.join(f'`{t.value}`' for t in Treatment)}: counted against the "
                "student, shown as a remark that costs nothing, or not shown.\n"
            ),
            "| check | table | field | kind | default | |\n|---|---|---|---|---|---|",
            *thresholds,
        ]
    )


ELSEWHERE = {(Profile, "network"), (Assignment, "data"), (Execution, "data"), (Execution, "classes")}
"""Fields of a table that a rubric says in a table of their own."""


def _known_row(data: DataSet) -> str:
    split = f", split `{data.split}`" if data.split else ""
    by = "none are read" if not data.trainable else data.digest.value
    by += " of the archive" if data.archive.name else ""
    return (
        f"| `{data.name}` | `{data.torchvision}`{split} | {data.channels} x {data.side} x {data.side} | "
        f"{data.classes} | {data.training_images:,} and {data.test_images:,} | {by} |"
    )


def _fields_table(table: str, kind: type[msgspec.Struct]) -> list[str]:
    rows = list(_rows(table, kind))
    if not rows:
        return []
    heading = f"`{table}`:\n\n" if table else ""
    return [
        f"{heading}| field | kind | default | |\n|---|---|---|---|",
        *(row.replace("| " + table + " |", "|", 1) if table else row for row in rows),
        "",
    ]


def _rows(table: str, kind: type[msgspec.Struct]) -> Iterator[str]:
    docs = _attribute_docs(kind)
    for field in msgspec.structs.fields(kind):
        if (kind, field.name) in ELSEWHERE:  # it stands in a table of its own
            continue
        if field.default_factory is not msgspec.NODEFAULT:
            default = f"`{_toml(field.default_factory())}`"
        elif field.default is not msgspec.NODEFAULT:
            default = f"`{_toml(field.default)}`"
        else:
            default = "*required*"
        lead = f"| {table} " if table else ""
        yield (
            f"{lead}| `{field.name}` | {_kind(field.type)} | {default} | {_cell(docs.get(field.name, ''))} |"
        )


def _attribute_docs(kind: type) -> dict[str, str]:
    """Return the string literals below the fields of a class and its bases: the documentation of each
    field.
    """
    base = kind.__base__
    inherited = base is not None and base is not msgspec.Struct and issubclass(base, msgspec.Struct)
    found: dict[str, str] = _attribute_docs(base) if inherited and base is not None else {}
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(tree, ast.ClassDef)
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            found[field.target.id] = " ".join(text.value.value.split())
    return found


def _sentence(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").split())


def _kind(kind: object) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _cell(" or ".join(f'`"{m.value}"`' for m in kind))
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", Criterion: "table"}
    if isinstance(kind, type) and kind in names:
        return names[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "table"
    text = str(kind).replace("typing.", "")
    return "list" if text.startswith("tuple") else "table" if text.startswith("dict") else _cell(text)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return f'"{value.value}"'
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.asdict(value)
        for name in [n for n in fields if (type(value), n) in ELSEWHERE]:
            del fields[name]
        if isinstance(value, DataSet):
            return f'{{ name = "{value.name}" }}'
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in fields.items()) + " }"
    return "{}" if value == {} else str(value)


def _cli_page() -> str:
    return "\n".join(
        [
            "# Command line\n",
            *_command("grader", app, click.Context(app, info_name="grader")),
            "## Exit status\n",
            "| | |\n|---|---|",
            "| 0 | everything passed; a skip for want of data or hardware does not count |",
            "| 1 | something failed or passed in part |",
            "| 2 | wrong usage, or a rubric with faults |",
            "| 3 | a fault of grader itself, with a log file |",
            "| 4 | a person must look at something |",
            "| 130 | interrupted |",
        ]
    )


def _command(name: str, command: click.Command, context: click.Context) -> Iterator[str]:
    arguments = " ".join(
        (p.metavar or (p.name or "").upper()).join("[]" if not p.required else ("", ""))
        for p in command.params
        if isinstance(p, click.Argument)
    )
    group = isinstance(command, click.Group)
    yield f"## `{name}{' ' + arguments if arguments else ''}{' COMMAND' if group else ''}`\n"
    yield f"{' '.join((command.help or '').split())}\n"
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    if options:
        yield "| option | | default |\n|---|---|---|"
        yield from sorted(_option(option) for option in options)
        yield ""
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            inner = click.Context(found, parent=context, info_name=child)
            yield from _command(f"{name} {child}", found, inner)


def _option(option: click.Option) -> str:
    if option.is_flag:
        value = default = ""
    else:
        given = option.default if isinstance(option.default, str | int | float | Path) else ""
        default = f"`{given}`" if given not in ("", 0) else ""
        choices = "|".join(map(str, option.type.choices)) if isinstance(option.type, click.Choice) else ""
        value = f" {choices or option.metavar or option.type.name.upper().split(' ')[0]}"
    return f"| `{_cell(', '.join(option.opts) + value)}` | {_cell(option.help or '')} | {_cell(default)} |"


def _number(value: float) -> str:
    return f"{value:g}"


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def main() -> int:
    """Write the pages, or with --check say which differ."""
    if "--check" in sys.argv[1:]:
        wrong = differences()
        print("\n".join(wrong) or "docs/reference is what the code says")
        return 1 if wrong else 0
    (REFERENCE / "checks").mkdir(parents=True, exist_ok=True)
    made = pages()
    for name, text in made.items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    for path in (REFERENCE / "checks").glob("*.md"):
        if f"checks/{path.name}" not in made:
            path.unlink()
    print(f"{len(made)} pages in {REFERENCE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
