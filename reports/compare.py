"""Two runs side by side: the ratio of each case with its interval. No verdict on a regression; that is the gate's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipcbench.reports import units
from ipcbench.reports.origin import differences, interrupted
from ipcbench.reports.schema import Benchmark, Result
from ipcbench.reports.stats import estimate, is_precise, of_worker, ratio
from ipcbench.reports.units import MARK

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["compare", "render", "warnings"]

NAME = 20
"""Columns of the terminal that a case's name has at least."""
UNLIKE_CHECK = (
    "Ratios are those of the report's times; `ipcbench check` compares means of workers, a fifth of them cut off at either end: "
    "its ratios may be others, above all where stalls are in the times. Nothing here is corrected for the number of cases."
)


def compare(old: Result, new: Result) -> list[dict[str, Any]]:
    """A row a case of either run, by id: means in seconds and whether they are as precise as was asked for, new / old with its interval.

    In plain words it says what that means. What only one of them measured comes last.
    """
    before, after = ({each.axes.name: each for each in side.benchmarks} for side in (old, new))
    why = [{case.id: f"{case.status}: {case.reason}" for case in side.facts.cases} for side in (old, new)]
    names = dict.fromkeys([*before, *after])
    asked = [side.facts.precision for side in (old, new)]
    rows = [
        _row(name, before.get(name), after.get(name), asked, [each.get(name, "") for each in why]) for name in names
    ]
    return sorted(rows, key=lambda row: (None in (row["old_s"], row["new_s"]), row["id"]))


def warnings(old: Result, new: Result) -> list[str]:
    """Why the two runs may not be comparable: another machine or Python, or one that was interrupted."""
    return [*differences(old, new), *interrupted({"old run": old, "new run": new})]


def _row(
    name: str, old: Benchmark | None, new: Benchmark | None, asked: list[float | None], why: list[str]
) -> dict[str, Any]:
    row: dict[str, Any] = {"id": name, **dict.fromkeys(("old_s", "new_s", "ratio", "low", "high"))}
    one, two = (None if each is None else estimate([of_worker(run.values) for run in each.runs]) for each in (old, new))
    row |= {"old_s": one and one.mean, "new_s": two and two.mean}
    row |= {"old_precise": one and is_precise(one, asked[0]), "new_precise": two and is_precise(two, asked[1])}
    if old is None or one is None:
        return {**row, "says": "only in the new run" + (f" (old: {why[0]})" if why[0] else "")}
    if new is None or two is None:
        return {**row, "says": "only in the old run" + (f" (new: {why[1]})" if why[1] else "")}
    if old.axes.revision != new.axes.revision:
        return {**row, "says": "not comparable: the workload was revised"}
    value, low, high = ratio(two, one)
    return {**row, "ratio": value, "low": low, "high": high, "says": _verdict(low, high)}


def _verdict(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "too few samples to tell"
    return "slower" if low > 1 else "faster" if high < 1 else "no difference visible"


def render(rows: list[dict[str, Any]]) -> RenderableType:
    """The rows as a table for the terminal, and why `check` may give another ratio; a name that is too long goes on in the next line."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("case", overflow="fold", min_width=NAME)
    for name in ("old", "new", "new / old", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for row in rows:
        times = [_time(row[f"{side}_s"], row[f"{side}_precise"]) for side in ("old", "new")]
        value = f"{row['ratio']:.3f}" if row["ratio"] else "–"
        interval = units.bounds(row["ratio"], row["low"], row["high"], "{:.3f}".format) if row["low"] else ""
        table.add_row(escape(row["id"]), *times, value, interval, escape(row["says"]))
    wide = any(row[f"{side}_precise"] is False for row in rows for side in ("old", "new"))
    return Group(table, *([f"{MARK} is wider than its run was asked for."] if wide else []), UNLIKE_CHECK)


def _time(seconds: float | None, precise: bool | None) -> str:
    if not seconds:
        return "–"
    return f"{MARK} {units.seconds(seconds)}" if precise is False else units.seconds(seconds)
