"""Tables of a run: for the terminal, for Markdown and the page, and as plain data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from ipcbench.reports import units

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["cells", "headline", "summary", "to_json"]

SIZES = (64, 1 << 20)
COLUMNS = ["case", "time", "95 % interval", "±", "× floor", "CPU / op", "rate", "bandwidth", "samples"]


def to_json(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """One object a case; what is unknown is null."""
    rows: list[dict[str, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows


def headline(frame: pd.DataFrame) -> pd.DataFrame:
    """Round trips of plain bytes at 64 B and 1 MiB, a row a mechanism and wait, fastest first."""
    rows = frame[frame["status"].eq("measured") & frame["workload"].isin(["round-trip", "floor"])]
    rows = rows[rows["start_method"].eq("fork") & rows["placement"].ne("same-core") & rows["payload"].ne("object")]
    rows = rows[rows["variant"].isin(["", "wait=spin", "wait=adaptive"])]
    rows = rows[rows["payload"].eq("bytes") | rows["mechanism"].isin(["value", "shared-memory-numpy"])]
    rows = rows.assign(size=rows["size"].where(rows["mechanism"].ne("value"), SIZES[0]))
    rows = rows[rows["size"].isin(SIZES)]
    names = [
        " ".join([m, v.partition("=")[2]]).strip() for m, v in zip(rows["mechanism"], rows["variant"], strict=True)
    ]
    ranked: pd.DataFrame = rows.assign(name=names).sort_values("mean_s")
    return ranked


def summary(frame: pd.DataFrame) -> Table:
    """The short table that the terminal shows."""
    from rich.table import Table

    rows = headline(frame)
    if rows.empty:
        return _everything(frame)
    table = Table(title="Round trips: mean and half the 95 % interval", title_justify="left", box=None, pad_edge=False)
    table.add_column("mechanism")
    for size in SIZES:
        table.add_column(units.size(size), justify="right")
        table.add_column("", justify="right", style="dim")
    for name in dict.fromkeys(rows["name"]):
        line = [str(name)]
        for size in SIZES:
            here = rows[rows["name"].eq(name) & rows["size"].eq(size)]
            line += _time(here.iloc[0]) if len(here) else ["–", ""]
        table.add_row(*line)
    return table


def _everything(frame: pd.DataFrame) -> Table:
    from rich.table import Table

    table = Table("case", box=None, pad_edge=False)
    table.add_column("time", justify="right")
    table.add_column("", justify="right", style="dim")
    for _, row in frame[frame["status"].eq("measured")].iterrows():
        table.add_row(str(row["id"]), *_time(row))
    return table


def _time(row: pd.Series) -> list[str]:
    return [units.seconds(row["mean_s"]), units.spread(row["mean_s"], row["low_s"], row["high_s"])]


def cells(frame: pd.DataFrame) -> list[dict[str, str]]:
    """The full table of measured cases as text, in the order of workload, payload, size and time."""
    measured = frame[frame["status"].eq("measured")].sort_values(["workload", "payload", "size", "mean_s"])
    return [_cells(row) for _, row in measured.iterrows()]


def _cells(row: pd.Series) -> dict[str, str]:
    known = not math.isnan(row["low_s"])
    moves = row["quantity"] in ("message", "copy")
    return {
        "workload": row["workload"],
        "mechanism": row["mechanism"],
        "payload": row["payload"],
        "size": units.size(row["size"]),
        "processes": _shape(row),
        "start": row["start_method"],
        "placement": row["placement"],
        "variant": row["variant"].replace(",", " "),
        "time": units.seconds(row["mean_s"]),
        "interval": f"{units.seconds(row['low_s'])} – {units.seconds(row['high_s'])}" if known else "one sample",
        "half": units.spread(row["mean_s"], row["low_s"], row["high_s"]),
        "floor": "" if math.isnan(row["floor_ratio"]) else f"{row['floor_ratio']:.2f}",
        "cpu": units.seconds(row["cpu_s"]) if row["cpu_s"] else "",
        "rate": units.rate(1 / row["mean_s"]) if moves else "",
        "bandwidth": units.bandwidth(row["size"] / row["mean_s"]) if moves else "",
        "lost": f"{row['lost']:.2%}" if isinstance(row["lost"], float) and row["lost"] > 0 else "",
        "samples": str(row["samples"]),
        "seconds": f"{row['mean_s']:.9g}",
    }


def _shape(row: pd.Series) -> str:
    how = f", {row['channels']}" if isinstance(row["channels"], str) and row["channels"] else ""
    return f"{row['near']:.0f}→{row['far']:.0f}{how}" if row["far"] else "1"
