"""The gate's statistics on known distributions: how often it is wrong, what it finds, and what can't change a verdict."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ipcbench.reports import gate
from ipcbench.reports.gate import (
    INCONCLUSIVE,
    NO_REGRESSION,
    REGRESSED,
    flags,
    holm,
    judge,
    judge_duels,
    off_balance,
)

FIVE = 0.05
times = st.lists(st.floats(1e-7, 1.0), min_size=1, max_size=12)
sides = st.dictionaries(st.sampled_from("abcdef"), st.tuples(times, times), min_size=1)


def five(_case):
    return FIVE


def one(old, new, effect=FIVE):
    (verdict,) = judge({"case": (old, new)}, lambda _: effect)
    return verdict


def lognormal(chance, shift, spread, *shape):
    return np.exp(chance.normal(shift, spread, shape))


# ---- two stored runs ----


@pytest.mark.parametrize(("n", "m"), [(3, 3), (5, 9), (10, 10), (20, 12)])
def test_the_test_is_yuens_as_scipy_computes_it(n, m):
    chance = np.random.default_rng(n)
    old, new = chance.normal(0, 1, n), chance.normal(0.5, 2, m)
    found = gate._difference(old.tolist(), new.tolist())
    known = stats.ttest_ind(new, old, equal_var=False, trim=0.2, alternative="greater")
    assert found.p == pytest.approx(known.pvalue, rel=1e-9)


def test_the_levels_are_those_of_holm():
    p = {"a": 0.001, "b": 0.004, "c": 0.03, "d": 0.2}
    levels = holm(p, 0.05)
    assert {name for name in p if p[name] < levels[name]} == {"a", "b"}  # .05/4, .05/3, then .03 > .05/2
    assert levels == pytest.approx({"a": 0.05 / 3, "b": 0.05 / 3, "c": 0.05 / 2, "d": 0.05 / 2})


@pytest.mark.parametrize("tail", [0.0, 0.1])
def test_a_run_of_many_equal_cases_is_hardly_ever_red(tail):
    """300 runs of 20 cases each; with stolen slices that triple a tenth of the workers' times. The bound is 1 % a run."""
    chance = np.random.default_rng(4)
    red = 0
    for _ in range(300):
        draws = lognormal(chance, 0, 0.05, 20, 2, 10) * np.where(chance.random((20, 2, 10)) < tail, 3, 1)
        red += any(each.verdict == REGRESSED for each in judge(dict(enumerate(draws.tolist())), lambda _: 0.0))
    assert red <= 8  # 1 % would give 3; more than 8 has a chance below 0.5 %


@pytest.mark.parametrize(
    ("spread", "n", "effect"), [(0.03, 10, 0.0), (0.05, 20, 0.02), (0.02, 10, 0.05), (0.05, 8, 0.0)]
)
def test_what_is_said_to_be_visible_is_found_nine_times_in_ten(spread, n, effect):
    """The slowdown that a first run calls visible, put into 1,500 runs of the same spread."""
    chance = np.random.default_rng(11)
    typical = np.median(
        [one(*lognormal(chance, 0, spread, 2, n).tolist(), effect).smallest_visible for _ in range(400)]
    )
    found = 0
    for _ in range(1500):
        old, new = lognormal(chance, 0, spread, n), lognormal(chance, math.log1p(typical), spread, n)
        found += one(old.tolist(), new.tolist(), effect).verdict == REGRESSED
    assert found / 1500 == pytest.approx(0.9, abs=0.05)


def test_the_verdicts_follow_from_significance_and_the_effect_that_matters():
    quiet = [1.0, 1.001, 0.999, 1.002, 0.998, 1.0]
    slower = [1.08 * each for each in quiet]
    assert one(quiet, slower).verdict == REGRESSED
    assert one(quiet, slower, 0.1).verdict == NO_REGRESSION
    assert one(quiet, quiet).verdict == NO_REGRESSION
    assert one(slower, quiet).verdict == NO_REGRESSION
    noisy = [1.0, 1.6, 0.7, 1.2, 0.8]
    assert one(quiet, noisy).verdict == INCONCLUSIVE
    assert one(quiet, noisy).smallest_visible > 0.3


@pytest.mark.parametrize(("old", "new"), [(2, 20), (20, 2), (1, 1)])
def test_too_few_samples_are_inconclusive_whatever_they_say(old, new):
    verdict = one([1.0] * old, [9.0] * new)
    assert (verdict.verdict, verdict.ratio, verdict.smallest_visible) == (INCONCLUSIVE, None, None)
    assert "too few samples" in verdict.reason


def test_cases_with_too_few_samples_cost_the_others_no_power():
    few = {f"few {index}": ([1.0], [1.0]) for index in range(50)}
    pair = ([1.0, 1.01, 0.99, 1.0, 1.02], [1.2, 1.21, 1.19, 1.2, 1.23])
    (verdict,) = (each for each in judge({**few, "case": pair}, five) if each.id == "case")
    assert verdict == judge({"case": pair}, five)[0]


@settings(max_examples=200, deadline=None)
@given(sides, st.floats(1e-3, 1e3), st.randoms(use_true_random=False))
def test_neither_the_unit_nor_the_order_of_cases_changes_a_verdict(samples, factor, chance):
    plain = {each.id: each for each in judge(samples, five)}
    names = sorted(samples)
    chance.shuffle(names)
    scaled = {name: tuple([factor * value for value in side] for side in samples[name]) for name in names}
    for each in judge(scaled, five):
        before = plain[each.id]
        if before.ratio is None or min(abs(before.ratio - 1.05), abs(before.high - 1.05)) > 1e-6:
            assert each.verdict == before.verdict or _all_equal(samples[each.id])
        if before.ratio is not None:
            assert each.ratio == pytest.approx(before.ratio, rel=1e-6)


def _all_equal(pair):
    """Without any spread a rounding error decides on significance."""
    return any(len(set(side)) <= max(1, len(side) - 2) for side in pair)


@settings(max_examples=200, deadline=None)
@given(times, times, st.floats(0, 0.5))
def test_no_case_is_regressed_both_ways(old, new, effect):
    assert {one(old, new, effect).verdict, one(new, old, effect).verdict} != {REGRESSED}


# ---- duels ----


def duels(chance, shift, spread, n):
    return chance.normal(math.log1p(shift), spread, n).tolist()


def fought(chance, shift, spread, n=10, effect=0.03):
    """The whole of a case's gate: the second stage only for what looks red."""
    first = duels(chance, shift, spread, n)
    second = duels(chance, shift, spread, n) if flags(first, effect) else []
    return judge_duels("case", first, second, effect, control_is_red=False)


@pytest.mark.parametrize(("spread", "n"), [(0.01, 10), (0.05, 20), (0.2, 10)])
def test_equal_arms_are_not_called_regressed(spread, n):
    chance = np.random.default_rng(8)
    assert sum(fought(chance, 0.0, spread, n).verdict == REGRESSED for _ in range(3000)) <= 3


@pytest.mark.parametrize(("shift", "spread", "n"), [(0.05, 0.013, 10), (0.1, 0.013, 10), (0.1, 0.06, 20)])
def test_a_slowdown_is_found_at_the_spreads_that_were_measured(shift, spread, n):
    chance = np.random.default_rng(9)
    assert sum(fought(chance, shift, spread, n).verdict == REGRESSED for _ in range(1000)) >= 950


@pytest.mark.parametrize(("spread", "n"), [(0.01, 10), (0.04, 20), (0.1, 10)])
def test_what_duels_are_said_to_see_is_found_nine_times_in_ten(spread, n):
    chance = np.random.default_rng(10)
    typical = np.median([fought(chance, 0.0, spread, n).smallest_visible for _ in range(400)])
    found = sum(fought(chance, typical, spread, n).verdict == REGRESSED for _ in range(1500))
    assert found / 1500 == pytest.approx(0.9, abs=0.05)


def test_one_duel_that_went_wrong_hides_no_slowdown():
    """As a pipe's on one core, +5 %, on an idle machine; a plain t test misses it."""
    measured = [0.062, 0.058, 0.051, -0.125, 0.040, 0.044, 0.030, 0.048, 0.055, 0.047]
    assert stats.ttest_1samp(measured, 0, alternative="greater").pvalue > 0.01
    assert judge_duels("case", measured, measured, 0.03, False).verdict == REGRESSED


def test_only_what_is_red_twice_is_regressed_and_nothing_while_the_control_is_red():
    red, even = [0.1, 0.11, 0.09, 0.1, 0.1, 0.12], [0.0, 0.01, -0.01, 0.0, 0.01, 0.0]
    assert judge_duels("case", red, red, 0.03, False).verdict == REGRESSED
    assert judge_duels("case", red, even, 0.03, False).verdict == INCONCLUSIVE
    assert judge_duels("case", even, [], 0.03, False).verdict == NO_REGRESSION
    for first, second in ((red, red), (red, even), (even, [])):
        said = judge_duels("case", first, second, 0.03, True)
        assert said.verdict == INCONCLUSIVE
        assert "control is red" in said.reason


def test_the_control_is_red_in_either_direction():
    red = [0.1, 0.11, 0.09, 0.1, 0.1, 0.12]
    assert off_balance(red, 0.03)
    assert off_balance([-each for each in red], 0.03)
    assert not off_balance([0.1, -0.1, 0.02, 0.0], 0.03)
    assert not off_balance([0.5], 0.03)
    assert not off_balance([], 0.03)


@pytest.mark.parametrize("n", [6, 10, 11, 20, 40])
def test_the_medians_interval_covers_it_as_often_as_it_says(n):
    chance = np.random.default_rng(n)
    hits = 0
    for _ in range(3000):
        low, _, high = gate.median_interval(chance.exponential(1, n).tolist())
        hits += low <= math.log(2) <= high
    assert hits / 3000 == pytest.approx(1 - 2 * gate._binomial_below(gate._rank(n) - 1, n), abs=0.012)
    assert 1 - 2 * gate._binomial_below(gate._rank(n) - 1, n) >= 0.95


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=20), st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=20))
def test_no_duels_are_regressed_both_ways(first, second):
    turned = [[-each for each in stage] for stage in (first, second)]
    verdicts = {judge_duels("case", *stages, 0.03, False).verdict for stages in ((first, second), turned)}
    assert verdicts != {REGRESSED}
