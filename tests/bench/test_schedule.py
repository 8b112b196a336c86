"""Rounds and bundles with a made-up sampler and clock: exact, without processes."""

import random
from dataclasses import replace

import pytest

from ipcbench.bench.case import Case
from ipcbench.bench.processes import WorkerFailed
from ipcbench.bench.profiles import QUICK
from ipcbench.bench.schedule import Schedule
from ipcbench.bench.store import Store
from ipcbench.bench.task import Answer


def suite(ids):
    run = {"metadata": {"loops": 7}, "values": [1e-5, 2e-5], "warmups": [[7, 1e-5]]}
    return {
        "version": "1.0",
        "benchmarks": [{"metadata": {"name": each, "unit": "second"}, "runs": [run]} for each in ids],
    }


class Sampler:
    """Takes a second a case; fails the cases it is told to fail, or dies of them."""

    def __init__(self, failing=(), deadly=()):
        self.now, self.tasks, self.failing, self.deadly = 0.0, [], set(failing), set(deadly)

    def __call__(self, task):
        self.tasks.append(task)
        self.now += len(task.cases)
        if self.deadly & set(task.cases):
            raise WorkerFailed("the worker ended with -9: no reason given")
        done, failed = [], {}
        for name in task.cases:
            if name in self.failing:
                failed[name] = "PeerGone: far peer 0 died"
                break
            done.append(name)
        return Answer(suite(done) if done else None, done, dict.fromkeys(done, 7), failed, {})


def case(mechanism, size):
    return Case("round-trip", mechanism, "bytes", size, 1, "fork", "cross-core")


CASES = [case(mechanism, size) for mechanism in ("pipe", "queue", "tcp") for size in (1, 64, 1024)]


def run(tmp_path, sampler, seed=1, **tuned):
    profile = replace(QUICK, **{"rounds": 3, "most": 3, "budget": 1000, "limit": 1000, **tuned})
    schedule = Schedule(profile, CASES, Store(tmp_path), seed, sampler, clock=lambda: sampler.now)
    shown, saved = [], []
    schedule.run(shown.append, saved.append)
    return schedule, shown, saved


def test_each_round_takes_one_sample_of_each_case(tmp_path):
    sampler = Sampler()
    schedule, _, saved = run(tmp_path, sampler)
    assert {name: schedule.store.samples(Case.parse(name)) for name in schedule.store.benchmarks} == {
        each.id: 3 for each in CASES
    }
    assert saved == [1, 2, 3]


def test_a_bundle_never_holds_rivals(tmp_path):
    sampler = Sampler()
    run(tmp_path, sampler)
    assert all(len({Case.parse(name).mechanism for name in task.cases}) == 1 for task in sampler.tasks)


def test_the_order_is_random_and_repeatable(tmp_path):
    orders = []
    for seed in (1, 1, 2):
        sampler = Sampler()
        run(tmp_path, sampler, seed)
        orders.append([task.cases for task in sampler.tasks])
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][:3] != orders[0][3:6]


def test_loops_found_once_are_used_again(tmp_path):
    sampler = Sampler()
    run(tmp_path, sampler)
    assert all(not task.loops for task in sampler.tasks[:3])
    assert all(task.loops == dict.fromkeys(task.cases, 7) for task in sampler.tasks[3:])


@pytest.mark.parametrize("kind", ["failing", "deadly"])
def test_a_case_that_fails_is_set_apart_and_the_rest_goes_on(tmp_path, kind):
    victim = CASES[4].id
    schedule, _, _ = run(tmp_path, Sampler(**{kind: [victim]}))
    assert set(schedule.store.failed) == {victim}
    assert set(schedule.store.benchmarks) == {each.id for each in CASES} - {victim}
    assert all(schedule.store.samples(each) == 3 for each in CASES if each.id != victim)


def test_the_limit_ends_a_run_in_the_middle_of_a_round(tmp_path):
    sampler = Sampler()
    schedule, _, saved = run(tmp_path, sampler, limit=10)
    assert sampler.now <= 10 + 3
    assert schedule.rounds == 1
    assert saved == [1, 1]


def test_the_estimate_is_right_within_a_third_after_a_tenth(tmp_path):
    sampler = Sampler()
    _, shown, _ = run(tmp_path, sampler)
    total = sampler.now
    for standing in shown:
        if standing.elapsed > total / 10:
            assert standing.left == pytest.approx(total - standing.elapsed, rel=1 / 3)


def test_a_store_saved_and_resumed_is_the_same(tmp_path):
    schedule, _, _ = run(tmp_path, Sampler(failing=[CASES[0].id]))
    facts = {"profile": "quick", "status": "interrupted", "seed": 1}
    schedule.store.save(facts, [(CASES[1], "a reason")])
    again = Store.resume(tmp_path)
    assert {name: b.get_values() for name, b in again.benchmarks.items()} == {
        name: b.get_values() for name, b in schedule.store.benchmarks.items()
    }
    assert again.failed == schedule.store.failed
    assert again.loops.keys() == again.benchmarks.keys()


def test_a_resumed_run_first_brings_all_cases_to_the_same_count(tmp_path):
    store = Store(tmp_path)
    store.add(suite([CASES[0].id]), {}, {})
    schedule = Schedule(QUICK, CASES, store, 1, Sampler())
    bundles = schedule._bundles(random.Random(1))
    assert CASES[0] not in [each for bundle in bundles for each in bundle]
