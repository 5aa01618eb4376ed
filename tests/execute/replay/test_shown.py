"""How far shown losses are from recomputed ones."""

import numpy as np
import pytest

from grader.execute.replay.book.displayed_losses import NEVER, deviation

TRUE = np.array([0.2421377, 0.2311022, 0.2203963, 0.2101533])


def test_typed_losses_may_be_rounded_where_they_end() -> None:
    typed = np.array([0.2421, 0.231, 0.22, 0.21])
    assert deviation(typed, TRUE) == pytest.approx(3.963e-4 / TRUE[0], rel=1e-3)
    # 0.231 stands for at most 0.2315 and 0.2421 for at most 0.24215, so nothing is left but rounding.
    assert deviation(typed, TRUE, typed=True) == 0
    assert deviation(np.append(typed, 0.2003), np.append(TRUE, 0.2003499), typed=True) == 0


@pytest.mark.parametrize("wrong", [0.2263, 0.215, 0.23])
def test_a_loss_that_no_rounding_explains_still_differs(wrong: float) -> None:
    typed = np.array([0.24214, 0.2311, wrong, 0.21015])
    assert deviation(typed, TRUE, typed=True) > 1e-3


def test_one_digit_is_not_a_licence() -> None:
    assert deviation(np.array([0.2421, 0.2]), TRUE, typed=True) > 0.1


def test_no_common_row_is_never_near() -> None:
    assert deviation(np.array([]), TRUE) == NEVER
