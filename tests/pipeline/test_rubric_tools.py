"""Rubrics can be described for editors, copied and tested."""

from pathlib import Path

import msgspec

from grader.checks.catalogue import catalogue
from grader.cli.root import app
from grader.core.outcome import Outcome, passed
from grader.core.rubric import CheckParams
from grader.core.rule import Rule
from grader.pipeline.grade.rubric_samples import differences, expected_table
from grader.pipeline.plan.rubric_schema import rubric_schema


class Params(CheckParams, frozen=True, kw_only=True):
    at_least: int = 3


class OtherParams(CheckParams, frozen=True, kw_only=True):
    below: float = 2.0


OtherParams.__name__ = "Params"


def one(params: Params) -> Outcome:
    return passed("x")


def two(params: OtherParams) -> Outcome:
    return passed("x")


RULES = {
    "XX001": Rule(code="XX001", name="one", check=one),
    "XX002": Rule(code="XX002", name="two", check=two),
}


def test_schema_gives_each_check_its_own_parameters() -> None:
    schema = rubric_schema(RULES)
    cases = {
        c["if"]["properties"]["check"]["const"]: c["then"] for c in schema["$defs"]["Criterion"]["allOf"]
    }
    for code, name in (("XX001", "at_least"), ("XX002", "below")):
        reference = cases[code]["properties"]["params"]["$ref"]
        assert name in schema["$defs"][reference.removeprefix("#/$defs/")]["properties"]


def test_schema_of_the_real_catalogue_has_no_dangling_reference() -> None:
    schema = rubric_schema(catalogue())
    text = msgspec.json.encode(schema).decode()
    for part in text.split('"$ref":"#/$defs/')[1:]:
        assert part.partition('"')[0] in schema["$defs"]


def _run(*arguments: str) -> int:
    result = app.main(list(arguments), standalone_mode=False)
    return result if isinstance(result, int) else 0


def test_a_new_rubric_is_a_copy_that_loads(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert _run("rubric", "new", str(path)) == 0
    assert 'id = "mine"' in path.read_text("utf-8")
    assert _run("rubric", "check", str(path)) == 0


def test_expected_verdicts_may_leave_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "expected.toml"
    path.write_text('[ann]\nfiles = "pass|partial"\n', encoding="utf-8")
    table = expected_table(path)
    assert differences((), table)[0].submission == "ann"
