"""Intervals on known distributions: they cover what they say they cover."""

import math

import numpy as np
import pytest

from ipcbench.reports.stats import Estimate, estimate, ratio


def test_equal_samples_have_no_width():
    assert estimate([2.0, 2.0, 2.0]) == Estimate(2.0, 2.0, 2.0, 3, 0.0)


def test_one_sample_has_no_interval():
    assert estimate([3.0]) == Estimate(3.0, None, None, 1)


def test_a_known_interval():
    # logs are -1, 0, 1: s = 1, t(0.975, 2) = 4.302653
    found = estimate([math.exp(-1), 1.0, math.exp(1)])
    factor = math.exp(4.302653 / math.sqrt(3))
    assert found.low == pytest.approx(found.mean / factor, rel=1e-6)
    assert found.high == pytest.approx(found.mean * factor, rel=1e-6)


@pytest.mark.parametrize("n", [3, 6, 20])
@pytest.mark.parametrize("spread", [0.03, 0.1, 0.2])
def test_coverage_is_near_95_percent(n, spread):
    chance = np.random.default_rng(20261124)
    true = math.exp(spread**2 / 2)  # the mean of a log-normal variable whose logs have mean 0
    hits = 0
    for samples in chance.lognormal(0, spread, (4000, n)):
        found = estimate(samples.tolist())
        hits += found.low <= true <= found.high
    assert hits / 4000 == pytest.approx(0.95, abs=0.012)


def test_a_ratio_of_equals_covers_one_about_as_often_as_it_says():
    chance = np.random.default_rng(7)
    hits = 0
    for _ in range(2000):
        one, two = (estimate(chance.lognormal(0, 0.1, 8).tolist()) for _ in range(2))
        _, low, high = ratio(one, two)
        hits += low <= 1 <= high
    assert hits / 2000 == pytest.approx(0.95, abs=0.015)


def test_a_ratio_without_spread_is_itself():
    assert ratio(estimate([4.0, 4.0]), estimate([2.0, 2.0])) == (2.0, 2.0, 2.0)
