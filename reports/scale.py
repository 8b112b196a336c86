"""Logarithmic axes that begin and end at a round number, and what of their round numbers is labelled: one rule for all figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.ticker import Locator

__all__ = ["Labelled", "Scale", "labelled", "numbers", "scale"]

LEAST = 3
"""Round numbers of an axis, at least."""
REACH = 3.0
"""What a wide interval may add to an axis: those of two samples span decades, and say no more by it."""
PAD = 0.04
"""Parts of the axis before its first round number and behind its last."""
CLOSE = 1e-9


@dataclass(frozen=True)
class Scale:
    """The round numbers of an axis in their order, from before all that is drawn to behind it, and where the axis ends."""

    numbers: tuple[float, ...]
    low: float
    high: float
    binary: bool = False

    def held(self, value: float) -> float:
        """The value, or the end of the axis that lies before it."""
        return min(max(value, self.low), self.high)


def scale(points: Iterable[float], ends: Iterable[float], *, binary: bool = False) -> Scale:
    """One that holds all points, and intervals as far as `REACH` times beyond them."""
    points, ends = list(points), list(ends)
    low, high = max(min(ends), min(points) / REACH), min(max(ends), max(points) * REACH)
    found = numbers(low, high, binary=binary)
    pad = (found[-1] / found[0]) ** PAD
    return Scale(found, found[0] / pad, found[-1] * pad, binary)


def numbers(low: float, high: float, *, binary: bool = False) -> tuple[float, ...]:
    """Round numbers (1, 2 and 5 times powers of ten, or powers of two) from the last before `low` to the first behind `high`."""
    if binary:
        known = [2.0**power for power in range(math.floor(math.log2(low)) - 2, math.ceil(math.log2(high)) + 3)]
    else:
        decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
        known = [float(f"{factor}e{decade}") for decade in decades for factor in (1, 2, 5)]
    first = max(index for index, each in enumerate(known) if each <= low * (1 + CLOSE))
    last = min(index for index, each in enumerate(known) if each >= high * (1 - CLOSE))
    while last - first + 1 < LEAST:  # where it is wanted more: on the side where less is left
        if low / known[first] < known[last] / high:
            first -= 1
        else:
            last += 1
    return tuple(known[first : last + 1])


def labelled(found: Sequence[float], gap: float, *, binary: bool = False) -> list[float]:
    """Of an axis' round numbers those with a label: all, or the rounder ones where `gap` (a factor) isn't between all; and the ends."""
    some = next((each for each in _rounder(found, binary) if all(b / a >= gap for a, b in pairwise(each))), [])
    for end in (found[0], found[-1]):
        if all(max(end / each, each / end) >= gap for each in some):
            some = [*some, end]
    return sorted(some)


def _rounder(found: Sequence[float], binary: bool) -> Iterable[list[float]]:
    """All, then powers of ten, of a hundred, of a thousand; or of two, of 4, of 32, of 1024."""
    steps = (1, 2, 5, 10) if binary else (1, 2, 3)
    powers = {each: math.log2(each) if binary else math.log10(each) for each in found}
    if not binary:
        yield list(found)
    for step in steps:
        yield [each for each, power in powers.items() if math.isclose(power / step, round(power / step), abs_tol=CLOSE)]


class Labelled(Locator):
    """The round numbers of an axis that are labelled when it is as long as it is drawn: `gap` inches are between two of them."""

    def __init__(self, scale: Scale, gap: float) -> None:
        self.scale = scale
        self.gap = gap

    def __call__(self) -> list[float]:
        """As matplotlib asks for them."""
        axes = self.axis.axes  # type: ignore[union-attr]
        box, upright = axes.get_window_extent(), self.axis is axes.yaxis
        inches = (box.height if upright else box.width) / axes.figure.dpi
        low, high = axes.get_ylim() if upright else axes.get_xlim()
        return labelled(self.scale.numbers, (high / low) ** (self.gap / inches), binary=self.scale.binary)

    def tick_values(self, vmin: float, vmax: float) -> list[float]:  # noqa: ARG002 - matplotlib's signature
        """All, whatever is seen of them."""
        return list(self.scale.numbers)
