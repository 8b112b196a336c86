"""Logarithmic axes: which round numbers they hold, and which of them are labelled."""

import itertools

import pytest

from ipcbench.reports import axes, scale, units
from ipcbench.reports.figure import Series

RANGES = [(low, factor) for low in (1e-7, 3.3e-5, 9.9e-4, 0.7) for factor in (1.0, 1.05, 3.0, 40.0, 1e4, 1e6)]
SPAN = 3.0
"""Inches of a narrow axis, of which labels are half an inch apart."""


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(("low", "factor"), RANGES)
def test_an_axis_goes_from_a_round_number_before_all_to_one_behind_all(low, factor, binary):
    low *= 1e9 if binary else 1
    found = scale.numbers(low, low * factor, binary=binary)
    assert found[0] <= low * 1.000001
    assert found[-1] >= low * factor * 0.999999
    steps = [b / a for a, b in itertools.pairwise(found)]
    assert all(step == pytest.approx(2) or (not binary and step == pytest.approx(2.5)) for step in steps)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(("low", "factor"), RANGES)
def test_three_numbers_at_least_are_labelled_and_none_touches_another(low, factor, binary):
    low *= 1e9 if binary else 1
    found = scale.scale([low, low * factor], [low, low * factor], binary=binary)
    gap = (found.high / found.low) ** (0.5 / SPAN)
    shown = scale.labelled(found.numbers, gap, binary=binary)
    assert len(shown) >= 3
    assert set(shown) <= set(found.numbers)
    assert all(b / a >= gap for a, b in itertools.pairwise(shown))


def test_with_more_room_more_is_labelled():
    found = scale.numbers(2e-6, 9e-3)
    assert scale.labelled(found, 1.5) == list(found)
    assert scale.labelled(found, 4.0) == pytest.approx([2e-6, 1e-5, 1e-4, 1e-3, 1e-2])
    assert scale.labelled(found, 20.0) == pytest.approx([2e-6, 1e-4, 1e-2])


def test_bandwidths_are_labelled_in_powers_of_two():
    found = scale.numbers(2**24, 2**36, binary=True)
    texts = [axes._short(units.bandwidth(each)) for each in scale.labelled(found, 4.0, binary=True)]
    assert texts == ["16 MiB/s", "64 MiB/s", "256 MiB/s", "1 GiB/s", "4 GiB/s", "16 GiB/s", "64 GiB/s"]


def test_narrow_data_lie_in_the_middle():
    assert scale.numbers(1.02e-4, 1.06e-4) == pytest.approx((5e-5, 1e-4, 2e-4))
    assert scale.numbers(1.9e-4, 1.96e-4) == pytest.approx((1e-4, 2e-4, 5e-4))


def test_an_axis_holds_every_point_and_is_not_stretched_by_one_wide_interval():
    found = axes.scaled([Series("one", "pipe", [0.0, 1.0], [1.0, 2.0], [1e-6, 2.0], [1.0, 1e9])], "s")
    assert 0.15 < found.low < 1.0
    assert 2.0 < found.high < 12.0
    assert [found.held(value) for value in (1e-6, 1.5, 1e9)] == [found.low, 1.5, found.high]


@pytest.mark.parametrize("wanted", [[0.5] * 8, [0.0, 0.0, 1.0, 1.0], [0.9, 0.2, 0.21], [1.4], [0.5] * 40, [1.0] * 12])
def test_labels_keep_apart_and_in_order_and_within_their_panel(wanted):
    found = axes.apart(wanted, 0.05)
    ordered = sorted(found)
    assert all(b - a > 0.05 - 1e-9 for a, b in itertools.pairwise(ordered))
    assert min(found) > -1e-9
    assert max(found) < max(1.0, 0.05 * (len(wanted) - 1)) + 1e-9
    assert [found[i] for i in sorted(range(len(wanted)), key=wanted.__getitem__)] == ordered


def test_labels_that_are_too_near_move_to_both_sides_alike():
    assert axes.apart([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.4, 0.5, 0.6])
