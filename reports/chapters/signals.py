"""What a signal costs there and back, and how many of a burst arrive."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from ipcbench.reports import choose, tables, units
from ipcbench.reports.chapter import Chapter, Table
from ipcbench.reports.figure import PERCENTILES, Figure, Panel, spread

TAKEN = {
    "handler": "SIGUSR1 by a Python handler",
    "sigwait": "SIGUSR1 by sigwait",
    "sigwaitinfo": "SIGUSR1 by sigwaitinfo",
    "wakeup-fd": "SIGUSR1 by set_wakeup_fd",
    "real-time": "SIGRTMIN by sigwaitinfo",
}
SENT = {"sigusr1": "SIGUSR1", "real-time": "SIGRTMIN"}
PLACES = {"cross-core": "two cores", "same-core": "one core", "free": "not pinned"}
MARKS = {"p50_s": "p50", "p99_s": "p99", "p999_s": "p99.9", "max_s": "longest"}
RIVAL = ("os-pipe", 64)
"""What carries a message in as few calls as any, beside which a signal is set."""


def round_trips(frame: pd.DataFrame) -> pd.DataFrame:
    """Signals there and back, fastest first, with a column `label`: how they are taken."""
    rows = choose.measured(frame)
    rows = rows[rows["workload"].eq("signal")].sort_values(["placement", "mean_s"])
    labels = [
        TAKEN.get(name, name) + _started(method)
        for name, method in zip(rows["name"], rows["start_method"], strict=True)
    ]
    found: pd.DataFrame = rows.assign(label=pd.Series(labels, index=rows.index, dtype=object))
    return found


def bursts(frame: pd.DataFrame) -> pd.DataFrame:
    """Bursts, with a column `burst`: how many signals each has."""
    rows = choose.measured(frame)
    rows = rows[rows["workload"].eq("signal-burst")]
    counts = [int(choose.options(text)["burst"]) for text in rows["variant"]]
    counted: pd.DataFrame = rows.assign(burst=pd.Series(counts, index=rows.index, dtype=int))
    found: pd.DataFrame = counted.sort_values(["placement", "burst", "mechanism"], ascending=[True, True, False])
    return found


def findings(frame: pd.DataFrame) -> list[str]:
    """The fastest and the slowest way, a pipe beside them, and what a burst loses."""
    return [*_of_ways(frame), *_of_bursts(frame)]


def _of_ways(frame: pd.DataFrame) -> Iterator[str]:
    rows = round_trips(frame)
    for place in dict.fromkeys(rows["placement"]):
        here = rows[rows["placement"].eq(place)]
        if len(here) > 1:
            first, last = here.iloc[0], here.iloc[-1]
            yield (
                f"A signal there and back ({PLACES[place]}): {first['label']} takes {tables.within(first)}, "
                f"{last['label']} {tables.within(last)}{_beside(frame, place)}."
            )


def _beside(frame: pd.DataFrame, place: str) -> str:
    """The same between the same cores with a message in it."""
    mechanism, size = RIVAL
    rows = choose.round_trips(frame)
    rows = rows[rows["mechanism"].eq(mechanism) & rows["size"].eq(size) & rows["placement"].eq(place)]
    return (
        f"; {mechanism} carries {units.size(size)} there and back in {tables.within(rows.iloc[0])}" if len(rows) else ""
    )


def _of_bursts(frame: pd.DataFrame) -> Iterator[str]:
    rows = bursts(frame)
    for sent, row in zip(rows["mechanism"].map(SENT), (row for _, row in rows.iterrows()), strict=True):
        lost = float(row["lost"])
        if not math.isnan(lost):
            why = "one that comes while another of its kind waits is dropped" if lost else "they are queued"
            yield f"Of {row['burst']:,} {sent} sent in a burst ({PLACES[row['placement']]}) {_arrived(row)} arrived: {why}."


def _arrived(row: pd.Series) -> str:
    """The share in words: never 100 % where one is missing, never 0 % where one came."""
    share = 1 - float(row["lost"])
    if share in (0.0, 1.0):
        return "all" if share else "none"
    return f"{min(99.99, float(f'{100 * share:.2g}' if share < 0.99 else f'{100 * share:.2f}')):g} %"


def chapter_tables(frame: pd.DataFrame) -> list[Table]:
    """A row a case."""
    return [*_table_of_ways(frame), *_table_of_bursts(frame)]


def _table_of_ways(frame: pd.DataFrame) -> Iterator[Table]:
    rows = round_trips(frame)
    columns = ["taken", "on", "mean", "±", *MARKS.values(), "CPU"]
    lines = [
        [
            row["label"],
            PLACES[row["placement"]],
            tables.time(row),
            units.spread(row["mean_s"], row["low_s"], row["high_s"]),
            *(_seconds(row[mark]) for mark in MARKS),
            _seconds(row["cpu_s"]),
        ]
        for _, row in rows.iterrows()
    ]
    about = "One signal under way at a time; both sides take it in the same way. CPU time is that of both, for a round trip."
    if lines:
        yield Table("A signal there and back", about, columns, lines, frozenset(columns[2:]))


def _table_of_bursts(frame: pd.DataFrame) -> Iterator[Table]:
    columns = ["signal", "on", "sent at once", "arrived", "lost", "each sent", "±"]
    lines = [
        [
            SENT.get(row["mechanism"], row["mechanism"]) + _started(row["start_method"]),
            PLACES[row["placement"]],
            f"{row['burst']:,}",
            "–" if math.isnan(row["lost"]) else _arrived(row),
            "–" if math.isnan(row["lost"]) else f"{row['burst'] * row['lost']:,.4g}",
            tables.time(row),
            units.spread(row["mean_s"], row["low_s"], row["high_s"]),
        ]
        for _, row in bursts(frame).iterrows()
    ]
    about = (
        "SIGUSR1 runs a Python handler, SIGRTMIN is blocked and taken by sigwaitinfo, while more are sent. An ordinary signal is a flag: "
        "what comes while it is set is lost, which is its nature and no failure."
    )
    if lines:
        yield Table("Signals in a burst", about, columns, lines, frozenset(columns[2:]))


def figures(frame: pd.DataFrame) -> list[Figure]:
    """Percentiles of each way."""
    rows = round_trips(frame)
    rows = rows[rows["recorded"].gt(0)].sort_values(["placement", "p50_s"])
    panels = [
        Panel(f"on {PLACES[place]}", [spread(row) for _, row in rows[rows["placement"].eq(place)].iterrows()])
        for place in dict.fromkeys(rows["placement"])
    ]
    if not panels:
        return []
    caption = (
        "Each round trip timed by itself, on a logarithmic axis, the fastest half first. A Python handler runs between two steps of the "
        "interpreter; a signal that is waited for needs none."
    )
    ticks = [(float(index), text) for index, text in enumerate(PERCENTILES.values())]
    title = "A signal there and back, by the way it is taken"
    return [Figure("signals.png", title, caption, "spread", "s", "", "time per round trip", panels, ticks)]


def _seconds(value: float) -> str:
    return "–" if math.isnan(value) else units.seconds(value)


def _started(method: str) -> str:
    return "" if method == "fork" else f" ({method})"


CHAPTER = Chapter("Signals", 70, findings, chapter_tables, figures)
