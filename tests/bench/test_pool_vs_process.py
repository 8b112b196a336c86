"""All ways compute the same in children, whole and right, and leave nobody behind, also when their worker is killed."""

import os
import signal

import pytest

from ipcbench.bench import computing, matrix, workload
from ipcbench.bench.profiles import RIGOROUS, STANDARD
from ipcbench.ipc import system
from ipcbench.ipc.errors import DamagedMessage

from .leftovers import kill_halfway, nothing_left
from .pool_kit import METHODS, pool_case

RACE = workload.load("pool-vs-process")
COMPUTED = 7 * computing.STEPS["10ms"] * 20e-9
"""CPU seconds that seven tasks of 10 ms take at least, on any machine."""


@pytest.fixture(autouse=True)
def clean():
    with nothing_left():
        yield


def case(way, tasks="7", task="10ms", **axes):
    return pool_case("pool-vs-process", way, tasks=tasks, **({"task": task} if task else {}), **axes)


@pytest.mark.parametrize("way", RACE.subjects())
def test_each_way_computes_all_tasks_and_counts_the_cpu_of_all(way):
    chosen = case(way)
    with RACE.session([chosen]) as timed:
        measured = timed[chosen](1)
    assert measured.seconds > 0
    assert measured.usage.cpu > COMPUTED


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("way", ["pool-each", "process-each", "executor"])
def test_other_start_methods_do_too(way, method):
    chosen = case(way, "2", "100us", start=method)
    with RACE.session([chosen]) as timed:
        measured = timed[chosen](1)
    assert (measured.usage is None) is (method == "forkserver" and way != "executor")


@pytest.mark.parametrize("way", [way for way in RACE.subjects() if way != "serial"])
def test_the_work_is_done_in_children(way, monkeypatch):
    monkeypatch.setitem(computing.TASKS, "", who)
    chosen = case(way, "3", "")
    with pytest.raises(DamagedMessage, match=way), RACE.session([chosen]) as timed:
        timed[chosen](1)
    assert os.getpid() not in SEEN


def who(number):
    SEEN.append(os.getpid())
    return -1


SEEN: list[int] = []


def test_a_child_that_dies_without_an_answer_ends_the_job_at_once(monkeypatch):
    monkeypatch.setitem(computing.TASKS, "", lambda _: os._exit(1))
    chosen = case("process-each", "3", "")
    with pytest.raises(EOFError), RACE.session([chosen]) as timed:
        timed[chosen](1)


def test_a_worker_measures_the_numbers_of_tasks_of_one_way():
    assert RACE.bundle(case("serial", "1")) == RACE.bundle(case("serial", "64"))
    assert RACE.bundle(case("serial")) != RACE.bundle(case("executor"))


def test_standard_has_every_way_at_the_same_points():
    cases = [each for each in matrix.expand(STANDARD, matrix.Axes()).cases if each.workload == "pool-vs-process"]
    points = {way: {each.variant for each in cases if each.mechanism == way} for way in RACE.subjects()}
    assert set(points["serial"]) == points["pool-each"]
    assert len(set(map(frozenset, points.values()))) == 1
    assert len(cases) == 40


def test_rigorous_has_all_numbers_of_tasks_lengths_and_start_methods():
    cases = [each for each in matrix.expand(RIGOROUS, matrix.Axes()).cases if each.workload == "pool-vs-process"]
    for task in computing.TASKS:
        here = {
            int(each.option("tasks")) for each in cases if each.option("task") == task and each.mechanism == "pool-each"
        }
        assert here == {1, 4, 16, 64, 256}
    assert {each.start_method for each in cases} == set(METHODS)


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (case("serial", "0"), "from 1 to 256"),
        (case("serial", "many"), "from 1 to 256"),
        (case("serial", task="1s"), "100us or 10ms"),
        (case("process-each", "256", start="spawn"), "memory"),
        (case("serial", payload="bytes", size=64), "no payload"),
        (case("serial", chunk="1"), "no variant chunk"),
    ],
)
def test_what_makes_no_sense_is_refused(chosen, why):
    assert why in RACE.refuse(chosen).reason


def test_without_semaphores_what_is_no_pool_remains(monkeypatch):
    monkeypatch.setitem(system.NEEDS, "semaphore", lambda: "no semaphores here")
    refused = {way for way in RACE.subjects() if RACE.refuse(case(way))}
    assert refused == {"pool-once", "pool-each", "executor"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("way", [way for way in RACE.subjects() if way != "serial"])
def test_nothing_is_left_of_a_worker_ended_halfway(way, number, tmp_path):
    kill_halfway(case(way, "64"), tmp_path, 1, work=0, number=number)
