"""Rules that rewrite a line: what each needs stands in whatever its pattern finds."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.core.assigned_network import CLASS_NETWORK
from grader.extract.formulas.reading import notation, prose_rules, statements, vocabulary
from grader.extract.formulas.reading.source_map import Rule, SourceText, rules

TABLES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": table
    for module in (notation, prose_rules, statements)
    for name, table in vars(module).items()
    if isinstance(table, tuple) and table and all(isinstance(rule, Rule) for rule in table)
} | {"vocabulary._split_names": vocabulary._split_names(CLASS_NETWORK)}
NEEDING = [(name, rule) for name, table in TABLES.items() for rule in table if rule.needs]


@pytest.mark.parametrize(("name", "rule"), NEEDING, ids=[f"{n} {r.needs[0]}" for n, r in NEEDING])
@given(data=st.data())
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
def test_what_a_rule_finds_holds_one_of_the_texts_that_it_needs(
    name: str, rule: Rule, data: st.DataObject
) -> None:
    text = data.draw(st.from_regex(rule.pattern))
    assert any(need in text for need in rule.needs), (name, rule.needs)


def test_a_rule_whose_text_is_not_there_is_passed_over_and_the_others_follow() -> None:
    table = rules((r"b+", "c", "b"), (r"x", "!", "never"), (r"c", r"<c>"))
    line = SourceText("abbx").rewritten(table)
    assert line.text == "a<c>x"
    assert line.at == [0, 1, 1, 1, 3]
