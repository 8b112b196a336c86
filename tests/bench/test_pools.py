"""Pools come up whole, what all their processes use is counted, and they end; tasks are what they say."""

import multiprocessing
import os
import signal
from contextlib import ExitStack

import pytest

from ipcbench.bench import computing, pools
from ipcbench.ipc import lifeline

from .leftovers import nothing_left
from .pool_kit import METHODS

KINDS = ("pool", "executor")


@pytest.fixture(autouse=True)
def clean():
    with nothing_left():
        yield


@pytest.mark.parametrize("steps", [0, 1, 2, 1_000])
def test_the_result_is_known_without_the_steps(steps, monkeypatch):
    monkeypatch.setitem(computing.STEPS, "some", steps)
    for seed in (0, 1, 255, computing.MASK):
        assert computing.expected("some", seed) == computing.compute(seed, steps)


def test_both_lengths_of_a_task_do_what_they_say():
    assert computing.STEPS["10ms"] == 100 * computing.STEPS["100us"]
    for name, task in computing.TASKS.items():
        assert task(7) == computing.expected(name, 7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_all_processes_are_up_and_their_work_is_counted(kind, method):
    with ExitStack() as stack:
        ready = pools.Ready(stack, kind, method, 2)
        assert len(set(ready.pids)) == 2
        found, seconds, used = ready.run(lambda: list(ready.made.map(computing.long, range(4))), "computing")
    assert found == [computing.expected("10ms", each) for each in range(4)]
    assert seconds > 0
    assert used.cpu > 4 * computing.STEPS["10ms"] * 20e-9  # what any machine takes at least


def test_children_that_come_and_go_are_counted():
    def work():
        child = multiprocessing.get_context("fork").Process(target=computing.long, args=(1,))
        child.start()
        child.join()

    _, _, used = pools.clocked(work)
    assert used.cpu > 0.002


def test_a_child_that_is_ended_before_it_has_run_a_line_ends():
    """Under the handler of a worker Python would forget the signal, and `Pool.terminate` wait for ever."""

    def unwind(number, frame):
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, unwind)
    ended_at_once.append(True)
    try:
        child = multiprocessing.get_context("fork").Process(target=lifeline.begin_child)
        with lifeline.holding_sigterm():
            child.start()
    finally:
        ended_at_once.clear()
        signal.signal(signal.SIGTERM, before)
    child.join()
    assert child.exitcode == -signal.SIGTERM


ended_at_once = []
os.register_at_fork(after_in_child=lambda: ended_at_once and os.kill(os.getpid(), signal.SIGTERM))
