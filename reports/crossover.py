"""Where one way overtakes another: between which measured points its line falls below the other's, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Comparison", "Overtaking", "overtaking"]


@dataclass(frozen=True)
class Comparison:
    """At one point: how many times as long it takes as the other, with the interval (from 0 to infinity where there is none)."""

    x: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Overtaking:
    """`surely`: the first point from which on it is faster for certain. `about`: where the lines cross. `last`: slower there for certain.

    Each is None where there is no such place. `told`: the points on either side of the crossing are both certain.
    """

    surely: float | None
    about: float | None
    last: float | None
    told: bool = False


def overtaking(compared: Sequence[Comparison]) -> Overtaking:
    """Of points in the order of x."""
    surely = None
    for each in reversed(compared):
        if each.high >= 1:
            break
        surely = each.x
    slower = [each.x for each in compared if each.low > 1]
    pairs = [(one, two) for one, two in pairwise(compared) if one.ratio >= 1 > two.ratio]
    about = _crossing(*pairs[-1]) if pairs and compared[-1].ratio < 1 else None
    told = about is not None and pairs[-1][0].low > 1 and pairs[-1][1].high < 1
    return Overtaking(surely, about, slower[-1] if slower else None, told)


def _crossing(one: Comparison, two: Comparison) -> float:
    """Where the ratio is 1 between two points, on a straight line of logarithms: as the lines are drawn."""
    share = math.log(one.ratio) / (math.log(one.ratio) - math.log(two.ratio))
    return one.x * math.exp(share * math.log(two.x / one.x))
