"""One tidy table of a result: one row a case, in the columns of `cases.csv`."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import pandas as pd

from ipcbench.reports.schema import Benchmark, Result, Unmeasured
from ipcbench.reports.stats import estimate

__all__ = ["COLUMNS", "build"]

COLUMNS = [
    *("id", "mechanism", "workload", "payload", "size", "processes", "start_method", "placement", "family", "variant"),
    *("status", "reason", "samples", "mean_s", "low_s", "high_s", "cpu_s", "floor_ratio", "lost"),
    *("near", "far", "channels", "quantity", "floor", "revision"),
]

NUMBERS = ["mean_s", "low_s", "high_s", "cpu_s", "floor_ratio", "lost"]


def build(result: Result) -> pd.DataFrame:
    """All cases, measured ones first."""
    rows = [_measured(each) for each in result.benchmarks] + [_unmeasured(each) for each in result.facts.cases]
    frame: pd.DataFrame = pd.DataFrame(rows, columns=COLUMNS)
    frame = frame.astype(dict.fromkeys(NUMBERS, float))
    means = dict(zip(frame["id"], frame["mean_s"], strict=True))
    frame["floor_ratio"] = [
        mean / means[floor] if isinstance(floor, str) and floor in means else float("nan")
        for mean, floor in zip(frame["mean_s"], frame["floor"], strict=True)
    ]
    return frame


def _measured(benchmark: Benchmark) -> dict[str, Any]:
    about = benchmark.metadata
    found = estimate([fmean(run.values) for run in benchmark.runs])
    costs = [about | run.metadata for run in benchmark.runs]
    return {
        "id": about["name"],
        **{name: about.get(f"case_{name}", "") for name in ("mechanism", "workload", "payload", "size", "processes")},
        **{name: about.get(f"case_{name}", "") for name in ("start_method", "placement", "family", "variant")},
        "status": "measured",
        "reason": "",
        "samples": found.samples,
        "mean_s": found.mean,
        "low_s": found.low,
        "high_s": found.high,
        "cpu_s": fmean(each.get("cpu_user_s", 0.0) + each.get("cpu_system_s", 0.0) for each in costs),
        "lost": fmean(each["lost"] for each in costs if "lost" in each)
        if any("lost" in each for each in costs)
        else None,
        "near": about.get("case_near", 1),
        "far": about.get("case_far", 1),
        "channels": about.get("case_channels", ""),
        "quantity": about.get("case_quantity", "operation"),
        "floor": about.get("case_floor"),
        "revision": about.get("case_revision", 1),
    }


def _unmeasured(case: Unmeasured) -> dict[str, Any]:
    return {name: getattr(case, name, None) for name in COLUMNS} | {"samples": 0, "channels": ""}
