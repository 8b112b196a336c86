"""What each figure shows, as plain data: frame in, panels of series out. Drawing is `draw`'s work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pandas as pd

from ipcbench.reports import choose, style, units
from ipcbench.reports.figure import (
    LEAST,
    PERCENTILES,
    Change,
    Figure,
    Panel,
    Series,
    by_mark,
    explained,
    grouped,
    point,
    priced,
    same,
    series,
    spread,
)

__all__ = ["all_figures", "made"]

NO_FLOOR = "The same primitives in C were not measured."
STROKE = (
    "A grey stroke marks the same primitive in C; its own interval is in the tables: a mark left of its stroke is no proof that "
    "Python is faster than C."
)
PAIRS = "N→N: pairs, or one channel for all"
ONE = ", N→N"
"""Behind the name of a channel that all share at both ends: it isn't the same as one of the pairs'."""


def made(frame: pd.DataFrame) -> tuple[list[Figure], list[str]]:
    """Those for which there are data, and why the others are left out, one sentence each."""
    each = [(make(frame), why) for make, why in MAKERS]
    return [explained(figure) for figure, _ in each if figure], [why for figure, why in each if figure is None]


def all_figures(frame: pd.DataFrame) -> list[Figure]:
    """Those for which there are data."""
    return made(frame)[0]


def ranking(frame: pd.DataFrame) -> Figure | None:
    """All mechanisms by round trip, small and large."""
    rows, panels = choose.round_trips(frame), []
    means = dict(zip(frame["id"], frame["mean_s"], strict=True))
    rows = rows[rows["family"].ne("floor")]
    for size in choose.sizes(rows):
        here = choose.at(rows, size)
        series = [point(row, means) for _, row in here.iterrows()]
        if series:
            panels.append(Panel(f"{units.size(size)} there and back", series))
    if not panels:
        return None
    marked = any(each.floor is not None for panel in panels for each in panel.series)
    caption = (
        "Round-trip time, fastest first, on a logarithmic axis; bars are 95 % intervals, the number is the mean. "
        + (f"{STROKE} " if marked else f"{NO_FLOOR} ")
        + "Spinning is fast because it never sleeps: each side that waits keeps its core busy."
    )
    title = "How long a message takes there and back"
    return Figure("ranking.png", title, caption, "ranking", "s", "", "time per round trip", panels)


def round_trip(frame: pd.DataFrame) -> Figure | None:
    """Time by size, a panel a family, of what was measured at several sizes."""
    title = "Round-trip time by message size"
    figure = Figure("round-trip.png", title, "", "lines", "s", "", "time per round trip", [])
    found = _by_size(choose.round_trips(frame), figure, same)
    return found and replace(found, caption=" ".join(_drawn(found.panels)))


def _drawn(panels: list[Panel]) -> Iterator[str]:
    """How to read lines by size: only of what these panels have."""
    yield "Both axes are logarithmic; bars are 95 % intervals. Points that no line joins have no measured size between them."
    if any(panel.background for panel in panels):
        yield "Each panel shows one family, the lines of all others in light grey behind it."
    if any(panel.floors for panel in panels):
        yield "Thin grey lines are the same primitives in C, named at the right like all others."
    yield f"What was measured at fewer than {LEAST} sizes is in the ranking alone."


def bandwidth(frame: pd.DataFrame) -> Figure | None:
    """Bytes per second: streams by size, or in rows where they have few; round trips where there are no streams."""
    memory, streams = choose.measured(frame), choose.streams(frame)
    memory = memory[memory["mechanism"].eq("memcpy")]
    if streams.empty:
        rows, way, what = choose.round_trips(frame), 2, "round trips, twice the payload over the time"
    else:
        rows, way, what = streams, 1, "one-way streams"
    rows = rows[rows["family"].ne("floor")]
    memory = memory[memory["size"].isin(rows["size"])]
    figure = Figure("bandwidth.png", f"Bandwidth by message size ({what})", "", "lines", "B/s", "", "bandwidth", [])
    limit = _speed("memcpy", "floor", memory, 1) if len(memory) else None
    found = _by_size(rows, figure, lambda mean, size: way * size / mean, limit)
    if found is None and way == 1:
        found = _streams(rows, figure, memory)
    if found is None:
        return None
    order = ", fastest first" if found.kind == "ranking" else ""
    caption = f"Payload bytes per second, on logarithmic axes{order}; bars are 95 % intervals."
    if len(memory):
        caption += " The dotted line is one copy of the same size by memcpy on this machine: a payload copied once stays below it."
    return replace(found, caption=caption)


def _streams(rows: pd.DataFrame, figure: Figure, memory: pd.DataFrame) -> Figure:
    """A row a mechanism, a panel a size."""
    panels = []
    for size in choose.sizes(rows):
        here, copied = (each[each["size"].eq(size)].sort_values("mean_s") for each in (rows, memory))
        limit = _speed("memcpy", "floor", copied, 1) if len(copied) else None
        told = f" (memcpy: {units.bandwidth(limit.y[0])})" if limit else ""
        groups = here.groupby(["name", "family"], sort=False)
        series = [_speed(str(name), str(family), group, 1) for (name, family), group in groups]
        panels.append(Panel(f"messages of {units.size(size)}{told}", series, limit))
    return replace(figure, kind="ranking", panels=panels)


def _speed(name: str, family: str, rows: pd.DataFrame, way: int) -> Series:
    """Bytes per second by size."""
    return series(name, family, rows, "size", lambda mean, size: way * size / mean)


FLOWS = {"fan-out": "fan-out, 1→N", "fan-in": "fan-in, N→1", "pairs": PAIRS, "mesh": PAIRS}
"""Workloads by the panel that shows them: what has as many processes on either side can be compared."""


def scaling(frame: pd.DataFrame) -> Figure | None:
    """Messages per second over N."""
    rows = choose.measured(frame)
    rows = rows[rows["workload"].isin(FLOWS) & rows["variant"].eq("") & rows["payload"].eq("bytes")]
    rows = rows[rows["size"].eq(choose.SMALL if rows["size"].eq(choose.SMALL).any() else rows["size"].min())]
    rows = choose.of_one_start(rows)
    shared = rows["workload"].eq("mesh")
    rows = rows.assign(name=rows["name"].where(~shared, rows["name"] + ONE), panel=rows["workload"].map(FLOWS))
    panels = []
    for title in dict.fromkeys(FLOWS.values()):
        here = rows[rows["panel"].eq(title)].drop_duplicates(["name", "processes"])
        if len(here):
            panels.append(Panel(title, [_labelled(each, here) for each in grouped(here, "processes", _rate)]))
    counts = sorted({x for panel in panels for each in panel.series for x in each.x})
    if len(counts) < 2:
        return None
    caption = (
        "Messages per second of all processes together, both axes logarithmic; bars are 95 % intervals. “native” is one channel "
        "that all processes use, “separate” is a channel for each. Where there are more processes than cores, some wait for a turn."
    )
    if any(any(each.cut) for panel in panels for each in panel.series):
        caption += " No line joins what was placed differently: one process at each end has a core of its own, "
        caption += "more are left to the scheduler."
    title = f"Messages of {units.size(rows['size'].iloc[0])} per second over N processes"
    ticks = [(x, f"{x:.0f}") for x in counts]
    return Figure("scaling.png", title, caption, "lines", "/s", "N processes", "messages per second", panels, ticks)


def placement(frame: pd.DataFrame) -> Figure | None:
    """Both ends on one core, or each on its own."""
    rows = choose.measured(frame)
    rows = rows[rows["workload"].eq("round-trip") & rows["payload"].eq("bytes") & rows["variant"].eq("")]
    rows = choose.of_one_start(rows)
    caption = (
        "On one core waking the other end is a context switch; across cores it is an interrupt, and often a core that sleeps. "
        "Bars are 95 % intervals; the axis is logarithmic."
    )
    title = "Where the two ends run"
    figure = Figure("placement.png", title, caption, "marks", "s", "", "time per round trip", [])
    places = {"same-core": "both on one core", "cross-core": "a core each", "free": "not pinned"}
    return by_mark(rows, figure, "placement", places)


def opening(frame: pd.DataFrame) -> Figure | None:
    """Making, attaching, first message."""
    rows = choose.measured(frame)
    rows = choose.of_one_start(rows[rows["workload"].eq("open")])
    options = [choose.options(variant) for variant in rows["variant"]]
    rows = rows.assign(phase=[each.get("phase", "") for each in options], name=rows["mechanism"])
    caption = (
        "What a channel costs before it carries anything; starting the process isn't part of it. Bars are 95 % intervals; the "
        "axis is logarithmic."
    )
    phases = {"make": "making the channel", "attach": "attaching the peer", "first": "first round trip"}
    figure = Figure("open.png", "Opening a channel", caption, "marks", "s", "", "time of the step", [])
    return by_mark(rows, figure, "phase", phases, least=1)


def cost(frame: pd.DataFrame) -> Figure | None:
    """Time and CPU time side by side, so that what spins shows its price."""
    rows = choose.round_trips(frame)
    rows = rows[rows["family"].ne("floor") & rows["cpu_s"].gt(0)]
    panels = []
    for size in choose.sizes(rows):
        here = choose.at(rows, size).sort_values("cpu_s")
        series = [priced(row) for _, row in here.iterrows()]
        if series:
            panels.append(Panel(f"{units.size(size)} there and back", series))
    if not panels:
        return None
    caption = (
        "Least CPU time first, on a logarithmic axis; bars are 95 % intervals of the time. CPU time is that of all processes, servers "
        "included. Where both marks lie together, one core is busy all the time; where CPU time is left of the time, both ends "
        "sleep for a part of it; where it is right of it, they keep more than one core busy."
    )
    ticks = [(0.0, "time"), (1.0, "CPU time")]
    title = "What a round trip costs in CPU time"
    return Figure("cost.png", title, caption, "marks", "s", "", "time and CPU time per round trip", panels, ticks)


def latency(frame: pd.DataFrame) -> Figure | None:
    """Percentiles of the round trip, a row a mechanism."""
    rows = choose.recorded(frame)
    if rows.empty:
        return None
    size = int(rows["size"].max())  # a scalar's is less
    series = [spread(row) for _, row in rows.iterrows()]
    least, most = int(rows["recorded"].min()), int(rows["recorded"].max())
    caption = (
        f"Each round trip of {units.size(size)} timed by itself ({least:,} to {most:,} a mechanism, in a pass of their own), on a "
        f"logarithmic axis. Recording one takes {units.seconds(rows['recorder_s'].median())}, which is part of it. "
        "p99 needs a hundred round trips and p99.9 a thousand: where fewer were recorded, the mark is missing."
    )
    ticks = [(float(index), text) for index, text in enumerate(PERCENTILES.values())]
    panel = Panel(f"{units.size(size)} there and back", series)
    title = "How long most round trips take, and the slowest"
    return Figure("latency.png", title, caption, "spread", "s", "", "time per round trip", [panel], ticks)


MAKERS: list[tuple[Callable[[pd.DataFrame], Figure | None], str]] = [
    (ranking, "The ranking is left out: no round trip was measured, unless in duels or at a fixed rate."),
    (round_trip, f"Round-trip time by size is left out: nothing was measured there and back at {LEAST} sizes or more."),
    (bandwidth, f"Bandwidth is left out: neither streams nor round trips of {LEAST} sizes or more were measured."),
    (
        scaling,
        "Scaling over processes is left out: no fan-out, fan-in, pairs or mesh of several numbers of processes was measured.",
    ),
    (
        placement,
        "Placement is left out: no round trip was measured in more than one place, unless in duels or at a fixed rate.",
    ),
    (cost, "What a round trip costs in CPU time is left out: of none it is known."),
    (latency, "Percentiles are left out: no round trip was recorded by itself, unless at a fixed rate."),
    (opening, "Opening a channel is left out: the workload `open` was not measured."),
]


def _rate(mean: float, _size: float) -> float:
    return 1 / mean


def _by_size(rows: pd.DataFrame, figure: Figure, change: Change, limit: Series | None = None) -> Figure | None:
    """A panel a family, in the palette's order, so that it stands in the same place in every run."""
    several = rows.groupby("name")["size"].transform("nunique").ge(LEAST)
    everything = grouped(rows[several.astype(bool)], "size", change)
    floors = [each for each in everything if each.family == "floor"]
    ours = [each for each in everything if each.family != "floor"]
    panels = []
    for family in sorted({each.family for each in ours}, key=_family_order):
        compared = {str(floor).split("/")[1] for floor in rows[rows["family"].eq(family)]["floor"].dropna()}
        mine, others = ([e for e in ours if (e.family == family) is same] for same in (True, False))
        panels.append(Panel(family, mine, limit, [each for each in floors if each.name in compared], others))
    if not panels and floors:
        panels = [Panel("floor", floors, limit)]
    ticks = [(float(x), units.size(x)) for x in sorted({x for each in everything for x in each.x})]
    filled = {**figure.__dict__, "panels": panels, "ticks": ticks, "x": "message size"}
    return Figure(**filled) if panels else None


def _family_order(family: str) -> tuple[int, str]:
    known = list(style.FAMILIES)
    return (known.index(family) if family in known else len(known), family)


def _labelled(series: Series, rows: pd.DataFrame) -> Series:
    """With the kind of channels beside the name."""
    kinds = [each for each in rows[rows["name"].eq(series.name)]["channels"] if each in ("native", "separate")]
    return Series(**{**series.__dict__, "label": f"{series.name}, {kinds[0]}" if kinds else series.name})
