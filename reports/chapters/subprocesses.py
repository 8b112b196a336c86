"""Pipes to other programs: how fast bytes move through a child's standard streams, and when its first line is seen."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ipcbench.reports import choose, tables, units
from ipcbench.reports.chapter import Chapter, Table
from ipcbench.reports.figure import Figure

DIRECTIONS = {"to-stdin": "into stdin", "from-stdout": "out of stdout"}
BUFFERS = {
    "buffered": "buffered, as Python does by itself",
    "unbuffered": "run with -u",
    "flushed": "print(..., flush=True)",
}


def streams(frame: pd.DataFrame) -> pd.DataFrame:
    """What was measured of streams, with columns `mode` and `read`."""
    rows = choose.measured(frame)
    rows = rows[rows["workload"].eq("subprocess-stream")]
    options = [choose.options(text) for text in rows["variant"]]
    found: pd.DataFrame = rows.assign(**{key: [each.get(key, "") for each in options] for key in ("mode", "read")})
    return found


def first_lines(frame: pd.DataFrame) -> pd.DataFrame:
    """What was measured of first lines, latest first."""
    rows = choose.measured(frame)
    found: pd.DataFrame = rows[rows["workload"].eq("first-line")].sort_values("mean_s", ascending=False)
    return found


def findings(frame: pd.DataFrame) -> list[str]:
    """What communicate and text mode cost, and what buffering does."""
    rows = streams(frame)
    return [*_of_reads(rows), *_of_modes(rows), *_of_buffers(first_lines(frame))]


def _of_reads(rows: pd.DataFrame) -> Iterator[str]:
    for subject, where in DIRECTIONS.items():
        for one, two, size in _pairs(rows[rows["mechanism"].eq(subject) & rows["mode"].eq("binary")], "read"):
            yield (
                f"{size} {where} of a child: communicate moves {_speed(one)}, pieces of 64 KiB {_speed(two)}: "
                f"communicate takes {tables.times(one, two)} as long."
            )


def _of_modes(rows: pd.DataFrame) -> Iterator[str]:
    for subject, where in DIRECTIONS.items():
        for one, two, size in _pairs(rows[rows["mechanism"].eq(subject) & rows["read"].eq("communicate")], "mode"):
            yield f"{size} {where}: text mode takes {tables.times(two, one)} as long as binary ({_speed(two)} instead of {_speed(one)})."


def _pairs(rows: pd.DataFrame, column: str) -> Iterator[tuple[pd.Series, pd.Series, str]]:
    """The two cases that differ in that column only, at the largest size where both were measured: communicate or binary first."""
    for size in sorted(rows["size"].unique(), reverse=True):
        here = rows[rows["size"].eq(size)].sort_values(column)
        if here[column].nunique() == 2:
            one, two = (here[here[column].eq(value)].iloc[0] for value in sorted(here[column].unique()))
            yield one, two, units.size(size)
            return


def _speed(row: pd.Series) -> str:
    return tables.marked(row, units.bandwidth(row["size"] / row["mean_s"]))


def _of_buffers(rows: pd.DataFrame) -> Iterator[str]:
    known = {str(row["mechanism"]): row for _, row in rows.iterrows()}
    if "buffered" in known and len(known) > 1:
        late = known.pop("buffered")
        others = " and ".join(f"{tables.time(row)} where it is {name}" for name, row in known.items())
        yield (
            f"The first line that a child prints into a pipe is seen after {tables.time(late)} where Python buffers it, which is when a "
            f"child that works for 20 ms ends; after {others}."
        )


def both(frame: pd.DataFrame) -> list[Table]:
    """Streams, then first lines."""
    return [*_of_streams(streams(frame)), *_of_lines(first_lines(frame))]


def _of_streams(rows: pd.DataFrame) -> Iterator[Table]:
    if rows.empty:
        return
    columns = ["direction", "size", "mode", "how", "time", "±", "bandwidth"]
    about = (
        "One transfer of that size through a fresh child that is up already, until the child is reaped. communicate takes or gives all "
        "of it in one call; in pieces they are of 64 KiB."
    )
    lines = [
        [
            *(DIRECTIONS[str(row["mechanism"])], units.size(row["size"]), str(row["mode"]), str(row["read"])),
            *(tables.time(row), units.spread(row["mean_s"], row["low_s"], row["high_s"]), _speed(row)),
        ]
        for _, row in rows.sort_values(["mechanism", "size", "mean_s"]).iterrows()
    ]
    yield Table(
        "Through a child's standard streams", about, columns, lines, frozenset({"size", "time", "±", "bandwidth"})
    )


def _of_lines(rows: pd.DataFrame) -> Iterator[Table]:
    if rows.empty:
        return
    about = "From the word to print until the parent has read the line; the child goes on working for 20 ms, prints another and ends."
    lines = [
        [
            BUFFERS.get(str(row["mechanism"]), str(row["mechanism"])),
            tables.time(row),
            units.spread(row["mean_s"], row["low_s"], row["high_s"]),
        ]
        for _, row in rows.iterrows()
    ]
    yield Table(
        "Until the first line is seen", about, ["the child's output", "time", "±"], lines, frozenset({"time", "±"})
    )


def none(_frame: pd.DataFrame) -> list[Figure]:
    """The tables say it all."""
    return []


CHAPTER = Chapter("Pipes to other programs", 20, findings, both, none)
