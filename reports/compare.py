"""Two runs side by side: the ratio of each case with its interval. No verdict on a regression; that is the gate's."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

from ipcbench.reports import units
from ipcbench.reports.schema import Benchmark, Result
from ipcbench.reports.stats import estimate, ratio

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["compare", "render", "warnings"]

SAME = ("cpu_model_name", "hostname", "python_version", "platform")


def compare(old: Result, new: Result) -> list[dict[str, Any]]:
    """A row a case of either run: means in seconds, new / old with its 95 % interval, and what that says."""
    before, after = ({each.metadata["name"]: each for each in side.benchmarks} for side in (old, new))
    return [_row(name, before.get(name), after.get(name)) for name in dict.fromkeys([*before, *after])]


def warnings(old: Result, new: Result) -> list[str]:
    """Why the two runs may not be comparable."""
    sides = [side.metadata | (side.benchmarks[0].metadata if side.benchmarks else {}) for side in (old, new)]
    return [
        f"{name} differs: {sides[0].get(name)} and {sides[1].get(name)}"
        for name in SAME
        if sides[0].get(name) != sides[1].get(name)
    ]


def _row(name: str, old: Benchmark | None, new: Benchmark | None) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(("old_s", "new_s", "ratio", "low", "high"))
    if old is None or new is None:
        return {"id": name, **row, "says": "only in the new run" if old is None else "only in the old run"}
    one, two = (estimate([fmean(run.values) for run in each.runs]) for each in (old, new))
    row |= {"old_s": one.mean, "new_s": two.mean}
    if old.metadata.get("case_revision") != new.metadata.get("case_revision"):
        return {"id": name, **row, "says": "not comparable: the workload was revised"}
    value, low, high = ratio(two, one)
    row |= {"ratio": value, "low": low, "high": high}
    if low is None or high is None:
        return {"id": name, **row, "says": "too few samples to tell"}
    says = "slower" if low > 1 else "faster" if high < 1 else "no difference visible"
    return {"id": name, **row, "says": says}


def render(rows: list[dict[str, Any]]) -> Table:
    """The rows as a table for the terminal."""
    from rich.table import Table

    table = Table("case", box=None, pad_edge=False)
    for name in ("old", "new", "new / old", "95 % interval"):
        table.add_column(name, justify="right")
    table.add_column("")
    for row in rows:
        times = [units.seconds(row[key]) if row[key] else "–" for key in ("old_s", "new_s")]
        value = f"{row['ratio']:.3f}" if row["ratio"] else "–"
        interval = f"{row['low']:.3f} – {row['high']:.3f}" if row["low"] else ""
        table.add_row(row["id"], *times, value, interval, row["says"])
    return table
