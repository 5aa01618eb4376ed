"""Curves over iterations and epochs, ours beside the student's."""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import count
from typing import Final

import msgspec

from grader.core.assigned_data import MNIST
from grader.render.escape import SafeHtml
from grader.render.pictures import svg
from grader.render.pictures.picture import DataTable, Picture

_HEIGHT: Final = 270.0
_LEFT: Final = 50.0
_NAME: Final = 16
"""Characters of a curve's name that are drawn beside its end."""
_TICKS: Final = 6
_TOP: Final = 14.0
_BOTTOM: Final = 44.0
_POINTS_DRAWN: Final = 160
"""Points of one curve: more than one every three pixels cannot be told apart."""
_ROWS_SHOWN: Final = 12
_COLOURS: Final = 6
_BELOW: Final = 0.4
_ABOVE: Final = 0.2
"""Percentage points of the second panel below and above what is asked."""


class LossSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The losses of one learning rate, iteration 0 first. Either side may be empty; NaN and infinities are
    left out of the drawing.
    """

    eta: float
    student: tuple[float, ...] = ()
    reference: tuple[float, ...] = ()


class AccuracyRun(msgspec.Struct, frozen=True, kw_only=True):
    """Test accuracy in percent after each epoch, from epoch 1. `note` says in a few words what kind of run it
    is.
    """

    name: str
    percents: tuple[float, ...]
    note: str = ""


class _Axes(msgspec.Struct, frozen=True, kw_only=True):
    """Data ranges of a plot; `log` draws log10 of y, `right` is where the names of the curves begin."""

    x: tuple[float, float]
    y: tuple[float, float]
    right: float
    log: bool = False

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        low, high, value = (math.log10(v) if self.log else v for v in (*self.y, y))
        up = (value - low) / (high - low)
        return (
            _LEFT + across * (self.right - _LEFT),
            _TOP + (1 - up) * (_HEIGHT - _TOP - _BOTTOM),
        )


@lru_cache(maxsize=256)
def loss_curves(series: tuple[LossSeries, ...], *, sheet: str = "the workbook") -> Picture | None:
    """Return the loss curves over a logarithmic axis, the student's solid over the reference's dashed; None
    without a single number.
    """
    values = [v for s in series for v in (*s.student, *s.reference) if _drawable(v)]
    longest = max((len(side) for s in series for side in (s.student, s.reference)), default=0)
    if not values or longest < 2:
        return None
    low, high = 10.0 ** math.floor(math.log10(min(values))), 10.0 ** math.ceil(math.log10(max(values)))
    axes = _Axes(
        x=(0, longest - 1),
        y=(low, high if high > low else 10 * low),
        right=_right(_eta(s) for s in series),
        log=True,
    )
    parts = [*_decades(axes), *_x_axis(axes, "iteration")]
    labels: list[tuple[float, str, str]] = []
    for i, s in enumerate(series):
        colour = f"k{i % _COLOURS + 1}"
        for side, style in ((s.reference, "reference"), (s.student, "student")):
            parts.extend(_curve(axes, tuple(enumerate(side)), f"{style} {colour}"))
        ends = [axes.at(n, v)[1] for n, v in list(enumerate(s.student or s.reference))[-1:] if _drawable(v)]
        labels.extend((y, _eta(s), colour) for y in ends)
    parts.extend(_end_labels(axes, labels))
    sentence = (
        f"Losses of {sheet} (solid) over the losses that we computed (dashed), on a logarithmic "
        "axis. Where you see one line, they agree."
    )
    title = "Loss for each learning rate"
    return Picture(
        title=title,
        description=sentence,
        drawing=svg.drawing(title, sentence, _HEIGHT, parts),
        table=_loss_table(series, longest),
    )


@lru_cache(maxsize=256)
def accuracy_curve(
    runs: tuple[AccuracyRun, ...],
    *,
    threshold: float | None = None,
    noise: float = 0.05,
    digits: int = MNIST.test_images,
) -> Picture | None:
    """Return accuracy for each epoch of several runs; None without two epochs.

    `threshold` is the percentage that the assignment asks for; `noise` is the standard deviation between
    reruns in percentage points (0.05 measured), drawn as a band around the threshold; `digits` are those that
    were scored.
    """
    longest = max((len(run.percents) for run in runs), default=0)
    best = max((v for run in runs for v in run.percents if math.isfinite(v)), default=0.0)
    if longest < 2 or best <= 0.0:
        return None
    finite = sorted(v for run in runs for v in run.percents if math.isfinite(v))
    level = best if threshold is None else threshold
    # The first epoch lies far below the others: the lowest tenth must not squeeze what is to be seen.
    floor = min(finite[len(finite) // 10], level - 0.6)
    asked = "" if threshold is None else f"{threshold:g} % asked"
    axes = _Axes(
        x=(1, longest),
        y=(math.floor(floor * 2) / 2, min(100.0, math.ceil(max(best, level) * 5 + 1) / 5)),
        right=_right([asked, *(run.name for run in runs)]),
    )
    sentence = f"Accuracy on the {digits:,} test digits after each epoch."
    if threshold is not None:
        sentence += (
            f" The line is the {threshold:g} % that the assignment asks for; the band around it is how far "
            f"the same training can land from itself ({noise:g} points)."
        )
    parts, height = _accuracies(axes, runs, threshold, noise), _HEIGHT
    close = _close_up(axes, threshold, best)
    if close is not None and threshold is not None:
        low, high = close.y
        sentence += f" Below, the same from {low:g} to {high:g} %."
        inner = _accuracies(close, runs, threshold, noise)
        parts.append(svg.element("g", *inner, transform=f"translate(0 {svg.number(_HEIGHT)})"))
        height *= 2
    title = "Accuracy for each epoch"
    return Picture(
        title=title,
        description=sentence,
        drawing=svg.drawing(title, sentence, height, parts),
        table=DataTable(
            caption="Test accuracy in percent",
            columns=("Epoch", *(f"{run.name} ({run.note})" if run.note else run.name for run in runs)),
            rows=tuple(
                (
                    str(epoch + 1),
                    *(f"{run.percents[epoch]:.2f}" if epoch < len(run.percents) else "" for run in runs),
                )
                for epoch in range(longest)
            ),
        ),
    )


def _accuracies(
    axes: _Axes, runs: tuple[AccuracyRun, ...], threshold: float | None, noise: float
) -> list[SafeHtml]:
    """One panel; what lies outside it is cut off at its border."""
    parts = [*_bands(axes), *_x_axis(axes, "epoch")]
    labels: list[tuple[float, str, str]] = []
    low, high = axes.y
    if threshold is not None:
        left, upper = axes.at(1, min(threshold + noise, high))
        right, lower = axes.at(axes.x[1], threshold - noise)
        line = axes.at(1, threshold)[1]
        parts.append(
            svg.element("rect", x=left, y=upper, width=right - left, height=lower - upper, class_="noise")
        )
        parts.append(svg.element("line", x1=left, x2=right, y1=line, y2=line, class_="threshold"))
        labels.append((line, f"{threshold:g} % asked", "threshold"))
    drawn: list[SafeHtml] = []
    for i, run in enumerate(runs):
        colour = f"k{i % _COLOURS + 1}"
        points = tuple((n, v) for n, v in enumerate(run.percents, start=1) if math.isfinite(v))
        drawn.extend(_curve(axes, points, f"student {colour}", linear=True))
        if points:
            labels.append((axes.at(points[-1][0], min(max(points[-1][1], low), high))[1], run.name, colour))
    width, height = axes.right - _LEFT, _HEIGHT - _TOP - _BOTTOM
    box = " ".join(svg.number(n) for n in (_LEFT, _TOP, width, height))
    window = svg.element("svg", *drawn, x=_LEFT, y=_TOP, width=width, height=height, viewBox=box)
    return [*parts, *([window] if drawn else []), *_end_labels(axes, labels)]


def _close_up(axes: _Axes, threshold: float | None, best: float) -> _Axes | None:
    """The piece around the threshold in which a pass is decided (99 to 99.6 for 99.4); None where the whole
    shows it already, or no run comes near.
    """
    if threshold is None:
        return None
    low, high = round(threshold - _BELOW, 4), round(min(threshold + _ABOVE, 100.0), 4)
    if best < low or axes.y[1] - axes.y[0] <= 2.5 * (high - low):
        return None
    return msgspec.structs.replace(axes, y=(low, high))


def _drawable(value: float) -> bool:
    """Whether a logarithmic axis has a place for it; NaN fails every comparison."""
    return 1e-300 < value < 1e300


def _curve(
    axes: _Axes, points: Sequence[tuple[float, float]], kind: str, *, linear: bool = False
) -> list[SafeHtml]:
    """One polyline for each unbroken stretch: a hole in the data stays a hole."""
    step = max(1, len(points) // _POINTS_DRAWN)
    kept = [p for i, p in enumerate(points) if i % step == 0 or i == len(points) - 1]
    stretches: list[list[tuple[float, float]]] = [[]]
    for x, y in kept:
        if linear or _drawable(y):
            stretches[-1].append(axes.at(x, y))
        elif stretches[-1]:
            stretches.append([])
    return [svg.polyline(s, class_=f"curve {kind}") for s in stretches if len(s) > 1]


def _decades(axes: _Axes) -> list[SafeHtml]:
    first, last = round(math.log10(axes.y[0])), round(math.log10(axes.y[1]))
    step = max(1, (last - first) // 8)
    return [part for n in range(first, last + 1, step) for part in _level(axes, 10.0**n, f"{10.0**n:g}")]


def _bands(axes: _Axes) -> list[SafeHtml]:
    low, high = axes.y
    step = next(s for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0) if (high - low) / s <= 9 or s == 20.0)
    count = int((high - low) / step + 1e-9)
    return [
        part for n in range(count + 1) for part in _level(axes, low + n * step, f"{low + n * step:.4g} %")
    ]


def _level(axes: _Axes, value: float, label: str) -> list[SafeHtml]:
    left, y = axes.at(axes.x[0], value)
    right = axes.at(axes.x[1], value)[0]
    return [
        svg.element("line", x1=left, x2=right, y1=y, y2=y, class_="grid"),
        svg.text(label, left - 6, y + 4, text_anchor="end", class_="tick"),
    ]


def _x_axis(axes: _Axes, name: str) -> list[SafeHtml]:
    low, high = axes.x
    step = next(m * 10**e for e in count() for m in (1, 2, 5) if (high - low) / (m * 10**e) <= _TICKS)
    ticks = [low, *(n for n in range(step, int(high) + 1, step) if n > low)]
    bottom = _HEIGHT - _BOTTOM
    parts = [
        svg.text(f"{n:g}", axes.at(n, axes.y[0])[0], bottom + 16, text_anchor="middle", class_="tick")
        for n in ticks
    ]
    middle = (axes.at(low, axes.y[0])[0] + axes.at(high, axes.y[0])[0]) / 2
    return [*parts, svg.text(name, middle, bottom + 34, text_anchor="middle", class_="tick")]


def _eta(series: LossSeries) -> str:
    return f"η = {series.eta:g}"


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def _right(names: Iterable[str]) -> float:
    """Return where a plot ends, so that the longest of these names fits beside it."""
    return svg.WIDTH - 10 - svg.BOLD * max(len(_short(name)) for name in names)


def _end_labels(axes: _Axes, labels: Sequence[tuple[float, str, str]]) -> list[SafeHtml]:
    """Names at the right end of their curves, pushed apart so that none covers another."""
    parts: list[SafeHtml] = []
    at = _TOP - 12
    for y, name, kind in sorted(labels):
        at = max(y + 4, at + 15)
        parts.append(svg.text(_short(name), axes.right + 8, at, class_=f"name {kind}"))
    return parts


def _loss_table(series: tuple[LossSeries, ...], longest: int) -> DataTable:
    step = max(1, math.ceil((longest - 1) / (_ROWS_SHOWN - 1)))
    shown = sorted({*range(0, longest, step), longest - 1})
    columns = ["Iteration"]
    for s in series:
        columns.extend((f"η = {s.eta:g}, yours", f"η = {s.eta:g}, ours"))
    rows = []
    for n in shown:
        row = [str(n)]
        for s in series:
            row.extend(f"{side[n]:.6g}" if n < len(side) else "" for side in (s.student, s.reference))
        rows.append(tuple(row))
    return DataTable(caption="Losses at some iterations", columns=tuple(columns), rows=tuple(rows))
