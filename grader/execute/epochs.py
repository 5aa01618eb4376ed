"""A line an epoch for a person who waits for a training, with the time that is left."""

from collections.abc import Callable

from grader.execute.engine.runs.wish import Progress


class EpochLines:
    """Says each epoch of at most `limit` to `show`. The time left is that of its run at the pace of the last
    epoch.
    """

    def __init__(self, limit: int, show: Callable[[str], None]) -> None:
        self._limit = limit
        self._show = show

    def __call__(self, progress: Progress) -> None:
        """Say one epoch."""
        left = min(progress.planned, self._limit) - progress.epoch
        if progress.cached:
            when = "kept from an earlier run"
        else:
            when = f"{progress.seconds:.0f} s"
            when += f", at most {left * progress.seconds / 60:.0f} min left in this run" if left > 0 else ""
        self._show(
            f"run {progress.run} seed {progress.seed} epoch {progress.epoch}/{progress.planned}:"
            f" {progress.correct:,} right, loss {progress.loss:.4f} ({when})"
        )
