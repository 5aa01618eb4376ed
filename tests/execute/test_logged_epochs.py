"""A loop that may stop early: the saved log says how long it ran."""

import pytest

from grader.core.evidence.logs import Epoch, LogEvidence, Origin, Run, SequenceKind
from grader.core.facts.recipe import Part, StudentRecipe, Turn
from grader.core.place import Place
from grader.execute.logged_epochs import STOPS_EARLY, as_logged


def _run(epochs: int, **more: object) -> Run:
    shown = tuple(
        Epoch(place=Place(artefact="S4.ipynb", cell=1, line=i), percent=99.0, printed=i)
        for i in range(1, epochs + 1)
    )
    fields = {"origin": Origin.NOTEBOOK, "artefact": "S4.ipynb", "main": True, "epochs": shown, **more}
    return Run(**fields)  # type: ignore[arg-type]


def _recipe(*missing: str, **more: object) -> StudentRecipe:
    return StudentRecipe(epochs=20, missing=missing, **more)  # type: ignore[arg-type]


def test_the_log_says_how_long_a_loop_ran_that_may_stop_early() -> None:
    found = as_logged(_recipe(STOPS_EARLY, "the sampler X"), LogEvidence(runs=(_run(12),)))
    assert found == StudentRecipe(epochs=12, missing=("the sampler X",))


@pytest.mark.parametrize(
    "runs",
    [
        (),
        (_run(12), _run(15)),
        (_run(12, gaps=("cut",)),),
        (_run(12, main=False),),
        (_run(12, kind=SequenceKind.EXCERPT),),
        (_run(12, origin=Origin.README),),
    ],
    ids=["no log", "two lengths", "not whole", "another notebook", "an excerpt", "typed"],
)
def test_anything_less_than_one_whole_log_leaves_it_open(runs: tuple[Run, ...]) -> None:
    recipe = _recipe(STOPS_EARLY)
    assert as_logged(recipe, LogEvidence(runs=runs)) == recipe


def test_a_schedule_that_was_not_read_so_far_leaves_it_open() -> None:
    short = _recipe(STOPS_EARLY, scheduler=Part(kind="LambdaLR", arguments={"factors": (1.0, 0.9, 0.8)}))
    assert as_logged(short, LogEvidence(runs=(_run(12),))) == short


def test_a_loop_that_cannot_stop_early_keeps_what_our_run_saw() -> None:
    assert as_logged(_recipe(), LogEvidence(runs=(_run(12),))) == _recipe()
    assert as_logged(None, LogEvidence()) is None


def test_a_log_does_not_say_which_of_two_loops_was_left_early() -> None:
    second = Turn(epochs=1, optimizer=Part(kind="Adam", arguments={"lr": 0.01}))
    recipe = _recipe(STOPS_EARLY, then=(second,))
    assert as_logged(recipe, LogEvidence(runs=(_run(12),))) == recipe
