"""Numbers as people read them."""

import pytest

from ipcbench.reports import units


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
