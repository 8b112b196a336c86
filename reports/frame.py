"""One tidy table of a result: one row a case, in the columns of `cases.csv`."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import pandas as pd

from ipcbench.reports.latency import MARKS, percentiles
from ipcbench.reports.schema import COSTS, Benchmark, Result, ResultError, Run, Unmeasured
from ipcbench.reports.stats import estimate, is_precise, of_worker, plain

__all__ = ["COLUMNS", "build"]

CPU = {"cpu_user_s", "cpu_system_s"}

COLUMNS = [
    *("id", "mechanism", "workload", "payload", "size", "processes", "start_method", "placement", "family", "variant"),
    *("status", "reason", "samples", "mean_s", "low_s", "high_s", "precise", "cpu_s", "cores_busy", "floor_ratio"),
    *COSTS,
    *MARKS,
    *("recorded", "recorder_s", "near", "far", "channels", "quantity", "floor", "revision"),
]

NUMBERS = ["mean_s", "low_s", "high_s", "precise", "cpu_s", "cores_busy", "floor_ratio", *COSTS, *MARKS, "recorder_s"]


def build(result: Result) -> pd.DataFrame:
    """All cases, measured ones first. Raises `ResultError` when a histogram is damaged.

    `attrs["narrower"]` is what more of would narrow the intervals.
    """
    rows = [_measured(each, result.facts.precision) | _latency(each.axes.name, result) for each in result.benchmarks]
    rows += [_unmeasured(each) for each in result.facts.cases]
    frame: pd.DataFrame = pd.DataFrame(rows, columns=COLUMNS)
    frame = frame.astype(dict.fromkeys(NUMBERS, float))
    frame["precise"] = pd.Series(
        [row.get("precise") for row in rows], dtype=object
    )  # true, false or unknown, no nought
    means = dict(zip(frame["id"], frame["mean_s"], strict=True))
    frame["floor_ratio"] = [
        mean / means[floor] if isinstance(floor, str) and floor in means else float("nan")
        for mean, floor in zip(frame["mean_s"], frame["floor"], strict=True)
    ]
    frame.attrs["narrower"] = _narrower(result)
    return frame


def _narrower(result: Result) -> str:
    """Where the number of rounds was fixed and all were taken, more time would have changed nothing; what was interrupted had no end."""
    if result.facts.status == "interrupted":
        return "time"
    rounds = result.facts.asked.rounds
    return "--rounds" if rounds is not None and result.facts.rounds >= rounds else "--budget"


def _measured(benchmark: Benchmark, precision: float | None) -> dict[str, Any]:
    axes = benchmark.axes
    found = estimate([of_worker(run.values) for run in benchmark.runs])
    costs = [{**benchmark.metadata, **run.metadata} for run in benchmark.runs]
    figures = {name: _typical([each[name] for each in costs if name in each]) for name in COSTS}
    return {
        **{name: getattr(axes, name) for name in COLUMNS if hasattr(axes, name)},
        "id": axes.name,
        "status": "measured",
        "reason": "",
        "samples": found.samples,
        "mean_s": found.mean,
        "low_s": found.low,
        "high_s": found.high,
        "precise": is_precise(found, precision),
        **figures,
        "cpu_s": _typical([sum(told[name] for name in CPU) for told in costs if told.keys() >= CPU]),
        "cores_busy": _mean(
            [_cores(told, run) for told, run in zip(costs, benchmark.runs, strict=True) if told.keys() >= CPU]
        ),
    }


def _latency(name: str, result: Result) -> dict[str, Any]:
    """What the case's histogram tells, where it has one."""
    stored = result.facts.histograms.get(name)
    if stored is None:
        return {"recorded": 0}
    try:
        found = percentiles(name, stored)
    except ResultError as error:
        raise ResultError(f"{result.path}: {error}") from error
    return {**found.seconds, "recorded": found.recorded, "recorder_s": found.recorder}


def _cores(told: dict[str, Any], run: Run) -> float:
    """CPU over time in one worker: in a typical time and a typical CPU time, each by itself, different workers may be typical."""
    return float(sum(told[name] for name in CPU)) / fmean(run.values)


def _typical(values: list[float]) -> float | None:
    return plain(values).mean if values else None


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None


def _unmeasured(case: Unmeasured) -> dict[str, Any]:
    return {name: getattr(case, name, None) for name in COLUMNS} | {"samples": 0, "recorded": 0, "channels": ""}
