"""Draws figures with a row a name: rankings, marks side by side (placement, start method, opening), percentiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ipcbench.reports import axes as shared
from ipcbench.reports import style
from ipcbench.reports.figure import Figure, Panel, Series
from ipcbench.reports.scale import Scale

__all__ = ["height", "key", "mark", "marks", "rank", "ranking", "spread"]

ROW = 0.225
"""Inches of a row."""
LETTER, AROUND = 0.063, 0.15
"""Inches of a letter of a name or a value, and of the room round a value."""
SHAPES = "osD^v"
STROKE: dict[str, Any] = {"color": "#59626a", "marker": "|", "linestyle": "", "markersize": 8, "markeredgewidth": 1.4}
LIMIT: dict[str, Any] = {"color": "black", "linestyle": ":", "linewidth": 1.3}
PERCENTILE: tuple[dict[str, Any], ...] = (
    {"marker": "o", "markersize": 6},
    {"marker": "o", "markersize": 4},
    {"marker": "D", "markersize": 4, "markerfacecolor": "white"},
    {"marker": "s", "markersize": 4, "markerfacecolor": "white"},
    {"marker": "|", "markersize": 8, "markeredgewidth": 1.4},
)
"""How p50, p90, p99, p99.9 and the longest are marked: filled where many are faster than it, hollow where nearly all are."""


def height(panel: Panel) -> float:
    """Inches of its axes: a row is as high in every picture."""
    return ROW * (len(panel.series) + 0.2)


def ranking(figure: Figure) -> Canvas:
    """The name at the left, the value at the right; a stroke where C is, a dotted line where the limit is."""
    handles, texts = shared.signs(figure.panels)
    if any(each.floor is not None for panel in figure.panels for each in panel.series):
        handles, texts = [Line2D([], [], **STROKE), *handles], ["the same primitive in C", *texts]
    if limits := [panel.limit.text for panel in figure.panels if panel.limit]:
        handles, texts = [*handles, Line2D([], [], **LIMIT)], [*texts, limits[0]]
    return _drawn(figure, rank, handles, texts)


def rank(place: Axes, figure: Figure, panel: Panel) -> None:
    """A panel of a ranking."""
    along = _prepare(place, figure, panel, (False, True))
    (left, right), share = place.get_xlim(), _share(place, figure, panel)
    if panel.limit:
        place.axvline(panel.limit.y[0], zorder=1, **LIMIT)
    for row, each in enumerate(panel.series):
        _mark(place, row, each, 0, "o", along)
        if each.floor is not None:
            place.plot(each.floor, row, zorder=2, **STROKE)
        edge = along.held(each.high[0])
        for stroke in sorted([*([each.floor] if each.floor else []), *(panel.limit.y[:1] if panel.limit else [])]):
            if edge < stroke < edge * (right / left) ** share:  # the value would lie on it
                edge = stroke
        _value(place, row, each.y[0], edge, along, figure.unit)


def marks(figure: Figure) -> Canvas:
    """One row a name with a mark for each way, a little below each other round the row's middle."""
    (shapes, ways), (signs, meanings) = key(figure), shared.signs(figure.panels)
    return _drawn(figure, mark, shapes + signs, ways + meanings)


def mark(place: Axes, figure: Figure, panel: Panel) -> None:
    """A panel of marks, with the least of a row in figures at its left and the greatest at its right."""
    along = _prepare(place, figure, panel, (any(len(each.y) > 1 for each in panel.series), True))
    for row, each in enumerate(panel.series):
        for index, way in enumerate(each.x):
            shift = (index - (len(each.x) - 1) / 2) * 0.2
            _mark(place, row + shift, each, index, SHAPES[int(way) % len(SHAPES)], along)
        _value(place, row, max(each.y), max(each.high), along, figure.unit)
        if len(each.y) > 1:
            _value(place, row, min(each.y), min(each.low), along, figure.unit, left=True)


def key(figure: Figure) -> tuple[list[Line2D], list[str]]:
    """What each mark means: a sample and its text."""
    handles = [
        Line2D([], [], color=shared.SOFT, marker=SHAPES[int(way) % len(SHAPES)], linestyle="", markersize=5)
        for way, _ in figure.ticks
    ]
    return handles, [text for _, text in figure.ticks]


def spread(figure: Figure) -> Canvas:
    """One row a name with its percentiles along it, ever lighter towards the slowest."""
    used = {way for panel in figure.panels for each in panel.series for way in each.x}
    ticks = [(PERCENTILE[int(way) % len(PERCENTILE)], text) for way, text in figure.ticks if way in used]
    handles = [Line2D([], [], color=shared.SOFT, linestyle="", **look) for look, _ in ticks]
    return _drawn(figure, _spread, handles, [text for _, text in ticks])


def _spread(place: Axes, figure: Figure, panel: Panel) -> None:
    """A panel of percentiles, the median in figures."""
    along = _prepare(place, figure, panel, (True, False))
    for row, each in enumerate(panel.series):
        colour = style.colour(each.family, each.name)
        place.plot([min(each.y), max(each.y)], [row, row], color=colour, linewidth=1.0, alpha=0.45, zorder=1)
        for way, value in zip(each.x, each.y, strict=True):
            place.plot(value, row, color=colour, zorder=3, **PERCENTILE[int(way) % len(PERCENTILE)])
        _value(place, row, each.y[0], each.y[0], along, figure.unit, left=True)


def _drawn(
    figure: Figure, panel: Callable[[Axes, Figure, Panel], None], handles: list[Line2D], texts: list[str]
) -> Canvas:
    """All panels, two side by side, each as high as its rows, and the legend below them."""
    heights = [height(each) for each in figure.panels]
    rows = [max(row) for row in shared.by_line(heights)]
    made = shared.canvas(figure.title, rows, shared.legend_lines(texts))
    for place, each in zip(shared.lines_of(made, heights), figure.panels, strict=True):
        panel(place, figure, each)
    shared.legend(made, handles, texts)
    return made


def _prepare(place: Axes, figure: Figure, panel: Panel, values: tuple[bool, bool]) -> Scale:
    """Axes with a name a row, and room for values at the left or the right of all that is drawn."""
    shared.frame(place, panel.title)
    more = [each.floor for each in panel.series if each.floor is not None]
    more += panel.limit.y if panel.limit else []
    along = shared.scaled(panel.series, figure.unit, more)
    ends = [along.held(value) for each in panel.series for value in [*each.low, *each.high]]
    share = _share(place, figure, panel)
    shared.log_axis(place, "x", figure.unit, along, _roomy(along, [*ends, *more], [share * each for each in values]))
    place.set_yticks(range(len(panel.series)), [each.text for each in panel.series])
    for tick, each in zip(place.get_yticklabels(), panel.series, strict=True):
        tick.set_color(style.text_colour(each.family))
        tick.set_fontsize(8)
    place.tick_params(axis="y", length=0)
    place.set_ylim(len(panel.series) - 0.4, -0.6)
    place.grid(visible=False, axis="y")
    right = [each.y[-1] if figure.kind == "ranking" else max(each.y) for each in panel.series]
    place.hlines(range(len(right)), place.get_xlim()[0], right, color=shared.GREY, linewidth=0.7, zorder=0.5)
    place.set_xlabel(panel.y or figure.y, fontsize=8, color=shared.SOFT)
    return along


def _share(place: Axes, figure: Figure, panel: Panel) -> float:
    """The part of the axis that a value takes, about."""
    inches = shared.panel_width(place) - LETTER * max(len(each.text) for each in panel.series)
    letters = max(len(shared.FORMS[figure.unit](value)) for each in panel.series for value in each.y)
    return min(0.3, (LETTER * letters + AROUND) / inches)


def _roomy(along: Scale, ends: Sequence[float], shares: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis that leave these shares of it free on either side of what is drawn, as far as the scale itself doesn't."""
    first, last = math.log(min(ends)), math.log(max(ends))
    low, high = math.log(along.low), math.log(along.high)
    for _ in range(20):  # each time nearer: the shares are of what they widen
        span = high - low
        low, high = min(low, first - shares[0] * span), max(high, last + shares[1] * span)
    return math.exp(low), math.exp(high)


def _mark(place: Axes, row: float, each: Series, index: int, shape: str, along: Scale) -> None:
    """Hollow where the interval is wider than was asked for."""
    colour = style.colour(each.family, each.name)
    low, high = along.held(each.low[index]), along.held(each.high[index])
    place.plot([low, high], [row, row], color=colour, linewidth=3, alpha=0.4, solid_capstyle="butt", zorder=2)
    shared.arrows(place, "x", row, (each.low[index], each.high[index]), colour, along)
    fill = "white" if each.wide and each.wide[index] else colour
    place.plot(each.y[index], row, shape, color=colour, markerfacecolor=fill, markersize=5, zorder=3)


def _value(place: Axes, row: float, value: float, edge: float, along: Scale, unit: str, *, left: bool = False) -> None:
    """In figures, beside all that is drawn of the row."""
    place.annotate(
        shared.FORMS[unit](value),
        (along.held(edge), row),
        xytext=(-6 if left else 6, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=8,
        color=shared.INK,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
        in_layout=False,  # `_roomy` makes its place within the axes: the layout need not measure it
    )
