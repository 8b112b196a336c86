"""What a time doesn't tell: CPU, context switches and memory beside it, its distribution, and what a border costs."""

from __future__ import annotations

import math

import pandas as pd

from ipcbench.reports import choose, tables, units
from ipcbench.reports.latency import MARKS

__all__ = ["costs", "findings", "latencies", "rates", "sizes"]

WAITS = {"": "block", "wait=adaptive": "adaptive", "wait=spin": "spin"}
TWINS = {
    "queue": ("thread-queue", "queue.Queue"),
    "simple-queue": ("thread-simple-queue", "queue.SimpleQueue"),
}
PLACES = {"cross-core": "each end on a core of its own", "same-core": "both ends on one core"}
STALLED, MENTIONED = 1.5, 4
"""Times the median of its single round trips at which a time is more stalls than round trips; how many of those are named."""
RATE = r"rate=\d+,?"
KEPT = 0.95
"""The share of a rate that must be achieved; what one late echo at the end of a pass takes away is less."""


def sizes(frame: pd.DataFrame) -> dict[str, str]:
    """In words: the small message of `costs` and that of `latencies`, and the large one whose memory is told."""
    rows = choose.round_trips(frame)
    shown = choose.sizes(rows) or [choose.SMALL]
    timed = choose.sizes(rows[rows["recorded"].gt(0)]) or shown
    return {"small": units.size(shown[0]), "large": units.size(shown[-1]), "timed": units.size(timed[0])}


def costs(frame: pd.DataFrame) -> list[dict[str, str]]:
    """A row a mechanism and wait strategy, those that use least CPU first: what a message costs, and a large one's memory (`sizes`)."""
    rows = choose.round_trips(frame)
    shown = choose.sizes(rows) or [choose.SMALL]
    small, large = choose.at(rows, shown[0]), choose.at(rows, shown[-1]).set_index("name")
    return [_cost(row, large) for _, row in small[small["cpu_s"].notna()].sort_values("cpu_s").iterrows()]


def _cost(row: pd.Series, large: pd.DataFrame) -> dict[str, str]:
    memory = large["memory_bytes"] - large["memory_base_bytes"]
    return {
        "name": str(row["label"]),
        "family": str(row["family"]),
        "wait": "spin" if row["mechanism"] == "c-spin" else WAITS[row["variant"]],
        "time": tables.time(row),
        "user": _seconds(row["cpu_user_s"]),
        "system": _seconds(row["cpu_system_s"]),
        "cores": "–" if math.isnan(row["cores_busy"]) else f"{row['cores_busy']:.2f}",
        "voluntary": f"{row['switches_voluntary']:.2f}",
        "involuntary": f"{row['switches_involuntary']:.2f}",
        "memory": _bytes(row["memory_bytes"]),
        "added": _bytes(memory.get(row["name"], math.nan)),
    }


def _seconds(value: float) -> str:
    return units.seconds(value) if value > 1e-12 else "0"


def _bytes(count: float) -> str:
    return "" if math.isnan(count) else f"{count / (1 << 20):.3g} MiB"


def latencies(frame: pd.DataFrame) -> list[dict[str, str]]:
    """A row a mechanism and wait strategy, by median: the distribution of a small message there and back."""
    return [_latency(row) for _, row in choose.recorded(frame).iterrows()]


def rates(frame: pd.DataFrame) -> list[dict[str, str]]:
    """A row a case that kept to a rate: its distribution from the intended time on."""
    rows = _at_rates(frame)
    rows = rows.assign(label=_told_apart(rows)).sort_values(["size", "label", "asked"])
    return [_latency(row) | _rate(row) for _, row in rows.iterrows()]


def _told_apart(rows: pd.DataFrame) -> pd.Series:
    """Each mechanism with what else isn't the same in all rows: `pipe (array, spawn, transfer=buffers)`."""
    options = rows["variant"].str.replace(RATE, "", regex=True).str.strip(",").str.replace(",", " ")
    axes = rows[["workload", "payload", "start_method", "placement"]].assign(options=options)
    differing = [name for name in axes if axes[name].nunique() > 1]
    words = [", ".join(filter(None, (row[name] for name in differing))) for _, row in axes.iterrows()]
    names = [f"{name} ({more})" if more else name for name, more in zip(rows["mechanism"], words, strict=True)]
    told: pd.Series = pd.Series(names, rows.index, dtype=object)
    return told


def _at_rates(frame: pd.DataFrame) -> pd.DataFrame:
    """What kept to a rate, with the rate as column `asked`."""
    rows = choose.measured(frame)
    rows = rows.assign(asked=pd.Series([choose.asked_rate(each) for each in rows["variant"]], rows.index, float))
    found: pd.DataFrame = rows[rows["achieved_rate"].notna() & rows["asked"].notna()]
    return found


def _latency(row: pd.Series) -> dict[str, str]:
    marks = {
        column.removesuffix("_s"): "–" if math.isnan(row[column]) else units.seconds(row[column]) for column in MARKS
    }
    name = str(row["label"])
    return {"name": name, "family": str(row["family"]), "recorded": f"{row['recorded']:,.0f}", **marks}


def _rate(row: pd.Series) -> dict[str, str]:
    return {
        "size": units.size(row["size"]),
        "asked": units.rate(row["asked"]),
        "achieved": units.rate(row["achieved_rate"]),
        "mean": tables.time(row),
        "half": units.spread(row["mean_s"], row["low_s"], row["high_s"]),
    }


def findings(frame: pd.DataFrame) -> list[str]:
    """Sentences for a hurried reader: stalls in the means, the price of waiting awake, of the border between processes, missed rates."""
    return _of_stalls(frame) + _of_waits(frame) + _of_border(frame) + _of_rates(frame)


def _of_stalls(frame: pd.DataFrame) -> list[str]:
    """Where a time and the median of the single round trips tell two stories, and may rank otherwise."""
    rows = choose.recorded(frame)
    rows = rows[rows["family"].ne("floor") & rows["mean_s"].gt(STALLED * rows["p50_s"])]
    if rows.empty:
        return []
    worst = rows.assign(by=rows["mean_s"] / rows["p50_s"]).sort_values("by", ascending=False).head(MENTIONED)
    told = ", ".join(
        f"{row['label']} {units.seconds(row['p50_s'])} (its time is {tables.time(row)})" for _, row in worst.iterrows()
    )
    more = f", and {len(rows) - len(worst)} more" if len(rows) > len(worst) else ""
    return [
        "Stalls are in these times, as where other programs want the same cores; half of all single round trips take much less: "
        f"{told}{more}. “Not only the mean” ranks by that."
    ]


def _of_waits(frame: pd.DataFrame) -> list[str]:
    rows = choose.at(choose.round_trips(frame), choose.SMALL)
    rows = rows[rows["cpu_s"].notna()]
    said = []
    for mechanism, group in rows.groupby("mechanism", sort=False):
        ways = {WAITS[row["variant"]]: row for _, row in group.iterrows()}
        if {"block", "spin"} <= ways.keys():
            parts = [
                f"{how} takes {tables.time(ways[how])} and {_cores(ways[how])}" for how in WAITS.values() if how in ways
            ]
            said.append(f"What waiting costs {mechanism} at {units.size(choose.SMALL)}: {'; '.join(parts)}.")
    return said


def _cores(row: pd.Series) -> str:
    return f"{units.seconds(row['cpu_s'])} of CPU ({row['cores_busy']:.1f} cores busy)"


def _of_border(frame: pd.DataFrame) -> list[str]:
    """Like with like: a queue between processes over the same kind of queue between threads, in the same place."""
    rows = frame[frame["status"].eq("measured") & frame["payload"].eq("bytes") & frame["size"].eq(choose.SMALL)]
    rows = rows[
        rows["variant"].eq("") & rows["start_method"].eq("fork") & rows["workload"].isin(["round-trip", "thread"])
    ]
    known = {(row["mechanism"], row["placement"]): row for _, row in rows.iterrows()}
    parts = []
    for place, where in PLACES.items():
        both = [
            f"{name} takes {tables.times(known[name, place], known[twin, place])} as long as {called} between two threads"
            for name, (twin, called) in TWINS.items()
            if (name, place) in known and (twin, place) in known
        ]
        parts += [f"{where}, {' and '.join(both)}"] if both else []
    call = known.get(("direct-call", "same-core"))
    if call is not None and parts:
        parts.append(f"a direct call takes {tables.time(call)}")
    return (
        [f"Crossing the border between processes with {units.size(choose.SMALL)}: {'; '.join(parts)}."] if parts else []
    )


def _of_rates(frame: pd.DataFrame) -> list[str]:
    missed = [row for _, row in _at_rates(frame).iterrows() if row["achieved_rate"] < KEPT * row["asked"]]
    if not missed:
        return []
    told = "; ".join(
        f"{row['id']} ({units.rate(row['achieved_rate'])} of {units.rate(row['asked'])})" for row in missed
    )
    return [
        f"Not kept was the rate of {told}. The line before such a case grows as long as the pass lasts, "
        "so its latency says how long that was."
    ]
