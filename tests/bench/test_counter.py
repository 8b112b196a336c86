"""Processes that count together: exact with a lock, and what is lost without one is told."""

import pytest

from ipcbench.bench import workload
from ipcbench.bench.primitives import NotSynchronised
from ipcbench.bench.workload import Measured, Timed
from ipcbench.bench.workloads import counter
from ipcbench.ipc import system

from .crew_kit import case, measured, refusal
from .leftovers import kill_halfway, nothing_left

NAMES = counter.SUBJECTS


@pytest.fixture(autouse=True)
def clean():
    with nothing_left():
        yield


@pytest.mark.parametrize("subject", NAMES)
def test_with_its_lock_no_update_is_lost(subject, monkeypatch):
    read, seen = counter._read, []
    monkeypatch.setattr(counter, "_read", lambda *given: seen.append(read(*given)) or seen[-1])
    for found in measured(case("counter", subject, 2), case("counter", subject, 4), loops=400):
        assert found.seconds > 0
        assert found.lost is None
    assert seen == [0, 400, 400, 800]


@pytest.mark.parametrize("subject", [name for name in NAMES if name.startswith("manager-")])
def test_a_plain_lock_protects_what_is_a_managers(subject):
    (found,) = measured(case("counter", subject, 2, lock="plain"), loops=200)
    assert found.lost is None


@pytest.mark.parametrize("subject", NAMES)
def test_without_a_lock_losses_are_a_figure(subject):
    alone, pair = measured(
        case("counter", subject, 1, lock="none"), case("counter", subject, 2, lock="none"), loops=400
    )
    assert alone.lost == 0
    assert 0 <= pair.lost < 400


@pytest.mark.parametrize("start", ["forkserver", "spawn"])
@pytest.mark.parametrize("subject", ["value", "numpy", "manager-namespace"])
def test_other_ways_to_start(subject, start):
    (found,) = measured(case("counter", subject, 2, start), loops=100)
    assert found.seconds > 0


def test_a_lock_that_loses_an_update_fails(monkeypatch):
    values = counter._locked_values
    monkeypatch.setattr(counter, "_locked_values", lambda number, lock, loops: values(number, lock, loops - 1))
    with pytest.raises(NotSynchronised, match="counted 98 of 100"):
        measured(case("counter", "raw-value", 2), loops=100)


def test_a_value_takes_long_enough_for_processes_to_meet():
    chosen = case("counter", "raw-value", 2)
    of_a_microsecond = Timed(lambda loops: Measured(loops * 1e-6))
    assert workload.load("counter").loops(chosen, 0.001, of_a_microsecond) == counter.LONGER * 1000


def test_nothing_is_left_of_a_killed_worker(tmp_path):
    kill_halfway(case("counter", "numpy", 2, "spawn"), tmp_path, 2)


def test_what_the_system_lacks_is_needed_only_where_it_is_used(monkeypatch):
    for need in ("semaphore", "shared-memory"):
        monkeypatch.setitem(system.NEEDS, need, lambda need=need: f"no {need} here")
    refused = {
        (subject, lock): workload.load("counter").refuse(
            case("counter", subject, 2, **({"lock": lock} if lock else {}))
        )
        for subject in NAMES
        for lock in ("", "none", "plain")
    }
    works = {pair for pair, why in refused.items() if why is None}
    managed = {name for name in NAMES if name.startswith("manager-")}
    assert works == {("raw-value", "none")} | {(name, lock) for name in managed for lock in ("", "none")}
    assert "no semaphore here" in refused["value", "none"].reason
    assert "no shared-memory here" in refused["numpy", "none"].reason


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (case("counter", "value", lock="plain"), "its own lock"),
        (case("counter", "manager-dict", lock="big"), "lock=none or plain"),
        (case("counter", "value", wait="spin"), "no variant wait"),
        (case("counter", "value", start="none"), "not by none"),
    ],
)
def test_what_makes_no_sense_is_refused(chosen, why):
    assert why in refusal(chosen)
