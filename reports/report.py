"""`ipcbench report`: everything that is drawn from a result file."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from ipcbench.reports import chapter, figures, frame, page, schema

__all__ = ["draw_report", "write_report"]

PLAIN = {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
"""A user's settings of matplotlib may ask for what isn't here, such as LaTeX."""
MARK = ".report-"
OURS = re.compile(rf"{re.escape(MARK)}(?P<pid>[0-9]{{1,10}})-[a-z0-9_]{{8}}")
"""How the folder's name begins in which a report is made, and the whole of it: the process's number, and what `tempfile` adds."""


def write_report(result: Path, output: Path | None = None) -> Path:
    """The report of a result file or its folder. Raises what `schema.load` and `draw_report` raise."""
    loaded = schema.load(result)
    return draw_report(loaded, frame.build(loaded), output)


def draw_report(loaded: schema.Result, table: pd.DataFrame, output: Path | None = None) -> Path:
    """Write cases.csv, tables.md, the figures and report.html; gives the page.

    All of it is made beside and moved into place, so that a report on disk is never half of a new one. Raises OSError with the
    folder's name where nothing can be written.
    """
    folder = output or loaded.path.parent
    try:
        _write(loaded, table, folder)
    except OSError as error:  # that of a full disk names no file
        raise OSError(error.errno, error.strerror or str(error), str(folder)) from error
    return folder / "report.html"


def _write(loaded: schema.Result, table: pd.DataFrame, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=f"{MARK}{os.getpid()}-") as beside:
            _draw(loaded, table, Path(beside))
            for file in sorted(Path(beside).iterdir()):
                file.replace(folder / file.name)
    finally:  # a signal may come when the folder is there and nobody's yet
        for left in folder.glob(f"{MARK}*"):
            made = OURS.fullmatch(left.name)
            if made and _is_left(int(made["pid"])):
                shutil.rmtree(left, ignore_errors=True)


def _is_left(pid: int) -> bool:
    """Whether that process is this one, which is done, or gone."""
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # somebody else's
        return False
    return False


def _draw(loaded: schema.Result, table: pd.DataFrame, made: Path) -> None:
    os.environ |= PLAIN  # before matplotlib is imported
    from ipcbench.reports import draw

    table[frame.COLUMNS].to_csv(made / "cases.csv", index=False)
    parts, (general, absent) = chapter.shown(table), figures.made(table)
    context = page.context(loaded, table, parts)
    drawn = {each.file: draw.draw(each, made) for each in [*general, *(f for part in parts for f in part.figures)]}
    (made / "tables.md").write_text(page.markdown(context), encoding="utf-8")
    (made / "report.html").write_text(page.page(context, general, absent, drawn), encoding="utf-8")
