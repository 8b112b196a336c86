"""What each figure shows, as plain data: frame in, panels of series out. Drawing is `draw`'s work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pandas as pd

from ipcbench.reports import units

__all__ = ["Figure", "Panel", "Series", "all_figures"]


@dataclass(frozen=True)
class Series:
    """One mechanism: points with the ends of their intervals (equal to the point where there is none)."""

    name: str
    family: str
    x: list[float]
    y: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True)
class Panel:
    """One set of axes. `limit` is a horizontal or stepped line: what memory itself allows."""

    title: str
    series: list[Series]
    limit: Series | None = None
    background: list[Series] = field(default_factory=list)


@dataclass(frozen=True)
class Figure:
    """A picture: a file name, what it says, how to read it, and its panels."""

    file: str
    title: str
    caption: str
    kind: str
    """`lines` (x by y) or `dots` (one row a name)."""
    x: str
    y: str
    panels: list[Panel]
    x_ticks: list[tuple[float, str]] = field(default_factory=list)


Transform = Callable[[float, float], float]


def all_figures(frame: pd.DataFrame) -> list[Figure]:
    """Those for which there are data."""
    measured = frame[frame["status"] == "measured"].copy()
    measured["name"] = [_name(m, v) for m, v in zip(measured["mechanism"], measured["variant"], strict=True)]
    makers = (ranking, round_trip, bandwidth, scaling, start_methods, placement, opening)
    return [figure for figure in (make(measured) for make in makers) if figure is not None]


def _name(mechanism: str, variant: str) -> str:
    words = [pair.partition("=")[2] for pair in variant.split(",") if pair]
    return " ".join([mechanism, *words])


def _round_trips(frame: pd.DataFrame) -> pd.DataFrame:
    """The plain ones: default start method, two cores, bytes (or the only kind that a mechanism carries)."""
    rows = frame[frame["workload"].isin(["round-trip", "floor"]) & frame["start_method"].eq("fork")]
    placed = rows[rows["placement"].eq("cross-core")]
    rows = placed if len(placed) else rows
    native = rows["payload"].eq("bytes") | rows["mechanism"].isin(["shared-memory-numpy", "value"])
    plain = rows["variant"].isin(["", "wait=spin", "wait=adaptive"])
    ours = ~rows["variant"].ne("") | rows["mechanism"].eq("shared-memory-ring")
    chosen: pd.DataFrame = rows[native & plain & ours]
    return chosen


def ranking(frame: pd.DataFrame) -> Figure | None:
    """All mechanisms by round trip, small and large."""
    rows = _round_trips(frame)
    panels = []
    for size in (64, 1 << 20):
        here = rows[rows["size"].eq(size) | (rows["mechanism"].eq("value") & (size == 64))].sort_values("mean_s")
        series = [
            _series(row["name"], row["family"], here[here["id"].eq(row["id"])], "size") for _, row in here.iterrows()
        ]
        if series:
            panels.append(Panel(f"{units.size(size)} there and back", series))
    if not panels:
        return None
    caption = (
        "Round trip by mechanism, fastest first; bars are 95 % intervals. Grey names (c-…) are the same primitives in C. "
        "Spinning is fast because it never sleeps: it keeps a core busy."
    )
    return Figure(
        "ranking.png", "How long a message takes there and back", caption, "dots", "seconds per round trip", "", panels
    )


def round_trip(frame: pd.DataFrame) -> Figure | None:
    """Time by size, a panel a family."""
    rows = _round_trips(frame)
    return _by_size(
        rows,
        "round-trip.png",
        "Round-trip time by message size",
        "seconds per round trip",
        "Both axes are logarithmic. Each panel shows one family, all others in light grey behind it; bars are 95 % intervals.",
        lambda mean, _size: mean,
    )


def bandwidth(frame: pd.DataFrame) -> Figure | None:
    """Bytes per second by size: streams, or round trips where there are none."""
    streams = frame[frame["workload"].eq("stream") & frame["variant"].eq("") & frame["payload"].eq("bytes")]
    streams = streams[streams["placement"].ne("same-core")]
    memory = frame[frame["mechanism"].eq("memcpy")]
    limit = _series("memcpy", "floor", memory, "size", lambda mean, size: size / mean) if len(memory) else None
    rows, way = (streams, 1) if len(streams) else (_round_trips(frame), 2)
    what = "one-way streams" if way == 1 else "round trips: twice the payload over the time"
    return _by_size(
        rows[rows["family"].ne("floor")],
        "bandwidth.png",
        f"Bandwidth by message size ({what})",
        "bytes per second",
        "The dotted black line is this machine's memcpy: a message that is copied once can't be faster.",
        lambda mean, size: way * size / mean,
        limit,
    )


def scaling(frame: pd.DataFrame) -> Figure | None:
    """Messages per second over N."""
    panels = []
    titles = {"fan-out": "fan-out, 1→N", "fan-in": "fan-in, N→1", "pairs": "N pairs", "mesh": "N→N, one channel"}
    for workload, title in titles.items():
        rows = frame[frame["workload"].eq(workload) & frame["variant"].eq("") & frame["size"].eq(64)]
        if len(rows):
            panels.append(Panel(title, _grouped(rows, "processes", lambda mean, _size: 1 / mean)))
    if not panels:
        return None
    counts = sorted({x for panel in panels for each in panel.series for x in each.x})
    caption = (
        "Messages of 64 B per second in all processes together. Queues share one channel; the others have N channels."
    )
    return Figure(
        *("scaling.png", "Scaling over processes", caption, "lines", "N processes", "messages per second", panels),
        [(x, f"{x:.0f}") for x in counts],
    )


def start_methods(frame: pd.DataFrame) -> Figure | None:
    """Round trips whose peers were started differently."""
    rows = frame[frame["workload"].eq("round-trip") & frame["variant"].eq("") & frame["payload"].eq("bytes")]
    others = set(rows[rows["start_method"].ne("fork")]["mechanism"])
    smallest = rows[rows["mechanism"].isin(others)]["size"].min()
    rows = rows[rows["mechanism"].isin(others) & rows["size"].eq(smallest) & rows["placement"].eq("cross-core")]
    if rows.empty:
        return None
    panels = []
    for mechanism, group in rows.groupby("mechanism"):
        series = [
            _series(row["start_method"], row["family"], group[group["id"].eq(row["id"])], "size")
            for _, row in group.sort_values("start_method").iterrows()
        ]
        panels.append(Panel(str(mechanism), series))
    caption = "Once it runs, a peer's start method should not matter: intervals that don't overlap deserve a look."
    title = f"Round trip of {units.size(smallest)} by start method"
    return Figure("start-methods.png", title, caption, "dots", "seconds per round trip", "", panels)


def placement(frame: pd.DataFrame) -> Figure | None:
    """Both ends on one core, or each on its own."""
    rows = frame[frame["workload"].eq("round-trip") & frame["size"].eq(64) & frame["payload"].eq("bytes")]
    rows = rows[rows["variant"].eq("") & rows["start_method"].eq("fork")]
    if rows["placement"].nunique() < 2:
        return None
    panels = []
    for place in ("same-core", "cross-core"):
        here = rows[rows["placement"].eq(place)].sort_values("mean_s")
        panels.append(
            Panel(
                place,
                [_series(r["name"], r["family"], here[here["id"].eq(r["id"])], "size") for _, r in here.iterrows()],
            )
        )
    caption = "On one core a wake-up is a context switch; across cores it is an interrupt and often a sleeping core."
    return Figure(
        "placement.png", "Where the two ends run (64 B)", caption, "dots", "seconds per round trip", "", panels
    )


def opening(frame: pd.DataFrame) -> Figure | None:
    """Making, attaching, first message."""
    rows = frame[frame["workload"].eq("open") & frame["start_method"].eq("fork")]
    panels = []
    for phase, title in (
        ("make", "making the channel"),
        ("attach", "attaching the peer"),
        ("first", "first round trip"),
    ):
        here = rows[rows["variant"].eq(f"phase={phase}")].sort_values("mean_s")
        series = [
            _series(r["mechanism"], r["family"], here[here["id"].eq(r["id"])], "size") for _, r in here.iterrows()
        ]
        if series:
            panels.append(Panel(title, series))
    if not panels:
        return None
    caption = "What a channel costs before it carries anything; process start isn't part of it."
    return Figure("open.png", "Opening a channel", caption, "dots", "seconds", "", panels)


def _by_size(
    rows: pd.DataFrame, file: str, title: str, y: str, caption: str, change: Transform, limit: Series | None = None
) -> Figure | None:
    if rows.empty:
        return None
    everything = _grouped(rows, "size", change)
    families = list(dict.fromkeys(rows["family"]))
    floors = [each for each in everything if each.family == "floor"]
    panels = []
    for family in (each for each in families if each != "floor"):
        mine = [each for each in everything if each.family == family]
        others = [each for each in everything if each.family not in (family, "floor")]
        panels.append(Panel(family, mine, limit, others))
    if not panels:
        panels = [Panel("floor", floors, limit)]
    sizes = sorted({x for panel in panels for each in panel.series for x in each.x})
    ticks = [(x, units.size(x)) for x in sizes]
    return Figure(file, title, caption, "lines", "message size", y, panels, ticks)


def _grouped(rows: pd.DataFrame, x: str, change: Transform) -> list[Series]:
    groups: Iterable[tuple[tuple[str, str], pd.DataFrame]] = rows.groupby(["family", "name"], sort=True)  # type: ignore[assignment]
    return [_series(name, family, group.sort_values(x), x, change) for (family, name), group in groups]


def _series(name: str, family: str, rows: pd.DataFrame, x: str, change: Transform = lambda mean, _size: mean) -> Series:
    rows = rows.sort_values(x)
    low, high = rows["low_s"].fillna(rows["mean_s"]), rows["high_s"].fillna(rows["mean_s"])
    sizes = rows["size"].tolist()
    y, one, two = (
        [change(v, s) for v, s in zip(col.tolist(), sizes, strict=True)] for col in (rows["mean_s"], low, high)
    )
    ends = list(zip(one, two, strict=True))
    return Series(
        name, family, [float(v) for v in rows[x]], y, [min(pair) for pair in ends], [max(pair) for pair in ends]
    )
