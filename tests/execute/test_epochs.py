"""The lines for a person who waits."""

from grader.execute.engine.runs.wish import Progress
from grader.execute.epochs import EpochLines


def test_a_line_says_what_is_left_of_its_own_run() -> None:
    said: list[str] = []
    lines = EpochLines(20, said.append)
    first = Progress(
        run=2, seed=6, epoch=5, planned=15, correct=9_912, loss=0.0312, cached=False, seconds=30.0
    )
    lines(first)
    lines(first._replace(run=3, seed=7, epoch=1, seconds=33.0))
    lines(first._replace(epoch=15))
    lines(first._replace(epoch=4, cached=True, seconds=0.0))
    lines(first._replace(epoch=20, planned=30))
    assert said == [
        "run 2 seed 6 epoch 5/15: 9,912 right, loss 0.0312 (30 s, at most 5 min left in this run)",
        "run 3 seed 7 epoch 1/15: 9,912 right, loss 0.0312 (33 s, at most 8 min left in this run)",
        "run 2 seed 6 epoch 15/15: 9,912 right, loss 0.0312 (30 s)",
        "run 2 seed 6 epoch 4/15: 9,912 right, loss 0.0312 (kept from an earlier run)",
        "run 2 seed 6 epoch 20/30: 9,912 right, loss 0.0312 (30 s)",
    ]
