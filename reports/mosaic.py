"""Draws several figures in one picture, each of one panel in its own way: what belongs together, of different kinds."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from ipcbench.reports import axes as shared
from ipcbench.reports import dots, lines
from ipcbench.reports.figure import Figure, Panel

__all__ = ["draw"]

WIDTH = 5.6
COLUMNS = 2
ROOM = 0.9
"""Inches: of a part, and of its title and the text below it."""


def draw(figure: Figure) -> Canvas:
    """Two parts side by side, an odd one below them; each line of them is as high as its higher one needs."""
    parts = figure.parts
    columns = min(COLUMNS, len(parts))
    rows = [parts[first : first + columns] for first in range(0, len(parts), columns)]
    heights = [max(_height(part) for part in row) for row in rows]
    made = shared.canvas(figure.title, WIDTH * columns + 0.4, sum(heights) + 0.6)
    for place, part in zip(shared.lines_of(made, len(parts), columns, heights), parts, strict=True):
        DRAWN[part.kind](place, part, part.panels[0])
    shared.legend(made, *shared.signs(figure.drawn))
    return made


def _height(part: Figure) -> float:
    return ROOM + (lines.HEIGHT if part.kind == "lines" else dots.ROW * len(part.panels[0].series))


def _marks(place: Axes, part: Figure, panel: Panel) -> None:
    """With what the marks mean in the upper right corner: rows are sorted, so that it is free."""
    dots.mark(place, part, panel)
    place.legend(*dots.key(part), loc="upper right", fontsize=8, frameon=False)


def _lines(place: Axes, part: Figure, panel: Panel) -> None:
    lines.chart(place, part, panel)
    place.set_ylabel(part.y, fontsize=8, color=shared.SOFT)


DRAWN: dict[str, Callable[[Axes, Figure, Panel], None]] = {"ranking": dots.rank, "marks": _marks, "lines": _lines}
