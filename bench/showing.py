"""What `report` and `compare` print; the work is done in `ipcbench.reports`."""

from __future__ import annotations

import json
from pathlib import Path

import click

__all__ = ["compare", "report"]


def report(result: Path, output: Path | None, as_json: bool) -> None:
    """Draw a stored run again and say where the page is."""
    from ipcbench.reports import frame, schema, tables
    from ipcbench.reports.report import write_report

    page = write_report(result, output)
    if as_json:
        click.echo(json.dumps(tables.to_json(frame.build(schema.load(result))), indent=1))
    else:
        summary(result)
        click.echo(f"report: {page}")


def summary(result: Path) -> None:
    """The short table for the terminal."""
    from rich.console import Console

    from ipcbench.reports import frame, schema, tables

    Console(stderr=True).print(tables.summary(frame.build(schema.load(result))))


def compare(old: Path, new: Path, as_json: bool) -> None:
    """Two runs side by side."""
    from rich.console import Console

    from ipcbench.reports import compare as comparing
    from ipcbench.reports import schema

    rows = comparing.compare(schema.load(old), schema.load(new))
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        Console().print(comparing.render(rows))
