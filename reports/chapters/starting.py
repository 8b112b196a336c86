"""What starting a process costs, by the way it is started, and whether that way matters once it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ipcbench.reports import choose, tables, units
from ipcbench.reports.chapter import Chapter, Table
from ipcbench.reports.figure import Figure, Panel, Series, by_mark, same, series

SUBJECTS = {
    "os-fork": "os.fork",
    "process": "Process",
    "process-subclass": "Process subclass",
    "process-daemon": "Process (daemon)",
    "run-native": "run: true",
    "popen-native": "Popen: true",
    "run-python": "run: python -c pass",
    "popen-python": "Popen: python -c pass",
}
METHODS = {"fork": "fork", "forkserver": "forkserver", "spawn": "spawn", "none": "another program"}
PHASES = {"started": "Until the child's first line runs", "reaped": "Until the child is reaped"}


def started(frame: pd.DataFrame) -> pd.DataFrame:
    """What was measured of starting, with columns `phase`, `subject`, `extra` (what is special) and `what` (both)."""
    rows = choose.measured(frame)
    rows = rows[rows["workload"].eq("start")]
    options = [choose.options(text) for text in rows["variant"]]
    extras = [_extras(row, each) for (_, row), each in zip(rows.iterrows(), options, strict=True)]
    subjects = [SUBJECTS.get(each, each) for each in rows["mechanism"]]
    found: pd.DataFrame = rows.assign(
        phase=[each.get("phase", "") for each in options],
        subject=subjects,
        extra=extras,
        what=[", ".join(filter(None, pair)) for pair in zip(subjects, extras, strict=True)],
    )
    return found


def _extras(row: pd.Series, options: dict[str, str]) -> str:
    known = {
        "parent": f"parent of {options.get('parent', '').replace('GiB', ' GiB').replace('MiB', ' MiB')}",
        "imports": f"imports {options.get('imports', '')}",
        "server": "server not yet running",
    }
    found = [text for key, text in known.items() if key in options]
    found += [f"argument of {units.size(row['size'])}"] if row["size"] else []
    found += [] if row["placement"] == "free" else [str(row["placement"])]
    return ", ".join(found)


def findings(frame: pd.DataFrame) -> list[str]:
    """Which way is the fastest, and what makes each dearer."""
    rows = started(frame)
    return [*_of_ways(rows), *_of_extras(rows), *_of_programs(rows)]


def _of_ways(rows: pd.DataFrame) -> Iterator[str]:
    for phase, until in (("started", "the child's first line runs"), ("reaped", "the child is reaped")):
        here = rows[rows["extra"].eq("") & rows["phase"].eq(phase) & rows["mechanism"].isin(["os-fork", "process"])]
        here = here.sort_values("mean_s")
        if len(here) > 1:
            first, last = here.iloc[0], here.iloc[-1]
            parts = [f"{_way(row)} {tables.within(row)}" for _, row in here.iterrows()]
            yield (
                f"From the call until {until}: {', '.join(parts)}. {_way(last)} takes {tables.times(last, first)} as long as {_way(first)}."
            )


def _way(row: pd.Series) -> str:
    way = row["subject"] if row["mechanism"] == "os-fork" else f"{row['subject']} by {row['start_method']}"
    return ", ".join(filter(None, (way, row["extra"])))


EXTRAS = {
    "parent": (("fork",), "fork copies the parent's page tables"),
    "imports": (("forkserver", "spawn"), "the child imports the main module again"),
    "server": (("forkserver",), "a program's first start brings the fork server up"),
    "argument": (("forkserver", "spawn"), "it is pickled and sent through a pipe"),
}
"""What may make a start dearer, by the first word of what stands behind the name: under which start methods, and why."""


def _of_extras(rows: pd.DataFrame) -> Iterator[str]:
    """Each kind of extra, where it weighs most, beside the same without it."""
    rows = rows[rows["phase"].eq("started")].sort_values("mean_s", ascending=False)
    plain, said = rows[rows["extra"].eq("")], set()
    for _, row in rows[rows["extra"].ne("")].iterrows():
        kind, method = row["extra"].split()[0], row["start_method"]
        methods, why = EXTRAS.get(kind, ((), ""))
        beside = plain[plain["mechanism"].eq(row["mechanism"]) & plain["start_method"].eq(method)]
        if method in methods and len(beside) and "," not in row["extra"] and (kind, method) not in said:
            said.add((kind, method))
            base = beside.iloc[0]
            _, least, _ = tables.ratio(row, base)
            because = f": {why}" if least > 1 else ", no difference that shows" if least <= 1 else ", not certain"
            yield (
                f"{_way(row)}: {tables.time(row)} until the first line instead of {tables.time(base)}, "
                f"{tables.times(row, base)}{because}."
            )


def _of_programs(rows: pd.DataFrame) -> Iterator[str]:
    plain = rows[rows["extra"].eq("")]
    native, python = (plain[plain["mechanism"].eq(name)] for name in ("run-native", "run-python"))
    if len(native) and len(python):
        yield (
            f"Another program: subprocess.run of `true` is over after {tables.within(native.iloc[0])}, of `python -c pass` after "
            f"{tables.within(python.iloc[0])}: the rest is the interpreter's own start and end."
        )


def ways(frame: pd.DataFrame) -> list[Table]:
    """A row a way to start, quickest first, with both phases."""
    rows = started(frame)
    if rows.empty:
        return []
    columns = ["what is started", "start method", "first line after", "reaped after", "CPU", "× os.fork"]
    bare = rows[rows["extra"].eq("") & rows["mechanism"].eq("os-fork")]
    fork = {str(phase): float(mean) for phase, mean in zip(bare["phase"], bare["mean_s"], strict=True)}
    groups = [group for _, group in rows.groupby(["what", "start_method"], sort=False)]
    groups.sort(key=lambda group: float(group["mean_s"].max()))
    about = (
        "Seconds from the call. CPU is that of parent and child until the child is reaped; under forkserver, whose children are the "
        "server's, nobody tells it. The last column compares the first line (where there is none: the end) with that of os.fork."
    )
    numbers = frozenset(columns[2:])
    return [Table("Ways to start a process", about, columns, [_line(group, fork) for group in groups], numbers)]


def _line(group: pd.DataFrame, fork: dict[str, float]) -> list[str]:
    cells = [str(group["what"].iloc[0]), METHODS[str(group["start_method"].iloc[0])]]
    cpu, ratio = "", ""
    for phase in PHASES:
        here = group[group["phase"].eq(phase)]
        if here.empty:
            cells.append("–")
            continue
        row = here.iloc[0]
        cells.append(f"{tables.time(row)} {units.spread(row['mean_s'], row['low_s'], row['high_s'])}")
        cpu = cpu if row["cpu_s"] != row["cpu_s"] else units.seconds(row["cpu_s"])
        if not ratio and phase in fork:
            ratio = f"{row['mean_s'] / fork[phase]:.3g}"
    return [*cells, cpu, ratio]


STARTS = "Starting: arguments, imports and the parent's memory weigh differently on each start method."
TRIPS = "Round trips: once it runs, a peer's start method should not matter; marks whose intervals don't overlap deserve a look."


def start_methods(frame: pd.DataFrame) -> list[Figure]:
    """What each start method costs at the start, then what a round trip takes whose far end was started by it."""
    figure = Figure("start-methods.png", "", "", "marks", "s", "", "time per round trip", [])
    rows, trips = started(frame), by_mark(_round_trips(frame), figure, "start_method", METHODS)
    starts = [panel for phase, text in PHASES.items() if (panel := _panel(rows[rows["phase"].eq(phase)], text)).series]
    back = [Panel(f"{panel.title} there and back", panel.series) for panel in (trips.panels if trips else [])]
    titles = [*(["starting a process"] if starts else []), *(["round trips"] if back else [])]
    captions = [
        *([STARTS] if starts else []),
        *([TRIPS] if back else []),
        "Bars are 95 % intervals, all axes logarithmic.",
    ]
    used = sorted({x for panel in starts + back for each in panel.series for x in each.x})
    made = replace(
        figure,
        title=f"{' and '.join(titles).capitalize()} by start method",
        caption=" ".join(captions),
        panels=starts + back,
        ticks=[(x, list(METHODS.values())[int(x)]) for x in used],
    )
    return [made] if made.panels else []


def _panel(rows: pd.DataFrame, title: str) -> Panel:
    rows = rows.assign(mark=[float(list(METHODS).index(method)) for method in rows["start_method"]])
    lines = [_series(str(what), group) for what, group in rows.groupby("what", sort=False)]
    return Panel(title, sorted(lines, key=lambda each: min(each.y)), y=f"time {title[0].lower()}{title[1:]}")


def _series(what: str, rows: pd.DataFrame) -> Series:
    name, family = str(rows["mechanism"].iloc[0]), str(rows["family"].iloc[0])
    return replace(series(name, family, rows, "mark", same), label=what)


def _round_trips(frame: pd.DataFrame) -> pd.DataFrame:
    rows = choose.measured(frame)
    rows = rows[rows["workload"].eq("round-trip") & rows["variant"].eq("") & rows["payload"].eq("bytes")]
    found: pd.DataFrame = rows[rows["placement"].ne("same-core")]
    return found


CHAPTER = Chapter("Starting a process", 10, findings, ways, start_methods)
