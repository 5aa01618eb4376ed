"""The list of attacks is whole: each has its tests, each test is there, and no file of attacks is left out of it."""

from collections import Counter

from tests.attacks.index import INDEX, ROOT, Attack, attacks, names_in

LISTED = {str(number) for number in range(1, 97)}
"""The list that the suite was drawn from."""
GROUPS = {f"g{number}" for number in range(1, 25)}
"""Groups of attacks that were found on the product."""
WITHOUT = {"78", "92"}
"""What there is nothing of to attack."""


def of(attack: Attack) -> str:
    return f"{attack.id} ({attack.tries})"


def test_nothing_of_the_list_is_left_out() -> None:
    ids = Counter(attack.id for attack in attacks())
    assert [name for name, count in ids.items() if count > 1] == []
    assert (LISTED | GROUPS) - ids.keys() == set()
    assert len([name for name in ids if name.startswith("o")]) >= 20


def test_every_attack_says_what_it_tries_and_what_may_follow() -> None:
    for attack in attacks():
        assert attack.family, of(attack)
        assert attack.tries, of(attack)
        assert attack.outcome, of(attack)
        assert attack.users in ("", "root, plain user", "plain user", "whoever runs the tests"), of(attack)
        assert bool(attack.users) is attack.isolation, of(attack)


def test_every_test_that_is_named_is_there() -> None:
    named = {test for attack in attacks() for test in attack.tests}
    assert len(named) > 150
    missing = [
        test for test in sorted(named) if test.partition("::")[2] not in names_in(test.partition("::")[0])
    ]
    assert missing == []


def test_no_attack_is_without_a_test_but_for_a_stated_reason() -> None:
    assert {attack.id for attack in attacks() if not attack.tests} == WITHOUT
    assert {attack.id for attack in attacks() if attack.without} == WITHOUT


def test_what_isolation_holds_is_tried_as_a_plain_user_too() -> None:
    """In `tests/attacks` every backend of the machine is tried; a test beside a mechanism tries its own."""
    alone = [
        of(attack)
        for attack in attacks()
        if "plain user" in attack.users and not any(t.startswith("tests/attacks/") for t in attack.tests)
    ]
    assert alone == []


def test_every_test_of_the_folder_stands_in_the_list_or_guards_an_honest_hand_in() -> None:
    """A near miss (`honest`, `keeps`, `left alone`) is not an attack; whatever else is new belongs into the list."""
    named = {test for attack in attacks() for test in attack.tests}
    files = [p for p in INDEX.parent.glob("test_*.py") if p.name != "test_index.py"]
    unlisted = [
        f"{path.relative_to(ROOT).as_posix()}"
        for path in files
        if not any(test.startswith(f"{path.relative_to(ROOT).as_posix()}::") for test in named)
    ]
    assert unlisted == []
