"""A log that a README quotes, aligned as a sequence with one that the notebook saved."""

from typing import NamedTuple

from grader.core.evidence.logs import Run
from grader.core.outcome import Finding

LEAST = 5
"""Epochs of a quoted log from which on most of them say that it is the notebook's."""


class Alignment(NamedTuple):
    """A saved run, and which of its epochs stand in the quoted one."""

    run: Run
    pairs: tuple[tuple[int, int], ...]
    """Indices of equal epochs: in the README's run, in the notebook's."""

    def changed(self, quoted: Run, edited: float) -> bool:
        """Whether it is this log with changed values: most of its epochs are equal, and not all."""
        return len(quoted.epochs) >= LEAST and edited <= len(self.pairs) / len(quoted.epochs) < 1.0


def align(quoted: Run, saved: Run) -> Alignment:
    """Longest common subsequence of the two accuracy sequences (at most a few hundred epochs each)."""
    a, b = quoted.epochs[:400], saved.epochs[:400]
    length = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            same = length[i + 1][j + 1] + 1 if a[i].as_accurate_as(b[j]) else 0
            length[i][j] = max(same, length[i + 1][j], length[i][j + 1])
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i].as_accurate_as(b[j]) and length[i][j] == length[i + 1][j + 1] + 1:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif length[i + 1][j] >= length[i][j + 1]:
            i += 1
        else:
            j += 1
    return Alignment(saved, tuple(pairs))


def changed(quoted: Run, aligned: Alignment) -> Finding:
    """Say which epoch of a quoted log is not the saved one's."""
    equal = {i for i, _ in aligned.pairs}
    index = next(i for i in range(len(quoted.epochs)) if i not in equal)
    epoch = quoted.epochs[index]
    before = [j for i, j in aligned.pairs if i < index]
    at = min(before[-1] + 1 if before else 0, len(aligned.run.epochs) - 1)
    saved = aligned.run.epochs[at]
    return Finding(
        message=f"{len(quoted.epochs) - len(equal)} of {len(quoted.epochs)} epochs in the README are not "
        "in the notebook's log",
        place=epoch.place,
        expected=f"{saved.percent:.2f} % in epoch {at + 1} ({saved.place})",
        found=f"{epoch.percent:.2f} %",
        hint="paste the log again from the submitted notebook",
        excerpt=epoch.excerpt,
        diagnosis="epoch-changed",
    )
