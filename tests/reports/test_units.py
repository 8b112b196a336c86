"""Numbers as people read them."""

import pytest

from ipcbench.reports import axes, units


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2**24, "16.0 MiB/s"),
        (2**30, "1.00 GiB/s"),
        (2**36 * 1.2345, "79.0 GiB/s"),
        (1000 * 2**20, "1000 MiB/s"),
        (999, "999 B/s"),
    ],
)
def test_bandwidth_has_three_figures_in_powers_of_two(value, text):
    assert units.bandwidth(value) == text


def test_marks_of_an_axis_of_bandwidth_are_round():
    texts = [axes._short(units.bandwidth(each)) for each in axes.ticks(1e7, 1e11, binary=True)]
    assert texts == ["16 MiB/s", "64 MiB/s", "256 MiB/s", "1 GiB/s", "4 GiB/s", "16 GiB/s", "64 GiB/s"]
