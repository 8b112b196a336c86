"""What a context switch costs, and what a scheduling policy buys a round trip beside others that compute."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from ipcbench.reports import choose, tables, units
from ipcbench.reports.chapter import Chapter, Table
from ipcbench.reports.figure import LEAST, PERCENTILES, Figure, Panel, grouped, joined, same, spread

POLICIES = {
    "sched-other": "SCHED_OTHER",
    "sched-fifo": "SCHED_FIFO",
    "sched-rr": "SCHED_RR",
    "sched-batch": "SCHED_BATCH",
    "sched-idle": "SCHED_IDLE",
    "nice-19": "SCHED_OTHER, nice 19",
}
PLACES = {"same-core": "one core", "cross-core": "two cores", "free": "not pinned"}
MARKS = {"p50_s": "p50", "p99_s": "p99", "p999_s": "p99.9", "max_s": "longest"}
TAIL = {"p999_s": "one in a thousand more than", "p99_s": "one in a hundred more than"}
"""Which percentile stands for the slowest in a sentence: the first that two policies have."""
COMPARED = ("sched-other", "sched-fifo", "sched-rr")
REFUSED = "is refused here"
"""What the reason says where the system refused a policy: cases are left out for other reasons too."""


def switches(frame: pd.DataFrame) -> pd.DataFrame:
    """Rings by place, length and working set."""
    rows = choose.measured(frame)
    rows = rows[rows["workload"].eq("context-switch")]
    order = rows["placement"].map(list(PLACES).index)
    found: pd.DataFrame = rows.assign(_place=order).sort_values(["_place", "start_method", "processes", "size"])
    return found


def policies(frame: pd.DataFrame) -> pd.DataFrame:
    """Round trips under a policy, with columns `competitors` and `label`: by place, as many competitors together."""
    rows = choose.measured(frame)
    rows = rows[rows["workload"].eq("policy")]
    counts = [int(choose.options(text).get("competitors", 0)) for text in rows["variant"]]
    labels = [
        POLICIES.get(name, name) + (f", {count} compete" if count else "") + ("" if start == "fork" else f" ({start})")
        for name, count, start in zip(rows["mechanism"], counts, rows["start_method"], strict=True)
    ]
    known = list(POLICIES)
    order = [known.index(name) if name in known else len(known) for name in rows["mechanism"]]
    columns = {
        "competitors": counts,
        "label": labels,
        "name": [POLICIES.get(name, name) for name in rows["mechanism"]],
        "_policy": order,
    }
    added = {name: pd.Series(values, index=rows.index, dtype=object) for name, values in columns.items()}
    found: pd.DataFrame = rows.assign(**added).sort_values(["placement", "competitors", "_policy", "start_method"])
    return found


def findings(frame: pd.DataFrame) -> list[str]:
    """The cheapest and the dearest switch, and what the policies do to the middle and to the slowest."""
    return [*_of_switches(frame), *_of_policies(frame)]


def _of_switches(frame: pd.DataFrame) -> Iterator[str]:
    rows = switches(frame)
    rows = rows[rows["start_method"].eq("fork")]
    for place in dict.fromkeys(rows["placement"]):
        here = rows[rows["placement"].eq(place)]
        what = "A context switch on one core" if place == "same-core" else f"Waking the next process ({PLACES[place]})"
        first, last = here.iloc[0], here.iloc[-1]
        text = f"{what}, without the pipe's own cost, takes {tables.within(first)} {_ring(first)}"
        yield text + (f", {tables.within(last)} {_ring(last)}." if len(here) > 1 else ".")


def _ring(row: pd.Series) -> str:
    size = f" that look through {units.size(row['size'])} each" if row["size"] else ""
    return f"in a ring of {row['processes']:.0f}{size}"


def _of_policies(frame: pd.DataFrame) -> Iterator[str]:
    rows = policies(frame)
    rows = rows[rows["start_method"].eq("fork") & rows["mechanism"].isin(COMPARED)]
    for place, count in dict.fromkeys(zip(rows["placement"], rows["competitors"], strict=True)):
        here = rows[rows["placement"].eq(place) & rows["competitors"].eq(count)]
        tail = next((mark for mark in TAIL if here[mark].count() > 1), None)
        if count and tail:
            parts = [
                f"under {POLICIES[row['mechanism']]} half take at most {units.seconds(row['p50_s'])}, "
                f"{TAIL[tail]} {units.seconds(row[tail])}"
                for _, row in here[here[tail].notna()].iterrows()
            ]
            yield f"Round trips while {count} processes compete ({PLACES[place]}): {'; '.join(parts)}."


def chapter_tables(frame: pd.DataFrame) -> list[Table]:
    """Switches by length and working set, policies by competitors, and policies that were refused."""
    return [*_table_of_switches(frame), *_table_of_policies(frame), *_table_of_refusals(frame)]


def _table_of_switches(frame: pd.DataFrame) -> Iterator[Table]:
    rows = switches(frame)
    if rows.empty:
        return
    sizes = sorted(rows["size"].unique())
    columns = ["on", "processes", *(f"{units.size(size)} each" for size in sizes)]
    lines = []
    keys = ["placement", "start_method", "processes"]
    for place, start, count in dict.fromkeys(zip(*(rows[key] for key in keys), strict=True)):
        here = rows[rows["placement"].eq(place) & rows["start_method"].eq(start) & rows["processes"].eq(count)]
        cells = {row["size"]: tables.within(row) for _, row in here.iterrows()}
        where = PLACES[place] + ("" if start == "fork" else f" ({start})")
        lines.append([where, f"{count:.0f}", *(cells.get(size, "–") for size in sizes)])
    about = (
        "From one process of a ring to the next, by how much memory each looks through at its turn. What the pipe and the look "
        "take in a single process is taken off: what remains is the switch, and memory that the others pushed out of the caches."
    )
    yield Table("Context switches", about, columns, lines, frozenset(columns[1:]))


def _table_of_policies(frame: pd.DataFrame) -> Iterator[Table]:
    columns = ["policy", "on", "compete", "mean", "±", *MARKS.values()]
    lines = [
        [
            POLICIES.get(row["mechanism"], row["mechanism"])
            + ("" if row["start_method"] == "fork" else f" ({row['start_method']})"),
            PLACES[row["placement"]],
            str(row["competitors"] or "none"),
            tables.time(row),
            units.spread(row["mean_s"], row["low_s"], row["high_s"]),
            *("–" if math.isnan(row[mark]) else units.seconds(row[mark]) for mark in MARKS),
        ]
        for _, row in policies(frame).iterrows()
    ]
    about = (
        "A byte through two pipes and back, all processes of a case on one core, or free to move between the same two. "
        "The policy is that of both ends; who "
        "competes computes without end at SCHED_OTHER. Not pinned, a real-time pair is often put on two cores, where waking up takes "
        "longer: pinned to one, only the policy tells. SCHED_DEADLINE is missing: Python has no call for it."
    )
    if lines:
        yield Table("Round trips by scheduling policy", about, columns, lines, frozenset(columns[2:]))


def _table_of_refusals(frame: pd.DataFrame) -> Iterator[Table]:
    rows = frame[frame["workload"].eq("policy") & frame["status"].eq("skipped")]
    rows = rows[rows["reason"].str.contains(REFUSED, regex=False)].drop_duplicates(["mechanism", "reason"])
    lines = [[POLICIES.get(name, name), reason] for name, reason in zip(rows["mechanism"], rows["reason"], strict=True)]
    if lines:
        yield Table(
            "Policies that were refused", "What this system said, and what would permit it.", ["policy", "why"], lines
        )


def figures(frame: pd.DataFrame) -> list[Figure]:
    """Percentiles by policy, and switches by ring and working set."""
    return [*_figure_of_policies(frame), *_figure_of_switches(frame)]


def _figure_of_policies(frame: pd.DataFrame) -> Iterator[Figure]:
    rows = policies(frame)
    rows = rows[rows["recorded"].gt(0)].sort_values(["placement", "_policy", "start_method", "competitors"])
    panels = [
        Panel(PLACES[place], [spread(row) for _, row in rows[rows["placement"].eq(place)].iterrows()])
        for place in dict.fromkeys(rows["placement"])
    ]
    caption = (
        "Round trips of a byte through two pipes, each timed by itself, on a logarithmic axis; where some compete, so many processes "
        "compute without end where they are. What a policy buys is at the right: the few that wait until another's turn is over. "
        "p99 needs a hundred round trips and p99.9 a thousand: where fewer were recorded, the mark is missing."
    )
    ticks = [(float(index), text) for index, text in enumerate(PERCENTILES.values())]
    title = "What a scheduling policy buys"
    if panels:
        yield Figure("scheduling.png", title, caption, "spread", "s", "", "time per round trip", panels, ticks)


def _figure_of_switches(frame: pd.DataFrame) -> Iterator[Figure]:
    rows = switches(frame)
    rows = rows[rows["start_method"].eq("fork")]
    rows = rows.assign(name=[f"{units.size(size)} each" for size in rows["size"]])
    panels = [
        Panel(PLACES[place], grouped(rows[rows["placement"].eq(place)], "processes", same))
        for place in dict.fromkeys(rows["placement"])
    ]
    panels = [panel for panel in panels if any(joined(each) for each in panel.series)]
    caption = (
        "Time from one process of a ring to the next, without the pipe's own cost; a line a working set, which each process looks "
        "through at its turn. Both axes are logarithmic; bars are 95 % intervals."
    )
    counts = sorted({int(x) for panel in panels for each in panel.series for x in each.x})
    ticks = [(float(count), f"{count:.0f}") for count in counts]
    title = "What a context switch costs"
    if len(counts) >= LEAST:
        yield Figure(
            *(
                "context-switch.png",
                title,
                caption,
                "lines",
                "s",
                "processes in the ring",
                "time per switch",
                panels,
                ticks,
            )
        )


CHAPTER = Chapter("Scheduling", 80, findings, chapter_tables, figures)
