"""The JSON schema of rubric files, for editors: made from the records and from every check's own
parameters.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from grader.core.rubric import Rubric
from grader.core.rule import Rule


def rubric_schema(rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Return a JSON schema (2020-12) in which `params` and `policy` depend on the criterion's `check`."""
    schema = msgspec.json.schema(Rubric, schema_hook=_anything)
    definitions: dict[str, Any] = schema["$defs"]
    for table, elsewhere in (
        ("Profile", "network"),
        ("Assignment", "data"),
        ("Execution", "data"),
        ("Execution", "classes"),
    ):
        del definitions[table]["properties"][elsewhere]  # it stands in a table of its own
    criterion = definitions["Criterion"]
    criterion["properties"]["check"] = {
        "enum": sorted(rules),
        "description": "code of a check; `grader rules` lists them",
    }
    cases: list[dict[str, Any]] = []
    for code, rule in sorted(rules.items()):
        (params, policy), components = msgspec.json.schema_components(
            (rule.params, rule.policy), ref_template="#/$defs/{name}"
        )
        own = {f"{code}.{name}": _renamed(body, code) for name, body in components.items()}
        definitions.update(own)
        cases.append(
            {
                "if": {"properties": {"check": {"const": code}}},
                "then": {"properties": {"params": _renamed(params, code), "policy": _renamed(policy, code)}},
            }
        )
    criterion["allOf"] = cases
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "grader rubric", **schema}


def _anything(kind: type) -> dict[str, Any]:
    # `params` and `policy` are free tables in the record; the conditions below say what each check allows.
    if kind is object:
        return {"description": "what the check knows; `grader rules --json` lists it"}
    raise NotImplementedError(kind)


def _renamed(node: Any, code: str) -> Any:
    # Two checks may both call their parameters `Params`: references are made unique by the check's code.
    if isinstance(node, dict):
        return {
            k: f"#/$defs/{code}.{v.removeprefix('#/$defs/')}" if k == "$ref" else _renamed(v, code)
            for k, v in node.items()
        }
    if isinstance(node, list):
        return [_renamed(item, code) for item in node]
    return node
