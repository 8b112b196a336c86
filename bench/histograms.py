"""Latencies of all workers of a case, merged into one HDR histogram, as the result file holds it.

The format is HdrHistogram's own, version 2, compressed and in base64, so that every tool of that family reads it. Workers
send plain counts: importing and encoding is the runner's work, while nothing is timed.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from hdrh.histogram import HdrHistogram

from ipcbench.bench.task import Latencies

__all__ = ["Histograms"]

LONGEST = 3600 * 10**9
DIGITS = 3
"""From one nanosecond to an hour, to three decimal digits."""


class Histograms:
    """By case id; what is taken from a file goes on to be filled."""

    def __init__(self) -> None:
        self.merged: dict[str, Any] = {}
        self.costs: dict[str, list[float]] = {}
        self.encoded: dict[str, str] = {}

    def add(self, name: str, found: Latencies) -> None:
        """One more worker's."""
        histogram = self.merged.setdefault(name, HdrHistogram(1, LONGEST, DIGITS))
        for value, count in zip(found.values, found.counts, strict=True):
            histogram.record_value(min(value, LONGEST), count)
        self.costs.setdefault(name, []).append(found.recorder)
        self.encoded.pop(name, None)

    def drop(self, name: str) -> None:
        """Forget a case that failed."""
        for each in (self.merged, self.costs, self.encoded):
            each.pop(name, None)

    def load(self, stored: dict[str, dict[str, Any]]) -> None:
        """Go on with those of a file. Raises ValueError when one can't be read."""
        for name, each in stored.items():
            try:
                self.merged[name] = HdrHistogram.decode(each["encoded"])
            except Exception as error:
                raise ValueError(f"the histogram of {name} can't be read: {error}") from error
            self.costs[name] = [each["recorder_s"]]

    def as_json(self) -> dict[str, dict[str, Any]]:
        """As `ipcbench.histograms` holds them."""
        for name in self.merged.keys() - self.encoded.keys():
            self.encoded[name] = self.merged[name].encode().decode("ascii")
        return {
            name: {
                "encoded": self.encoded[name],
                "count": histogram.get_total_count(),
                "unit": "nanosecond",
                "recorder_s": median(self.costs[name]),
            }
            for name, histogram in self.merged.items()
        }
