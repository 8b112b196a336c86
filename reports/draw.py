"""Draws figure data as PNG with matplotlib, without its global state."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from ipcbench.reports import style, units
from ipcbench.reports.figures import Figure, Panel, Series

__all__ = ["draw"]

GREY = "#dddddd"
INK = "#222222"
DPI = 144


def draw(figure: Figure, folder: Path) -> Path:
    """Write the figure's PNG into the folder."""
    canvas = _dots(figure) if figure.kind == "dots" else _lines(figure)
    FigureCanvasAgg(canvas)
    path = folder / figure.file
    canvas.savefig(path, dpi=DPI, facecolor="white")
    return path


def _dots(figure: Figure) -> Canvas:
    """A row a mechanism, panels side by side; each name stands at its row."""
    rows = max(len(panel.series) for panel in figure.panels)
    columns = min(3, len(figure.panels))
    lines = math.ceil(len(figure.panels) / columns)
    canvas = Canvas(figsize=(4.6 * columns + 0.6, lines * (0.24 * rows + 1.1) + 0.5), layout="constrained")
    canvas.suptitle(figure.title, x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
    for place, panel in zip(canvas.subplots(lines, columns, squeeze=False).flat, figure.panels, strict=False):
        _dot_panel(place, panel, figure.x)
    _hide_rest(canvas, len(figure.panels))
    return canvas


def _dot_panel(axes: Axes, panel: Panel, label: str) -> None:
    names = [each.name for each in panel.series]
    for row, each in enumerate(panel.series):
        colour = style.family_colour(each.family)
        axes.hlines(row, min(s.low[0] for s in panel.series), each.y[0], color=GREY, linewidth=0.8, zorder=1)
        axes.hlines(row, each.low[0], each.high[0], color=colour, linewidth=3.5, alpha=0.45, zorder=2)
        axes.plot(each.y[0], row, "o", color=colour, markersize=5, zorder=3)
        axes.annotate(
            *(units.seconds(each.y[0]), (max(each.high[0], each.y[0]), row)),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color=INK,
        )
    axes.set_yticks(range(len(names)), names, fontsize=8)
    for tick, each in zip(axes.get_yticklabels(), panel.series, strict=True):
        tick.set_color(style.family_colour(each.family))
    axes.invert_yaxis()
    axes.set_xscale("log")
    low, high = min(s.low[0] for s in panel.series), max(s.high[0] for s in panel.series)
    axes.set_xlim(low / 1.15, high * (high / low) ** 0.22 * 1.3)
    _seconds_axis(axes.xaxis)
    _frame(axes, panel.title)
    axes.set_xlabel(label, fontsize=8)


def _lines(figure: Figure) -> Canvas:
    """Small multiples: a panel a family (or workload), the others in grey behind."""
    columns = min(3, len(figure.panels)) if len(figure.panels) != 4 else 2
    lines = math.ceil(len(figure.panels) / columns)
    canvas = Canvas(figsize=(4.3 * columns + 0.4, 3.3 * lines + 0.5), layout="constrained")
    canvas.suptitle(figure.title, x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
    grid = canvas.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    for index, (axes, panel) in enumerate(zip(grid.flat, figure.panels, strict=False)):
        _line_panel(axes, panel)
        _axes_of(axes, figure)
        if index % columns == 0:
            axes.set_ylabel(figure.y, fontsize=8)
        if index >= len(figure.panels) - columns:
            axes.set_xlabel(figure.x, fontsize=8)
            axes.tick_params(labelbottom=True)
    _hide_rest(canvas, len(figure.panels))
    return canvas


def _line_panel(axes: Axes, panel: Panel) -> None:
    for each in panel.background:
        axes.plot(each.x, each.y, color=GREY, linewidth=0.9, zorder=1)
    if panel.limit is not None:
        axes.plot(panel.limit.x, panel.limit.y, color="black", linestyle=":", linewidth=1.2, label="memcpy", zorder=2)
    for each in panel.series:
        look: dict[str, Any] = style.look(each.family, each.name)
        axes.errorbar(each.x, each.y, yerr=_errors(each), label=each.name, capsize=2, elinewidth=0.9, zorder=3, **look)
    axes.legend(fontsize=7, frameon=True, framealpha=0.85, edgecolor="none", handlelength=3)
    _frame(axes, panel.title)


def _errors(series: Series) -> list[list[float]]:
    below = [y - low for y, low in zip(series.y, series.low, strict=True)]
    above = [high - y for y, high in zip(series.y, series.high, strict=True)]
    return [[max(0.0, each) for each in below], [max(0.0, each) for each in above]]


def _axes_of(axes: Axes, figure: Figure) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    if figure.x_ticks:
        shown = figure.x_ticks[:: math.ceil(len(figure.x_ticks) / 7)]
        axes.set_xticks([x for x, _ in shown], [text for _, text in shown], fontsize=7, rotation=30)
        axes.xaxis.set_minor_locator(NullLocator())
    if figure.y.startswith("seconds"):
        _seconds_axis(axes.yaxis)
    else:
        form = units.bandwidth if figure.y.startswith("bytes") else units.rate
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: form(value)))
    axes.tick_params(axis="y", labelsize=7)


def _seconds_axis(axis: Any) -> None:
    axis.set_major_locator(LogLocator(base=10, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: units.seconds(value).replace(".00", "").replace(".0", "")))
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(labelsize=7)


def _frame(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=9.5, color=INK)
    axes.grid(visible=True, which="major", color="#eeeeee", linewidth=0.7, zorder=0)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#bbbbbb")


def _hide_rest(canvas: Canvas, used: int) -> None:
    for axes in canvas.axes[used:]:
        axes.set_visible(False)
