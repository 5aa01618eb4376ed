"""Whatever a record can say, the page has words for."""

from grader.core.submission import Kind, Problem
from grader.render import strings


def test_every_kind_and_problem_of_a_file_has_its_words() -> None:
    """A hand-in with an archive had no page: its kind had no word."""
    assert {kind.value for kind in Kind} == set(strings.KINDS)
    assert {problem.value for problem in Problem} - {""} == set(strings.PROBLEMS)
