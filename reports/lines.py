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
from ipcbench.reports.figure import Crossing, Figure, Panel, Series, joined
from ipcbench.reports.scale import Scale

__all__ = ["chart", "draw", "height"]

LOW, FREE = 1.7, 1.3
"""Inches of a panel at least, and what it has beside the names of its lines."""
LINE = 0.155
"""Inches between two names."""
ASIDE = 0.0033
"""Parts of a panel's width between two lines' marks for the same place."""
BESIDE = 0.2
"""Parts of a panel's width between two crossings whose numbers stand side by side."""
NEAR = 0.12
"""Parts of a panel's width from its right edge within which a line's last point is joined to its name."""
RING = 12
"""Points across a ring round a crossing."""
Look = dict[str, Any]
"""Keyword arguments of a line."""


def draw(figure: Figure) -> Canvas:
    """Small multiples, each on axes that fit what is drawn in it: where each has the others in grey behind, they are the same."""
    rows = [max(row) for row in shared.by_line([height(panel) for panel in figure.panels])]
    heights = [rows[index // shared.COLUMNS] for index in range(len(figure.panels))]
    made = shared.canvas(figure.title, rows)
    for index, axes in enumerate(shared.lines_of(made, heights)):
        chart(axes, figure, figure.panels[index], heights[index])
        if index % shared.COLUMNS == 0:
            axes.set_ylabel(figure.y, fontsize=8, color=shared.SOFT)
    return made


def height(panel: Panel) -> float:
    """Inches of its axes: room for all names beside them."""
    named = [*panel.series, *panel.floors, *([panel.limit] if panel.limit else [])]
    return max(LOW, FREE + LINE * len(named))


def chart(axes: Axes, figure: Figure, panel: Panel, inches: float) -> None:
    """One panel, so many inches high."""
    compared = figure.panels if panel.background else [panel]
    every = [each for one in compared for each in [*one.series, *one.floors, *([one.limit] if one.limit else [])]]
    shown = {x for each in every for x in each.x}
    along = shared.scaled(every, figure.unit)
    shared.frame(axes, panel.title)
    shared.size_axis(axes, [mark for mark in figure.ticks if mark[0] in shown])
    shared.log_axis(axes, "y", figure.unit, along)
    _panel(axes, panel, along, inches)
    axes.set_xlabel(figure.x, fontsize=8, color=shared.SOFT)


def _panel(axes: Axes, panel: Panel, along: Scale, inches: float) -> None:
    grey = [list(zip(*_broken(each.x, each), strict=True)) for each in panel.background]
    axes.add_collection(LineCollection(grey, colors=shared.GREY, linewidths=0.8, zorder=1), autolim=False)
    named: list[tuple[Series, Look]] = []
    if panel.limit is not None:
        look: Look = {"color": "black", "linestyle": ":"}
        axes.plot(*_broken(panel.limit.x, panel.limit), linewidth=1.3, zorder=2, **look)
        named.append((panel.limit, look))
    for each in panel.floors:
        look = _look(each, style.floor(each.name))
        axes.plot(*_broken(each.x, each), zorder=2, **look)
        named.append((each, look))
    for index, each in enumerate(panel.series):
        look = _look(each, style.look(each.family, each.name))
        _line(axes, each, _beside(axes, each.x, index - (len(panel.series) - 1) / 2), look, along)
        named.append((each, look))
    _crossings(axes, panel)
    _names(axes, named, along, inches)


def _line(axes: Axes, each: Series, x: list[float], look: Look, along: Scale) -> None:
    """Its points at those places with their intervals, and the lines between them."""
    bars = shared.errors(each.y, *([along.held(end) for end in ends] for ends in (each.low, each.high)))
    axes.errorbar(x, each.y, yerr=bars, capsize=1.8, elinewidth=0.8, zorder=3, **{**look, "linestyle": ""})
    for place, low, high in zip(x, each.low, each.high, strict=True):
        shared.arrows(axes, "y", place, (low, high), look["color"], along)
    axes.plot(*_broken(x, each), zorder=3, **{**look, "marker": ""})
    hollow = [(a, b) for a, b, wide in zip(x, each.y, each.wide, strict=False) if wide]
    hole = {**look, "linestyle": "", "markerfacecolor": "white", "zorder": 4}
    axes.plot([a for a, _ in hollow], [b for _, b in hollow], **hole)


def _crossings(axes: Axes, panel: Panel) -> None:
    """A ring round each and its number above it, or below where another's is near; grey and thin where it isn't certain."""
    before: Crossing | None = None
    above = True
    for each in sorted(panel.crossings, key=lambda crossing: crossing.x):
        above = not (above and before and _near(axes, before, each))
        colour = "black" if each.sure else shared.SOFT
        ring: Look = {"marker": "o", "markersize": RING, "markerfacecolor": "none", "markeredgecolor": colour}
        axes.plot([each.x], [each.y], zorder=5, linestyle="", markeredgewidth=1.0 if each.sure else 0.6, **ring)
        axes.annotate(
            each.text,
            (each.x, each.y),
            xytext=(0, RING / 2 + 2 if above else -RING / 2 - 2),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=8,
            fontweight="bold" if each.sure else "normal",
            color=colour,
            path_effects=[withStroke(linewidth=2.0, foreground="white")],
            zorder=6,
        )
        before = each


def _near(axes: Axes, one: Crossing, two: Crossing) -> bool:
    """Whether their numbers would touch."""
    left, right = axes.get_xlim()
    return math.log(two.x / one.x) < BESIDE * math.log(right / left)


def _look(each: Series, look: Look) -> Look:
    """Without a line where none joins its points, so that the sample beside its name shows none either."""
    return look if joined(each) else {**look, "linestyle": ""}


def _end(each: Series, right: float) -> tuple[float, float]:
    """Its last point within the panel: what limits the others may be measured at greater sizes."""
    return max((x, y) for x, y in zip(each.x, each.y, strict=True) if x <= right or x == each.x[0])


def _last(each: Series) -> Look:
    """How the mark is filled from which the line to the name comes."""
    return {"markerfacecolor": "white"} if each.wide and each.wide[-1] else {}


def _broken(x: Sequence[float], each: Series) -> tuple[list[float], list[float]]:
    """The line's points at those places, with a gap where it is cut: what lies between was not measured, and often isn't straight."""
    across: list[float] = []
    along: list[float] = []
    for index, (at, value) in enumerate(zip(x, each.y, strict=True)):
        if index and each.cut and each.cut[index]:
            across.append(math.nan)
            along.append(math.nan)
        across.append(at)
        along.append(value)
    return across, along


def _beside(axes: Axes, x: Sequence[float], step: float) -> list[float]:
    """Moved a little, so that intervals of several lines don't lie upon each other."""
    left, right = axes.get_xlim()
    return [each * (right / left) ** (ASIDE * step) for each in x]


def _names(axes: Axes, named: Sequence[tuple[Series, Look]], span: Scale, inches: float) -> None:
    """Each name at the right with its marker, as near to its line's end as the others let it; a hair line joins what ends there."""
    low, high = math.log(span.low), math.log(span.high)
    left, right = axes.get_xlim()
    last = [_end(each, right) for each, _ in named]
    wanted = [(math.log(y) - low) / (high - low) for _, y in last]
    step = 0.025 * shared.WIDTH / shared.COLUMNS / shared.panel_width(axes)
    for (each, look), (x, y), place in zip(named, last, shared.apart(wanted, LINE / inches), strict=True):
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
        axes.plot([1 + step, 1 + 2 * step, 1 + 3 * step], [place] * 3, markevery=[1], **sample)
        axes.annotate(
            each.text,
            xy=(1 + 3.6 * step, place),
            xycoords="axes fraction",
            va="center",
            fontsize=7.5,
            color=shared.INK,
            annotation_clip=False,
        )
