"""One tidy table of a result: one row a case, in the columns of `cases.csv`."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import pandas as pd

from ipcbench.reports.schema import Benchmark, Result, Unmeasured
from ipcbench.reports.stats import estimate, of_worker

__all__ = ["COLUMNS", "build"]

COLUMNS = [
    *("id", "mechanism", "workload", "payload", "size", "processes", "start_method", "placement", "family", "variant"),
    *("status", "reason", "samples", "mean_s", "low_s", "high_s", "precise", "cpu_s", "floor_ratio", "lost"),
    *("near", "far", "channels", "quantity", "floor", "revision"),
]

CPU = {"cpu_user_s", "cpu_system_s"}
NUMBERS = ["mean_s", "low_s", "high_s", "precise", "cpu_s", "floor_ratio", "lost"]


def build(result: Result) -> pd.DataFrame:
    """All cases, measured ones first."""
    rows = [_measured(each, result.facts.precision) for each in result.benchmarks] + [
        _unmeasured(each) for each in result.facts.cases
    ]
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
    return frame


def _measured(benchmark: Benchmark, precision: float | None) -> dict[str, Any]:
    axes = benchmark.axes
    found = estimate([of_worker(run.values) for run in benchmark.runs])
    costs = [{**benchmark.metadata, **run.metadata} for run in benchmark.runs]
    return {
        **{name: getattr(axes, name) for name in COLUMNS if hasattr(axes, name)},
        "id": axes.name,
        "status": "measured",
        "reason": "",
        "samples": found.samples,
        "mean_s": found.mean,
        "low_s": found.low,
        "high_s": found.high,
        "precise": None if precision is None else found.half <= precision,
        "cpu_s": _mean([each["cpu_user_s"] + each["cpu_system_s"] for each in costs if each.keys() >= CPU]),
        "lost": _mean([each["lost"] for each in costs if "lost" in each]),
    }


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None


def _unmeasured(case: Unmeasured) -> dict[str, Any]:
    return {name: getattr(case, name, None) for name in COLUMNS} | {"samples": 0, "channels": ""}
