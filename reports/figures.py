"""What each figure shows, as plain data: frame in, panels of series out. Drawing is `draw`'s work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pandas as pd

from ipcbench.reports import choose, style, units
from ipcbench.reports.figure import (
    PERCENTILES,
    Change,
    Figure,
    Panel,
    Series,
    by_mark,
    explained,
    grouped,
    joined,
    point,
    priced,
    same,
    series,
    spread,
)

__all__ = ["all_figures", "made"]

NO_FLOOR = "The same primitives in C were not measured."


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
        + ("A grey stroke marks the same primitive in C. " if marked else f"{NO_FLOOR} ")
        + "Spinning is fast because it never sleeps: each side that waits keeps its core busy."
    )
    title = "How long a message takes there and back"
    return Figure("ranking.png", title, caption, "ranking", "s", "", "time per round trip", panels)


def round_trip(frame: pd.DataFrame) -> Figure | None:
    """Time by size, a panel a family."""
    rows = choose.round_trips(frame)
    if rows["size"].nunique() < 2:
        return None
    title = "Round-trip time by message size"
    figure = _by_size(rows, Figure("round-trip.png", title, "", "lines", "s", "", "time per round trip", []), same)
    return figure and replace(figure, caption=" ".join(_drawn(figure.panels)))


def _drawn(panels: list[Panel]) -> Iterator[str]:
    """How to read lines by size: only of what these panels have."""
    floors = [each for panel in panels for each in panel.floors]
    yield "Both axes are logarithmic; bars are 95 % intervals. Points that no line joins have no measured size between them."
    if any(joined(each) for panel in panels for each in panel.background):
        yield "Each panel shows one family, the lines of all others in light grey behind it."
    else:
        yield "Each panel shows one family."
    if floors:
        dashed = ", dashed lines join them" if any(map(joined, floors)) else ""
        yield f"Thin grey marks are the same primitives in C, named at the right like all others{dashed}."
    elif all(each.family != "floor" for panel in panels for each in panel.series):
        yield NO_FLOOR


def bandwidth(frame: pd.DataFrame) -> Figure | None:
    """Bytes per second by size: streams, or round trips where those have one size at most."""
    rows = choose.measured(frame)
    memory = rows[rows["mechanism"].eq("memcpy")]
    streams = choose.streams(frame)
    way = 1 if streams["size"].nunique() > 1 else 2
    chosen = streams if way == 1 else choose.round_trips(frame)
    if chosen["size"].nunique() < 2:
        return None
    what = "one-way streams" if way == 1 else "from round trips: twice the payload over the time"
    caption = "Payload bytes per second, both axes logarithmic; bars are 95 % intervals."
    if len(memory):
        caption += " The dotted line is one copy of the same size by memcpy on this machine: a payload copied once stays below it."
    limit = series("memcpy", "floor", memory, "size", lambda mean, size: size / mean) if len(memory) else None
    figure = Figure(
        "bandwidth.png", f"Bandwidth by message size ({what})", caption, "lines", "B/s", "", "bandwidth", []
    )
    return _by_size(chosen[chosen["family"].ne("floor")], figure, lambda mean, size: way * size / mean, limit)


def scaling(frame: pd.DataFrame) -> Figure | None:
    """Messages per second over N."""
    panels, rows = [], choose.measured(frame)
    titles = {"fan-out": "fan-out, 1→N", "fan-in": "fan-in, N→1", "pairs": "N pairs", "mesh": "N→N over one channel"}
    rows = rows[rows["workload"].isin(titles) & rows["variant"].eq("") & rows["payload"].eq("bytes")]
    rows = rows[rows["size"].eq(choose.SMALL if rows["size"].eq(choose.SMALL).any() else rows["size"].min())]
    rows = choose.of_one_start(rows)
    for workload, title in titles.items():
        here = rows[rows["workload"].eq(workload)].drop_duplicates(["name", "processes"])
        if len(here):
            panels.append(Panel(title, [_labelled(each, here) for each in grouped(here, "processes", _rate)]))
    counts = sorted({x for panel in panels for each in panel.series for x in each.x})
    if len(counts) < 2:
        return None
    caption = (
        "Messages per second of all processes together, both axes logarithmic; bars are 95 % intervals. “native” is one channel "
        "that all processes use, “separate” is a channel for each."
    )
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
    (ranking, "The ranking is left out: no round trip was measured."),
    (round_trip, "Round-trip time by size is left out: round trips of fewer than two sizes were measured."),
    (bandwidth, "Bandwidth by size is left out: neither streams nor round trips of two sizes were measured."),
    (
        scaling,
        "Scaling over processes is left out: no fan-out, fan-in, pairs or mesh of several numbers of processes was measured.",
    ),
    (placement, "Placement is left out: no round trip was measured in more than one place."),
    (cost, "What a round trip costs in CPU time is left out: of none it is known."),
    (latency, "Percentiles are left out: no round trip was recorded by itself."),
    (opening, "Opening a channel is left out: the workload `open` was not measured."),
]


def _rate(mean: float, _size: float) -> float:
    return 1 / mean


def _by_size(rows: pd.DataFrame, figure: Figure, change: Change, limit: Series | None = None) -> Figure | None:
    """A panel a family, in the palette's order, so that it stands in the same place in every run."""
    everything = grouped(rows, "size", change)
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
