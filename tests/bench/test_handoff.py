"""Two processes that wake each other: in turn, under each way to start them."""

import pytest

from ipcbench.bench import workload
from ipcbench.bench.primitives import NotSynchronised
from ipcbench.bench.workloads import handoff
from ipcbench.ipc.errors import PeerGone

from .crew_kit import case, measured, measured_while_one_dies
from .leftovers import kill_halfway, nothing_left

NAMES = workload.load("handoff").subjects()


@pytest.fixture(autouse=True)
def clean():
    with nothing_left():
        yield


@pytest.mark.parametrize("subject", NAMES)
def test_each_wakes_the_other(subject):
    (found,) = measured(case("handoff", subject, place="same-core"), loops=20)
    assert found.seconds > 0
    assert found.usage.voluntary + found.usage.involuntary >= 2 * 20 * 0.9  # one core changes hands twice a round trip


@pytest.mark.parametrize("start", ["forkserver", "spawn"])
@pytest.mark.parametrize("subject", ["lock", "event", "barrier", "manager-condition"])
def test_other_ways_to_start(subject, start):
    (found,) = measured(case("handoff", subject, start=start))
    assert found.seconds > 0


@pytest.mark.parametrize("subject", ["semaphore", "manager-event"])
def test_round_trips_are_recorded_one_by_one(subject):
    chosen = case("handoff", subject)
    with workload.load("handoff").session([chosen]) as timed:
        found = timed[chosen].record(30)
    assert len(found.latencies) == 30
    assert sum(found.latencies) == pytest.approx(found.seconds)


def test_a_side_that_need_not_wait_is_found(monkeypatch):
    hands = handoff._hands

    def eager(maker, subject):
        near, far = hands(maker, subject)
        near.there.release()
        return near, far

    monkeypatch.setattr(handoff, "_hands", eager)
    monkeypatch.setattr(handoff, "PAUSE", 0.3)
    with pytest.raises(NotSynchronised, match="the other side had"):
        measured(case("handoff", "semaphore", place="same-core"))


@pytest.mark.parametrize("subject", ["semaphore", "event", "barrier", "manager-condition"])
def test_a_killed_process_ends_it_with_the_reason(subject, within):
    with pytest.raises(PeerGone, match="peer . died while"):
        measured_while_one_dies(case("handoff", subject, 1), -1, 10_000_000, within)


def test_nothing_is_left_of_a_killed_worker(tmp_path):
    kill_halfway(case("handoff", "manager-barrier", start="forkserver"), tmp_path, 2)
