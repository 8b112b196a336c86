"""What all figures share: logarithmic axes with readable ticks, frames, and labels that keep apart."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from ipcbench.reports import units
from ipcbench.reports.figure import Panel

__all__ = ["GREY", "INK", "apart", "arrows", "canvas", "frame", "legend", "limits", "log_axis", "signs", "ticks"]

GREY = "#d9dcdf"
INK = "#1d2329"
SOFT = "#5c6670"
LETTER = 0.125
"""Inches of a letter of the title, about."""
SMALL, SAMPLE = 0.065, 0.6
"""Inches of a letter of a legend, and of the sample before its text and the room behind."""
REACH = 3.0
"""What a wide interval may add to an axis: those of two samples span decades, and say no more by it."""
FORMS = {"s": units.seconds, "B/s": units.bandwidth, "/s": units.rate}


def canvas(title: str, width: float, height: float) -> Canvas:
    """An empty picture of that many inches with its title at the left."""
    made = Canvas(figsize=(width, height), layout="constrained")
    wrapped = textwrap.fill(title, max(20, int(width / LETTER)))
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


def limits(points: Iterable[float], ends: Iterable[float], least: float = 6.0) -> tuple[float, float]:
    """A range for a logarithmic axis: all points, intervals as far as `REACH` times beyond them, at least a factor of `least`."""
    points, ends = list(points), list(ends)
    low, high = max(min(ends), min(points) / REACH), min(max(ends), max(points) * REACH)
    low, high = low / 1.2, high * 1.2
    missing = math.sqrt(max(1.0, least / (high / low)))
    return low / missing, high * missing


def log_axis(axes: Axes, which: str, unit: str, low: float, high: float) -> None:
    """Make the axis logarithmic over that range, with ticks that are round in its unit."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    form = FORMS[unit]
    axis.set_major_locator(FixedLocator(ticks(low, high, binary=unit == "B/s")))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _short(form(value))))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def legend(made: Canvas, handles: list[Line2D], texts: list[str]) -> None:
    """Samples and their texts below the panels, in two lines where one is too narrow for them."""
    if texts:
        lines = 1 if sum(SAMPLE + SMALL * len(text) for text in texts) < made.get_figwidth() else 2
        columns = math.ceil(len(texts) / lines)
        made.legend(handles, texts, loc="outside lower left", ncols=columns, fontsize=8, frameon=False)


def signs(panels: Sequence[Panel]) -> tuple[list[Line2D], list[str]]:
    """What a bar and a hollow mark say, as far as any is drawn: samples and their texts."""
    every = [each for panel in panels for each in panel.series]
    handles, texts = [], []
    if any(each.low != each.high for each in every):
        handles.append(Line2D([], [], color=SOFT, linewidth=3, alpha=0.4))
        texts.append("95 % interval")
    if any(any(each.wide) for each in every):
        handles.append(Line2D([], [], color=SOFT, marker="o", linestyle="", markersize=5, markerfacecolor="white"))
        texts.append("hollow: interval wider than asked for")
    return handles, texts


def ticks(low: float, high: float, *, binary: bool = False) -> list[float]:
    """Round numbers within the range: powers of two, or of ten with 2 and 5 between them where that leaves at most nine."""
    if binary:
        first, last = math.ceil(math.log2(low)), math.floor(math.log2(high))
        step = max(1, math.ceil((last - first) / 7))
        return [2.0**power for power in range(math.ceil(first / step) * step, last + 1, step)]
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1,)):
        found = [factor * 10.0**decade for decade in decades for factor in factors]
        found = [each for each in found if low <= each <= high]
        if len(found) <= 6 or factors == (1,):
            return found
    return []


def size_axis(axes: Axes, marks: Sequence[tuple[float, str]]) -> None:
    """Message sizes (or numbers of processes) on a base-2 logarithmic x axis; near neighbours share one label's place."""
    axes.set_xscale("log", base=2)
    shown = _spaced(marks)
    axes.set_xticks([x for x, _ in shown], [text for _, text in shown])
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = marks[0][0], marks[-1][0]
    pad = max(1.15, (high / low) ** 0.03)
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
    """Places as near to the wanted ones (0 to 1) as a least gap between them allows, in the same order."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    places: list[float] = []
    for index in order:
        places.append(max(wanted[index], places[-1] + gap) if places else max(0.0, wanted[index]))
    ceiling = max(1.0, gap * (len(places) - 1))
    for index in range(len(places) - 1, -1, -1):
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - gap
    found = [0.0] * len(wanted)
    for index, place in zip(order, places, strict=True):
        found[index] = place
    return found


def lines_of(made: Canvas, count: int, columns: int, heights: Sequence[float]) -> list[Axes]:
    """That many axes, line by line; the last takes a whole line if it would be alone in it."""
    grid = made.add_gridspec(len(heights), columns, height_ratios=heights)
    alone = count % columns == 1
    places = [divmod(index, columns) for index in range(count)]
    return [made.add_subplot(grid[at] if not alone or at != places[-1] else grid[at[0], :]) for at in places]


def hide_rest(made: Canvas, used: int) -> None:
    """Take away the places of the grid that no panel uses."""
    for each in made.axes[used:]:
        each.set_visible(False)


def errors(y: Sequence[float], low: Sequence[float], high: Sequence[float]) -> list[list[float]]:
    """What matplotlib calls yerr: distances below and above."""
    below = [max(0.0, middle - end) for middle, end in zip(y, low, strict=True)]
    above = [max(0.0, end - middle) for middle, end in zip(y, high, strict=True)]
    return [below, above]


def arrows(axes: Axes, which: str, at: float, ends: tuple[float, float], colour: str) -> None:
    """At the frame, where an interval along that axis goes on beyond it."""
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    for beyond, edge, sign in ((ends[0] < low, low, "<v"), (ends[1] > high, high, ">^")):
        if beyond:
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
