"""Numbers as people read them: sizes in powers of two, times and rates with three figures."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["MARK", "ONE", "bandwidth", "bounds", "rate", "seconds", "share", "size", "spread"]

MARK = "≈"
"""Before a figure whose interval is wider than was asked for."""
ONE = "one sample"
"""In place of an interval where there is none."""
WIDE = "±>100 %"
"""In place of one of which half is more than the estimate itself."""


def size(count: float) -> str:
    """Bytes: 64 B, 1 KiB, 16 MiB."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= factor:
            return f"{count / factor:.4g} {unit}"
    return f"{count:.4g} B"


def seconds(value: float) -> str:
    """A time with three figures: 850 ns, 12.3 µs, 4.56 ms, 1.20 s."""
    value = float(f"{value:.3g}")
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= factor:
            return f"{_three(value / factor)} {unit}"
    return f"{_three(value / 1e-9)} ns"


def rate(value: float) -> str:
    """Messages per second: 12.3 k/s."""
    value = float(f"{value:.3g}")
    for unit, factor in (("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return f"{_three(value / factor)} {unit}/s"
    return f"{_three(value)}/s"


def bandwidth(value: float) -> str:
    """Bytes per second, with three figures: 16.0 MiB/s."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= factor:
            return f"{_three(value / factor)} {unit}/s"
    return f"{_three(value)} B/s"


def share(value: float) -> str:
    """A part of a whole in percent, with three figures at most."""
    percent = 100 * value
    return (
        f"{percent:.0f} %"
        if percent >= 99.95
        else f"{percent:.1f} %"
        if percent >= 0.05 or not value
        else f"{percent:.2g} %"
    )


def spread(mean: float, low: float, high: float) -> str:
    """Half the interval's width in percent of the mean."""
    if low != low or high != high or not mean:
        return ONE
    half = (high - low) / 2 / mean
    return f"±{100 * half:.2g} %" if half < 0.995 else WIDE


def bounds(mean: float, low: float, high: float, form: Callable[[float], str] = seconds) -> str:
    """The interval's ends, where they say anything: from two samples they may be a picosecond and a month."""
    said = spread(mean, low, high)
    return said if said in (ONE, WIDE) else f"{form(low)} – {form(high)}"


def _three(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
