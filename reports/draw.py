"""Draws figure data as PNG with matplotlib, without its global state."""

from __future__ import annotations

from pathlib import Path

from matplotlib import rc_context, rcdefaults
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ipcbench.reports import dots, lines, mosaic
from ipcbench.reports.figure import Figure

__all__ = ["draw"]

DPI = 110
FAST = {"compress_level": 2}
KINDS = {
    "lines": lines.draw,
    "ranking": dots.ranking,
    "marks": dots.marks,
    "spread": dots.spread,
    "mosaic": mosaic.draw,
}


def draw(figure: Figure, folder: Path) -> Path:
    """Write the figure's PNG into the folder and give its path."""
    path = folder / figure.file
    with rc_context():
        rcdefaults()
        canvas = KINDS[figure.kind](figure)
        FigureCanvasAgg(canvas)
        canvas.savefig(path, dpi=DPI, facecolor="white", metadata={"Software": None}, pil_kwargs=FAST)
    return path
