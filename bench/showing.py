"""What `report` and `compare` print; the work is done in `ipcbench.reports`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from ipcbench.reports.schema import Result

__all__ = ["compare", "report", "rows", "summary", "wide_console"]

WIDE = 150
"""Columns where no terminal says how many there are."""


def report(result: Path, output: Path | None, as_json: bool) -> None:
    """Draw a stored run again and say where the page is."""
    from ipcbench.reports.report import draw_report

    loaded, table = _read(result)
    page = draw_report(loaded, table, output)
    if as_json:
        _rows(loaded, table)
    else:
        _summary(loaded, table)
        click.echo(f"report: {page}")


def rows(result: Path) -> None:
    """All cases as JSON on standard output."""
    _rows(*_read(result))


def summary(result: Path) -> None:
    """The short table for the terminal, and how many cases missed the precision."""
    _summary(*_read(result))


def _read(result: Path) -> tuple[Result, pd.DataFrame]:
    from ipcbench.reports import frame, schema

    loaded = schema.load(result)
    return loaded, frame.build(loaded)


def _rows(loaded: Result, table: pd.DataFrame) -> None:
    from ipcbench.reports import tables

    _missed(loaded, table)
    click.echo(json.dumps(tables.to_json(table), indent=1))


def _summary(loaded: Result, table: pd.DataFrame) -> None:
    from rich.console import Console

    from ipcbench.reports import claims, tables, verdicts

    console = Console(stderr=True)
    if loaded.facts.verdicts:
        console.print(verdicts.render(loaded.facts.verdicts))
    else:
        console.print(tables.summary(table))
    if loaded.facts.claims:
        console.print(f"The course's {claims.headline(loaded.facts.claims)} (in the report, or: ipcbench claims)")
    _missed(loaded, table)


def _missed(loaded: Result, table: pd.DataFrame) -> None:
    """How many cases missed the precision that was asked for: nothing silences it."""
    from ipcbench.reports import tables

    if said := tables.missed(table, loaded.facts.precision):
        click.echo(said, err=True)


def compare(old: Path, new: Path, as_json: bool) -> None:
    """Two runs side by side."""
    from ipcbench.reports import compare as comparing
    from ipcbench.reports import schema

    sides = schema.load(old), schema.load(new)
    for warning in comparing.warnings(*sides):
        click.echo(f"note: {warning}", err=True)
    rows = comparing.compare(*sides)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        wide_console().print(comparing.render(rows))


def wide_console() -> Console:
    """Standard output, wide enough for ids where no terminal says how many columns there are."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, WIDE)
    return console
