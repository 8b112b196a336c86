"""Estimates beside the times: figures that may be nought."""

import pytest

from ipcbench.reports.stats import estimate, plain, ratio


def test_figures_that_may_be_nought_have_a_mean_and_an_interval_not_below_it():
    found = plain([0.0, 0.0, 0.1, 0.1])
    assert found.mean == pytest.approx(0.05)
    assert found.low == 0.0
    assert found.high == pytest.approx(0.05 + 3.182 * 0.0577 / 2, rel=1e-2)
    assert plain([0.0]).low is None
    assert (plain([0.0, 0.0]).low, plain([0.0, 0.0]).high) == (0.0, 0.0)
    assert plain([1.0, 1.1, 1.2]) == estimate([1.0, 1.1, 1.2])


def test_a_ratio_of_what_may_be_nought_has_no_interval():
    some, none = plain([1e-6, 2e-6, 1e-6]), plain([0.0, 1e-6, 1e-6])
    assert ratio(some, none)[1:] == (None, None)
    assert ratio(none, some)[1:] == (None, None)
