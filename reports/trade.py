"""Draws figures of two costs against each other: a point a mechanism, joined where one has several ways; names that keep apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from ipcbench.reports import axes as shared
from ipcbench.reports import style
from ipcbench.reports.figure import Figure, Panel, Series

__all__ = ["draw"]

HEIGHT = 4.6
"""Inches of a panel."""
SHAPES = "oDs^v"
CORES = (1, 2)
NAMES = 40
"""Names that are tried: no panel has room for more."""
SIDES = (
    *((7, 0), (-7, 0), (0, 8), (0, -8), (7, 8), (-7, 8), (7, -8), (-7, -8)),
    *((14, 14), (-14, 14), (14, -14), (-14, -14)),
)
"""Points from a mark at which its name is tried."""
FAR = (
    *((34, 18), (-34, 18), (34, -20), (-34, -20), (0, 26), (0, -26)),
    *((60, 34), (-60, 34), (60, -36), (-60, -36)),
)
"""The same for names that must not be missing: those of a mechanism's ways to wait."""


@dataclass(frozen=True)
class Name:
    """What is written beside a point, and how much that matters when there is little room."""

    text: str
    x: float
    y: float
    family: str
    weight: int


def draw(figure: Figure) -> Canvas:
    """A panel a size, each with its own range."""
    count = len(figure.panels)
    made = shared.canvas(figure.title, 5.6 * count + 0.4 if count > 1 else 7.0, HEIGHT + 1.0)
    grid = list(made.subplots(1, count, squeeze=False).flat)
    for place, panel in zip(grid, figure.panels, strict=True):
        _panel(place, figure, panel)
    _legend(made, figure)
    made.draw_without_rendering()  # only then are the places of points and texts known
    for place, panel in zip(grid, figure.panels, strict=True):
        _names(place, panel, figure)
    return made


def _panel(place: Axes, figure: Figure, panel: Panel) -> None:
    shared.frame(place, panel.title)
    times = [value for each in panel.series for value in each.x]
    low, high = shared.limits(times, [value for each in panel.series for value in [*each.low, *each.high]])
    shared.log_axis(place, "x", figure.unit, low, high)
    used = [value for each in panel.series for value in each.y]
    bottom, top = shared.limits(used, used)
    shared.log_axis(place, "y", figure.unit, bottom / 1.2, top * 1.3)
    for cores in CORES:
        place.plot(
            [low, high], [cores * low, cores * high], color="#b9c0c6", linewidth=0.9, linestyle=(0, (4, 3)), zorder=1
        )
    _diagonals(place)
    for each in panel.series:
        colour = style.family_colour(each.family)
        place.plot(each.x, each.y, color=colour, linewidth=1.1, alpha=0.6, zorder=2)
        place.hlines(each.y, each.low, each.high, color=colour, linewidth=2.2, alpha=0.25, zorder=2)
        for x_, y_, way in zip(each.x, each.y, each.ways, strict=True):
            place.plot(
                x_, y_, SHAPES[way % len(SHAPES)], color=colour, markersize=5.5, markeredgecolor="white", zorder=3
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
    families = dict.fromkeys(each.family for panel in figure.panels for each in panel.series)
    ordered = [name for name in style.FAMILIES if name in families] + [n for n in families if n not in style.FAMILIES]
    used = sorted({way for panel in figure.panels for each in panel.series for way in each.ways})
    handles = [
        Line2D([], [], color=style.family_colour(name), marker="o", linestyle="", markersize=5) for name in ordered
    ]
    handles += [Line2D([], [], color=shared.SOFT, marker=SHAPES[way], linestyle="", markersize=5) for way in used]
    texts = ordered + [text for value, text in figure.ticks if int(value) in used]
    made.legend(
        handles, texts, loc="outside lower left", ncols=len(texts), fontsize=8, frameon=False, columnspacing=1.2
    )


def _names(place: Axes, panel: Panel, figure: Figure) -> None:
    """Names in the order of what they matter, each where it covers no point and no other name; left out where it finds no room."""
    taken = [_around(place, x, y) for each in panel.series for x, y in zip(each.x, each.y, strict=True)]
    ways = {int(value): text for value, text in figure.ticks}
    for name in sorted(_wanted(panel, ways), key=lambda each: -each.weight)[:NAMES]:
        for side in SIDES + (FAR if name.weight > 1 else ()):
            text = place.annotate(
                *(name.text, (name.x, name.y)),
                xytext=side,
                textcoords="offset points",
                ha="left" if side[0] > 0 else "right" if side[0] < 0 else "center",
                va="center" if abs(side[1]) < 8 else "bottom" if side[1] > 0 else "top",
                fontsize=7.5,
                color=style.text_colour(name.family),
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
                arrowprops={"arrowstyle": "-", "color": "#aab2b9", "linewidth": 0.7}
                if max(map(abs, side)) > 10
                else None,
            )
            text.get_window_extent()  # puts it in its place
            box = Text.get_window_extent(text)  # without the hair line, which ends at the mark
            if (
                place.bbox.contains(box.x0, box.y0)
                and place.bbox.contains(box.x1, box.y1)
                and not any(box.overlaps(t) for t in taken)
            ):
                taken.append(box.padded(5, 2))
                break
            text.remove()


def _around(place: Axes, x: float, y: float) -> Bbox:
    across, up = place.transData.transform((x, y))
    return Bbox.from_extents(across - 6, up - 6, across + 6, up + 6)


def _wanted(panel: Panel, ways: dict[int, str]) -> Iterator[Name]:
    """Those that can wait in several ways first, then the extremes, then all others."""
    plain = [each for each in panel.series if len(each.ways) == 1]
    edges = {
        id(each)
        for key in (_time, _cpu)
        for each in (min(plain, key=key, default=None), max(plain, key=key, default=None))
    }
    for each in panel.series:
        several = len(each.ways) > 1
        for x, y, way in zip(each.x, each.y, each.ways, strict=True):
            text = each.text if not several or way == 0 else f"{each.text} {ways[way]}"
            yield Name(text, x, y, each.family, 2 if several else int(id(each) in edges))


def _time(series: Series) -> float:
    return series.x[0]


def _cpu(series: Series) -> float:
    return series.y[0]
