"""Draws several figures in one picture, each of one panel in its own way: what belongs together, of different kinds."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from ipcbench.reports import axes as shared
from ipcbench.reports import dots, lines
from ipcbench.reports.figure import Figure

__all__ = ["draw"]


def draw(figure: Figure) -> Canvas:
    """Two parts side by side, an odd one below them; lines are as high as what stands beside them."""
    parts = figure.parts
    wanted = [HEIGHTS[part.kind](part.panels[0]) for part in parts]
    rows = [max(row) for row in shared.by_line(wanted)]
    heights = [
        rows[index // shared.COLUMNS] if part.kind == "lines" else wanted[index] for index, part in enumerate(parts)
    ]
    keys = [dots.key(part) for part in parts if part.kind == "marks"]
    shapes, ways = keys[0] if keys else ([], [])
    handles, texts = shared.signs(figure.drawn)
    made = shared.canvas(figure.title, rows, shared.legend_lines(ways + texts))
    for place, part, inches in zip(shared.lines_of(made, heights), parts, heights, strict=True):
        DRAWN[part.kind](place, part, inches)
    shared.legend(made, shapes + handles, ways + texts)
    return made


def _lines(place: Axes, part: Figure, inches: float) -> None:
    lines.chart(place, part, part.panels[0], inches)
    place.set_ylabel(part.y, fontsize=8, color=shared.SOFT)


HEIGHTS = {"ranking": dots.height, "marks": dots.height, "lines": lines.height}
DRAWN: dict[str, Callable[[Axes, Figure, float], None]] = {
    "ranking": lambda place, part, _: dots.rank(place, part, part.panels[0]),
    "marks": lambda place, part, _: dots.mark(place, part, part.panels[0]),
    "lines": _lines,
}
