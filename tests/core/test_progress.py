"""Words reach the innermost listener, with the names that were put before them on the way."""

from grader.core.progress import listening, named, tell


def test_the_inner_listener_hears_and_the_outer_one_hears_again_afterwards() -> None:
    outer: list[str] = []
    inner: list[str] = []
    tell("into the void")
    with listening(outer.append):
        tell("a")
        with listening(inner.append):
            tell("b")
        tell("c")
    assert (outer, inner) == (["a", "c"], ["b"])


def test_a_name_is_put_before() -> None:
    heard: list[str] = []
    with named("nobody"):
        tell("lost")
    with listening(heard.append), named("ada"), named("S4.ipynb"):
        tell("epoch 1")
    assert heard == ["ada: S4.ipynb: epoch 1"]
