"""Every call of a pool gives the right results under every start method; what makes no sense is refused."""

import pytest

from ipcbench.bench import computing, matrix, workload
from ipcbench.bench.profiles import STANDARD
from ipcbench.bench.workloads import pool_call
from ipcbench.ipc import system
from ipcbench.ipc.errors import DamagedMessage

from .leftovers import nothing_left
from .pool_kit import METHODS, pool_case

CALLS = workload.load("pool-call")


@pytest.fixture(autouse=True)
def clean():
    with nothing_left():
        yield


def case(subject, **axes):
    return pool_case("pool-call", subject, **axes)


@pytest.mark.parametrize("subject", CALLS.subjects())
def test_each_call_does_all_its_tasks(subject):
    chosen = case(subject)
    with CALLS.session([chosen]) as timed:
        measured = timed[chosen](2 * CALLS.loops_multiple(chosen))
    assert measured.seconds > 0
    assert measured.usage.cpu > 0
    assert measured.lost is None


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("subject", ["pool-map", "executor-submit"])
def test_other_start_methods_do_too(subject, method):
    chosen = case(subject, start=method, task="100us")
    with CALLS.session([chosen]) as timed:
        assert timed[chosen](CALLS.loops_multiple(chosen)).seconds > 0


@pytest.mark.parametrize("subject", ["pool-imap", "pool-starmap", "executor-map"])
@pytest.mark.parametrize("size", [1024, 1 << 20])
def test_arguments_travel_there_and_back_whole(subject, size):
    chosen = case(subject, payload="bytes", size=size, chunk="10")
    items = pool_call._items(chosen)
    assert len({id(each) for each in items}) == len(items)  # the same object twice would travel once
    with CALLS.session([chosen]) as timed:
        assert timed[chosen](CALLS.loops_multiple(chosen)).seconds > 0


@pytest.mark.parametrize(("subject", "wrong"), [("pool-map", [1, 0]), ("pool-imap-unordered", [1, 1])])
def test_wrong_results_are_found(subject, wrong):
    with pytest.raises(DamagedMessage, match=subject):
        pool_call._check(case(subject), [0, 1], wrong)


def test_order_is_nothing_where_none_is_promised():
    pool_call._check(case("pool-imap-unordered"), [0, 1], [1, 0])


def test_a_call_has_tasks_for_each_process_and_no_more_bytes_than_there_is_room():
    assert pool_call.per_call(case("pool-map")) == 400
    assert pool_call.per_call(case("pool-map", task="10ms", chunk="100")) == 200
    assert pool_call.per_call(case("pool-map", payload="bytes", size=1 << 20)) == 16
    assert pool_call.per_call(case("pool-apply")) == 1


def test_standard_has_every_call_and_what_decides():
    cases = [each for each in matrix.expand(STANDARD, matrix.Axes()).cases if each.workload == "pool-call"]
    assert {each.mechanism for each in cases} == set(CALLS.subjects())
    assert len(cases) <= 12
    assert {(each.start_method, each.processes, each.placement) for each in cases} == {("fork", 2, "free")}


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (case("pool-apply", chunk="10"), "one task"),
        (case("pool-map", chunk="7"), "1, 10, 100"),
        (case("pool-map", task="1s"), "100us or 10ms"),
        (case("pool-map", payload="bytes", size=64, task="100us"), "by itself"),
        (case("pool-map", payload="array", size=64), "none or bytes"),
        (case("pool-map", size=64), "none"),
        (case("pool-map", payload="bytes", size=1 << 30), "at most"),
        (case("pool-map", wait="spin"), "no variant wait"),
        (case("pool-map", start="none"), "started by multiprocessing"),
    ],
)
def test_what_makes_no_sense_is_refused(chosen, why):
    assert why in CALLS.refuse(chosen).reason


def test_without_semaphores_there_is_no_pool(monkeypatch):
    monkeypatch.setitem(system.NEEDS, "semaphore", lambda: "no semaphores here")
    assert "no semaphores here" in CALLS.refuse(case("pool-map")).reason


def test_without_fork_others_remain(monkeypatch):
    monkeypatch.setattr(system, "start_methods", lambda: ("spawn",))
    assert "can't start processes by fork" in CALLS.refuse(case("pool-map")).reason
    assert CALLS.refuse(case("pool-map", start="spawn")) is None


def test_tasks_are_known_to_children_by_name():
    assert {task.__module__ for task in computing.TASKS.values()} == {"ipcbench.bench.computing"}
