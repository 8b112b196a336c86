"""Processes that want the same lock: it keeps them apart, each operation is counted, and a process that dies ends it all."""

import os
import signal

import pytest

from ipcbench.bench import primitives, workload
from ipcbench.bench.primitives import NotSynchronised
from ipcbench.bench.workloads import contended
from ipcbench.ipc import managers
from ipcbench.ipc.errors import PeerGone

from .crew_kit import case, measured, measured_while_one_dies, pids, refusal
from .leftovers import kill_halfway, nothing_left

NAMES = workload.load("contended").subjects()


@pytest.fixture(autouse=True)
def clean():
    with nothing_left():
        yield


@pytest.mark.parametrize("subject", NAMES)
def test_all_operations_and_their_shares(subject, monkeypatch):
    """A window as long as it takes to have each process in it, on a busy machine too."""
    monkeypatch.setattr(contended, "WINDOW", 0.05)
    pair, more = measured(case("contended", subject, 2), case("contended", subject, 3), loops=1)
    assert pair.shares[0] + pair.shares[1] == pytest.approx(1)
    assert 1 >= more.shares[0] >= 1 / 3 >= more.shares[1] >= 0
    assert pair.seconds >= contended.HOLD  # it was held one at a time
    assert pair.usage.cpu > 0


@pytest.mark.parametrize("start", ["forkserver", "spawn"])
@pytest.mark.parametrize("subject", ["rlock", "manager-condition"])
def test_other_ways_to_start(subject, start):
    (found,) = measured(case("contended", subject, 2, start), loops=1)
    assert found.seconds >= contended.HOLD


def test_what_lets_two_in_fails(monkeypatch):
    make = primitives.Maker.make
    monkeypatch.setattr(primitives.Maker, "make", lambda maker, _subject: make(maker, "semaphore", 8))
    with pytest.raises(NotSynchronised, match="two processes at once"):
        measured(case("contended", "semaphore", 8), loops=1)


@pytest.mark.parametrize(
    ("subject", "victim", "why"),
    [
        ("lock", -1, "peer 1 died while contending for lock"),
        ("condition", 0, "peer 0 died while contending for condition"),
        ("manager-lock", -1, "peer 1 died while contending for manager-lock"),
        ("manager-lock", 0, "the server process died while contending for manager-lock"),
    ],
)
def test_a_killed_process_ends_it_with_the_reason(subject, victim, why, monkeypatch, within):
    """In the middle of a window that would take a minute, wherever it is: with the lock or waiting for it."""
    monkeypatch.setattr(contended, "WINDOW", 50.0)
    with pytest.raises(PeerGone, match=why):
        measured_while_one_dies(case("contended", subject, 2), victim, 1, within)


def test_a_stopped_server_is_ended(monkeypatch):
    monkeypatch.setattr(managers, "SHUTTING_DOWN", 0.1)
    with pytest.raises(KeyError), workload.load("contended").session([case("contended", "manager-lock", 2)]):
        os.kill(pids()[0], signal.SIGSTOP)
        raise KeyError


@pytest.mark.parametrize(("subject", "start", "running"), [("manager-rlock", "fork", 3), ("rlock", "spawn", 2)])
def test_nothing_is_left_of_a_killed_worker(subject, start, running, tmp_path):
    kill_halfway(case("contended", subject, 2, start), tmp_path, running)


def test_nothing_is_left_of_a_worker_that_is_told_to_end(tmp_path):
    kill_halfway(case("contended", "manager-lock", 2), tmp_path, 3, number=signal.SIGTERM)


def test_one_alone_is_refused():
    assert "contends with nobody" in refusal(case("contended", "lock"))
