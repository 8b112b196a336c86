"""Did it get slower? Verdicts over two stored runs, and over duels; pure statistics (docs/gate.md).

Everything is done on logarithms: times are positive, their errors relative, and a ratio of times is a difference of logs. The unit is the
worker process of a stored run, or the duel: values inside one share its luck. Slower is the only direction that is tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, stdev

__all__ = [
    "FAILED",
    "INCONCLUSIVE",
    "NO_REGRESSION",
    "ONE_SIDED",
    "ORDER",
    "REGRESSED",
    "Verdict",
    "flags",
    "judge",
    "judge_duels",
    "median_interval",
    "off_balance",
]

REGRESSED, NO_REGRESSION, INCONCLUSIVE, FAILED = "regressed", "no regression", "inconclusive", "failed"
ORDER = (REGRESSED, FAILED, INCONCLUSIVE, NO_REGRESSION)
"""The worst first."""
ONE_SIDED = "only in the "
"""How the reason begins of a case that the other side doesn't have."""

ALPHA = 0.01
"""`check`: the chance that any case of a run is called regressed by chance, all cases together."""
DUEL_ALPHA = 0.01
"""`ab`: the chance in one stage; a regression passes two."""
POWER = 0.9
CONFIDENCE = 0.95
TRIM = 0.2
"""The share of workers, or duels, that is cut off at each end: a few stolen time slices don't decide."""
FEWEST = 3
"""Workers on each side below which nothing is said."""


@dataclass(frozen=True)
class Verdict:
    """What is said of a case; None where the data doesn't give it.

    `ratio` is current / baseline with its 95 % interval; `smallest_visible` the slowdown as a share (0.08: 8 %) that this data
    would have found with 90 % power; `samples` how many figures each side gave, or how many duels there were. `wide`: a side's time is
    less precise than its run was asked for.
    """

    id: str
    verdict: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    smallest_visible: float | None = None
    min_effect: float = 0.0
    samples: tuple[int, ...] = ()
    reason: str = ""
    wide: bool = False


# ---- two stored runs: independent samples ----


@dataclass(frozen=True)
class _Difference:
    """Of two trimmed means of logs, second minus first: the estimate, its standard error and degrees of freedom."""

    estimate: float
    error: float
    freedom: float

    @property
    def p(self) -> float:
        """The chance of such an estimate, or a larger one, if nothing got slower."""
        if self.error == 0:
            return 0.0 if self.estimate > 0 else 1.0
        return _t_below(self.freedom, -self.estimate / self.error)


def judge(
    samples: Mapping[str, tuple[Sequence[float], Sequence[float]]], min_effect: Callable[[str], float]
) -> list[Verdict]:
    """A verdict for each case: baseline and current worker means (seconds, positive), and the effect that matters by case id.

    The test is Yuen's of trimmed means, which is Welch's where nothing is trimmed, corrected for the number of cases by Holm.
    """
    differences = {
        name: _difference([math.log(each) for each in old], [math.log(each) for each in new])
        for name, (old, new) in samples.items()
        if min(len(old), len(new)) >= FEWEST
    }
    levels = holm({name: each.p for name, each in differences.items()}, ALPHA)
    return [
        replace(_judged(name, differences.get(name), levels.get(name, 0.0), min_effect(name)), samples=_sizes(sides))
        for name, sides in samples.items()
    ]


def _sizes(sides: tuple[Sequence[float], Sequence[float]]) -> tuple[int, ...]:
    return tuple(len(side) for side in sides)


def _judged(name: str, found: _Difference | None, level: float, effect: float) -> Verdict:
    floor = math.log1p(effect)
    if found is None:
        reason = f"too few samples: each side needs {FEWEST} worker processes"
        return Verdict(name, INCONCLUSIVE, min_effect=effect, reason=reason)
    margin = _t_quantile(found.freedom, 0.5 + CONFIDENCE / 2) * found.error
    low, high = found.estimate - margin, found.estimate + margin
    if found.p < level and found.estimate > floor:
        verdict, reason = REGRESSED, ""
    elif high < floor:
        verdict, reason = NO_REGRESSION, ""
    else:
        verdict, reason = INCONCLUSIVE, _why_open(found.estimate, floor)
    visible = math.expm1(smallest_visible(found.error, found.freedom, level, floor))
    ratio, low, high = (math.exp(each) for each in (found.estimate, low, high))
    return Verdict(name, verdict, ratio, low, high, visible, effect, reason=reason)


def _why_open(estimate: float, floor: float) -> str:
    if estimate > floor:
        return "slower, but so are some runs of the same code"
    return "too wide to rule out a slowdown that matters"


def _difference(old: Sequence[float], new: Sequence[float]) -> _Difference:
    """Yuen (1974), The two-sample trimmed t for unequal population variances."""
    sides = [_trimmed(side) for side in (old, new)]
    parts = [part for _, part, _ in sides]
    total = sum(parts)
    freedom = total**2 / sum(part**2 / (kept - 1) for _, part, kept in sides) if total else math.inf
    return _Difference(sides[1][0] - sides[0][0], math.sqrt(total), freedom)


def _trimmed(values: Sequence[float]) -> tuple[float, float, int]:
    """The trimmed mean, its squared error (from the winsorized variance), and how many values are kept."""
    ordered, n = sorted(values), len(values)
    cut = int(TRIM * n)
    kept = ordered[cut : n - cut]
    winsorized = [kept[0]] * cut + kept + [kept[-1]] * cut
    spread = stdev(winsorized)
    return fmean(kept), (n - 1) * spread**2 / (len(kept) * (len(kept) - 1)), len(kept)


def holm(p: Mapping[str, float], alpha: float) -> dict[str, float]:
    """For each case the level below which its own p is significant, all others being what they are (Holm 1979).

    With k of the others rejected on their own merits that is alpha / (m - k), m being all cases.
    """
    ordered = sorted(p, key=lambda name: p[name])
    rejected: set[str] = set()
    for index, name in enumerate(ordered):
        if p[name] >= alpha / (len(p) - index):
            break
        rejected.add(name)
    return {name: alpha / (len(p) - len(rejected - {name})) for name in p}


def smallest_visible(error: float, freedom: float, level: float, floor: float, power: float = POWER) -> float:
    """The shift of the logs that would be found with that power: significant at the level, and estimated beyond the floor.

    An error estimated from few figures is too small more often than not: it is raised to what half of such estimates exceed.
    """
    if error == 0:
        return floor
    error *= _median_bias(freedom)
    critical = _t_quantile(freedom, 1 - level)
    significant = error * _noncentral(freedom, 1 - power, critical)
    return max(significant, floor + error * _t_quantile(freedom, power))


# ---- duels: each its own small comparison ----


def flags(duels: Sequence[float], min_effect: float) -> bool:
    """Whether one stage of duels (their median log-ratios) looks red: a one-sided trimmed t, and a median beyond the effect."""
    return median(duels) > math.log1p(min_effect) and _p_slower(duels) < DUEL_ALPHA


def off_balance(control: Sequence[float], min_effect: float) -> bool:
    """Whether duels of the same code look different, in either direction."""
    return len(control) > 1 and (flags(control, min_effect) or flags([-each for each in control], min_effect))


def judge_duels(
    name: str, first: Sequence[float], second: Sequence[float], min_effect: float, control_is_red: bool
) -> Verdict:
    """The verdict over a case's duels. `second` is the stage of fresh duels that a red first stage asks for, else empty.

    Only a case that is red in both is regressed. The estimate is the median of all duels, its interval by order statistics.
    """
    everything = [*first, *second]
    low, middle, high = median_interval(everything)
    floor = math.log1p(min_effect)
    red = flags(first, min_effect)
    reason = ""
    if red and second and flags(second, min_effect) and not control_is_red:
        verdict = REGRESSED
    elif high < floor and not control_is_red:
        verdict = NO_REGRESSION
    else:
        verdict, reason = INCONCLUSIVE, _why_open_duels(red, control_is_red)
    visible = math.expm1(_visible_by_duels(first, floor))
    ratio, low, high = (math.exp(each) for each in (middle, low, high))
    return Verdict(name, verdict, ratio, low, high, visible, min_effect, (len(everything),), reason)


def _why_open_duels(red: bool, control_is_red: bool) -> str:
    if control_is_red:
        return "the A/A control is red: the same code differs from itself here"
    return "red at first, not again on fresh duels" if red else _why_open(0.0, 0.0)


def _visible_by_duels(duels: Sequence[float], floor: float) -> float:
    """Both stages must find it, so each has the square root of the power. A normal median's error is √(π/2) of the mean's."""
    each = math.sqrt(POWER)
    _, part, kept = _trimmed(duels)
    error = math.sqrt(part)
    significant = smallest_visible(error, kept - 1, DUEL_ALPHA, -math.inf, each)
    error *= _median_bias(kept - 1)
    return max(significant, floor + math.sqrt(math.pi / 2) * error * _t_quantile(math.inf, each))


def _p_slower(duels: Sequence[float]) -> float:
    """Tukey's and McLaughlin's trimmed t (1963)."""
    mean, part, kept = _trimmed(duels)
    return _Difference(mean, math.sqrt(part), kept - 1).p


def median_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Low, median, high: the k-th value from either end, k as large as 95 % confidence allows."""
    ordered = sorted(values)
    rank = _rank(len(ordered))
    return ordered[rank - 1], median(ordered), ordered[-rank]


def _rank(count: int) -> int:
    rank = 1
    while 2 * (rank + 1) <= count and _binomial_below(rank, count) <= (1 - CONFIDENCE) / 2:
        rank += 1
    return rank


def _binomial_below(most: int, count: int) -> float:
    """The chance of at most that many heads in `count` throws."""
    return sum(math.comb(count, heads) for heads in range(most + 1)) / float(2**count)


# ---- distributions; scipy.special alone, because scipy.stats takes half a second to import ----


def _t_below(freedom: float, value: float) -> float:
    from scipy.special import ndtr, stdtr

    return float(ndtr(value) if math.isinf(freedom) else stdtr(freedom, value))


def _t_quantile(freedom: float, share: float) -> float:
    from scipy.special import ndtri, stdtrit

    return float(ndtri(share) if math.isinf(freedom) else stdtrit(freedom, share))


def _median_bias(freedom: float) -> float:
    """A standard error over the median of its estimates, which are a chi distribution's."""
    from scipy.special import chdtri

    return 1.0 if math.isinf(freedom) else math.sqrt(freedom / float(chdtri(freedom, 0.5)))


def _noncentral(freedom: float, share: float, value: float) -> float:
    """The non-centrality under which a t statistic stays below `value` with that chance."""
    from scipy.special import nctdtrinc

    if math.isinf(freedom):
        return value - _t_quantile(freedom, share)
    return float(nctdtrinc(freedom, share, value))
