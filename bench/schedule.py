"""Rounds, then passes: which bundle is measured next, and when it is enough.

The first rounds take one sample of each case, in random order, from fresh workers. The passes that follow take one sample
of those cases whose interval is still wider than asked: of the bundles that hold any, the half where a second narrows most.
So nothing that can't get precise eats all the time: the more samples it has, the less one more narrows. Drift hits all cases
alike, and stopping at any time leaves a usable result. A bundle whose case failed is queued again without it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from time import monotonic

from ipcbench.bench import task as tasks
from ipcbench.bench import workload as workloads
from ipcbench.bench.case import Case
from ipcbench.bench.processes import WorkerFailed
from ipcbench.bench.profiles import Profile
from ipcbench.bench.spent import TURN, Spent
from ipcbench.bench.store import Store
from ipcbench.bench.workers import Sampler

__all__ = ["LEAST", "Progress", "Schedule"]

HalfWidth = Callable[[Sequence[Sequence[float]]], float]
"""From the values of each worker to half the 95 % interval, as a share of the estimate; infinite without an interval."""

LEAST = 5
"""Samples before a narrow interval is believed: three that happen to agree say little."""
SHARE = 0.5
"""The part of the bundles still wide that a pass takes."""
LOOK = 0.5
"""Seconds between estimates of the time left: one takes some milliseconds."""
SAVE_EVERY = 5.0
"""Seconds of measuring that a crash of the machine may cost; saving never takes more than a fiftieth of the time."""
SPREAD, PRIOR = 0.1, 7
"""The standard deviation of worker figures that is expected before any was seen, and how many cases that weighs as much as."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands: seconds gone and left (an estimate), what is measured now."""

    case: str
    stage: str
    done: int
    planned: int
    elapsed: float
    left: float


@dataclass
class Schedule:
    """Which bundle next, until all cases are precise, or the time is used."""

    profile: Profile
    cases: Sequence[Case]
    store: Store
    seed: int
    sample: Sampler
    half_width: HalfWidth
    describe: Callable[[Case], dict[str, str | int | float]] = lambda _case: {}
    """What is kept with a case's benchmark."""
    tools: str = ""
    earlier: float = 0.0
    """Seconds of the budget that were used before: this run is resumed."""
    width: int = 1
    """Workers that live at the same time: they set up side by side, and measure one after the other."""
    clock: Callable[[], float] = monotonic
    spent: Spent = field(default_factory=Spent)
    passes: int = 0
    _costs: dict[Case, tuple[float, int]] = field(default_factory=dict)
    """By bundle: what its last worker took, and how many cases that measured."""
    _halves: dict[Case, tuple[int, float]] = field(default_factory=dict)
    """By case: of how many samples half the interval is known, and that."""
    _left: tuple[float, float] = (-math.inf, 0.0)
    """When the time left was last estimated, and what it was."""

    def run(self, show: Callable[[Progress], None], save: Callable[[], None]) -> None:
        """Measure. `save` is called after each round and pass, and every few seconds between."""
        self.begun, self._saved = (
            self.clock(),
            -math.inf,
        )  # first as soon as there is anything, so that it can be resumed
        while bundles := self.next_bundles():
            whole = self._pass(bundles, show, save)
            self._save(save)
            if not whole:
                break

    def next_bundles(self) -> list[list[Case]]:
        """The next round or pass, shuffled, and shuffled inside. The order follows from the seed and from what was measured."""
        alive = self._alive()
        counts = {case: self.store.samples(case) for case in alive}
        chance = random.Random(f"{self.seed} {sum(counts.values())}")
        fewest = min(counts.values(), default=0)
        if fewest < self.profile.rounds:
            bundles = _bundles([case for case in alive if counts[case] == fewest])
            self._stage = f"round {fewest + 1}"
        else:
            wide = [case for case in alive if counts[case] < self.profile.most and self._is_wide(case)]
            bundles = sorted(_bundles(wide), key=self._worth, reverse=True)
            bundles = bundles[: math.ceil(len(bundles) * SHARE)]
            self.passes += bool(bundles)
            self._stage = f"pass {self.passes}, {len(wide)} cases to narrow"
        for bundle in bundles:
            chance.shuffle(bundle)
        chance.shuffle(bundles)
        return bundles

    def _alive(self) -> list[Case]:
        return [case for case in self.cases if case.id not in self.store.failed]

    def half(self, case: Case) -> float:
        """Half the case's interval so far, as a share of its estimate."""
        values = self.store.values.get(case.id, [])
        known, half = self._halves.get(case, (0, math.inf))
        if known != len(values):
            half = self.half_width(values)
            self._halves[case] = len(values), half
        return half

    def _is_wide(self, case: Case) -> bool:
        return self.store.samples(case) < LEAST or self.half(case) > self.profile.precision

    def _worth(self, bundle: Sequence[Case]) -> float:
        """How much one more sample of each would narrow their intervals, by the second that it takes."""
        narrowed = sum(min(1.0, self.half(case)) / (self.store.samples(case) + 1) for case in bundle)
        return narrowed / self._cost(bundle)

    def _pass(self, bundles: Sequence[list[Case]], show: Callable[[Progress], None], save: Callable[[], None]) -> bool:
        queue = list(bundles)
        done, planned = 0, len(queue)
        while queue:
            together = self._together(queue)
            if self._elapsed() + sum(map(self._cost, together)) / 2 > self.profile.budget:
                return False
            show(Progress(together[0][0].id, self._stage, done, planned, self._elapsed(), self.left()))
            again = self._measure(together)
            queue += again
            planned += len(again)
            done += len(together)
            if queue and self.clock() - self._saved > SAVE_EVERY:
                self._save(save)
        return True

    def _together(self, queue: list[list[Case]]) -> list[list[Case]]:
        """Take from the queue what the next workers measure that live at the same time."""
        first = queue.pop(0)
        if any(map(_alone, first)):
            return [first]
        others = [bundle for bundle in queue if not any(map(_alone, bundle))][: self.width - 1]
        for bundle in others:
            queue.remove(bundle)
        return [first, *others]

    def _save(self, save: Callable[[], None]) -> None:
        begun = self.clock()
        save()
        took = self.clock() - begun
        self.spent.add("save", took)
        self._saved = self.clock() + max(0.0, 50 * took - SAVE_EVERY)

    def _measure(self, bundles: Sequence[list[Case]]) -> list[list[Case]]:
        """One worker each. Gives what must be tried again because another case of the bundle failed."""
        begun = self.clock()
        answers = self.sample([self._task(bundle) for bundle in bundles])
        wall = self.clock() - begun
        told = [{} if isinstance(answer, WorkerFailed) else answer.seconds for answer in answers]
        self.spent.of_workers(told, wall)
        beside = (wall - sum(seconds.get(TURN, 0.0) for seconds in told)) / len(told)
        again = []
        for bundle, answer, seconds in zip(bundles, answers, told, strict=True):
            if all(told):  # one that failed may have kept the others waiting
                self._costs[bundle_of(bundle[0])] = seconds.get(TURN, 0.0) + beside, len(bundle)
            again += self._take(bundle, answer)
        return again

    def _task(self, bundle: Sequence[Case]) -> tasks.Task:
        ids = [case.id for case in bundle]
        known = {name: self.store.loops[name] for name in ids if name in self.store.loops}
        counts = {name: len(self.store.values[name][0]) for name in known if self.store.values.get(name)}
        samples = {case.id: self.store.samples(case) for case in bundle}
        last = self.profile.most - 1
        about = {case.id: self.describe(case) for case in bundle}
        return tasks.Task(
            *(ids, "", self.profile.values, self.profile.seconds, known, counts, about),
            record=[name for name, count in samples.items() if count < self.profile.recorded or _doubled(count)],
            weigh=[name for name, count in samples.items() if count == min(1, last)],
            tools=self.tools,
        )

    def _take(self, bundle: list[Case], answer: tasks.Answer | WorkerFailed) -> list[list[Case]]:
        """Keep what a worker found, and give what must be tried again."""
        if isinstance(answer, WorkerFailed):
            if len(bundle) > 1:  # which of them was it? Alone, it will say so itself
                return [[case] for case in bundle]
            self.store.add(None, {}, {bundle[0].id: str(answer)})
            return []
        self.store.add(answer.suite, answer.loops, answer.failed, answer.latencies)
        rest = [case for case in bundle if case.id not in answer.measured and case.id not in answer.failed]
        return [rest] if rest else []

    def left(self) -> float:
        """Seconds that the run still takes: to the end of the rounds, then until all is precise, but no longer than the budget."""
        now = self.clock()
        at, wanted = self._left
        if now - at > LOOK:
            alive = self._alive()
            typical = self._typical_spread(alive)
            at, wanted = self._left = now, sum(self._seconds_for(bundle, typical) for bundle in _bundles(alive))
        return max(0.0, min(wanted - (now - at), self.profile.budget - self._elapsed()))

    def _typical_spread(self, cases: Sequence[Case]) -> float:
        """The median over cases; that of few samples lies below the true one, by Wilson and Hilferty's (1 - 2 / 9f)^1.5."""
        several = [(self._spread(case), self.store.samples(case) - 1) for case in cases if self.store.samples(case) > 1]
        return median(
            [SPREAD] * PRIOR + [spread / float((1 - 2 / (9 * freedom)) ** 1.5) for spread, freedom in several]
        )

    def _seconds_for(self, bundle: Sequence[Case], typical: float) -> float:
        """Until all of it is precise: what is no longer wide doesn't cost any more."""
        wants = sorted(self._wanted(case, typical) for case in bundle)
        steps = zip(wants, [0.0, *wants], range(len(bundle)), strict=False)
        return sum((more - before) * self._cost(bundle[index:]) for more, before, index in steps)

    def _wanted(self, case: Case, typical: float) -> float:
        """Samples that the case will still take, by its own spread as far as that is known, else by that of the others."""
        n, rounds, most = self.store.samples(case), self.profile.rounds, self.profile.most
        if most <= rounds:
            return max(0, rounds - n)
        if n >= rounds and (n >= most or not self._is_wide(case)):
            return 0
        freedom = max(0, n - 1)
        own = self._spread(case) if freedom else 0.0
        variance = (4 * typical**2 + freedom * own**2) / (4 + freedom)
        enough = max(rounds, LEAST, 1 + variance * (1.96 / self.profile.precision) ** 2)
        return max(1.0, min(enough, most) - n)

    def _spread(self, case: Case) -> float:
        """About the standard deviation of the logs of its worker figures, from the width of the interval."""
        n = self.store.samples(case)
        freedom = n - 1
        t = 1.96 + 2.4 / freedom + 2.9 / freedom**2 + (5.4 if freedom == 1 else 0.0)
        return math.asinh(min(self.half(case), 1e3)) * math.sqrt(n) / t

    def _cost(self, bundle: Sequence[Case]) -> float:
        """Seconds that a worker will take for it: half of that whatever it measures, half by the case."""
        known = self._costs.get(bundle_of(bundle[0]))
        if known is None:
            seen = list(self._costs.values())
            known = (
                (sum(s for s, _ in seen) / len(seen), round(sum(n for _, n in seen) / len(seen))) if seen else (0.3, 1)
            )
        seconds, count = known
        return max(1e-3, seconds * (len(bundle) + count) / (2 * count) if len(bundle) != count else seconds)

    def _elapsed(self) -> float:
        return self.earlier + self.clock() - self.begun


def _doubled(count: int) -> bool:
    """Whether there are 4, 8, 16 … samples: latencies are heard at later times too, each time at half the price of the time before."""
    return count >= 4 and not count & (count - 1)


def bundle_of(case: Case) -> Case:
    """What the cases that one worker measures together have in common."""
    return workloads.load(case.workload).bundle(case)


def _alone(case: Case) -> bool:
    return workloads.load(case.workload).alone(case)


def _bundles(cases: Sequence[Case]) -> list[list[Case]]:
    groups: dict[Case, list[Case]] = {}
    for case in cases:
        groups.setdefault(bundle_of(case), []).append(case)
    return list(groups.values())
