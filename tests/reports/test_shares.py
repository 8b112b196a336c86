"""Estimates beside the times: figures that may be nought, and percentiles with their intervals."""

import math

import pytest
from hdrh.histogram import HdrHistogram

from ipcbench.reports.latency import tail
from ipcbench.reports.schema import Histogram, ResultError
from ipcbench.reports.stats import estimate, plain, ratio


def histogram(values):
    made = HdrHistogram(1, 3600 * 10**9, 3)
    for value in values:
        made.record_value(value)
    return Histogram(made.encode().decode(), len(values), "nanosecond", 0.0)


def test_figures_that_may_be_nought_have_a_mean_and_an_interval_not_below_it():
    found = plain([0.0, 0.0, 0.1, 0.1])
    assert found.mean == pytest.approx(0.05)
    assert found.low == 0.0
    assert found.high == pytest.approx(0.05 + 3.182 * 0.0577 / 2, rel=1e-2)
    assert plain([0.0]).low is None
    assert (plain([0.0, 0.0]).low, plain([0.0, 0.0]).high) == (0.0, 0.0)
    assert plain([1.0, 1.1, 1.2]) == estimate([1.0, 1.1, 1.2])


def test_a_percentile_lies_in_its_interval_which_narrows_with_more():
    few, many = (tail("it", histogram([*range(1000, 1000 + count)]), 99.0) for count in (500, 50_000))
    assert few.low < few.mean < few.high
    assert math.log(many.high / many.low) > 0
    relative = [(each.high - each.low) / span for each, span in ((few, 500), (many, 50_000))]
    assert relative[1] < relative[0] / 5
    value, low, high = ratio(few, few)
    assert low < value == 1 < high


def test_too_few_operations_give_no_interval():
    assert tail("it", histogram([*range(1000, 1200)]), 99.0).low is None


def test_a_damaged_histogram_is_refused():
    stored = histogram([1000])
    stored.count = 2
    with pytest.raises(ResultError, match="damaged"):
        tail("it", stored, 99.0)
