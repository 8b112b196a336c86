"""Draws figures with a row a mechanism: the ranking, marks side by side (placement, start method, opening), percentiles."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from ipcbench.reports import axes as shared
from ipcbench.reports import style, units
from ipcbench.reports.figure import Figure, Panel, Series

__all__ = ["ROW", "key", "mark", "marks", "rank", "ranking", "spread"]

ROW = 0.225
"""Inches of a row."""
SHAPES = "osD^v"
PERCENTILE: tuple[dict[str, Any], ...] = (
    {"marker": "o", "markersize": 6},
    {"marker": "o", "markersize": 4},
    {"marker": "D", "markersize": 4, "markerfacecolor": "white"},
    {"marker": "s", "markersize": 4, "markerfacecolor": "white"},
    {"marker": "|", "markersize": 8, "markeredgewidth": 1.4},
)
"""How p50, p90, p99, p99.9 and the longest are marked: filled where many are faster than it, hollow where nearly all are."""


def ranking(figure: Figure) -> Canvas:
    """Fastest first; the name at the left, the mean at the right, a stroke where C is."""
    made, grid = _grid(figure)
    for place, panel in zip(grid, figure.panels, strict=True):
        rank(place, figure, panel)
    handles, texts = shared.signs(figure.panels)
    if any(each.floor is not None for panel in figure.panels for each in panel.series):
        stroke = Line2D([], [], color="#59626a", marker="|", linestyle="", markersize=8, markeredgewidth=1.4)
        handles, texts = [stroke, *handles], ["the same primitive in C", *texts]
    shared.legend(made, handles, texts)
    return made


def rank(place: Axes, figure: Figure, panel: Panel) -> None:
    """A panel of a ranking."""
    _prepare(place, figure, panel, room=0.3)
    left = place.get_xlim()[0]
    for row, each in enumerate(panel.series):
        place.hlines(row, left, each.y[0], color=shared.GREY, linewidth=0.7, zorder=1)
        _mark(place, row, each, 0, "o")
        if each.floor is not None:
            place.plot(each.floor, row, "|", color="#59626a", markersize=8, markeredgewidth=1.4, zorder=2)
        edge = min(max(each.high[0], each.y[0], each.floor or 0.0), place.get_xlim()[1])  # right of all that is drawn
        place.annotate(
            units.seconds(each.y[0]),
            (edge, row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=shared.INK,
        )


def marks(figure: Figure) -> Canvas:
    """One row a mechanism with a mark for each way, a little below each other round the row's middle; a thin line joins them."""
    made, grid = _grid(figure)
    for place, panel in zip(grid, figure.panels, strict=True):
        mark(place, figure, panel)
    (shapes, ways), (signs, meanings) = key(figure), shared.signs(figure.panels)
    shared.legend(made, shapes + signs, ways + meanings)
    return made


def mark(place: Axes, figure: Figure, panel: Panel) -> None:
    """A panel of marks."""
    _prepare(place, figure, panel, room=0.0)
    for row, each in enumerate(panel.series):
        place.hlines(row, min(each.y), max(each.y), color=shared.GREY, linewidth=1.2, zorder=1)
        for index, way in enumerate(each.x):
            shift = (index - (len(each.x) - 1) / 2) * 0.2
            _mark(place, row + shift, each, index, SHAPES[int(way) % len(SHAPES)])


def key(figure: Figure) -> tuple[list[Line2D], list[str]]:
    """What each mark means: a sample and its text."""
    handles = [
        Line2D([], [], color=shared.SOFT, marker=SHAPES[int(way) % len(SHAPES)], linestyle="", markersize=5)
        for way, _ in figure.ticks
    ]
    return handles, [text for _, text in figure.ticks]


def spread(figure: Figure) -> Canvas:
    """One row a mechanism with its percentiles along it, ever lighter towards the slowest; the median in figures."""
    made, grid = _grid(figure)
    for place, panel in zip(grid, figure.panels, strict=True):
        _prepare(place, figure, panel, room=0.0)
        for row, each in enumerate(panel.series):
            colour = style.colour(each.family, each.name)
            place.hlines(row, min(each.y), max(each.y), color=colour, linewidth=1.0, alpha=0.45, zorder=1)
            for way, value in zip(each.x, each.y, strict=True):
                place.plot(value, row, color=colour, zorder=3, **PERCENTILE[int(way) % len(PERCENTILE)])
    used = {way for panel in figure.panels for each in panel.series for way in each.x}
    ticks = [(PERCENTILE[int(way) % len(PERCENTILE)], text) for way, text in figure.ticks if way in used]
    handles = [Line2D([], [], color=shared.SOFT, linestyle="", **look) for look, _ in ticks]
    shared.legend(made, handles, [text for _, text in ticks])
    return made


def _grid(figure: Figure) -> tuple[Canvas, list[Axes]]:
    """At most two panels side by side; each line of them is as high as its longest."""
    panels = figure.panels
    columns = min(2, len(panels))
    lines = [panels[first : first + columns] for first in range(0, len(panels), columns)]
    heights = [ROW * max(len(panel.series) for panel in line) + 0.8 for line in lines]
    made = shared.canvas(figure.title, 5.6 * columns + 0.4 if columns > 1 else 8.0, sum(heights) + 0.9)
    return made, shared.lines_of(made, len(panels), columns, heights)


def _prepare(place: Axes, figure: Figure, panel: Panel, room: float) -> None:
    """Axes with a name a row; `room` is the share of the width kept free for numbers."""
    shared.frame(place, panel.title)
    points = [value for each in panel.series for value in each.y]
    ends = [value for each in panel.series for value in [*each.low, *each.high]]
    floors = [each.floor for each in panel.series if each.floor is not None]
    low, high = shared.limits([*points, *floors], [*ends, *floors])
    shared.log_axis(place, "x", figure.unit, low, high * (high / low) ** (room / (1 - room) * 0.6))
    place.set_yticks(range(len(panel.series)), [each.text for each in panel.series])
    for tick, each in zip(place.get_yticklabels(), panel.series, strict=True):
        tick.set_color(style.text_colour(each.family))
        tick.set_fontsize(8.5)
    place.tick_params(axis="y", length=0)
    place.set_ylim(len(panel.series) - 0.4, -0.6)
    place.grid(visible=False, axis="y")
    place.set_xlabel(panel.y or figure.y, fontsize=8, color=shared.SOFT)


def _mark(place: Axes, row: float, each: Series, index: int, shape: str) -> None:
    """Hollow where the interval is wider than was asked for."""
    colour = style.colour(each.family, each.name)
    place.hlines(row, each.low[index], each.high[index], color=colour, linewidth=3, alpha=0.4, zorder=2)
    shared.arrows(place, "x", row, (each.low[index], each.high[index]), colour)
    fill = "white" if each.wide and each.wide[index] else colour
    place.plot(each.y[index], row, shape, color=colour, markerfacecolor=fill, markersize=5, zorder=3)
