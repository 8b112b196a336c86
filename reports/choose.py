"""Which cases stand for a mechanism in a figure or a short table, and what they are called there."""

from __future__ import annotations

from functools import cache

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
    "of_one_place",
    "of_one_start",
    "options",
    "recorded",
    "round_trips",
    "sizes",
    "streams",
    "widest",
]

SMALL, LARGE = 64, 1 << 20
"""Bytes: what stands for small and for large messages, where it was measured."""

WAITS = ("", "wait=spin", "wait=adaptive")
PAYLOADS = ("bytes", "scalar", "array")
"""Of these the first that was measured stands for a mechanism: some carry one kind only."""
ARM = "arm"
"""The key of a variant that says whose duels those were (`ipcbench ab`)."""
LIMITED = 64
"""Bytes: a mechanism that takes less than this much in any case (a scalar) is shown among small messages."""


@cache
def name(mechanism: str, variant: str) -> str:
    """The mechanism and its options' values: `shared-memory-ring spin`, `pipe at 1.00 k/s`."""
    rate = asked_rate(variant)
    words = [f"at {units.rate(rate)}" if key == "rate" and rate else value for key, value in options(variant).items()]
    return " ".join([mechanism, *words])


def options(variant: str) -> dict[str, str]:
    """What a variant says, by key."""
    return dict(pair.split("=", 1) for pair in variant.split(",") if "=" in pair)


def asked_rate(variant: str) -> float | None:
    """Operations per second that the variant asks for, if it does."""
    text = options(variant).get("rate", "")
    return float(text) if text.isdecimal() else None


def measured(frame: pd.DataFrame) -> pd.DataFrame:
    """The measured cases with a column `name`. Not the arms of duels: four that differ in nothing that is shown stand in the full table."""
    arms = [text for text in frame["variant"].unique() if ARM in options(text)]
    rows = frame[frame["status"].eq("measured") & ~frame["variant"].isin(arms)]
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
    rows = of_one_place(of_one_start(rows))
    order = rows["payload"].map(PAYLOADS.index)
    rows = rows.assign(_order=order).sort_values("_order", kind="stable").drop_duplicates(["name", "size"])
    chosen: pd.DataFrame = rows.drop(columns="_order")
    return chosen


def streams(frame: pd.DataFrame) -> pd.DataFrame:
    """Plain streams of bytes, of one start method and one placement."""
    rows = measured(frame)
    rows = rows[rows["workload"].eq("stream") & rows["variant"].eq("") & rows["payload"].eq("bytes")]
    return of_one_place(of_one_start(rows))


def of_one_start(rows: pd.DataFrame) -> pd.DataFrame:
    """Those that were started by fork, or by another method where none was: what is compared has one in common."""
    return _first(rows, "start_method", ("fork", "spawn", "forkserver"))


def of_one_place(rows: pd.DataFrame) -> pd.DataFrame:
    """Those with a core for each end, or in another place where none was."""
    return _first(rows, "placement", ("cross-core", "free", "same-core"))


def _first(rows: pd.DataFrame, column: str, values: tuple[str, ...]) -> pd.DataFrame:
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
