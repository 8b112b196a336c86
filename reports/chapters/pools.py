"""Pools: what their calls cost a task, what making one costs, and from how many tasks and what length of a task one pays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pandas as pd

from ipcbench.reports import choose, crossover, tables, units
from ipcbench.reports.chapter import Chapter, Table
from ipcbench.reports.crossover import Comparison, Overtaking
from ipcbench.reports.figure import Crossing, Figure, Panel, same, series

LENGTHS = {"": "no work", "100us": "100 µs", "10ms": "10 ms"}
STARTS = ("fork", "forkserver", "spawn")
WAYS = {
    "pool-once": "a pool that is there already",
    "pool-each": "a pool made for the job",
    "process-each": "one Process a task",
    "executor": "an executor that is there already",
    "serial": "computing in one process",
}
FAMILIES = {"process-each": "process", "executor": "executor", "serial": "floor"}
"""Ways that are drawn in another hue than pools."""
PAIRS = (("pool-once", "serial"), ("pool-each", "serial"), ("pool-each", "process-each"))
"""A way, and another that it may overtake."""
NOMINAL = "A task's length is that of its design; what it takes on this machine, in one process, stands behind it."
UNSURE = f"{units.MARK}, one sample: not certain"
Ways = dict[str, dict[int, pd.Series]]
"""By way and number of tasks, the case."""


def _rows(frame: pd.DataFrame, workload: str) -> pd.DataFrame:
    """The workload's measured cases, with a column for each key of their variants."""
    rows = choose.measured(frame)
    rows = rows[rows["workload"].eq(workload)]
    options = [choose.options(text) for text in rows["variant"]]
    keys = ("task", "tasks", "chunk", "phase")
    found: pd.DataFrame = rows.assign(**{key: [each.get(key, "") for each in options] for key in keys})
    return found


def _jobs(frame: pd.DataFrame) -> dict[str, Ways]:
    """By length of a task, in its order: the cases of one start method and one number of processes."""
    rows = _rows(frame, "pool-vs-process")
    rows = next((here for start in STARTS if len(here := rows[rows["start_method"].eq(start)])), rows)
    if len(rows):
        rows = rows[rows["processes"].eq(rows["processes"].mode().iloc[0])]
    found: dict[str, Ways] = {}
    for length in LENGTHS:
        here = rows[rows["task"].eq(length)].assign(tasks=lambda each: each["tasks"].astype(int)).sort_values("tasks")
        ways = {way: {int(row["tasks"]): row for _, row in here[here["mechanism"].eq(way)].iterrows()} for way in WAYS}
        if len(here):
            found[length] = {way: cases for way, cases in ways.items() if cases}
    return found


def _called(length: str, ways: Ways, where: str = "") -> str:
    """`no work`, `10 ms (8.6 ms here)`: by design, and what a task of that length takes in one process."""
    if not length or "serial" not in ways:
        return LENGTHS[length]
    return f"{LENGTHS[length]} ({units.seconds(_length(ways))} here{where})"


def _length(ways: Ways) -> float:
    """Seconds of a task: of the longest job in one process."""
    count, row = max(ways["serial"].items())
    return float(row["mean_s"]) / count


def findings(frame: pd.DataFrame) -> list[str]:
    """When a pool pays, and which of its calls is cheap."""
    jobs = _jobs(frame)
    return [
        *_of_counts(jobs),
        *_of_lengths(jobs),
        *_of_calls(_rows(frame, "pool-call")),
        *_of_lives(_rows(frame, "pool-life")),
    ]


def _of_counts(jobs: dict[str, Ways]) -> Iterator[str]:
    """From how many tasks on, for each length that was measured with several numbers."""
    for length, ways in jobs.items():
        parts = []
        for way, rival in PAIRS:
            compared = _compared(ways, way, rival)
            if len(compared) > 1:
                found = crossover.overtaking(compared)
                parts.append(f"{WAYS[way]} {_from(found, compared, WAYS[rival])}")
        if parts:
            processes = next(iter(ways["serial" if "serial" in ways else "pool-each"].values()))["processes"]
            yield f"Tasks of {_called(length, ways, ' in one process')}, pools of {processes:.0f}: {'; '.join(parts)}."


def _compared(ways: Ways, way: str, rival: str) -> list[Comparison]:
    """Where both were measured."""
    one, two = ways.get(way, {}), ways.get(rival, {})
    found = []
    for count in sorted(one.keys() & two.keys()):
        ratio, low, high = tables.ratio(one[count], two[count])
        found.append(Comparison(count, ratio, *((0.0, math.inf) if math.isnan(low) else (low, high))))
    return found


def _from(found: Overtaking, compared: Sequence[Comparison], rival: str) -> str:
    first, last = compared[0], compared[-1]
    if last.high == math.inf:
        return f"{_by_means(found, compared, rival)} ({UNSURE})"
    if found.surely == first.x:
        return f"is faster than {rival} at every number of tasks measured, {_tasks(first.x)} to {last.x:.0f}"
    certain = [each for each in compared if each.high < 1]
    if found.surely is None and certain:
        where = [" and ".join(f"{each.x:.0f}" for each in some) for some in (certain, _after(compared, certain[0]))]
        return f"is faster than {rival} for certain at {where[0]}, not for certain at {where[1]} tasks"
    if found.surely is None:
        sure = "isn't faster" if last.low > 1 else "isn't faster for certain"
        crossed = "" if found.about is None else f" (the lines cross at about {_tasks(found.about)})"
        return f"{sure} than {rival} up to {_tasks(last.x)}{crossed}"
    about = f"from {_tasks(found.surely)} on at the latest"
    if found.about is not None and found.about > first.x:  # at the first number measured it may be ahead by chance
        about = f"from about {_tasks(found.about)} on"
    sure = f"for certain at {found.surely:.0f}"
    return f"is faster than {rival} {about} ({f'not yet at {found.last:.0f}, ' if found.last else ''}{sure})"


def _after(compared: Sequence[Comparison], first: Comparison) -> list[Comparison]:
    """Those behind the first certain one that aren't certain themselves."""
    return [each for each in compared if each.x > first.x and each.high >= 1]


def _by_means(found: Overtaking, compared: Sequence[Comparison], rival: str) -> str:
    """What the means alone say: with one sample there is no more."""
    if compared[-1].ratio >= 1:
        return f"isn't faster than {rival} up to {_tasks(compared[-1].x)}"
    if found.about:
        return f"is faster than {rival} from about {_tasks(found.about)} on"
    return f"is faster than {rival} at every number of tasks measured, {_tasks(compared[0].x)} to {compared[-1].x:.0f}"


def _tasks(count: float) -> str:
    text = f"{count:.2g}" if count < 100 else f"{count:.0f}"
    return f"{text} task" if text == "1" else f"{text} tasks"


def _of_lengths(jobs: dict[str, Ways]) -> Iterator[str]:
    """From what length of a task on, at the largest number of tasks that all lengths have."""
    jobs = {length: ways for length, ways in jobs.items() if "serial" in ways}
    counts = set.intersection(*({*ways["serial"]} for ways in jobs.values())) if len(jobs) > 1 else set()
    if not counts:
        return
    count = max(counts)
    parts = []
    for way in ("pool-once", "pool-each"):
        pairs = [(ways["serial"][count], ways[way][count]) for ways in jobs.values() if count in ways.get(way, {})]
        if len(pairs) > 1:
            points = [(float(one["mean_s"]), float(two["mean_s"])) for one, two in pairs]
            unsure = any(math.isnan(tables.ratio(*pair)[1]) for pair in pairs)
            parts.append(f"{WAYS[way]} {_from_length(points, count)}{f' ({UNSURE})' if unsure else ''}")
    if parts:
        yield f"A job of {_tasks(count)}, against {WAYS['serial']}: {'; '.join(parts)}."


def _from_length(points: Sequence[tuple[float, float]], count: int) -> str:
    """Both times are straight lines over the length of a task: they cross where the difference is nothing."""
    points = sorted(points)
    crossed = [(one, two) for one, two in pairwise(points) if one[0] <= one[1] and two[1] < two[0]]
    if points[-1][1] >= points[-1][0]:
        return f"isn't faster, not even with tasks of {units.seconds(points[-1][0] / count)}"
    if not crossed:
        return f"is faster with all that were measured, from {units.seconds(points[0][0] / count)} on"
    (a, b), (c, d) = crossed[-1]
    share = (b - a) / ((b - a) + (c - d))
    return f"is faster from tasks of about {_rough((a + share * (c - a)) / count)} on"


def _rough(value: float) -> str:
    """Seconds with two figures: an interpolation is worth no more."""
    number, unit = units.seconds(float(f"{value:.2g}")).split()
    return f"{float(number):.2g} {unit}" if float(number) < 100 else f"{number} {unit}"


def _of_calls(rows: pd.DataFrame) -> Iterator[str]:
    plain = rows[rows["payload"].eq("none") & rows["task"].eq("")]
    own = plain[plain["chunk"].eq("")].sort_values("mean_s")
    if len(own) > 1:
        first, last = own.iloc[0], own.iloc[-1]
        yield (
            f"A task without work, in chunks of the library's own choice, costs least by {first['mechanism']}, {tables.within(first)}, "
            f"and most by {last['mechanism']}, {tables.within(last)}, {tables.times(last, first)} as much."
        )
    for name, group in plain.groupby("mechanism", sort=False):
        single, others = group[group["chunk"].isin(_single(str(name)))], group[~group["chunk"].isin(_single(str(name)))]
        if len(single) and len(others):
            one, best = single.iloc[0], others.sort_values("mean_s").iloc[0]
            chunks = "chunks of the library's choice" if not best["chunk"] else f"chunks of {best['chunk']}"
            yield f"{name} one by one takes {tables.within(one)} a task; in {chunks} {tables.within(best)}: {tables.times(one, best)}."


def _single(mechanism: str) -> tuple[str, ...]:
    """The chunks that are one task: those of `imap` and of an executor are, unless asked for."""
    return ("1", "") if mechanism in ("pool-imap", "pool-imap-unordered", "executor-map") else ("1",)


def _of_lives(rows: pd.DataFrame) -> Iterator[str]:
    rows = rows[rows["mechanism"].eq("pool")]
    made = rows[rows["phase"].eq("create")].drop_duplicates(["start_method", "processes"])
    parts = [f"{tables.within(row)} by {row['start_method']}" for _, row in made.sort_values("mean_s").iterrows()]
    if parts and made["processes"].nunique() == 1:
        ended = rows[rows["phase"].eq("teardown")].sort_values("mean_s")
        last = f"; taking it down, {tables.within(ended.iloc[-1])} at most" if len(ended) else ""
        yield f"Making a pool of {made['processes'].iloc[0]} until all of it has taken a task: {', '.join(parts)}{last}."


def contents(frame: pd.DataFrame) -> list[Table]:
    """The same job in all ways, a task by each call, a pool's life."""
    made = [_compare(_jobs(frame)), _calls(_rows(frame, "pool-call")), _lives(_rows(frame, "pool-life"))]
    return [each for each in made if each.rows]


def _compare(jobs: dict[str, Ways]) -> Table:
    """A row a job, a column a way."""
    rows = []
    for length, ways in jobs.items():
        for count in sorted({count for cases in ways.values() for count in cases}):
            here = {way: ways[way][count] for way in WAYS if count in ways.get(way, {})}
            best = min(here.values(), key=lambda row: float(row["mean_s"]))
            level = [way for way, row in here.items() if not tables.ratio(row, best)[1] > 1]
            cells = [tables.within(here[way]) if way in here else "–" for way in WAYS]
            rows.append([_called(length, ways), str(count), *cells, ", ".join(level)])
    return Table(
        "The same job in five ways",
        "Seconds from the list of tasks to the list of their results, the same numbers computed in children (serial: in one process). "
        f"The fastest: all those that can't be told from it. {NOMINAL}",
        ["task", "tasks", *WAYS, "fastest"],
        rows,
        frozenset({"tasks", *WAYS}),
    )


def _calls(rows: pd.DataFrame) -> Table:
    rows = rows.sort_values(["task", "size", "start_method", "processes", "mean_s"])
    cells = [
        [
            str(row["mechanism"]),
            row["chunk"] or "–",
            units.size(row["size"]) if row["size"] else "–",
            LENGTHS.get(row["task"], row["task"]),
            str(row["start_method"]),
            f"{row['processes']:.0f}",
            tables.time(row),
            units.spread(row["mean_s"], row["low_s"], row["high_s"]),
            "–" if pd.isna(row["cpu_s"]) else units.seconds(row["cpu_s"]),
        ]
        for _, row in rows.iterrows()
    ]
    columns = ["call", "chunk", "carries", "work", "start", "processes", "a task", "±", "CPU"]
    about = (
        "A task given to a pool that is there already, among several hundred others; its result taken. Without a chunk the library "
        "decides. What it carries, it carries there and back."
    )
    return Table("A task by each call", about, columns, cells, frozenset({"chunk", "processes", "a task", "±", "CPU"}))


def _lives(rows: pd.DataFrame) -> Table:
    cells = []
    for key, group in rows.groupby(["mechanism", "processes", "start_method"], sort=True):
        phases = {str(row["phase"]): row for _, row in group.iterrows()}
        cells.append(
            [str(part) for part in key]
            + [tables.within(phases[phase]) if phase in phases else "–" for phase in ("create", "teardown")]
        )
    columns = ["kind", "processes", "start", "making it", "taking it down"]
    about = (
        "Making: until each of its processes has taken a task. Taking down: leaving its `with` block, all tasks done."
    )
    return Table("A pool's life", about, columns, cells, frozenset({"processes", "making it", "taking it down"}))


def figures(frame: pd.DataFrame) -> list[Figure]:
    """Seconds a job over the number of its tasks, a panel a length."""
    panels = [
        _panel(length, ways) for length, ways in _jobs(frame).items() if max(len(cases) for cases in ways.values()) > 1
    ]
    if not panels:
        return []
    counts = sorted({x for panel in panels for each in panel.series for x in each.x})
    caption = (
        "The same job in several ways: all its tasks, to the last result, both axes logarithmic; bars are 95 % intervals."
        f"{_rings(panels)} {_named(panels)}. {NOMINAL}"
    )
    title = "From how many tasks on a pool pays"
    ticks = [(x, f"{x:.0f}") for x in counts]
    return [
        Figure(
            "pool-vs-process.png", title, caption, "lines", "s", "tasks of the job", "time of the job", panels, ticks
        )
    ]


def _rings(panels: Sequence[Panel]) -> str:
    """What rings say, as far as there are any."""
    found = [each for panel in panels for each in panel.crossings]
    said = (
        " From the number of tasks at a ring on, a pool is faster than the way whose line it crosses there."
        if found
        else ""
    )
    return said + ("" if all(each.sure for each in found) else f" Grey rings ({units.MARK}) aren't certain.")


def _named(panels: Sequence[Panel]) -> str:
    """What the lines are."""
    drawn = {each.name for panel in panels for each in panel.series}
    return "; ".join(f"{way}: {what}" for way, what in WAYS.items() if way in drawn)


def _panel(length: str, ways: Ways) -> Panel:
    lines = [
        series(way, FAMILIES.get(way, "pool"), pd.DataFrame(list(cases.values())), "tasks", same)
        for way, cases in ways.items()
    ]
    crossings = [crossing for way, rival in PAIRS if (crossing := _crossing(ways, way, rival)) is not None]
    return replace(Panel(f"Tasks of {_called(length, ways)}", lines), crossings=crossings)


def _crossing(ways: Ways, way: str, rival: str) -> Crossing | None:
    """Where the lines cross, as they are drawn."""
    compared = _compared(ways, way, rival)
    found = crossover.overtaking(compared)
    if found.about is None or found.about <= compared[0].x:
        return None
    about = found.about
    x = [math.log(count) for count in ways[rival]]
    y = [math.log(row["mean_s"]) for row in ways[rival].values()]
    text = _tasks(about).split()[0]
    y_there = math.exp(_along(x, y, math.log(about)))
    return Crossing(about, y_there, text if found.told else f"{units.MARK} {text}", found.told)


def _along(x: Sequence[float], y: Sequence[float], at: float) -> float:
    """On the line through those points."""
    for (a, c), (b, d) in pairwise(zip(x, y, strict=True)):
        if a <= at <= b:
            return c + (d - c) * (at - a) / (b - a)
    return y[-1]


CHAPTER = Chapter("Pools", 15, findings, contents, figures)
