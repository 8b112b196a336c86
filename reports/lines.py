"""Draws figures of lines: small multiples with the others in grey behind, and names at the lines' ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.patheffects import withStroke

from ipcbench.reports import axes as shared
from ipcbench.reports import style
from ipcbench.reports.figure import FAR, Figure, Panel, Series, joined

__all__ = ["HEIGHT", "chart", "draw"]

HEIGHT = 2.9
"""Inches of a panel."""
LINE = 0.125
"""Inches between two names."""
ASIDE = 0.0033
"""Parts of a panel's width between two lines' marks for the same place."""
NEAR = 0.12
"""Parts of a panel's width from its right edge within which a line's last point is joined to its name."""
Look = dict[str, Any]
"""Keyword arguments of a line."""


def draw(figure: Figure) -> Canvas:
    """All panels on the same axes, so that they can be compared by eye."""
    count = len(figure.panels)
    columns = min(2, count)
    rows = math.ceil(count / columns)
    made = shared.canvas(figure.title, 4.9 * columns + 0.3, (HEIGHT + 0.55) * rows + 0.4)
    grid = made.subplots(rows, columns, squeeze=False)
    for index, (axes, panel) in enumerate(zip(grid.flat, figure.panels, strict=False)):
        chart(axes, figure, panel)
        if index % columns == 0:
            axes.set_ylabel(figure.y, fontsize=8, color=shared.SOFT)
    shared.hide_rest(made, count)
    return made


def chart(axes: Axes, figure: Figure, panel: Panel) -> None:
    """One panel, on axes that fit all of the figure's."""
    span = _range(figure)
    shared.frame(axes, panel.title)
    shared.size_axis(axes, figure.ticks)
    shared.log_axis(axes, "y", figure.unit, *span)
    _panel(axes, panel, span)
    axes.set_xlabel(figure.x, fontsize=8, color=shared.SOFT)


def _range(figure: Figure) -> tuple[float, float]:
    every = [each for panel in figure.panels for each in [*panel.series, *panel.floors]]
    every += [panel.limit for panel in figure.panels if panel.limit is not None]
    ends = [value for each in every for value in [*each.low, *each.high]]
    return shared.limits([value for each in every for value in each.y], ends)


def _panel(axes: Axes, panel: Panel, span: tuple[float, float]) -> None:
    grey = [list(zip(*_broken(each.x, each.y), strict=True)) for each in panel.background]
    axes.add_collection(LineCollection(grey, colors=shared.GREY, linewidths=0.8, zorder=1), autolim=False)
    named: list[tuple[Series, Look]] = []
    if panel.limit is not None:
        axes.plot(panel.limit.x, panel.limit.y, color="black", linestyle=":", linewidth=1.3, zorder=2)
        named.append((panel.limit, {"color": "black", "linestyle": ":"}))
    for each in panel.floors:
        look = _look(each, style.floor(each.name))
        axes.plot(*_broken(each.x, each.y), zorder=2, **look)
        named.append((each, look))
    for index, each in enumerate(panel.series):
        x = _beside(axes, each.x, index - (len(panel.series) - 1) / 2)
        bars = shared.errors(each.y, each.low, each.high)
        look = _look(each, style.look(each.family, each.name))
        axes.errorbar(x, each.y, yerr=bars, capsize=1.8, elinewidth=0.8, zorder=3, **{**look, "linestyle": ""})
        for place, low, high in zip(x, each.low, each.high, strict=True):
            shared.arrows(axes, "y", place, (low, high), look["color"])
        axes.plot(*_broken(x, each.y), zorder=3, **{**look, "marker": ""})
        hollow = [(a, b) for a, b, wide in zip(x, each.y, each.wide, strict=False) if wide]
        hole = {**look, "linestyle": "", "markerfacecolor": "white", "zorder": 4}
        axes.plot([a for a, _ in hollow], [b for _, b in hollow], **hole)
        named.append((each, look))
    _crossings(axes, panel, span)
    _names(axes, named, span)


def _crossings(axes: Axes, panel: Panel, span: tuple[float, float]) -> None:
    """A ring round each, and a line down to the number at the axis."""
    ring: Look = {
        "marker": "o",
        "markersize": 12,
        "markerfacecolor": "none",
        "markeredgecolor": "black",
        "linestyle": "",
    }
    for index, each in enumerate(sorted(panel.crossings, key=lambda crossing: crossing.x)):
        axes.plot([each.x], [each.y], zorder=5, **ring)
        axes.vlines(each.x, span[0], each.y, color="black", linewidth=0.8, linestyle=(0, (2, 2)), zorder=2)
        left, right = axes.get_xlim()
        leftwards = each.x > math.sqrt(left * right)  # there is more room for the text
        beside: Look = {
            "xytext": (-3 if leftwards else 3, 3 + 11 * (index % 4)),
            "textcoords": "offset points",
            "ha": "right" if leftwards else "left",
            "fontsize": 8,
            "color": "black",
            "path_effects": [withStroke(linewidth=2.0, foreground="white")],
            "zorder": 6,
        }
        axes.annotate(each.text, (each.x, span[0]), fontweight="bold", **beside)


def _look(each: Series, look: Look) -> Look:
    """Without a line where none joins its points, so that the sample beside its name shows none either."""
    return look if joined(each) else {**look, "linestyle": ""}


def _end(each: Series, right: float) -> tuple[float, float]:
    """Its last point within the panel: what limits the others may be measured at greater sizes."""
    return max((x, y) for x, y in zip(each.x, each.y, strict=True) if x <= right or x == each.x[0])


def _last(each: Series) -> Look:
    """How the mark is filled from which the line to the name comes."""
    return {"markerfacecolor": "white"} if each.wide and each.wide[-1] else {}


def _broken(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    """The line's points with a gap where neighbours are far apart: what lies between was not measured, and often isn't straight."""
    across: list[float] = []
    along: list[float] = []
    for at, value in zip(x, y, strict=True):
        if across and at / across[-1] > FAR:
            across.append(math.nan)
            along.append(math.nan)
        across.append(at)
        along.append(value)
    return across, along


def _beside(axes: Axes, x: Sequence[float], step: float) -> list[float]:
    """Moved a little, so that intervals of several lines don't lie upon each other."""
    left, right = axes.get_xlim()
    return [each * (right / left) ** (ASIDE * step) for each in x]


def _names(axes: Axes, named: Sequence[tuple[Series, Look]], span: tuple[float, float]) -> None:
    """Each name at the right with its marker, as near to its line's end as the others let it; a hair line joins what ends there."""
    low, high = (math.log(each) for each in span)
    left, right = axes.get_xlim()
    last = [_end(each, right) for each, _ in named]
    wanted = [(math.log(y) - low) / (high - low) for _, y in last]
    for (each, look), (x, y), place in zip(named, last, shared.apart(wanted, LINE / HEIGHT * 1.25), strict=True):
        ends = [y, math.exp(low + place * (high - low))]
        if math.log(right / x) < NEAR * math.log(right / left):  # through the panel it would look like data
            axes.plot([x, right], ends, color=look["color"], linewidth=0.4, alpha=0.55, clip_on=False, zorder=1)
        sample = {
            "markersize": 4,
            "markeredgewidth": 1.0,
            **look,
            **_last(each),
            "linewidth": 1.1,
            "transform": axes.transAxes,
            "clip_on": False,
        }
        axes.plot([1.025, 1.05, 1.075], [place] * 3, markevery=[1], **sample)
        axes.annotate(
            each.text,
            xy=(1.09, place),
            xycoords="axes fraction",
            va="center",
            fontsize=7.5,
            color=shared.INK,
            annotation_clip=False,
        )
