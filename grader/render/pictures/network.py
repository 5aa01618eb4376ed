"""The network as a drawn graph: one box a layer, shapes and parameters, what leads nowhere in grey, the
budget as a bar.
"""

from functools import lru_cache
from typing import Final

import msgspec

from grader.render.escape import SafeHtml
from grader.render.pictures import svg
from grader.render.pictures.picture import DataTable, Picture

TITLE: Final = "The network that we found"
LAYERS_DRAWN: Final = 80
"""A picture of more boxes helps nobody; the table below it holds all."""

ASKED: Final = "◆"
"""Stands before the layers that the assignment asks for, so that no colour says it alone."""
_KEY: Final = 20.0
_STEP: Final = 34.0
_BOX_HEIGHT: Final = 24.0
_BOX_LEFT: Final = 34.0
"""Room for the connections that jump over boxes."""
_BOX_WIDTH: Final = 148.0
_SHAPE_X: Final = 188.0
_COUNT_X: Final = 328.0
_BAR_X: Final = 334.0


class LayerBox(msgspec.Struct, frozen=True, kw_only=True):
    """One layer. `shape` is its output without the batch, `feeds_on` the positions of its inputs (-1: the
    image).
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    feeds_on: tuple[int, ...]
    module: str = ""
    asked: bool = False
    """Whether it is one of the layers that the assignment asks for."""


@lru_cache(maxsize=256)
def network_graph(
    layers: tuple[LayerBox, ...],
    *,
    input_shape: tuple[int, ...],
    total: int,
    budget: int | None = None,
    dead: tuple[str, ...] = (),
) -> Picture:
    """Return the picture of a network, input first. `total` is the number of parameters that is ruled on,
    `budget` what it must stay below.

    `dead` names operators that run and whose result is thrown away.
    """
    shown = layers[:LAYERS_DRAWN]
    most = max((layer.parameters for layer in shown), default=0)
    parts = [_box("image", "n-image", 0), svg.text(shape_text(input_shape), _SHAPE_X, _baseline(0))]
    for row, layer in enumerate(shown, start=1):
        parts.extend(_wire(source + 1, row) for source in sorted(set(layer.feeds_on)) if source + 1 < row)
        parts.extend(_row(layer, row, most))
    rows = len(shown) + 1
    for name in (
        *dead,
        *((f"… {len(layers) - len(shown)} more in the table",) if len(layers) > len(shown) else ()),
    ):
        parts.append(_box(name, "n-dead", rows))
        rows += 1
    height = _top(rows)
    if budget is not None:
        parts.extend(_budget_bar(total, budget, height + 4))
        height += 54
    for text, kind in _legend(shown, dead):
        parts.extend(_key(text, kind, height))
        height += _KEY
    sentence = _sentence(layers, total, budget, dead)
    return Picture(
        title=TITLE,
        description=sentence,
        drawing=svg.drawing(TITLE, sentence, height, parts),
        table=DataTable(
            caption="Layers in the order in which they run",
            columns=("Layer", "Name in the code", "Output", "Parameters"),
            rows=(
                *(
                    (f"{i}. {b.name}", b.module, shape_text(b.shape), f"{b.parameters:,}")
                    for i, b in enumerate(layers, start=1)
                ),
                *((name, "", "leads nowhere", "") for name in dead),
            ),
        ),
    )


def shape_text(shape: tuple[int, ...]) -> str:
    """`16 × 26 × 26`."""
    return " × ".join(str(extent) for extent in shape)


def _sentence(layers: tuple[LayerBox, ...], total: int, budget: int | None, dead: tuple[str, ...]) -> str:
    steps = "1 step" if len(layers) == 1 else f"{len(layers)} steps"
    text = f"{steps} from the image to the answer, {total:,} parameters"
    if budget is not None:
        text += f"; the assignment asks for fewer than {budget:,}"
    if dead:
        text += f". What is grey runs, but nothing uses its result: {', '.join(dead[:5])}"
    return f"{text}. The bars show where the parameters are."


def _row(layer: LayerBox, row: int, most: int) -> list[SafeHtml]:
    """One layer: its box, its shape, and how many of the parameters it holds."""
    kind = "n-layer" if layer.parameters else "n-plain"
    name = f"{ASKED} {_name(layer)}" if layer.asked else _name(layer)
    parts = [_box(name, f"{kind} n-asked" if layer.asked else kind, row)]
    parts.append(svg.text(shape_text(layer.shape), _SHAPE_X, _baseline(row)))
    if layer.parameters:
        parts.append(svg.text(f"{layer.parameters:,}", _COUNT_X, _baseline(row), text_anchor="end"))
        width = (svg.WIDTH - _BAR_X) * layer.parameters / most
        parts.append(_bar(_BAR_X, _top(row) + 6, width, "n-share"))
    return parts


def _legend(layers: tuple[LayerBox, ...], dead: tuple[str, ...]) -> list[tuple[str, str]]:
    """What the colours of this picture mean, those that it uses."""
    told = [
        ("has parameters that are trained", "n-layer", any(layer.parameters for layer in layers)),
        ("has none", "n-plain", any(not layer.parameters for layer in layers)),
        (
            f"{ASKED} asked for: batch normalisation, dropout, pooling",
            "n-plain n-asked",
            any(layer.asked for layer in layers),
        ),
        ("runs, and nothing uses its result", "n-dead", bool(dead)),
    ]
    return [(text, kind) for text, kind, used in told if used]


def _key(text: str, kind: str, top: float) -> list[SafeHtml]:
    box = svg.element("rect", x=_BOX_LEFT, y=top + 4, width=18.0, height=12.0, rx=3)
    return [svg.element("g", box, class_=kind), svg.text(text, _BOX_LEFT + 26, top + 14)]


def _name(layer: LayerBox) -> str:
    return f"{layer.module}: {layer.name}" if layer.module else layer.name


def _top(row: int) -> float:
    return row * _STEP + 2


def _baseline(row: int) -> float:
    return _top(row) + 16


def _box(label: str, kind: str, row: int) -> SafeHtml:
    room = int((_BOX_WIDTH - 16) / svg.INK)
    short = label if len(label) <= room else f"{label[: room - 1]}…"
    return svg.element(
        "g",
        svg.element("rect", x=_BOX_LEFT, y=_top(row), width=_BOX_WIDTH, height=_BOX_HEIGHT, rx=6),
        svg.text(short, _BOX_LEFT + 8, _baseline(row)),
        class_=kind,
    )


def _wire(source: int, target: int) -> SafeHtml:
    start, end = _top(source) + _BOX_HEIGHT, _top(target)
    if target == source + 1:
        x = _BOX_LEFT + 20
        return svg.polyline(((x, start), (x, end)), class_="n-wire")
    bow = _BOX_LEFT - min(12 + 2 * (target - source), _BOX_LEFT)
    y0, y1 = start - _BOX_HEIGHT / 2, end + _BOX_HEIGHT / 2
    path = (
        f"M{svg.number(_BOX_LEFT)},{svg.number(y0)} C{svg.number(bow)},{svg.number(y0)} "
        f"{svg.number(bow)},{svg.number(y1)} {svg.number(_BOX_LEFT)},{svg.number(y1)}"
    )
    return svg.element("path", d=path, fill="none", class_="n-wire")


def _bar(x: float, y: float, width: float, kind: str) -> SafeHtml:
    return svg.element("rect", x=x, y=y, width=max(width, 1.0), height=12, rx=2, class_=kind)


def _budget_bar(total: int, budget: int, top: float) -> list[SafeHtml]:
    """The used part in front of the whole; a stroke marks the budget, which may lie inside the bar."""
    room = svg.WIDTH - _BOX_LEFT
    scale = room / max(total, budget)
    limit = _BOX_LEFT + budget * scale
    asked = f"limit {budget:,}"
    return [
        _bar(_BOX_LEFT, top + 18, room, "n-room"),
        _bar(_BOX_LEFT, top + 18, total * scale, "n-used" if total < budget else "n-over"),
        svg.element("line", x1=limit, x2=limit, y1=top + 12, y2=top + 36, class_="n-limit"),
        svg.text(f"{total:,} parameters used", _BOX_LEFT, top + 12),
        svg.text(asked, max(limit, _BOX_LEFT + svg.INK * len(asked)), top + 46, text_anchor="end"),
    ]
