"""Whatever becomes of a pool's processes, the wait ends with the reason, and no process is left."""

import multiprocessing
import os
import signal
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack

import pytest

from ipcbench.bench import computing, pools, workload
from ipcbench.bench.workloads import pool_vs_process
from ipcbench.ipc.errors import DeadlinePassed, PeerGone

from .pool_kit import no_child_left, pool_case

KINDS = ("pool", "executor")


@pytest.fixture(autouse=True)
def clean():
    with no_child_left():
        yield


@pytest.fixture
def ready(kind):
    with ExitStack() as stack:
        yield pools.Ready(stack, kind, "fork", 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_process_ends_the_wait(ready, kind):
    with pytest.raises((PeerGone, BrokenProcessPool), match="died while waiting for it|terminated abruptly"):
        ready.run(lambda: list(ready.made.map(suicide, range(20))), "waiting for it")


def suicide(number):
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_process_ends_the_wait_at_the_deadline(ready, kind, monkeypatch):
    monkeypatch.setattr(pools, "TIMING", 0.2)
    with pytest.raises(DeadlinePassed, match="waiting for it"):
        ready.run(lambda: list(ready.made.map(stop, range(20))), "waiting for it")


def stop(number):
    if number == 7:
        os.kill(os.getpid(), signal.SIGSTOP)
    return number


def test_a_pool_is_ended_that_was_left_in_its_middle(monkeypatch):
    monkeypatch.setattr(pools, "PATIENCE", 0.2)
    with pools.keeper() as kept:
        pool = pools.make(kept, "pool", multiprocessing.get_context("fork"), 2)
        pool.map_async(stop, range(7, 400), 1)


@pytest.mark.parametrize("way", ["pool-once", "pool-each", "process-each"])
def test_a_child_that_stops_ends_the_job_at_its_deadline(way, monkeypatch):
    monkeypatch.setattr(pool_vs_process, "TIMING", 0.5)
    monkeypatch.setitem(computing.TASKS, "", stop_at_once)
    chosen = pool_case("pool-vs-process", way, tasks="1")
    with pytest.raises(DeadlinePassed, match=way), workload.load("pool-vs-process").session([chosen]) as timed:
        timed[chosen](1)


def stop_at_once(_):
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize("way", ["pool-once", "pool-each"])
def test_a_killed_child_ends_the_job_with_that_reason(way, monkeypatch):
    """Long before the deadline: a pool puts another process in its place, and the task is lost for ever."""
    monkeypatch.setitem(computing.TASKS, "", suicide_at_once)
    chosen = pool_case("pool-vs-process", way, tasks="1")
    with pytest.raises(PeerGone, match="of the pool died"), workload.load("pool-vs-process").session([chosen]) as timed:
        timed[chosen](1)


def suicide_at_once(_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_child_killed_while_its_pool_comes_up_ends_the_wait(monkeypatch):
    monkeypatch.setattr(computing, "meet", suicide_when_met)
    chosen = pool_case("pool-life", "pool", phase="create")
    with pytest.raises(PeerGone, match="of the pool died"), workload.load("pool-life").session([chosen]) as timed:
        timed[chosen](1)


def suicide_when_met():
    os.kill(os.getpid(), signal.SIGKILL)
