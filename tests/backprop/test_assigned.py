"""What is remembered of a text is remembered for the network that it was read for, and no other."""

from grader.backprop.assigned import network, reading_for, remembered
from grader.core.assigned_network import AssignedNetwork

LARGER = AssignedNetwork(layers=(2, 3, 1))


def test_an_answer_is_kept_for_its_network_and_no_other() -> None:
    asked: list[tuple[str, int]] = []

    @remembered(most=2)
    def weights(text: str, *, more: int = 0) -> int:
        asked.append((text, more))
        return len(network().weights) + more

    assert [weights("a"), weights("a"), weights("a", more=1)] == [8, 8, 9]
    assert asked == [("a", 0), ("a", 1)]
    with reading_for(LARGER):
        assert weights("a") == len(LARGER.weights) != 8
    assert weights("a") == 8
    assert len(asked) == 3


def test_no_more_is_kept_than_was_allowed() -> None:
    asked: list[str] = []

    @remembered(most=2)
    def read(text: str) -> str:
        asked.append(text)
        return text

    for text in ("a", "b", "c", "a"):
        assert read(text) == text
    assert asked == ["a", "b", "c", "a"]
