"""What all figures share: logarithmic axes with readable ticks, frames, and labels that keep apart."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from ipcbench.reports import scale, units
from ipcbench.reports.figure import Panel, Series
from ipcbench.reports.scale import Scale

__all__ = [
    "FORMS",
    "GREY",
    "INK",
    "WIDTH",
    "apart",
    "arrows",
    "canvas",
    "frame",
    "legend",
    "lines_of",
    "log_axis",
    "scaled",
    "signs",
]

WIDTH = 10.0
"""Inches of every figure: a page shows all in one width, and so text has one size in all of them."""
COLUMNS = 2
"""Panels side by side."""
TITLE, ROOM, BELOW, LEGEND = 0.45, 0.75, 0.42, 0.3
"""Inches of the title, of what stands above and below the axes of a line of panels, below them, and of a line of the legend."""

GREY = "#d9dcdf"
INK = "#1d2329"
SOFT = "#5c6670"
LETTER = 0.125
"""Inches of a letter of the title, about."""
SMALL, SAMPLE = 0.065, 0.6
"""Inches of a letter of a legend, and of the sample before its text and the room behind."""
GAPS = {"x": 0.46, "y": 0.2}
"""Inches between two labels of an axis; along x bandwidths take `WORDY` times as much."""
WORDY = 1.4
FORMS = {"s": units.seconds, "B/s": units.bandwidth, "/s": units.rate}


def canvas(title: str, heights: Sequence[float], legend: int = 0) -> Canvas:
    """An empty picture with its title at the left, for lines of panels so many inches high and so many lines of a legend."""
    wrapped = textwrap.fill(title, int(WIDTH / LETTER))
    height = TITLE * (1 + wrapped.count("\n")) + sum(heights) + ROOM * len(heights) + LEGEND * legend
    made = Canvas(figsize=(WIDTH, height), layout="constrained")
    made.suptitle(wrapped, x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
    return made


def frame(axes: Axes, title: str) -> None:
    """Title at the left, light grid, two spines."""
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.grid(visible=True, which="major", color="#eceff1", linewidth=0.7, zorder=0)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#b9c0c6")
    axes.tick_params(color="#b9c0c6", labelcolor=SOFT, labelsize=8)
    axes.tick_params(which="minor", color="#b9c0c6", length=2)


def scaled(series: Iterable[Series], unit: str, more: Sequence[float] = ()) -> Scale:
    """The scale of what is measured in that unit: all points, and `more` of them, with intervals as far as they tell anything."""
    every = list(series)
    points = [*(value for each in every for value in each.y), *more]
    ends = [value for each in every for value in [*each.low, *each.high]]
    return scale.scale(points, [*ends, *points], binary=unit == "B/s")


def log_axis(axes: Axes, which: str, unit: str, along: Scale, ends: tuple[float, float] | None = None) -> None:
    """Make the axis logarithmic over that scale, or beyond it to those ends, with labels at round numbers of its unit."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(*(ends or (along.low, along.high)))
    form, gap = FORMS[unit], GAPS[which] * (WORDY if (which, unit) == ("x", "B/s") else 1)
    axis.set_major_locator(scale.Labelled(along, gap))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _short(form(value))))
    axis.set_minor_locator(FixedLocator(along.numbers))
    axis.set_minor_formatter(NullFormatter())


def legend(made: Canvas, handles: list[Line2D], texts: list[str]) -> None:
    """Samples and their texts below the panels, in as many lines as they take."""
    if texts:
        columns = math.ceil(len(texts) / legend_lines(texts))
        made.legend(handles, texts, loc="outside lower left", ncols=columns, fontsize=8, frameon=False)


def legend_lines(texts: Sequence[str]) -> int:
    """How many lines they take."""
    return math.ceil(sum(SAMPLE + SMALL * len(text) for text in texts) / WIDTH)


def signs(panels: Sequence[Panel]) -> tuple[list[Line2D], list[str]]:
    """What a bar and a hollow mark say, as far as any is drawn: samples and their texts."""
    every = [each for panel in panels for each in panel.series]
    handles, texts = [], []
    if any(each.low != each.high for each in every):
        handles.append(Line2D([], [], color=SOFT, linewidth=3, alpha=0.4))
        texts.append("95 % interval (unseen where narrower than the mark)")
    if any(any(each.wide) for each in every):
        handles.append(Line2D([], [], color=SOFT, marker="o", linestyle="", markersize=5, markerfacecolor="white"))
        texts.append("hollow: interval wider than asked for")
    return handles, texts


def size_axis(axes: Axes, marks: Sequence[tuple[float, str]]) -> None:
    """Message sizes (or numbers of processes) on a base-2 logarithmic x axis; near neighbours share one label's place."""
    axes.set_xscale("log", base=2)
    shown = _spaced(marks)
    axes.set_xticks([x for x, _ in shown], [text for _, text in shown])
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = marks[0][0], marks[-1][0]
    pad = max(1.15, (high / low) ** 0.05)
    axes.set_xlim(low / pad, high * pad)


def _spaced(marks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The roundest first, those far enough from the ones before to be read."""
    span = max(1.0, math.log2(marks[-1][0] / marks[0][0]))
    shown: list[tuple[float, str]] = []
    for mark in sorted(marks, key=lambda each: _roundness(each[0]), reverse=True):
        if all(abs(math.log2(other / mark[0])) / span > 0.14 for other, _ in shown):
            shown.append(mark)
    return sorted(shown)


def _roundness(number: float) -> int:
    """The greatest power of two that divides it: 64 KiB is rounder than 65 KiB."""
    return int(number) & -int(number)


def apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Places between 0 and 1, in the order of the wanted ones and `gap` apart: those that are too near move to both sides alike."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    blocks: list[list[float]] = []  # of what stands together: where each would have its first
    for rank, index in enumerate(order):
        blocks.append([wanted[index] - rank * gap])
        while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    most = max(0.0, 1 - gap * (len(wanted) - 1))
    firsts = [min(max(0.0, fmean(block)), most) for block in blocks for _ in block]
    found = [0.0] * len(wanted)
    for rank, (index, first) in enumerate(zip(order, firsts, strict=True)):
        found[index] = first + rank * gap
    return found


def lines_of(made: Canvas, heights: Sequence[float]) -> list[Axes]:
    """Axes so many inches high, line by line of two; what is lower than its neighbour ends above it, and one alone has a whole line."""
    columns, lines = min(COLUMNS, len(heights)), by_line(heights)
    parts: list[list[float]] = []  # of each line: what the lower one takes, and what only the higher one has below that
    for line in lines:
        low, high = min(line), max(line)
        parts.append([low, max(0.01, high - low - BELOW)] if high > low else [high])
    grid = made.add_gridspec(sum(map(len, parts)), columns, height_ratios=[each for part in parts for each in part])
    found, first = [], 0
    for line, part in zip(lines, parts, strict=True):
        for column, height in enumerate(line):
            rows = slice(first, first + (len(part) if height == max(line) else 1))
            found.append(made.add_subplot(grid[rows, column] if len(line) == columns else grid[rows, :]))
        first += len(part)
    return found


def panel_width(axes: Axes) -> float:
    """Inches between its neighbours, about."""
    place = axes.get_subplotspec()
    return WIDTH * (1 if place is None else len(place.colspan) / place.get_gridspec().ncols) - 0.3


def by_line(heights: Sequence[float]) -> list[Sequence[float]]:
    """Those of the panels of each line."""
    return [heights[first : first + COLUMNS] for first in range(0, len(heights), COLUMNS)]


def errors(y: Sequence[float], low: Sequence[float], high: Sequence[float]) -> list[list[float]]:
    """What matplotlib calls yerr: distances below and above."""
    below = [max(0.0, middle - end) for middle, end in zip(y, low, strict=True)]
    above = [max(0.0, end - middle) for middle, end in zip(y, high, strict=True)]
    return [below, above]


def arrows(axes: Axes, which: str, at: float, ends: tuple[float, float], colour: str, along: Scale) -> None:
    """Where the scale ends and an interval along it goes on."""
    for end, sign in zip(ends, ("<v", ">^"), strict=True):
        edge = along.held(end)
        if edge != end:
            place = (edge, at) if which == "x" else (at, edge)
            axes.plot(*place, sign["xy".index(which)], color=colour, markersize=3.5, alpha=0.7, clip_on=False, zorder=4)


def _short(text: str) -> str:
    """Without figures that say nothing: 1.00 µs is 1 µs."""
    number, space, unit = text.partition(" ")
    whole, dot, rest = number.partition(".")
    rest = rest.rstrip("0")
    if not space and dot:  # a rate without prefix: 5.00/s
        return text.replace(".00", "").replace(".0", "")
    return whole + (dot + rest if rest else "") + space + unit
