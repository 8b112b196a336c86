"""Which cases stand for a mechanism in a figure or a short table, and what they are called there."""

from __future__ import annotations

import re

import pandas as pd

from ipcbench.reports import units

__all__ = [
    "LARGE",
    "SMALL",
    "asked_rate",
    "at",
    "large",
    "measured",
    "name",
    "recorded",
    "round_trips",
    "sizes",
    "widest",
]

SMALL, LARGE = 64, 1 << 20
"""Bytes: what stands for small and for large messages, where it was measured."""

WAITS = ("", "wait=spin", "wait=adaptive")
PAYLOADS = ("bytes", "scalar", "array")
"""Of these the first that was measured stands for a mechanism: some carry one kind only."""
LIMITED = 64
"""Bytes: a mechanism that takes less than this much in any case (a scalar) is shown among small messages."""


def name(mechanism: str, variant: str) -> str:
    """The mechanism and its options' values: `shared-memory-ring spin`, `pipe at 1.00 k/s`."""
    rate = asked_rate(variant)
    pairs = [pair.partition("=") for pair in variant.split(",") if pair]
    words = [f"at {units.rate(rate)}" if key == "rate" and rate else value for key, _, value in pairs]
    return " ".join([mechanism, *words])


def asked_rate(variant: str) -> float | None:
    """Operations per second that the variant asks for, if it does."""
    found = re.search(r"(?:^|,)rate=(\d+)(?:,|$)", variant)
    return float(found[1]) if found else None


def measured(frame: pd.DataFrame) -> pd.DataFrame:
    """The measured cases with a column `name`."""
    rows = frame[frame["status"].eq("measured")]
    names = [name(m, v) for m, v in zip(rows["mechanism"], rows["variant"], strict=True)]
    named: pd.DataFrame = rows.assign(name=pd.Series(names, index=rows.index, dtype=object))
    return named


def round_trips(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a mechanism, wait strategy and size: started by fork, on two cores if any ran there, plain bytes if it can.

    Floors are among them, as far as they carry a payload.
    """
    rows = measured(frame)
    rows = rows[rows["workload"].isin(["round-trip", "floor"]) & rows["variant"].isin(WAITS)]
    rows = rows[rows["payload"].isin(PAYLOADS) & ~rows["mechanism"].isin(["memcpy", "c-semaphore"])]
    rows = _first(rows, "start_method", ("fork", "spawn", "forkserver"))
    rows = _first(rows, "placement", ("cross-core", "free", "same-core"))
    order = rows["payload"].map(PAYLOADS.index)
    rows = rows.assign(_order=order).sort_values("_order", kind="stable").drop_duplicates(["name", "size"])
    chosen: pd.DataFrame = rows.drop(columns="_order")
    return chosen


def _first(rows: pd.DataFrame, column: str, values: tuple[str, ...]) -> pd.DataFrame:
    """The rows with the first of the values that any row has."""
    for value in values:
        here: pd.DataFrame = rows[rows[column].eq(value)]
        if len(here):
            return here
    return rows


def widest(rows: pd.DataFrame, column: str = "processes") -> pd.DataFrame:
    """The rows with that value of the column that most names were measured with, the greatest of several such."""
    if rows.empty:
        return rows
    counts = rows.groupby(column)["name"].nunique()
    chosen: pd.DataFrame = rows[rows[column].eq(counts[counts.eq(counts.max())].index.max())]
    return chosen


def sizes(rows: pd.DataFrame) -> list[int]:
    """The small and the large size that stand for all of these: the smallest and the largest where the usual ones weren't measured."""
    known = sorted({SMALL if row["payload"] == "scalar" else int(row["size"]) for _, row in rows.iterrows()})
    if not known:
        return []
    small = SMALL if SMALL in known else known[0]
    if small != (most := large(known)):
        return [small, most]
    return sorted({known[0], known[-1]})


def recorded(frame: pd.DataFrame) -> pd.DataFrame:
    """The round trips of small messages that were timed one by one, those with the lowest median first."""
    rows = round_trips(frame)
    rows = rows[rows["recorded"].gt(0)]
    found: pd.DataFrame = at(rows, (sizes(rows) or [SMALL])[0]).sort_values("p50_s")
    return found


def large(known: list[int]) -> int:
    """Of sizes in their order, which stands for large messages."""
    return LARGE if LARGE in known else known[-1]


def at(rows: pd.DataFrame, size: int) -> pd.DataFrame:
    """The rows of that size, fastest first; a scalar counts as a small message and is called by its size."""
    small = rows["payload"].eq("scalar") & (size == LIMITED)
    here = rows[rows["size"].eq(size) | small]
    called = [f"{n} ({s} B)" if s != size else n for n, s in zip(here["name"], here["size"], strict=True)]
    ranked: pd.DataFrame = here.assign(label=called).sort_values("mean_s")
    return ranked
