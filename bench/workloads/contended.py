"""N processes ask for one lock, for 0.2 s: seconds per acquire and release, by all of them together.

Each takes it, holds it for 5 µs, gives it back and works for 5 µs before it asks again, both of them busy and by the clock. What the clock
sees: 0.2 s ÷ the operations that were done within it, each one take, hold, release and work. Shares: those of the process
with the most operations and of that with the fewest. Semaphores have one permit; a Condition is taken as the lock that it is.

Checked all the while: a number in shared memory is read at the begin of each hold and written, one higher, at its end. Were two
processes in at once, it would fall short. sem_post(3) wakes one that waits, and promises nobody a turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from ipcbench.bench import peers, primitives
from ipcbench.bench.case import Case
from ipcbench.bench.crew import Crew, soon, spread_over, wait_until
from ipcbench.bench.profiles import Block
from ipcbench.bench.workload import Measured, Timed
from ipcbench.ipc.contract import Refusal

WINDOW = 0.2
HOLD, THINK = 5e-6, 5e-6
"""Seconds."""


class Contended(primitives.Synchronising):
    """N processes alike; the worker sleeps meanwhile."""

    name = "contended"
    quantity = "acquire and release"
    kinds = primitives.LOCKS
    counts = (2, 4, 8)
    fixed_loops = 1
    together = ("processes",)
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (primitives.block("contended", ("lock",), counts),),
        "rigorous": (primitives.block("contended", processes=counts),),
    }

    def sides(self, processes: int) -> tuple[int, int]:
        """All alike."""
        return processes, 0

    def placement(self, case: Case) -> str:  # noqa: ARG002 - any number of them
        """Wherever the scheduler likes."""
        return "free"

    def refuse(self, case: Case) -> Refusal | None:
        """It takes two to contend."""
        if case.processes < 2:
            return Refusal("processes", "one process alone contends with nobody: that is the workload uncontended")
        return super().refuse(case)

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """One lock for the bundle, and as many processes as its largest case has: the others take the first of them."""
        first, most = cases[0], max(case.processes for case in cases)
        with ExitStack() as stack:
            maker = stack.enter_context(primitives.maker(first))
            role = _Contender(maker.make(first.mechanism), maker.word())
            cores = spread_over(first.placement, most)
            crew = Crew(stack, first.start_method, [role] * most, cores, servers=maker.servers)
            yield {case: Timed(partial(_window, crew, case, role.word)) for case in cases}
            crew.finish()


@dataclass
class _Contender(peers.Role):
    """One that wants the lock. `word` counts the times that it was held."""

    lock: Any
    word: Any

    def setup(self) -> dict[str, Callable[[Any], Any]]:
        """Take it once: a proxy connects to its server."""
        self.lock.acquire()
        self.lock.release()
        return {"contend": partial(_contend, self.lock.acquire, self.lock.release, self.word)}


def _contend(acquire: Callable[[], Any], release: Callable[[], Any], word: Any, begin: float) -> int:
    """The operations that were done in time; one more is done after it."""
    now, hold, think, end, done = perf_counter, HOLD, THINK, begin + WINDOW, 0
    wait_until(begin)
    while True:
        acquire()
        until = now() + hold
        count = word.value
        while now() < until:
            pass
        word.value = count + 1
        release()
        until = now() + think
        while (moment := now()) < until:
            pass
        if moment > end:
            return done
        done += 1


def _window(crew: Crew, case: Case, word: Any, loops: int) -> Measured:
    """One window, whatever `loops` is: what so many operations take at its rate. Raises `NotSynchronised`."""
    before = word.value
    ran = crew.run("contend", soon(case.processes), f"contending for {case.mechanism}", count=case.processes)
    total, held = sum(ran.theirs), word.value - before
    if held != total + case.processes:
        raise primitives.NotSynchronised(
            f"{case.mechanism} was held {total + case.processes:,} times and counted {held:,}: by two processes at once"
        )
    if not total:
        raise primitives.NotSynchronised(f"{case.mechanism} was not had and given back once within {WINDOW} s")
    shares = max(ran.theirs) / total, min(ran.theirs) / total
    return Measured(loops * WINDOW / total, ran.usage / (total / loops), shares=shares)


WORKLOAD = Contended()
