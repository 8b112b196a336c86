"""What options make of a profile's time."""

import math

import pytest

from ipcbench.bench.campaign import UNLIMITED, Asked
from ipcbench.bench.profiles import QUICK, STANDARD


def test_a_quick_run_of_few_cases_is_not_given_the_time_of_all():
    assert Asked().tune(QUICK, 1).budget == QUICK.each < 15
    assert Asked().tune(QUICK, 81) == QUICK
    assert Asked().tune(STANDARD, 1) == STANDARD


@pytest.mark.parametrize(
    ("asked", "budget", "most"),
    [
        (Asked(precision=0.02), QUICK.budget, UNLIMITED),
        (Asked(budget=90), 90, UNLIMITED),
        (Asked(budget=90, precision=0.02), 90, UNLIMITED),
        (Asked(rounds=7), math.inf, 7),
        (Asked(rounds=7, budget=90), 90, 7),
    ],
)
def test_what_is_asked_for_by_name_is_not_cut_short(asked, budget, most):
    tuned = asked.tune(QUICK, 1)
    assert (tuned.budget, tuned.most) == (budget, most)
