"""Rounds, passes and bundles with a made-up sampler and clock: exact, without processes."""

import json
import math
import random
from collections import Counter
from dataclasses import replace
from statistics import median

import pyperf
import pytest

from ipcbench.bench.case import Case
from ipcbench.bench.processes import WorkerFailed
from ipcbench.bench.profiles import QUICK
from ipcbench.bench.schedule import LEAST, Schedule
from ipcbench.bench.spent import TURN
from ipcbench.bench.store import Store
from ipcbench.bench.task import Answer, Latencies
from ipcbench.reports.stats import half_width

from .schedule_kit import CASES, MANY, case, suite


class Sampler:
    """Takes a second a case and as long to start all that live together.

    Fails the cases it is told to fail, or dies of them, or ends the run. A case's workers spread as `spreads` says, and depend on the
    case and its sample's number alone.
    """

    def __init__(self, failing=(), deadly=(), spreads=None, seconds=None, stop_after=math.inf):
        self.now, self.tasks, self.gangs, self.failing, self.deadly = 0.0, [], [], set(failing), set(deadly)
        self.spreads, self.seconds, self.stop_after = spreads or {}, seconds or (lambda _: 1.0), stop_after
        self.taken = Counter()

    def __call__(self, together):
        if len(self.tasks) >= self.stop_after:
            raise KeyboardInterrupt
        self.now += 1.0
        self.gangs.append([task.cases for task in together])
        return [self.answer(task) for task in together]

    def answer(self, task):
        self.tasks.append(task)
        turn = sum(self.seconds(name) for name in task.cases)
        self.now += turn
        if self.deadly & set(task.cases):
            return WorkerFailed("the worker ended with -9: no reason given")
        done, failed = {}, {}
        for name in task.cases:
            if name in self.failing:
                failed[name] = "PeerGone: far peer 0 died"
                break
            self.taken[name] += 1
            chance = random.Random(f"{name} {self.taken[name]}")
            done[name] = [1e-5 * math.exp(chance.gauss(0, self.spreads.get(name, 0.0)))] * 2
        return Answer(
            suite(done) if done else None,
            list(done),
            dict.fromkeys(done, 7),
            failed,
            {TURN: turn, "timed": turn, "setup": 0.4},
        )


EXACTLY = {"rounds": 3, "most": 3, "budget": math.inf}


def plan(folder, sampler, cases=CASES, seed=1, store=None, width=1, **tuned):
    profile = replace(QUICK, **{**EXACTLY, **tuned})
    store = store or Store(folder)
    return Schedule(profile, cases, store, seed, sampler, half_width, width=width, clock=lambda: sampler.now)


def run(folder, sampler, cases=CASES, seed=1, **tuned):
    schedule = plan(folder, sampler, cases, seed, **tuned)
    shown, saved = [], []
    schedule.run(shown.append, lambda: saved.append(sampler.now))
    return schedule, shown, saved


def counts(schedule):
    return {each.id: schedule.store.samples(each) for each in schedule.cases}


@pytest.mark.parametrize(("most", "weighed"), [(20, [1]), (1, [0])])
def test_memory_is_measured_once_and_latencies_ever_more_seldom(tmp_path, most, weighed):
    sampler = Sampler()
    run(tmp_path, sampler, [case("pipe", 64)], rounds=most, most=most)
    assert [index for index, task in enumerate(sampler.tasks) if task.weigh] == weighed
    assert [index for index, task in enumerate(sampler.tasks) if task.record] == [0, 1, 2, 4, 8, 16][
        : len(sampler.tasks)
    ]


def test_each_round_takes_one_sample_of_each_case(tmp_path):
    sampler = Sampler()
    schedule, _, _ = run(tmp_path, sampler)
    assert counts(schedule) == {each.id: 3 for each in CASES}
    for third in range(3):
        taken = Counter(name for task in sampler.tasks[3 * third : 3 * third + 3] for name in task.cases)
        assert taken == {each.id: 1 for each in CASES}


def test_a_bundle_never_holds_rivals(tmp_path):
    sampler = Sampler(spreads={each.id: 0.2 for each in CASES})
    run(tmp_path, sampler, most=20)
    assert all(len({Case.parse(name).mechanism for name in task.cases}) == 1 for task in sampler.tasks)


def test_the_order_is_random_and_repeatable(tmp_path):
    orders = []
    for seed in (0, 0, 1):
        sampler = Sampler(spreads={each.id: 0.2 for each in CASES})
        run(tmp_path, sampler, seed=seed, most=12)
        orders.append([task.cases for task in sampler.tasks])
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][:3] != orders[0][3:6]


def test_loops_found_once_are_used_again(tmp_path):
    sampler = Sampler()
    run(tmp_path, sampler)
    assert all(not task.loops for task in sampler.tasks[:3])
    assert all(task.loops == dict.fromkeys(task.cases, 7) for task in sampler.tasks[3:])


def test_workers_that_live_together_measure_other_bundles_and_no_more_than_asked(tmp_path):
    sampler = Sampler()
    schedule, _, _ = run(tmp_path, sampler, MANY, width=5)
    assert counts(schedule) == {each.id: 3 for each in MANY}
    assert [len(gang) for gang in sampler.gangs] == [5, 5, 2] * 3
    for gang in sampler.gangs:
        assert len({name for bundle in gang for name in bundle}) == sum(map(len, gang))


def test_what_takes_much_memory_has_no_other_worker_beside_it(tmp_path):
    cases = [case("pipe", 1), case("queue", 256 << 20), case("tcp", 1), case("fifo", 1)]
    sampler = Sampler()
    run(tmp_path, sampler, cases, width=4)
    large = [gang for gang in sampler.gangs if [cases[1].id] in gang]
    assert large == [[[cases[1].id]]] * 3


def test_what_workers_did_side_by_side_counts_by_its_share(tmp_path):
    sampler = Sampler()
    schedule, _, _ = run(tmp_path, sampler, MANY, width=4)
    spent = schedule.spent.seconds
    assert spent["setup"] == pytest.approx(0.4 * 9)  # nine times four workers
    assert sum(spent.values()) == pytest.approx(sampler.now)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("kind", ["failing", "deadly"])
def test_a_case_that_fails_is_set_apart_and_the_rest_goes_on(tmp_path, kind, width):
    victim = CASES[4].id
    schedule, _, _ = run(tmp_path, Sampler(**{kind: [victim]}), width=width)
    assert set(schedule.store.failed) == {victim}
    assert set(schedule.store.benchmarks) == {each.id for each in CASES} - {victim}
    assert all(schedule.store.samples(each) == 3 for each in CASES if each.id != victim)


def test_after_the_rounds_the_time_goes_to_what_is_wide(tmp_path):
    spreads = {each.id: 0.3 if each.mechanism == "tcp" else 0.01 for each in CASES}
    schedule, _, _ = run(tmp_path, Sampler(spreads=spreads), rounds=LEAST, most=60, precision=0.1)
    found = counts(schedule)
    assert {found[each.id] for each in CASES if each.mechanism != "tcp"} == {LEAST}
    assert all(found[each.id] > 20 for each in CASES if each.mechanism == "tcp")


def test_a_run_ends_when_all_are_precise_and_each_of_them_is(tmp_path):
    schedule, _, _ = run(tmp_path, Sampler(spreads={each.id: 0.1 for each in MANY}), MANY, most=1000, precision=0.06)
    assert all(schedule.half(each) <= 0.06 for each in MANY)
    assert min(counts(schedule).values()) >= LEAST
    assert schedule.next_bundles() == []


def test_only_what_is_still_wide_of_a_bundle_is_measured_again(tmp_path):
    spreads = {CASES[0].id: 0.3}
    sampler = Sampler(spreads=spreads)
    run(tmp_path, sampler, rounds=LEAST, most=30)
    assert all(task.cases == [CASES[0].id] for task in sampler.tasks[3 * LEAST :])


def test_what_never_gets_precise_does_not_eat_the_time_of_the_others(tmp_path):
    halves = []
    for spread in (3.0, 0.1):
        spreads = {each.id: spread if each.mechanism == "m0" else 0.1 for each in MANY}
        schedule, _, _ = run(tmp_path, Sampler(spreads=spreads), MANY, most=1000, precision=0.02, budget=1200)
        halves.append(median(schedule.half(each) for each in MANY if each.mechanism != "m0"))
        taken = counts(schedule)
    assert halves[0] < 1.25 * halves[1]
    assert max(taken.values()) < 3 * min(taken.values())


def test_samples_of_a_case_are_spread_over_the_run(tmp_path):
    sampler = Sampler(spreads={each.id: 0.2 for each in MANY})
    run(tmp_path, sampler, MANY, most=1000, precision=0.02, budget=1500)
    thirds = [Counter(name for task in part for name in task.cases) for part in _thirds(sampler.tasks)]
    assert all(each[one.id] >= 2 for each in thirds for one in MANY)


def _thirds(tasks):
    third = len(tasks) // 3
    return tasks[:third], tasks[third : 2 * third], tasks[2 * third :]


def test_so_many_rounds_means_just_so_many(tmp_path):
    schedule, _, _ = run(tmp_path, Sampler(spreads={each.id: 1.0 for each in CASES}), rounds=7, most=7)
    assert set(counts(schedule).values()) == {7}


@pytest.mark.parametrize("budget", [5, 10, 100])
def test_the_budget_ends_a_run_wherever_it_is(tmp_path, budget):
    sampler = Sampler(spreads={each.id: 0.5 for each in CASES})
    run(tmp_path, sampler, most=1000, budget=budget)
    assert sampler.now == pytest.approx(budget, abs=4)  # a worker takes four seconds


def test_a_resumed_budget_counts_what_was_used_before(tmp_path):
    sampler = Sampler()
    schedule = plan(tmp_path, sampler, budget=20)
    schedule.earlier = 12
    schedule.run(lambda _: None, lambda: None)
    assert sampler.now == 8


def test_it_is_saved_after_each_round_and_every_few_seconds(tmp_path):
    sampler = Sampler(spreads={each.id: 0.2 for each in MANY})
    _, _, saved = run(tmp_path, sampler, MANY, most=10)
    assert saved[-1] == sampler.now
    assert max(b - a for a, b in zip([0, *saved], saved, strict=False)) <= 5 + 4


STEADY = {each.id: 0.08 for each in MANY}
SHAPES = {
    "just so many rounds": {"rounds": 6, "most": 6},
    "the budget ends it": {"most": 1000, "precision": 0.01, "budget": 900},
    "precise in the end": {"most": 1000, "precision": 0.04},
    "some can never be precise": {
        "most": 25,
        "precision": 0.05,
        "spreads": {**STEADY, MANY[0].id: 2.0, MANY[9].id: 2.0},
    },
    "workers take from one to thirty seconds": {
        "most": 1000,
        "precision": 0.04,
        "seconds": lambda name: 10.0 if name.split("/")[1] in ("m1", "m2") else 0.1,
    },
    "one case": {"most": 20, "precision": 0.05, "cases": MANY[:1], "spreads": {MANY[0].id: 0.3}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_time_left_is_right_within_a_third_after_a_tenth(tmp_path, shape):
    """Towards the end within a fifth of the whole: when the last noisy cases get precise is chance."""
    tuned = dict(SHAPES[shape])
    sampler = Sampler(spreads=tuned.pop("spreads", STEADY), seconds=tuned.pop("seconds", None))
    _, shown, _ = run(tmp_path, sampler, tuned.pop("cases", MANY), **tuned)
    total = sampler.now
    late = [standing for standing in shown if standing.elapsed > total / 10]
    assert len(late) > 5
    for standing in late:
        left = total - standing.elapsed
        assert standing.left == pytest.approx(left, abs=max(left / 3, total / 5)), standing


def test_a_store_saved_and_resumed_is_the_same(tmp_path):
    schedule, _, _ = run(tmp_path, Sampler(failing=[CASES[0].id]))
    facts = {"profile": "quick", "status": "interrupted", "seed": 1}
    schedule.store.save(facts, [(CASES[1], "a reason")])
    again = Store.resume(tmp_path)
    assert {name: b.get_values() for name, b in again.benchmarks.items()} == {
        name: b.get_values() for name, b in schedule.store.benchmarks.items()
    }
    assert again.values == schedule.store.values
    assert again.failed == schedule.store.failed
    assert again.loops.keys() == again.benchmarks.keys()


@pytest.mark.parametrize("after", [2, 11, 30])
def test_a_run_that_is_broken_off_and_resumed_ends_as_if_it_had_not_been(tmp_path, after):
    """Given the same answers, in the rounds and in the passes; the sample under way is all that is lost."""
    spreads = {each.id: 0.2 for each in CASES}
    tuned = {"most": 15, "precision": 0.05}
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    whole, _, _ = run(tmp_path / "whole", Sampler(spreads=spreads), **tuned)
    sampler = Sampler(spreads=spreads, stop_after=after)
    schedule = plan(tmp_path / "broken", sampler, **tuned)
    with pytest.raises(KeyboardInterrupt):
        schedule.run(lambda _: None, lambda: None)
    schedule.store.save({"profile": "quick", "seed": 1}, [])
    sampler.stop_after = math.inf
    store = Store.resume(tmp_path / "broken")
    assert sum(map(store.samples, CASES)) == sum(len(task.cases) for task in sampler.tasks)
    schedule = plan(tmp_path / "broken", sampler, store=store, **tuned)
    schedule.run(lambda _: None, lambda: None)
    assert all(store.samples(each) >= min(15, LEAST) for each in CASES)
    for each in CASES:
        shared = min(store.samples(each), whole.store.samples(each))
        assert store.values[each.id][:shared] == whole.store.values[each.id][:shared]
        assert schedule.half(each) <= 0.05 or store.samples(each) == 15


def test_a_killed_runner_loses_nothing_but_the_sample_under_way(tmp_path):
    store = Store(tmp_path)
    name = CASES[0].id
    store.add(suite({name: [1e-5, 1e-5]}), {name: 7}, {})
    store.save({"profile": "quick", "seed": 1}, [])
    store.add(suite({name: [2e-5, 2e-5]}), {name: 7}, {}, {name: Latencies([100], [3], 1e-7)})
    store.add(None, {}, {CASES[1].id: "PeerGone: far peer 0 died"})
    lines = store.journal.read_bytes()
    store.journal.write_bytes(lines + lines[:50])  # killed in the middle of the next
    again = Store.resume(tmp_path)
    assert again.values[name] == [(1e-5, 1e-5), (2e-5, 2e-5)]
    assert again.failed == {CASES[1].id: "PeerGone: far peer 0 died"}
    assert again.histograms.as_json()[name]["count"] == 3
    again.save({"profile": "quick", "seed": 1}, [])
    store.journal.write_bytes(lines)  # killed between the save and the removal of what it holds
    assert Store.resume(tmp_path).values == again.values


def test_a_resumed_run_first_brings_all_cases_to_the_same_count(tmp_path):
    store = Store(tmp_path)
    store.add(suite({CASES[0].id: [1e-5, 2e-5]}), {}, {})
    bundles = plan(tmp_path, Sampler(), store=store).next_bundles()
    assert CASES[0] not in [each for bundle in bundles for each in bundle]


def test_stock_pyperf_reads_cases_of_unequal_numbers_of_runs(tmp_path):
    spreads = {each.id: 0.3 if each.mechanism == "tcp" else 0.0 for each in CASES}
    schedule, _, _ = run(tmp_path, Sampler(spreads=spreads), most=9)
    schedule.store.save({"profile": "quick", "seed": 1}, [])
    read = pyperf.BenchmarkSuite.load(str(tmp_path / "run.json"))
    assert {each.get_nrun() for each in read} == {LEAST, 9}
    assert json.loads((tmp_path / "run.json").read_text())["ipcbench"]["format"] == 1
