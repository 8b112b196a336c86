"""Intervals on known distributions: they cover what they say they cover, and one bad value or worker doesn't upset them."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.reports.stats import Estimate, estimate, half_width, of_worker, ratio

times = st.floats(1e-9, 1e3)


def test_equal_samples_have_no_width():
    assert estimate([2.0, 2.0, 2.0]) == Estimate(pytest.approx(2.0), pytest.approx(2.0), pytest.approx(2.0), 3, 0.0, 2)


def test_one_sample_has_no_interval():
    assert estimate([3.0]) == Estimate(3.0, None, None, 1)
    assert half_width([[3.0, 4.0]]) == math.inf


def test_a_known_interval():
    # logs are -1, 0, 1: s = 1, t(0.975, 2) = 4.302653
    found = estimate([math.exp(-1), 1.0, math.exp(1)])
    factor = math.exp(4.302653 / math.sqrt(3))
    assert (found.mean, found.low, found.high) == pytest.approx((1.0, 1 / factor, factor), rel=1e-6)


def test_a_known_trimmed_interval():
    # eight logs, 0 to 7: 0 and 7 are set apart; winsorized 1 1 2 3 4 5 6 6: s² = 30/7, t(0.975, 5) = 2.570582
    found = estimate([math.exp(each) for each in range(8)])
    assert found.mean == pytest.approx(math.exp(3.5))
    assert found.high / found.mean == pytest.approx(
        math.exp(2.570582 * math.sqrt(30 / 7) * 8 / 6 / math.sqrt(8)), rel=1e-6
    )


def test_the_figure_of_a_worker_ignores_a_stolen_slice():
    assert of_worker([5e-6, 5.1e-6, 4.9e-6, 5e-6, 90e-6]) == 5e-6


@given(st.lists(times, min_size=2, max_size=40), times)
def test_an_interval_holds_its_mean_and_scales_with_the_unit(samples, factor):
    found, scaled = estimate(samples), estimate([each * factor for each in samples])
    assert found.low <= found.mean <= found.high
    assert min(samples) * (1 - 1e-9) <= found.mean <= max(samples) * (1 + 1e-9)
    assert scaled.mean == pytest.approx(found.mean * factor)
    assert scaled.spread == pytest.approx(found.spread, abs=1e-6)


@given(st.lists(st.floats(1e-6, 1.1e-6), min_size=8, max_size=40), st.floats(1.0, 1e6))
def test_one_bad_worker_of_eight_moves_nothing_much(samples, factor):
    bad = estimate([samples[0] * factor, *samples[1:]])
    assert 0.99e-6 <= bad.mean <= 1.12e-6
    assert bad.half < 0.15


@pytest.mark.parametrize("n", [2, 3, 5, 6, 8, 14, 20, 40])
@pytest.mark.parametrize("spread", [0.03, 0.1, 0.2])
def test_coverage_is_near_95_percent(n, spread):
    chance = np.random.default_rng(20261124)
    hits = 0
    for samples in chance.lognormal(0, spread, (4000, n)):
        found = estimate(samples.tolist())
        hits += found.low <= 1 <= found.high
    assert hits / 4000 == pytest.approx(0.95, abs=0.012)


def workers(chance, count, n, spread, stolen):
    """Values of log-normal workers, a share of them longer by 20 to 200 %."""
    values = np.exp(chance.normal(0, spread, (count, n, 1)) + chance.normal(0, 0.02, (count, n, 5)))
    return np.where(chance.random(values.shape) < stolen, values * (1 + chance.uniform(0.2, 2, values.shape)), values)


@pytest.mark.parametrize(
    ("stolen", "n", "least"), [(0.05, 8, 0.93), (0.05, 20, 0.93), (0.1, 8, 0.925), (0.1, 14, 0.92)]
)
def test_coverage_holds_though_slices_are_stolen(stolen, n, least):
    chance = np.random.default_rng(3)
    hits, widths, plain = 0, [], []
    for case in workers(chance, 3000, n, 0.03, stolen):
        found = estimate([of_worker(values) for values in case.tolist()])
        hits += found.low <= 1 <= found.high
        widths.append(found.half)
        plain.append(estimate([math.exp(math.fsum(map(math.log, values)) / 5) for values in case.tolist()]).half)
    assert hits / 3000 >= least
    assert np.mean(widths) < 0.7 * np.mean(plain)


@pytest.mark.parametrize(("spread", "least"), [(0.01, 0.935), (0.04, 0.925), (0.08, 0.895), (0.15, 0.92)])
def test_coverage_of_a_case_that_stops_when_it_looks_precise(spread, least):
    """To stop because the interval is narrow favours samples that agree by chance: the figures are in docs/statistics.md."""
    chance = np.random.default_rng(11)
    hits = sum(map(partial(_stopped, precision=0.04), chance.lognormal(0, spread, (1500, 40)).tolist()))
    assert least <= hits / 1500 <= 0.965


def _stopped(samples, precision):
    for n in range(5, len(samples) + 1):
        found = estimate(samples[:n])
        if found.half <= precision or n == len(samples):
            return found.low <= 1 <= found.high
    raise AssertionError


def test_a_ratio_of_equals_covers_one_about_as_often_as_it_says():
    chance = np.random.default_rng(7)
    hits = 0
    for _ in range(2000):
        one, two = (estimate(chance.lognormal(0, 0.1, 8).tolist()) for _ in range(2))
        _, low, high = ratio(one, two)
        hits += low <= 1 <= high
    assert hits / 2000 == pytest.approx(0.95, abs=0.015)


def test_a_ratio_without_spread_is_itself():
    assert ratio(estimate([4.0, 4.0]), estimate([2.0, 2.0])) == pytest.approx((2.0, 2.0, 2.0))
