"""Tables of a run: for the terminal, for Markdown and the page, and as plain data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from ipcbench.reports import choose, units
from ipcbench.reports.stats import t_quantile
from ipcbench.reports.units import MARK

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

__all__ = [
    *(
        "bandwidth",
        "between",
        "cells",
        "headline",
        "interval",
        "marked",
        "missed",
        "rates",
        "ratio",
        "sizes",
        "summary",
    ),
    *("time", "times", "to_json", "unreached", "within"),
]

NORMAL = 1.96
FEW = 16
"""Cases that the terminal shows one by one."""
HOPELESS = 20
"""Times the time of the run from which on more of it is no advice: intervals narrow by its root."""
DISTURBED = 0.25
"""Half an interval, of the time: two of those must lie a factor of 1.7 apart to be told apart."""
UNREACHED = "the budget was spent before"
"""How the reason begins of a case that wasn't measured for want of time."""


def to_json(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """One object a case; what is unknown is null."""
    rows: list[dict[str, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows


def headline(frame: pd.DataFrame) -> pd.DataFrame:
    """Round trips at up to two sizes, a row a mechanism, wait and size, fastest small ones first (column `label`: the name)."""
    rows = choose.round_trips(frame)
    parts = [choose.at(rows, size).assign(size=size) for size in choose.sizes(rows)]
    found: pd.DataFrame = pd.concat(parts or [choose.at(rows, choose.SMALL)], ignore_index=True)
    return found


def sizes(rows: pd.DataFrame) -> list[int]:
    """The sizes of a headline, the small one first: two, one or none."""
    return sorted(int(size) for size in rows["size"].unique())


def summary(frame: pd.DataFrame) -> RenderableType:
    """The short table that the terminal shows, and what is missing in it."""
    from rich.console import Group

    rows = headline(frame)
    measured = int(frame["status"].eq("measured").sum())
    more = f"{len(rows):,} of {measured:,} cases are shown; all are in tables.md and the report"
    if rows.empty or len(rows) < measured <= FEW:
        title, table, more = _legend(frame).removeprefix("; "), _everything(frame), ""
    else:
        title, table = f"Round trips and half the 95 % interval{_legend(frame)}", _round_trips(rows)
    parts: list[RenderableType] = [
        title,
        table,
        more if len(rows) < measured else "",
        unreached(frame),
        disturbed(frame),
    ]
    return Group(*(each for each in parts if each))


def _round_trips(rows: pd.DataFrame) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("mechanism")
    for size in sizes(rows):
        table.add_column(units.size(size), justify="right")
        table.add_column("", justify="right", style="dim")
    for name in dict.fromkeys(rows["name"]):
        line = [escape(str(rows[rows["name"].eq(name)]["label"].iloc[0]))]
        for size in sizes(rows):
            here = rows[rows["name"].eq(name) & rows["size"].eq(size)]
            line += _time(here.iloc[0]) if len(here) else ["–", ""]
        table.add_row(*line)
    return table


def _everything(frame: pd.DataFrame) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("case", overflow="fold")
    table.add_column("time", justify="right")
    table.add_column("", justify="right", style="dim")
    for _, row in frame[frame["status"].eq("measured")].sort_values("id").iterrows():
        table.add_row(escape(str(row["id"])), *_time(row))
    return table


def _time(row: pd.Series) -> list[str]:
    return [time(row), units.spread(row["mean_s"], row["low_s"], row["high_s"])]


def time(row: pd.Series) -> str:
    """A case's time; marked where its interval is wider than was asked for."""
    return marked(row, units.seconds(row["mean_s"]))


def marked(row: pd.Series, text: str) -> str:
    """The text, with a mark where the case's interval is wider than was asked for."""
    return f"{MARK} {text}" if row["precise"] is False else text


def within(row: pd.Series) -> str:
    """A case's time and half its interval for a sentence: 12.3 µs (±2 %)."""
    return f"{time(row)} ({units.spread(row['mean_s'], row['low_s'], row['high_s'])})"


def between(row: pd.Series) -> str:
    """A case's time and its interval for a sentence: 12.3 µs (95 %: 12.1 µs – 12.5 µs)."""
    return f"{time(row)} {interval(row)}"


def ratio(one: pd.Series, two: pd.Series) -> tuple[float, float, float]:
    """How many times as long one case takes as the other, and the interval: half widths of independent logs add in squares."""
    found = one["mean_s"] / two["mean_s"]
    half = math.hypot(*(math.log(row["high_s"] / row["low_s"]) / 2 for row in (one, two)))
    return found, found / math.exp(half), found * math.exp(half)


def times(one: pd.Series, two: pd.Series) -> str:
    """That ratio in words; marked where a side is."""
    found, low, high = ratio(one, two)
    if math.isnan(low):  # the times themselves, beside it, say why
        return f"{MARK} {_two(found)} times"
    wide = one if one["precise"] is False else two
    return marked(wide, f"{_two(found)} times {_bracketed(units.bounds(found, low, high, _two))}")


def _two(value: float) -> str:
    """With two figures."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.1f}" if rounded >= 1 else f"{rounded:.2g}"


def interval(row: pd.Series) -> str:
    """A case's interval for a sentence."""
    return _bracketed(units.bounds(row["mean_s"], row["low_s"], row["high_s"]))


def rates(row: pd.Series) -> str:
    """The interval of the operations per second for a sentence."""
    return _bracketed(units.bounds(1 / row["mean_s"], 1 / row["high_s"], 1 / row["low_s"], units.rate))


def bandwidth(row: pd.Series) -> str:
    """The payload bytes per second with their interval for a sentence; marked where the case is."""
    mean, slow, fast = (row["size"] / row[name] for name in ("mean_s", "high_s", "low_s"))
    return f"{marked(row, units.bandwidth(mean))} {_bracketed(units.bounds(mean, slow, fast, units.bandwidth))}"


def _bracketed(bounds: str) -> str:
    return f"(95 %: {bounds})" if "–" in bounds else f"({bounds})"


def missed(frame: pd.DataFrame, precision: float | None) -> str:
    """How many cases didn't reach the precision, in a sentence, and what would help; empty where all did, or none was asked for."""
    measured = frame[frame["status"].eq("measured")]
    late = measured[[value is False for value in measured["precise"]]]
    if late.empty or precision is None:
        return ""
    told = f"{len(late):,} of {len(measured):,} cases missed ±{100 * precision:g} % (marked {MARK})"
    narrower = frame.attrs.get("narrower", "--budget")
    known = late.apply(_more, axis="columns", precision=precision).dropna()
    times = known.median() if len(known) else math.nan
    if times >= HOPELESS:
        return f"{told}: half of them would take more than {HOPELESS} times as long; a quieter machine helps (ipcbench doctor)"
    about = "" if math.isnan(times) else f"; half of them would take {_two(times)} times as long or more"
    return f"{told}: more {narrower} helps{about}"


def disturbed(frame: pd.DataFrame) -> str:
    """A sentence where half of the cases have intervals so wide that their order says little; else empty."""
    halves = _halves(frame[frame["status"].eq("measured")])
    if halves.empty or not halves.median() > DISTURBED:
        return ""
    return (
        f"Half of the cases have intervals beyond ±{100 * DISTURBED:.0f} %: too disturbed to rank. "
        "Close other programs, or wait for a quiet hour, and measure again"
    )


def _more(row: pd.Series, precision: float) -> float:
    """How many times the samples it would take: the interval narrows by their root, and by what a t quantile has more than a normal one."""
    half = (row["high_s"] - row["low_s"]) / 2 / row["mean_s"]
    return math.nan if row["samples"] < 2 else (half * NORMAL / t_quantile(row["samples"] - 1) / precision) ** 2


def _halves(rows: pd.DataFrame) -> pd.Series:
    """Half of each case's interval as a share of its time, where it has one."""
    found: pd.Series = ((rows["high_s"] - rows["low_s"]) / 2 / rows["mean_s"]).dropna()
    return found


def unreached(frame: pd.DataFrame) -> str:
    """How many of the cases that the system can measure got no time, in a sentence; empty where all did."""
    late = frame["status"].eq("skipped") & frame["reason"].str.startswith(UNREACHED)
    meant = late | frame["status"].ne("skipped")
    return f"{late.sum():,} of {meant.sum():,} cases were not reached within the budget" if late.any() else ""


def _legend(frame: pd.DataFrame) -> str:
    return f"; {MARK} is wider than asked" if any(value is False for value in frame["precise"]) else ""


def cells(frame: pd.DataFrame) -> list[dict[str, str]]:
    """The full table of measured cases as text, in the order of workload, payload, size and time."""
    measured = frame[frame["status"].eq("measured")].sort_values(["workload", "payload", "size", "mean_s"])
    return [_cells(row) for _, row in measured.iterrows()]


def _cells(row: pd.Series) -> dict[str, str]:
    mean, known = row["mean_s"], not math.isnan(row["low_s"])
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
        "time": time(row),
        "wide": "wide" if row["precise"] is False else "",
        "interval": units.bounds(mean, row["low_s"], row["high_s"]),
        "half": units.spread(mean, row["low_s"], row["high_s"]),
        "floor": "" if math.isnan(row["floor_ratio"]) else f"{row['floor_ratio']:.2f}",
        "against": "" if math.isnan(row["floor_ratio"]) else row["floor"].split("/")[1],
        "cpu": "" if math.isnan(row["cpu_s"]) else units.seconds(row["cpu_s"]),
        "rate": marked(row, units.rate(1 / mean)) if moves else "",
        "bandwidth": marked(row, units.bandwidth(row["size"] / mean)) if moves else "",
        **{
            share: "" if math.isnan(row[share]) else f"{row[share]:.2%}"
            for share in ("lost", "duplicated", "reordered")
        },
        "samples": str(row["samples"]),
        "bytes": f"{row['size']:.0f}",
        "seconds": f"{mean:.9g}",
        "low_seconds": f"{row['low_s']:.9g}" if known else "",
        "share": f"{(row['high_s'] - row['low_s']) / mean:.9g}" if known else "",
        "cpu_seconds": "" if math.isnan(row["cpu_s"]) else f"{row['cpu_s']:.9g}",
        "per_second": f"{1 / mean:.9g}" if moves else "",
        "bytes_per_second": f"{row['size'] / mean:.9g}" if moves else "",
    }


def _shape(row: pd.Series) -> str:
    if row["workload"] == "pairs":
        return f"{row['processes']:.0f} × 1→1"
    if not row["far"]:
        return f"{row['near']:.0f}"
    return f"{row['near']:.0f}→{row['far']:.0f}" + (f", {row['channels']}" if row["channels"] else "")
