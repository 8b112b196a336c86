"""One number that several processes count up: what it costs to keep it right, and what is lost where nobody does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from ipcbench.reports import choose, tables, units
from ipcbench.reports.chapter import Chapter, Table
from ipcbench.reports.figure import Figure, Panel, Series, grouped, point, same

LOCKS = {"": "its own", "manager": "of its Manager", "lock=plain": "a plain Lock", "lock=none": "none"}
BARE = ("raw-value", "numpy")
NAMES = {"": "{}", "lock=plain": "{}, plain Lock", "lock=none": "{}, no lock"}
STARTS = ("fork", "forkserver", "spawn")
MANAGER = "manager-"


def _rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The measured cases of one start method and one placement, by lock, number of processes and time."""
    rows = choose.measured(frame)
    rows = rows[rows["workload"].eq("counter")]
    for column, wanted in (("start_method", STARTS), ("placement", ("free", "cross-core", "same-core"))):
        rows = next((here for each in wanted if len(here := rows[rows[column].eq(each)])), rows)
    managed = rows["mechanism"].str.startswith(MANAGER)
    rows = rows.assign(family=rows["family"].mask(managed, "manager"), order=rows["variant"].map(list(NAMES).index))
    found: pd.DataFrame = rows.sort_values(["order", "processes", "mean_s"], kind="stable")
    return found


def findings(frame: pd.DataFrame) -> list[str]:
    """Sentences for a hurried reader."""
    rows = _rows(frame)
    return [*_of_locked(rows[rows["variant"].eq("")]), *_of_lost(rows[rows["lost"].gt(0)])]


def _of_locked(rows: pd.DataFrame) -> list[str]:
    """The cheapest and the dearest for as many processes as most were measured with."""
    here = choose.widest(rows)
    if len(here) < 2:
        return []
    first, last = here.iloc[0], here.iloc[-1]
    return [
        f"One number counted up by {_processes(first)} with a lock: {tables.time(first)} {tables.interval(first)} an increment by "
        f"{first['mechanism']}, {tables.times(last, first)} as long by {last['mechanism']}. No update was lost."
    ]


def _of_lost(rows: pd.DataFrame) -> list[str]:
    """The greatest loss of each number, without a lock."""
    worst = rows.sort_values("lost").drop_duplicates("mechanism", keep="last").sort_values("mechanism")
    parts = [f"{units.share(row['lost'])} by {_processes(row)} with {row['mechanism']}" for _, row in worst.iterrows()]
    return [f"Without a lock updates are lost: {'; '.join(parts)}."] if parts else []


def _processes(row: pd.Series) -> str:
    return f"{row['processes']} process{'es' if row['processes'] > 1 else ''}"


def _lock(row: pd.Series) -> str:
    if not row["variant"] and row["mechanism"] in BARE:
        return "a Lock beside it"
    return LOCKS[row["variant"] or ("manager" if row["mechanism"].startswith(MANAGER) else "")]


CELLS: dict[str, Callable[[pd.Series], str]] = {
    "number": lambda row: str(row["mechanism"]),
    "lock": _lock,
    "processes": lambda row: f"{row['processes']:.0f}",
    "time": tables.time,
    "±": lambda row: units.spread(row["mean_s"], row["low_s"], row["high_s"]),
    "per second": lambda row: tables.marked(row, units.rate(1 / row["mean_s"])),
    "lost": lambda row: "none" if pd.isna(row["lost"]) else units.share(row["lost"]),
    "CPU": lambda row: "–" if pd.isna(row["cpu_s"]) else units.seconds(row["cpu_s"]),
}


def counters(frame: pd.DataFrame) -> list[Table]:
    """A row a case."""
    rows = _rows(frame)
    if rows.empty:
        return []
    cells = [[form(row) for form in CELLS.values()] for _, row in rows.iterrows()]
    about = (
        "Each process adds one as often as the others, all at once: time of an increment, and increments per second of all together. "
        "With a lock nothing may be lost, which is checked. A Manager's objects are counted with a Lock of the same Manager."
    )
    return [Table("Counting one number up", about, list(CELLS), cells, frozenset(CELLS) - {"number", "lock"})]


def figures(frame: pd.DataFrame) -> list[Figure]:
    """A row a number and way to lock it, a mark for each number of processes; a panel for those in memory, another for a Manager's."""
    rows = _rows(frame)
    if rows.empty:
        return []
    rows = rows.assign(
        name=[NAMES[v].format(m) for m, v in zip(rows["mechanism"], rows["variant"], strict=True)], label=""
    )
    counts = sorted(rows["processes"].unique())
    words = [f"{count} process{'es' if count > 1 else ''}" for count in counts]
    several = len(counts) > 1
    caption = (
        "Time of an increment, of all processes together, on logarithmic axes; bars are 95 % intervals. What waits for a lock is no "
        "faster by more processes. Without a lock updates are lost, and the number is wrong."
    )
    title = "Processes that count one number up" if several else f"{words[0]} counting one number up"
    figure = Figure(
        "shared-state.png", title, caption, "marks" if several else "ranking", "s", "", "time per increment", []
    )
    managed = rows["mechanism"].str.startswith(MANAGER)
    here = (("in shared memory", rows[~managed]), ("asked of a Manager's server", rows[managed]))
    panels = [Panel(where, _series(some, counts)) for where, some in here if len(some)]
    ticks = [(float(index), text) for index, text in enumerate(words)] if several else []
    return [replace(figure, panels=panels, ticks=ticks)]


def _series(rows: pd.DataFrame, counts: list[int]) -> list[Series]:
    """Fastest first."""
    if len(counts) == 1:
        found = [point(row, {}) for _, row in rows.iterrows()]
    else:
        found = grouped(rows.assign(mark=rows["processes"].map(counts.index)), "mark", same)
    return [_warned(each, rows) for each in sorted(found, key=lambda each: each.y[0])]


def _warned(each: Series, rows: pd.DataFrame) -> Series:
    """What loses updates says so beside its name: it is fast, and wrong."""
    lost = rows[rows["name"].eq(each.name)]["lost"].max()
    return replace(each, label=f"{each.name} (loses up to {units.share(lost)})") if lost > 0 else each


CHAPTER = Chapter("Shared state", 60, findings, counters, figures)
