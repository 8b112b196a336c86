"""One process that wakes many: none of them goes on before it is told to, all of them after."""

import pytest

from ipcbench.bench import workload
from ipcbench.bench.primitives import NotSynchronised
from ipcbench.bench.workloads import broadcast
from ipcbench.ipc.errors import PeerGone

from .crew_kit import case, measured, measured_while_one_dies
from .leftovers import kill_halfway, nothing_left

NAMES = workload.load("broadcast").subjects()


@pytest.fixture(autouse=True)
def clean():
    with nothing_left():
        yield


@pytest.mark.parametrize("subject", NAMES)
def test_all_go_on(subject):
    """Both numbers by turns: neither confuses the other's."""
    one, three = case("broadcast", subject, 1), case("broadcast", subject, 3)
    found = workload.load("broadcast")
    with found.session([one, three]) as timed:
        for chosen in (three, one, three):
            made = timed[chosen](3)
            assert made.seconds > 0
            assert made.usage.voluntary >= 3 * chosen.processes


@pytest.mark.parametrize("start", ["forkserver", "spawn"])
@pytest.mark.parametrize("subject", ["condition", "manager-barrier"])
def test_other_ways_to_start(subject, start):
    (found,) = measured(case("broadcast", subject, 2, start), loops=2)
    assert found.seconds > 0


@pytest.mark.parametrize("hall", ["EventHall", "ConditionHall", "BarrierHall"])
def test_one_that_goes_on_too_early_is_found(hall, monkeypatch):
    monkeypatch.setattr(getattr(broadcast, hall), "wait", lambda _hall, _turn: None)
    monkeypatch.setattr(getattr(broadcast, hall), "tell", lambda _hall, _turn: None)
    subject = hall.removesuffix("Hall").lower()
    with pytest.raises(NotSynchronised, match="before it was told to"):
        measured(case("broadcast", subject, 2), loops=1)


@pytest.mark.parametrize("subject", ["event", "condition", "barrier", "manager-condition"])
def test_a_killed_process_ends_it_with_the_reason(subject, within):
    with pytest.raises(PeerGone, match="peer . died while"):
        measured_while_one_dies(case("broadcast", subject, 3), -1, 1_000_000, within)


def test_nothing_is_left_of_a_killed_worker(tmp_path):
    kill_halfway(case("broadcast", "manager-event", 3), tmp_path, 4)
