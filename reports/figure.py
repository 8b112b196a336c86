"""What a figure is, as plain data, and how rows of the frame become its series. What each figure shows is `figures` and `chapters`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pandas as pd

from ipcbench.reports import choose, units

__all__ = [
    "FAR",
    "LEAST",
    "PERCENTILES",
    "Change",
    "Crossing",
    "Figure",
    "Panel",
    "Series",
    "by_mark",
    "explained",
    "grouped",
    "joined",
    "point",
    "priced",
    "same",
    "series",
    "spread",
]

FAR = 256
"""From one point to the next, at most so many times as far along x is joined by a line."""
LEAST = 3
"""So many points make a line worth drawing: of two, a list says as much."""
PERCENTILES = {"p50_s": "half (p50)", "p90_s": "p90", "p99_s": "p99", "p999_s": "p99.9", "max_s": "longest"}
"""Columns of the frame, and the marks of a spread."""


@dataclass(frozen=True)
class Series:
    """One mechanism: points with the ends of their intervals (equal to the point where there is none)."""

    name: str
    family: str
    x: list[float]
    y: list[float]
    low: list[float]
    high: list[float]
    floor: float | None = None
    """In a ranking: the same primitive in C."""
    label: str = ""
    """What is written beside it, where that isn't its name."""
    wide: list[bool] = field(default_factory=list)
    """Of each point, whether its interval is wider than was asked for; empty where none is."""
    cut: list[bool] = field(default_factory=list)
    """Of each point, whether no line leads to it from the one before: too far along, or measured in another placement. Empty: none."""

    @property
    def text(self) -> str:
        """What is written beside it."""
        return self.label or self.name


@dataclass(frozen=True)
class Crossing:
    """Where two lines cross, and what is written there; faint unless it is `sure`."""

    x: float
    y: float
    text: str
    sure: bool = True


@dataclass(frozen=True)
class Panel:
    """One set of axes: series in colour, `floors` dashed, the `limit` dotted, the `background` in grey; `crossings` of lines ringed."""

    title: str
    series: list[Series]
    limit: Series | None = None
    floors: list[Series] = field(default_factory=list)
    background: list[Series] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    y: str = ""
    """What it measures, where that isn't the figure's."""


@dataclass(frozen=True)
class Figure:
    """A picture: a file name, what it says, how to read it, and its panels."""

    file: str
    title: str
    caption: str
    kind: str
    """`lines` (x by y), `ranking` (one row a name), `marks` (one row a name, a mark for each of `ticks`), `spread` (one row a
    name, percentiles along it) or `mosaic` (its `parts`).
    """
    unit: str
    """Of y: `s`, `B/s` or `/s`."""
    x: str
    y: str
    panels: list[Panel]
    ticks: list[tuple[float, str]] = field(default_factory=list)
    parts: list[Figure] = field(default_factory=list)
    """Of a mosaic: figures of one panel each, of other kinds."""

    @property
    def drawn(self) -> list[Panel]:
        """Its panels, and those of its parts."""
        return [*self.panels, *(panel for part in self.parts for panel in part.panels)]


Change = Callable[[float, float], float]
"""From (mean in seconds, size in bytes) to what is drawn."""


def explained(figure: Figure) -> Figure:
    """Its caption says what the numbers of several marks are, and what a hollow mark is, where there are such."""
    said = [figure.caption]
    every = [each for panel in figure.drawn for each in panel.series]
    marks = [panel for part in [figure, *figure.parts] if part.kind == "marks" for panel in part.panels]
    if any(len(each.y) > 1 for panel in marks for each in panel.series):
        said.append("The numbers are the least and the greatest of a row's marks.")
    if any(any(each.wide) for each in every):
        said.append("A hollow mark: its interval is wider than was asked for.")
    return replace(figure, caption=" ".join(said))


def joined(each: Series) -> bool:
    """Whether a line joins any of its points."""
    return len(each.x) > 1 and not (each.cut and all(each.cut[1:]))


def same(mean: float, _size: float) -> float:
    """The `Change` that draws seconds as they are."""
    return mean


def by_mark(rows: pd.DataFrame, figure: Figure, column: str, marks: dict[str, str], least: int = 2) -> Figure | None:
    """A row a mechanism with a mark for each value of the column, as far as it has `least` of them; a panel a size."""
    rows = rows[rows[column].isin(marks)].drop_duplicates(["name", "size", column])
    rows = rows.assign(mark=[float(list(marks).index(value)) for value in rows[column]])
    counts = rows.groupby(["name", "size"])["mark"].transform("count")
    rows = rows[counts >= least]
    panels = []
    for size in _few(sorted(rows["size"].unique())):
        here = grouped(rows[rows["size"].eq(size)], "mark", same)
        panels.append(Panel(units.size(size), sorted(here, key=lambda each: each.y[-1])))
    used = sorted({x for panel in panels for each in panel.series for x in each.x})
    ticks = [(x, list(marks.values())[int(x)]) for x in used]
    return Figure(**{**figure.__dict__, "panels": panels, "ticks": ticks}) if panels else None


def _few(sizes: list[int]) -> list[int]:
    """Two at most: the usual ones if they are there, or the ends, between which a cliff lies."""
    usual = [size for size in sizes if size in (choose.SMALL, choose.LARGE)]
    return usual or sorted({*sizes[:1], *sizes[-1:]})


def point(row: pd.Series, means: dict[str, float]) -> Series:
    """A row of a ranking (columns `name`, `label` beside the frame's own); `means` gives the floor's time by its id."""
    mean, known = float(row["mean_s"]), row["low_s"] == row["low_s"]
    low, high = (float(row["low_s"]), float(row["high_s"])) if known else (mean, mean)
    floor = means.get(row["floor"]) if isinstance(row["floor"], str) else None
    return Series(
        row["name"], row["family"], [0.0], [mean], [low], [high], floor, row["label"], wide=_wide([row["precise"]])
    )


def priced(row: pd.Series) -> Series:
    """A row's time with its interval, then its CPU time, whose interval isn't known (columns `cpu_s`, `label` beside the frame's own)."""
    timed, cpu = point(row, {}), float(row["cpu_s"])
    y, low, high = ([*each, cpu] for each in (timed.y, timed.low, timed.high))
    return replace(timed, x=[0.0, 1.0], y=y, low=low, high=high, wide=timed.wide and [*timed.wide, False])


def grouped(rows: pd.DataFrame, x: str, change: Change) -> list[Series]:
    """A series a `name`, over the column `x`."""
    groups: Iterable[tuple[tuple[str, str], pd.DataFrame]] = rows.groupby(["family", "name"], sort=True)  # type: ignore[assignment]
    return [series(name, family, group, x, change) for (family, name), group in groups]


def series(name: str, family: str, rows: pd.DataFrame, x: str, change: Change) -> Series:
    """These rows over the column `x`, the first of each value."""
    rows = rows.sort_values(x).drop_duplicates(x)
    sizes = rows["size"].tolist()
    columns = (rows["mean_s"], rows["low_s"].fillna(rows["mean_s"]), rows["high_s"].fillna(rows["mean_s"]))
    y, one, two = ([change(v, s) for v, s in zip(column.tolist(), sizes, strict=True)] for column in columns)
    ends = [sorted(pair) for pair in zip(one, two, strict=True)]
    points, low, high = rows[x].astype(float).tolist(), [pair[0] for pair in ends], [pair[1] for pair in ends]
    return Series(name, family, points, y, low, high, wide=_wide(rows["precise"]), cut=_cut(points, rows["placement"]))


def _cut(points: list[float], places: Iterable[str]) -> list[bool]:
    """`Series.cut` of points along x, each measured in one of the places."""
    beside = pairwise(zip(points, places, strict=True))
    found = [False, *(here != there or (left > 0 and right / left > FAR) for (left, here), (right, there) in beside)]
    return found if any(found) else []


def spread(row: pd.Series) -> Series:
    """The percentiles of a row (column `label` beside the frame's own), as far as they are known."""
    known = [(index, float(row[name])) for index, name in enumerate(PERCENTILES) if row[name] == row[name]]
    values = [value for _, value in known]
    places = [float(index) for index, _ in known]
    return Series(row["name"], row["family"], places, values, values, values, label=row["label"])


def _wide(precise: Iterable[bool | None]) -> list[bool]:
    """`Series.wide` of the frame's column `precise`."""
    found = [each is False for each in precise]
    return found if any(found) else []
