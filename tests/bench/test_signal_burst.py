"""A burst of signals: what is queued arrives whole, what is a flag does not, and both are counted."""

import resource

import pytest

from ipcbench.bench import workload

from .crew_kit import case, measured, refusal
from .leftovers import kill_halfway, nothing_left


@pytest.fixture(autouse=True)
def left_as_it_was():
    with nothing_left():
        yield


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
def test_real_time_signals_are_queued(start):
    (found,) = measured(case("signal-burst", "real-time", start=start, burst="1000"), loops=3000)
    assert found.lost == 0
    assert found.seconds > 0


@pytest.mark.parametrize("start", ["fork", "forkserver", "spawn"])
def test_ordinary_ones_coalesce_and_never_all(start):
    (found,) = measured(case("signal-burst", "sigusr1", start=start, place="same-core", burst="1000"), loops=30_000)
    assert 0 < found.lost <= 30_000 - 30


def test_a_single_one_always_arrives():
    (found,) = measured(case("signal-burst", "sigusr1", burst="1"), loops=100)
    assert found.lost == 0


def test_operations_are_whole_bursts():
    assert workload.load("signal-burst").loops_multiple(case("signal-burst", "sigusr1", burst="100")) == 100


def test_a_worker_killed_halfway_leaves_nothing(tmp_path):
    kill_halfway(case("signal-burst", "sigusr1", burst="100"), tmp_path, 1)


@pytest.mark.parametrize("burst", ["0", "-1", "many", "10000000", ""])
def test_a_burst_has_a_number(burst):
    assert "burst=100" in refusal(case("signal-burst", "sigusr1", burst=burst))


def test_a_burst_that_the_queue_has_no_room_for_is_refused(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (500, 500))
    assert "ulimit -i" in refusal(case("signal-burst", "real-time", burst="10000"))
    assert workload.load("signal-burst").refuse(case("signal-burst", "real-time", burst="100")) is None
    assert workload.load("signal-burst").refuse(case("signal-burst", "sigusr1", burst="10000")) is None
