"""Draws figures of two costs against each other: a point a mechanism, joined where one has several ways."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from ipcbench.reports import axes as shared
from ipcbench.reports import naming, style
from ipcbench.reports.figure import Figure, Panel

__all__ = ["draw"]

HEIGHT = 5.4
"""Inches of a panel."""
SHAPES = "oDs^v"
CORES = (1, 2)
SAMPLE: dict[str, Any] = {"linestyle": "", "markersize": 5}


def draw(figure: Figure) -> Canvas:
    """A panel a size, each with its own range."""
    count = len(figure.panels)
    made = shared.canvas(figure.title, 5.6 * count + 0.4 if count > 1 else 7.0, HEIGHT + 1.2)
    grid = list(made.subplots(1, count, squeeze=False).flat)
    for place, panel in zip(grid, figure.panels, strict=True):
        _panel(place, figure, panel)
    _legend(made, figure)
    made.draw_without_rendering()  # only then are the places of points and texts known
    ways = {int(value): text for value, text in figure.ticks}
    for place, panel in zip(grid, figure.panels, strict=True):
        naming.write(place, panel, ways)
    return made


def _panel(place: Axes, figure: Figure, panel: Panel) -> None:
    shared.frame(place, panel.title)
    times = [value for each in panel.series for value in each.x]
    low, high = shared.limits(times, [value for each in panel.series for value in [*each.low, *each.high]])
    shared.log_axis(place, "x", figure.unit, low, high)
    used = [value for each in panel.series for value in each.y]
    bottom, top = shared.limits(used, used)
    shared.log_axis(place, "y", figure.unit, bottom / 1.2, top * 2)  # room for names above the slowest
    for cores in CORES:
        place.plot(
            [low, high], [cores * low, cores * high], color="#b9c0c6", linewidth=0.9, linestyle=(0, (4, 3)), zorder=1
        )
    _diagonals(place)
    for each in panel.series:
        colour = style.family_colour(each.family)
        place.plot(each.x, each.y, color=colour, linewidth=1.1, alpha=0.6, zorder=2)
        place.hlines(each.y, each.low, each.high, color=colour, linewidth=2.2, alpha=0.25, zorder=2)
        for index, way in enumerate(each.ways):
            edge, face = (colour, "white") if each.wide and each.wide[index] else ("white", colour)
            place.plot(
                *(each.x[index], each.y[index], SHAPES[way % len(SHAPES)]),
                markeredgecolor=edge,
                markerfacecolor=face,
                markersize=5.5,
                zorder=3,
            )
    place.set_xlabel(figure.x, fontsize=8, color=shared.SOFT)
    place.set_ylabel(figure.y, fontsize=8, color=shared.SOFT)


def _diagonals(place: Axes) -> None:
    """What the dashed lines mean, written where they leave the panel: above it, or at its right."""
    (left, right), (bottom, top) = place.get_xlim(), place.get_ylim()
    for cores in CORES:
        above = left < top / cores <= right
        if not above and not bottom < cores * right < top:
            continue
        place.annotate(
            *(f"{cores} core{'s' * (cores > 1)} busy", (top / cores, top) if above else (right, cores * right)),
            xytext=((-6 if cores == 1 else -14), 3) if above else (3, 0),
            textcoords="offset points",
            ha=("left" if cores == 1 else "right") if above else "left",
            va="bottom" if above else "center",
            fontsize=7,
            color=shared.SOFT,
            annotation_clip=False,
        )


def _legend(made: Canvas, figure: Figure) -> None:
    """Colours at the left, shapes at the right: they say different things."""
    families = {each.family for panel in figure.panels for each in panel.series}
    ordered = [*(name for name in style.FAMILIES if name in families), *sorted(families - style.FAMILIES.keys())]
    colours = [Line2D([], [], color=style.family_colour(name), marker="o", **SAMPLE) for name in ordered]
    used = sorted({way for panel in figure.panels for each in panel.series for way in each.ways})
    shapes = [Line2D([], [], color=shared.SOFT, marker=SHAPES[way], **SAMPLE) for way in used]
    waits = [text for value, text in figure.ticks if int(value) in used]
    handles, texts = shared.signs(figure.panels)
    groups = (
        ("Colour: the family", "left", colours, ordered),
        ("Mark: how it waits, and how precise the time is", "right", shapes + handles, waits + texts),
    )
    for title, side, samples, words in groups:
        place: Any = f"outside lower {side}"  # to the types a literal
        made.legend(
            *(samples, words),
            title=title,
            loc=place,
            ncols=2,
            fontsize=8,
            title_fontsize=8,
            frameon=False,
            alignment="left",
            columnspacing=1.2,
        )
