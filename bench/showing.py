"""What `report` and `compare` print; the work is done in `ipcbench.reports`."""

from __future__ import annotations

import json
from pathlib import Path

import click

__all__ = ["compare", "report", "rows", "summary"]


def report(result: Path, output: Path | None, as_json: bool) -> None:
    """Draw a stored run again and say where the page is."""
    from ipcbench.reports.report import write_report

    page = write_report(result, output)
    if as_json:
        rows(result)
    else:
        summary(result)
        click.echo(f"report: {page}")


def rows(result: Path) -> None:
    """All cases as JSON on standard output."""
    from ipcbench.reports import frame, schema, tables

    missed(result)
    click.echo(json.dumps(tables.to_json(frame.build(schema.load(result))), indent=1))


def summary(result: Path) -> None:
    """The short table for the terminal, and how many cases missed the precision."""
    from rich.console import Console

    from ipcbench.reports import frame, schema, tables

    Console(stderr=True).print(tables.summary(frame.build(schema.load(result))))
    missed(result)


def missed(result: Path) -> None:
    """How many cases missed the precision that was asked for: nothing silences it."""
    from ipcbench.reports import frame, schema, tables

    loaded = schema.load(result)
    if said := tables.missed(frame.build(loaded), loaded.facts.precision):
        click.echo(said, err=True)


def compare(old: Path, new: Path, as_json: bool) -> None:
    """Two runs side by side."""
    from rich.console import Console

    from ipcbench.reports import compare as comparing
    from ipcbench.reports import schema

    sides = schema.load(old), schema.load(new)
    for warning in comparing.warnings(*sides):
        click.echo(f"note: {warning}", err=True)
    rows = comparing.compare(*sides)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        Console().print(comparing.render(rows))
