"""Estimates and their uncertainty, from worker means alone (docs/statistics.md)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, stdev

__all__ = ["CONFIDENCE", "Estimate", "estimate", "ratio"]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval; low and high are None where one sample allows none. `spread`: sd of the logs."""

    mean: float
    low: float | None
    high: float | None
    samples: int
    spread: float = 0.0


def estimate(samples: Sequence[float]) -> Estimate:
    """The mean of worker means (positive), with the interval mean × exp(± t · s / √n), s the standard deviation of the logs."""
    n, mean = len(samples), fmean(samples)
    if n == 1:
        return Estimate(mean, None, None, 1)
    spread = stdev([math.log(each) for each in samples])
    factor = math.exp(_t(n - 1) * spread / math.sqrt(n))
    return Estimate(mean, mean / factor, mean * factor, n, spread)


def ratio(new: Estimate, old: Estimate) -> tuple[float, float | None, float | None]:
    """New / old of two independent estimates, with its interval (Welch-Satterthwaite on the logs)."""
    value = new.mean / old.mean
    if min(new.samples, old.samples) < 2:
        return value, None, None
    parts = [each.spread**2 / each.samples for each in (new, old)]
    error = math.sqrt(sum(parts))
    if error == 0:
        return value, value, value
    freedom = sum(parts) ** 2 / sum(part**2 / (each.samples - 1) for part, each in zip(parts, (new, old), strict=True))
    factor = math.exp(_t(freedom) * error)
    return value, value / factor, value * factor


@cache
def _t(freedom: float) -> float:
    from scipy.special import stdtrit  # scipy.stats would take half a second to import

    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))
