"""Rounds: each takes one sample of each case, in random order, from fresh workers; drift hits all cases alike.

The first figures of all cases are there early, and stopping at any time leaves a usable result. A bundle whose
case failed is queued again without it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

from ipcbench.bench import task as tasks
from ipcbench.bench.case import Case
from ipcbench.bench.processes import WorkerFailed, run_worker
from ipcbench.bench.profiles import Profile
from ipcbench.bench.store import Store

__all__ = ["Progress", "Schedule"]

Sampler = Callable[[tasks.Task], tasks.Answer]
PATIENCE = 90.0
"""Seconds a worker gets beyond what its timed calls should take."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands: seconds gone and left (an estimate), what is measured now."""

    case: str
    round: int
    done: int
    planned: int
    elapsed: float
    left: float


@dataclass
class Schedule:
    """Which bundle next, until the profile's rounds and time are used."""

    profile: Profile
    cases: Sequence[Case]
    store: Store
    seed: int
    sample: Sampler
    metadata: dict[str, str | int | float] = field(default_factory=dict)
    tools: str = ""
    clock: Callable[[], float] = monotonic
    rounds: int = 0
    _durations: dict[Case, float] = field(default_factory=dict)

    def run(self, show: Callable[[Progress], None], saved: Callable[[int], None]) -> None:
        """Measure. `saved` is called after each round, with its number, to save."""
        self.begun = self.clock()
        chance = random.Random(self.seed)
        while self._more():
            bundles = self._bundles(chance)
            if not bundles:
                break
            whole = self._round(bundles, show)
            saved(self.rounds + whole)
            if not whole:
                break
            self.rounds += 1

    def _bundles(self, chance: random.Random) -> list[list[Case]]:
        """This round's bundles, shuffled, and shuffled inside. Cases that a resumed run has more of wait for the others."""
        alive = [case for case in self.cases if case.id not in self.store.failed]
        fewest = min((self.store.samples(case) for case in alive), default=0)
        groups: dict[Case, list[Case]] = {}
        for case in alive:
            if self.store.samples(case) == fewest:
                groups.setdefault(case.bundle, []).append(case)
        bundles = list(groups.values())
        for bundle in bundles:
            chance.shuffle(bundle)
        chance.shuffle(bundles)
        return bundles

    def _round(self, bundles: list[list[Case]], show: Callable[[Progress], None]) -> bool:
        queue = list(bundles)
        done, planned = 0, len(queue)
        while queue:
            if (self.rounds and self._elapsed() > self._end()) or self._elapsed() > self.profile.limit:
                return False
            bundle = queue.pop(0)
            show(Progress(bundle[0].id, self.rounds + 1, done, planned, self._elapsed(), self.left(queue, bundle)))
            started = self.clock()
            rest = self._measure(bundle)
            self._durations[bundle[0].bundle] = self.clock() - started
            if rest:
                queue.append(rest)
                planned += 1
            done += 1
        return True

    def _measure(self, bundle: list[Case]) -> list[Case]:
        """One worker. Gives the cases that must be tried again because another one of the bundle failed."""
        ids = [case.id for case in bundle]
        known = {name: self.store.loops[name] for name in ids if name in self.store.loops}
        task = tasks.Task(ids, "", self.profile.values, self.profile.seconds, known, self.metadata, self.tools)
        try:
            answer = self.sample(task)
        except WorkerFailed as error:
            if len(bundle) > 1:  # which of them was it? Alone, it will say so itself
                for case in bundle[1:]:
                    self._measure([case])
                return bundle[:1]
            self.store.add(None, {}, {ids[0]: str(error)})
            return []
        self.store.add(answer.suite, answer.loops, answer.failed, answer.latencies)
        return [case for case in bundle if case.id not in answer.measured and case.id not in answer.failed]

    def left(self, queue: Sequence[Sequence[Case]], bundle: Sequence[Case]) -> float:
        """Seconds that the run still takes: this round, then whole rounds until the budget is used."""
        mean = sum(self._durations.values()) / len(self._durations) if self._durations else 0.6
        seconds = [
            self._durations.get(each[0].bundle, mean * len(each) / self._mean_size()) for each in (bundle, *queue)
        ]
        whole = sum(self._durations.get(case, mean) for case in {case.bundle for case in self.cases})
        elapsed = self._elapsed()
        total = elapsed + sum(seconds)
        done = self.rounds + 1
        while done < self.profile.rounds or (done < self.profile.most and total + whole / 2 < self.profile.budget):
            total += whole
            done += 1
        return max(0.0, min(total, self.profile.limit) - elapsed)

    def _mean_size(self) -> float:
        return len(self.cases) / max(1, len({case.bundle for case in self.cases}))

    def _more(self) -> bool:
        if self.rounds < self.profile.rounds:
            return self._elapsed() < self.profile.limit
        return self.rounds < self.profile.most and self._elapsed() < self.profile.budget

    def _end(self) -> float:
        return self.profile.budget if self.rounds >= self.profile.rounds else self.profile.limit

    def _elapsed(self) -> float:
        return self.clock() - self.begun


def worker_sampler(folder: Path) -> Sampler:
    """Samples by real worker processes, whose files lie in that folder."""

    def sample(task: tasks.Task) -> tasks.Answer:
        answer = folder / "answer.json"
        answer.unlink(missing_ok=True)
        tasks.write(folder / "task.json", replace(task, answer=str(answer)))
        run_worker(folder / "task.json", folder, PATIENCE + 30 * len(task.cases) * task.seconds)
        try:
            read: tasks.Answer = tasks.read(answer, tasks.Answer)
        except (OSError, ValueError) as error:
            raise WorkerFailed("the worker ended without an answer") from error
        return read

    return sample
