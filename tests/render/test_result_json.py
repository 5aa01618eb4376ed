"""result.json: round trip, documentation, old and foreign files."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.faults import UsageFault
from grader.core.report import SCHEMA, Report
from grader.render import result_json
from tests.render.samples import bare, everyone, mixed, report

DOC = Path(__file__).parents[2] / "docs" / "reference" / "result-json.md"


@pytest.mark.parametrize("sample", everyone(), ids=lambda r: r.submission.slug)
def test_round_trip_gives_the_same_report_and_the_same_bytes(sample: Report) -> None:
    data = result_json.encode(sample)
    assert result_json.decode(data) == sample
    assert result_json.encode(result_json.decode(data)) == data


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON)
def test_it_is_laid_out_as_python_lays_it_out(tree: object) -> None:
    text = json.dumps(tree, indent=2)
    assert result_json.indented(json.dumps(tree).encode()).decode() == text


@given(_JSON, st.lists(st.floats()))
def test_it_is_written_as_python_writes_it(tree: object, numbers: list[float]) -> None:
    found = [*numbers, *_numbers(tree)]
    whole = {"tree": tree, "numbers": found}
    if all(math.isfinite(n) for n in found):
        expected = json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=2)
        assert result_json.indented(result_json.encoded(whole, found)).decode() == expected
    else:
        with pytest.raises(ValueError, match="not JSON compliant"):
            result_json.encoded(whole, found)


def _numbers(tree: object) -> Iterator[float]:
    if isinstance(tree, float):
        yield tree
    elif isinstance(tree, list | dict):
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from _numbers(inner)


def test_layout_is_stable() -> None:
    data = result_json.encode(mixed())
    tree = json.loads(data)
    assert data.endswith(b"\n}\n")
    assert data.startswith(b'{\n  "schema": 1,\n  "submission": {\n    "id"')
    assert list(tree) == [
        "schema", "submission", "rubric", "outcomes", "verdict", "score", "max_score", "pending_points", "percent", "percent_of_decided", "remarks",
        "adjustments", "provenance", "read", "wrong_digits",
    ]  # fmt: skip
    finding = tree["outcomes"][1]["findings"][0]
    assert finding["place"] == {"text": "README.md:41", "artefact": "README.md", "line": 41}
    assert finding["diagnosis"] == "index-swapped"
    assert tree["outcomes"][4]["findings"][0]["place"]["text"] == "S4.ipynb cell 7 line 3"
    assert "∂E/∂w3".encode() in data


def test_percent_is_of_all_points_and_says_so_where_it_is_of_the_decided_ones() -> None:
    """39 of 100 points read 95.12 in the column that a gradebook takes."""
    told = json.loads(result_json.encode(mixed()))
    assert told["percent"] == round(100 * 9 / mixed().max_score, 2)
    assert told["percent_of_decided"] == round(100 * 9 / 14, 2)
    assert json.loads(result_json.encode(bare()))["percent_of_decided"] is None


def test_every_key_is_documented() -> None:
    documented = set(re.findall(r"^\| `([a-z0-9_]+)` \|", DOC.read_text(encoding="utf-8"), re.MULTILINE))
    tree = json.loads(result_json.encode(mixed()))
    open_maps = {"packages", "options"}
    written: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            written.update(node)
            for key, value in node.items():
                if key not in open_maps:
                    walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(tree)
    for entry in (*tree["outcomes"], *[f for o in tree["outcomes"] for f in o["findings"]]):
        written.update(entry)
    explained_in_words = {"what", "text", "label"}
    assert written - documented - explained_in_words == set()
    verdicts = {"error", "unknown", "fail", "partial", "skipped", "pass"}
    assert documented - written == verdicts, "documented, but never written"


def test_file_without_later_keys_still_loads() -> None:
    """Keys with defaults may be missing, as in files of earlier versions of the same schema."""
    tree = json.loads(result_json.encode(mixed()))
    for key in ("read", "percent", "percent_of_decided", "wrong_digits"):
        del tree[key]
    del tree["submission"]["doubts"]
    for outcome in tree["outcomes"]:
        del outcome["provisional"]
        for finding in outcome["findings"]:
            del finding["diagnosis"], finding["weight"], finding["excerpt"], finding["marked"]
    loaded = result_json.decode(json.dumps(tree).encode())
    assert loaded.read == ()
    assert loaded.outcomes[1].findings[0].hint.startswith("w3 leads from i1")


def test_older_schema_is_brought_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(tree: dict[str, object]) -> dict[str, object]:
        renamed = {("verdict" if key == "status" else key): value for key, value in tree.items()}
        return {**renamed, "schema": SCHEMA}

    monkeypatch.setitem(result_json.UPGRADES, SCHEMA - 1, rename)
    tree = json.loads(result_json.encode(mixed()))
    tree["status"] = tree.pop("verdict")
    tree["schema"] = SCHEMA - 1
    assert result_json.decode(json.dumps(tree).encode()) == mixed()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xff\xfe", "not JSON"),
        (b"[]", "whole number as `schema`"),
        (b'{"schema": 99}', "update grader"),
        (b'{"schema": -4}', "no grader ever wrote"),
        (b'{"schema": 1, "verdict": "pass"}', "does not follow schema 1"),
        (b'{"schema": 1, "outcomes": [3, {"findings": [4]}]}', "does not follow schema 1"),
    ],
)
def test_what_is_no_result_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(UsageFault, match=sentence):
        result_json.decode(data)


def test_half_characters_do_not_break_the_file() -> None:
    sample = report("x", (), submission_id="na\udce9ve")
    assert json.loads(result_json.encode(sample))["submission"]["id"] == "na\ufffdve"
