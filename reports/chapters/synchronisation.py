"""Locks and their kin: what one costs that nobody else wants, what many get out of it, and what waking somebody takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from ipcbench.reports import choose, tables, units
from ipcbench.reports.chapter import Chapter, Table
from ipcbench.reports.figure import LEAST, Change, Figure, Panel, Series, grouped, point, same

MANAGER = "manager-"
WORK = "holds it for 5 µs and works for 5 µs before it asks again"
PLACES = {"same-core": "both on one core", "cross-core": "a core each", "free": "not pinned"}
STARTS = ("fork", "forkserver", "spawn")


def _rows(frame: pd.DataFrame, workload: str) -> pd.DataFrame:
    """The workload's measured cases of one start method; a Manager's objects by the colour of managers. Column `label`: the name."""
    rows = choose.measured(frame)
    rows = rows[rows["workload"].eq(workload)]
    known: pd.DataFrame = next((here for start in STARTS if len(here := rows[rows["start_method"].eq(start)])), rows)
    managed = known["mechanism"].str.startswith(MANAGER)
    found: pd.DataFrame = known.assign(label=known["name"], family=known["family"].mask(managed, "manager"))
    return found


def _in_one_place(rows: pd.DataFrame, places: Sequence[str]) -> pd.DataFrame:
    """One row a name and number of processes: the first of the places that it was measured in."""
    order = rows["placement"].map(list(places).index)
    rows = rows.assign(_order=order).sort_values(["_order", "mean_s"], kind="stable")
    found: pd.DataFrame = rows.drop_duplicates(["name", "processes"]).sort_values("mean_s", kind="stable")
    return found


def _uncontended(frame: pd.DataFrame) -> pd.DataFrame:
    return _in_one_place(_rows(frame, "uncontended"), ("same-core", "free", "cross-core"))


def _contended(frame: pd.DataFrame) -> pd.DataFrame:
    return _in_one_place(_rows(frame, "contended"), ("free", "cross-core", "same-core"))


def _broadcast(frame: pd.DataFrame) -> pd.DataFrame:
    return _in_one_place(_rows(frame, "broadcast"), ("free", "cross-core", "same-core"))


def _handoff(frame: pd.DataFrame) -> pd.DataFrame:
    found: pd.DataFrame = _rows(frame, "handoff").sort_values("mean_s", kind="stable")
    return found


def findings(frame: pd.DataFrame) -> list[str]:
    """Sentences for a hurried reader."""
    return [
        *_of_free_locks(_uncontended(frame)),
        *_of_wanted_locks(_contended(frame)),
        *_of_waking(_handoff(frame)),
        *_of_broadcasts(_broadcast(frame)),
    ]


def _of_free_locks(rows: pd.DataFrame) -> list[str]:
    """The cheapest that both have, multiprocessing and a Manager."""
    known = {row["mechanism"]: row for _, row in rows.iterrows()}
    own = [name for name in known if MANAGER + name in known]
    if not own:
        return []
    one, two = known[own[0]], known[MANAGER + own[0]]
    return [
        f"With nobody else in the way, {one['label']} takes {tables.between(one)} to take and to give back. "
        f"{two['label']} takes {tables.between(two)}, {tables.times(two, one)} as long: each of its calls is a "
        "question to the server, and its answer."
    ]


def _of_wanted_locks(rows: pd.DataFrame) -> list[str]:
    most = choose.widest(rows)
    if most.empty:
        return []
    first, last = most.iloc[0], most.iloc[-1]
    said = (
        f"{first['processes']} processes want one lock, each of which {WORK}: "
        f"{first['label']} serves them {_rate(first)} in all{_fairness(first)}."
    )
    if len(most) > 1:
        said += f" {last['label']} serves least: {_rate(last)}{_fairness(last)}."
    return [said]


def _fairness(row: pd.Series) -> str:
    if pd.isna(row["share_most"]):
        return ""
    most, least, fair = (units.share(each) for each in (row["share_most"], row["share_least"], 1 / row["processes"]))
    return f", {most} of it to the busiest and {least} to the idlest ({fair} would be fair)"


def _of_waking(rows: pd.DataFrame) -> list[str]:
    said = []
    for place, where in PLACES.items():
        here = rows[rows["placement"].eq(place)]
        if len(here) > 1:
            first, last = here.iloc[0], here.iloc[-1]
            said.append(
                f"To wake a process and be woken by it ({where}) takes {tables.between(first)} by {first['label']}; longest by "
                f"{last['label']}, {tables.between(last)}, {tables.times(last, first)} as long."
            )
    return said


def _of_broadcasts(rows: pd.DataFrame) -> list[str]:
    most = choose.widest(rows)
    if most.empty:
        return []
    parts = [f"{row['label']} {tables.between(row)}" for _, row in most.iterrows()]
    return [f"To wake {most['processes'].iloc[0]} at once, until the last of them goes on: {'; '.join(parts)}."]


def _rate(row: pd.Series) -> str:
    return f"{tables.marked(row, units.rate(1 / row['mean_s']))} {tables.rates(row)}"


def contents(frame: pd.DataFrame) -> list[Table]:
    """A table a workload."""
    made = [
        _table(
            "A lock that nobody else wants",
            "Acquire and release by one process alone: `set` and `clear` of an Event, one `wait` of a Barrier for one.",
            _uncontended(frame),
            ("object", "time", "±", "CPU"),
        ),
        _table(
            "A lock that many want",
            f"Each process {WORK}, for 0.2 s. Operations per second of all together, and what the busiest and the idlest had of them.",
            _contended(frame).sort_values(["processes", "mean_s"]),
            ("object", "processes", "per second", "±", "busiest", "idlest", "CPU"),
        ),
        _table(
            "Handing over",
            "One process wakes another and is woken by it: a round trip, with no payload.",
            _handoff(frame),
            ("object", "where", "time", "±", "p50", "p99", "CPU", "switches"),
        ),
        _table(
            "Waking many",
            "From `set`, from acquiring a Condition for `notify_all`, or from the last arrival at a Barrier, until the last of N goes on.",
            _broadcast(frame).sort_values(["processes", "mean_s"]),
            ("object", "waiters", "time", "±", "CPU"),
        ),
    ]
    return [each for each in made if each.rows]


CELLS: dict[str, Callable[[pd.Series], str]] = {
    "object": lambda row: str(row["label"]),
    "where": lambda row: PLACES[row["placement"]],
    "processes": lambda row: f"{row['processes']:.0f}",
    "waiters": lambda row: f"{row['processes']:.0f}",
    "time": tables.time,
    "±": lambda row: units.spread(row["mean_s"], row["low_s"], row["high_s"]),
    "per second": lambda row: tables.marked(row, units.rate(1 / row["mean_s"])),
    "busiest": lambda row: _known(row["share_most"], units.share),
    "idlest": lambda row: _known(row["share_least"], units.share),
    "p50": lambda row: _known(row["p50_s"], units.seconds),
    "p99": lambda row: _known(row["p99_s"], units.seconds),
    "CPU": lambda row: _known(row["cpu_s"], units.seconds),
    "switches": lambda row: _known(row["switches_voluntary"] + row["switches_involuntary"], "{:.1f}".format),
}
NUMBERS = frozenset(CELLS) - {"object", "where"}


def _known(value: float, form: Callable[[float], str]) -> str:
    return "–" if pd.isna(value) else form(value)


def _table(title: str, about: str, rows: pd.DataFrame, columns: tuple[str, ...]) -> Table:
    cells = [[CELLS[name](row) for name in columns] for _, row in rows.iterrows()]
    return Table(title, about, list(columns), cells, NUMBERS & set(columns))


def figures(frame: pd.DataFrame) -> list[Figure]:
    """One picture, as far as there is something for its parts."""
    parts = [
        _ranking("With nobody in the way: acquire and release", "time of both", _uncontended(frame)),
        _over(
            (
                "Wanted by N processes: operations per second",
                "Wanted by {} processes: time per operation of all together",
            ),
            _contended(frame),
            ("N processes", "operations per second", "/s", lambda mean, _: 1 / mean),
        ),
        _places("Waking a process and being woken by it", _handoff(frame)),
        _over(
            ("Waking N: until the last of them goes on", "Waking {}: until the last of them goes on"),
            _broadcast(frame),
            ("N waiting processes", "time until the last goes on", "s", same),
        ),
    ]
    known = [each for each in parts if each is not None]
    caption = (
        f"Axes of times and rates are logarithmic, bars are 95 % intervals. Where N processes want one lock, each {WORK}, and rates and "
        "times are those of all of them together. What a Manager has is asked for by a message to its server, and waits there."
    )
    title = "Locks, and waking one another"
    return [Figure("synchronisation.png", title, caption, "mosaic", "s", "", "", [], parts=known)] if known else []


WOKEN = "time of both wake-ups"


def _ranking(title: str, y: str, rows: pd.DataFrame) -> Figure | None:
    if rows.empty:
        return None
    return _part(title, "ranking", y, [point(row, {}) for _, row in rows.iterrows()])


def _places(title: str, rows: pd.DataFrame) -> Figure | None:
    """A mark for each place, or a ranking where there is only one."""
    places = [place for place in PLACES if rows["placement"].eq(place).any()]
    if len(places) < 2:
        return _ranking(f"{title}, {PLACES[places[0]]}", WOKEN, rows) if places else None
    rows = rows.assign(mark=rows["placement"].map(places.index))
    found = sorted(grouped(rows, "mark", same), key=lambda each: min(each.y))
    return _part(title, "marks", WOKEN, found, ticks=[(float(i), PLACES[place]) for i, place in enumerate(places)])


def _over(titles: tuple[str, str], rows: pd.DataFrame, axes: tuple[str, str, str, Change]) -> Figure | None:
    """Lines over the number of processes, where there are several to compare; else rows."""
    x, y, unit, change = axes
    counts = sorted(rows["processes"].unique())
    if len(counts) < LEAST or rows["name"].nunique() < 2:
        many = counts if len(counts) < 2 else ["N"]
        label = (
            rows["label"]
            if len(counts) < 2
            else [f"{a}, N = {n}" for a, n in zip(rows["label"], rows["processes"], strict=True)]
        )
        rows = rows.assign(label=label).sort_values(["name", "processes"] if len(counts) > 1 else "mean_s")
        return _ranking(titles[1].format(*many), y if unit == "s" else "time per operation", rows) if counts else None
    ticks = [(float(count), str(count)) for count in counts]
    return _part(titles[0], "lines", y, grouped(rows, "processes", change), x, unit, ticks)


def _part(
    title: str,
    kind: str,
    y: str,
    series: list[Series],
    x: str = "",
    unit: str = "s",
    ticks: Sequence[tuple[float, str]] = (),
) -> Figure:
    return Figure("", title, "", kind, unit, x, y, [Panel(title, series)], list(ticks))


CHAPTER = Chapter("Synchronisation", 50, findings, contents, figures)
