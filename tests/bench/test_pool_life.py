"""A pool's two phases are what they say, and no process of it lives on."""

import signal

import pytest

from ipcbench.bench import matrix, workload
from ipcbench.bench.profiles import STANDARD
from ipcbench.bench.workloads import pool_life
from ipcbench.ipc import system

from .leftovers import kill_halfway, nothing_left
from .pool_kit import METHODS, pool_case

LIFE = workload.load("pool-life")


@pytest.fixture(autouse=True)
def clean():
    with nothing_left():
        yield


def case(subject="pool", phase="create", **axes):
    return pool_case("pool-life", subject, phase=phase, **axes)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("subject", LIFE.subjects())
def test_both_phases_are_timed_under_each_start_method(subject, method):
    both = [case(subject, phase, start=method) for phase in pool_life.PHASES]
    with LIFE.session(both) as timed:
        created, ended = (timed[each](1) for each in both)
    assert created.seconds > 0
    assert ended.seconds > 0
    assert created.usage.cpu > 0
    assert (ended.usage is None) is (method == "forkserver")


def test_a_worker_measures_both_phases_together():
    assert LIFE.bundle(case(phase="create")) == LIFE.bundle(case(phase="teardown"))


def test_standard_has_both_phases_of_few():
    cases = [each for each in matrix.expand(STANDARD, matrix.Axes()).cases if each.workload == "pool-life"]
    assert {each.option("phase") for each in cases} == {"create", "teardown"}
    assert len(cases) == 4


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (case(phase="middle"), "create, teardown"),
        (pool_case("pool-life", "pool"), "by phase"),
        (case(payload="bytes", size=64), "no payload"),
        (case(start="none"), "by multiprocessing"),
    ],
)
def test_what_makes_no_sense_is_refused(chosen, why):
    assert why in LIFE.refuse(chosen).reason


def test_without_semaphores_there_is_no_pool(monkeypatch):
    monkeypatch.setitem(system.NEEDS, "semaphore", lambda: "no semaphores here")
    assert "no semaphores here" in LIFE.refuse(case()).reason


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("method", METHODS[1:])
def test_nothing_is_left_of_a_worker_ended_halfway(method, number, tmp_path):
    kill_halfway(case(start=method), tmp_path, 1, work=0, number=number)
