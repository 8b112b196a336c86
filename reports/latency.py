"""Percentiles out of the HDR histograms of a result file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hdrh.histogram import HdrHistogram

from ipcbench.reports.schema import Histogram, ResultError

__all__ = ["MARKS", "Percentiles", "percentiles"]

MARKS = {"p50_s": 50.0, "p90_s": 90.0, "p99_s": 99.0, "p999_s": 99.9, "max_s": 100.0}
"""Columns and what they are the percentiles of; the last is the longest of all."""
UNIT = "nanosecond"


@dataclass(frozen=True)
class Percentiles:
    """Seconds by column, None where too few were recorded; how many were, and what recording one took, in seconds."""

    seconds: dict[str, float | None]
    recorded: int
    recorder: float


def percentiles(name: str, stored: Histogram) -> Percentiles:
    """Those of one case. A percentile needs at least one operation beyond it: p99 a hundred, p99.9 a thousand.

    Raises `ResultError` when the histogram is damaged.
    """
    histogram, count = _decoded(name, stored)
    known = {column: mark for column, mark in MARKS.items() if _enough(count, mark)}
    values = dict(zip(known, _values(histogram, list(known.values())), strict=True))
    return Percentiles({column: values.get(column) for column in MARKS}, count, stored.recorder_s)


def _values(histogram: HdrHistogram, marks: list[float]) -> list[float]:
    """Seconds at those percentiles: what the histogram's own methods give, which count its thousands of buckets one by one."""
    below = np.cumsum(np.ctypeslib.as_array(histogram.counts))
    buckets = np.searchsorted(below, [histogram.get_target_count_at_percentile(mark) for mark in marks]).tolist()
    return [histogram.get_highest_equivalent_value(histogram.get_value_from_index(bucket)) * 1e-9 for bucket in buckets]


def _decoded(name: str, stored: Histogram) -> tuple[HdrHistogram, int]:
    try:
        histogram = HdrHistogram.decode(stored.encoded)
        count = int(histogram.get_total_count())
    except Exception as error:
        raise ResultError(f"the histogram of {name} is damaged: {' '.join(str(error).split())}") from error
    if stored.unit != UNIT:
        raise ResultError(f"the histogram of {name} is damaged: its unit is {stored.unit!r}, not {UNIT!r}")
    if count != stored.count or count < 1:
        raise ResultError(f"the histogram of {name} is damaged: it holds {count:,} of {stored.count:,} latencies")
    return histogram, count


def _enough(count: int, mark: float) -> bool:
    return mark == 100 or count * (100 - mark) > 99.999
