"""The stamp of isolation reads like a sentence and never hides that there was none."""

from grader.core.facts.notebook import Isolation


def test_none_is_said_first() -> None:
    assert str(Isolation(backend="none", isolated=False)).startswith("none: ")


def test_what_held_and_what_did_not_is_named() -> None:
    told = str(
        Isolation(
            backend="bwrap",
            isolated=True,
            user="own",
            network=False,
            processes=False,
            seccomp="abc",
            memory="watchdog",
            weaknesses=("no cgroup",),
        )
    )
    assert told == "bwrap (own user, no network, seccomp abc, memory by watchdog, not enforced: no cgroup)"
