"""Estimates and their uncertainty, from one figure a worker (docs/statistics.md).

A stolen time slice makes one value of a worker long, a bad worker one figure of a case: a median inside, a trimmed mean over
workers, and an interval by winsorized variance (Tukey and McLaughlin 1963), so that neither decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, median, stdev

from scipy.special import stdtrit  # scipy.stats would take half a second to import

__all__ = [
    "CONFIDENCE",
    "Estimate",
    "estimate",
    "half_width",
    "is_precise",
    "of_worker",
    "plain",
    "ratio",
    "t_quantile",
]

CONFIDENCE = 0.95
TRIM = 8
"""Of so many workers the fastest and the slowest are set apart, of twice as many two each."""


@dataclass(frozen=True)
class Estimate:
    """The typical time with its 95 % interval; low and high are None where one sample allows none.

    `spread` / √samples is the standard error of the log of `mean`, with that many degrees of `freedom`; none where it has no log.
    """

    mean: float
    low: float | None
    high: float | None
    samples: int
    spread: float = 0.0
    freedom: float = 0.0

    @property
    def half(self) -> float:
        """Half the interval's width as a share of the mean; infinite where there is none."""
        return math.inf if self.low is None or self.high is None else (self.high - self.low) / 2 / self.mean


def of_worker(values: Sequence[float]) -> float:
    """A worker's figure: the median of its values."""
    return median(values)


def estimate(samples: Sequence[float]) -> Estimate:
    """The trimmed geometric mean of the workers' figures (positive), with the interval mean ×/÷ exp(t · error).

    From eight workers on one in eight is trimmed at either end; below that it is the plain t interval of the logs.
    """
    n = len(samples)
    if n == 1:
        return Estimate(samples[0], None, None, 1)
    logs = sorted(math.log(each) for each in samples)
    cut = n // TRIM
    kept = logs[cut : n - cut]
    spread = stdev([kept[0]] * cut + kept + [kept[-1]] * cut) * n / len(kept)
    freedom = len(kept) - 1
    mean, factor = math.exp(fmean(kept)), math.exp(min(t_quantile(freedom) * spread / math.sqrt(n), 100.0))
    return Estimate(mean, mean / factor, mean * factor, n, spread, freedom)


def plain(samples: Sequence[float]) -> Estimate:
    """The estimate of figures that may be nought, such as shares: then the mean ± t · error, not below nought."""
    n = len(samples)
    if all(each > 0 for each in samples):
        return estimate(samples)
    mean = fmean(samples)
    if n == 1:
        return Estimate(mean, None, None, 1)
    half = t_quantile(n - 1) * stdev(samples) / math.sqrt(n)
    return Estimate(mean, max(0.0, mean - half), mean + half, n)


def half_width(workers: Sequence[Sequence[float]]) -> float:
    """Half the interval of these workers' values, as a share of the estimate."""
    return estimate([of_worker(values) for values in workers]).half


def is_precise(found: Estimate, precision: float | None) -> bool | None:
    """Whether it is as precise as was asked for; None where nothing was."""
    return None if precision is None else found.half <= precision


def ratio(new: Estimate, old: Estimate) -> tuple[float, float | None, float | None]:
    """New / old of two independent estimates, with its interval (Welch-Satterthwaite on the logs) where both have one of the log."""
    value = new.mean / old.mean
    if not (new.freedom and old.freedom):
        return value, None, None
    parts = [each.spread**2 / each.samples for each in (new, old)]
    error = math.sqrt(sum(parts))
    if error == 0:
        return value, value, value
    freedom = sum(parts) ** 2 / sum(part**2 / each.freedom for part, each in zip(parts, (new, old), strict=True))
    factor = math.exp(t_quantile(freedom) * error)
    return value, value / factor, value * factor


@cache
def t_quantile(freedom: float) -> float:
    """Standard errors from the mean to either end of a 95 % interval."""
    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))
