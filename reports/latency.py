"""Percentiles out of the HDR histograms of a result file."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hdrh.histogram import HdrHistogram

from ipcbench.reports.schema import Histogram, ResultError
from ipcbench.reports.stats import Estimate

__all__ = ["MARKS", "Percentiles", "percentiles", "tail"]

MARKS = {"p50_s": 50.0, "p90_s": 90.0, "p99_s": 99.0, "p999_s": 99.9, "max_s": 100.0}
"""Columns and what they are the percentiles of; the last is the longest of all."""
UNIT = "nanosecond"
NORMAL = 1.96


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
    values = histogram.get_percentile_to_value_dict(list(MARKS.values()))
    seconds = {column: values[mark] * 1e-9 if _enough(count, mark) else None for column, mark in MARKS.items()}
    return Percentiles(seconds, count, stored.recorder_s)


def tail(name: str, stored: Histogram, mark: float) -> Estimate:
    """A percentile with its 95 % interval, None where too few were recorded: the operations whose ranks are 1.96 standard errors away.

    Free of any assumption but that operations are independent; `spread` makes its width one of logs, for `stats.ratio`.
    Raises `ResultError` when the histogram is damaged.
    """
    histogram, count = _decoded(name, stored)
    error = NORMAL * 100 * math.sqrt(mark / 100 * (1 - mark / 100) / count)
    marks = (mark, max(0.0, mark - error), min(100.0, mark + error))
    value, low, high = (histogram.get_value_at_percentile(each) * 1e-9 for each in marks)
    if mark + error >= 100:
        return Estimate(value, None, None, count)
    spread = math.log(high / low) / 2 / NORMAL * math.sqrt(count)
    return Estimate(value, low, high, count, spread, count - 1)


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
