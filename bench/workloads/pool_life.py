"""Making a pool and taking it down, each apart: `phase=create` or `teardown`.

Create: from the call that makes it until each of its processes has come up and taken a task (they meet at a semaphore: sem_post(3),
sem_wait(3)). `Pool()` returns as soon as its processes are under way, and an executor starts none before it has tasks: neither can
be used yet. Teardown: leaving its `with` block, all tasks done: `Pool.terminate()` or `shutdown()`, until all processes are gone. An
operation is one pool. Under forkserver the server runs already: the untimed warm-up starts it; what its children used until
they ended isn't told.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from ipcbench.bench import refusals
from ipcbench.bench.case import METHODS, Case
from ipcbench.bench.guard import TIMING, Guard
from ipcbench.bench.pools import Meeting, clocked, keeper, watch_children
from ipcbench.bench.profiles import Block
from ipcbench.bench.usage import Usage, of_process
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal

PHASES = ("create", "teardown")


class PoolLife(Workload):
    """This process, and those of a pool made anew for each operation."""

    name = "pool-life"
    quantity = "pool"
    variants = ("phase",)
    together = ("phase",)
    fixed_loops = 1
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (Block(("pool-life",), ("pool",), ("none",), (0,), (2,), ("fork", "spawn"), ("free",)),),
        "rigorous": (Block(("pool-life",), ("*",), ("none",), (0,), (1, 2, 4, 8), METHODS, ("free",)),),
    }

    def subjects(self) -> tuple[str, ...]:
        """Both kinds."""
        return ("pool", "executor")

    def sides(self, processes: int) -> tuple[int, int]:
        """This process, and those of the pool."""
        return 1, processes

    def placement(self, case: Case) -> str:  # noqa: ARG002 - where pools are used
        """Nobody pins a pool's processes."""
        return "free"

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """Pools."""
        return "pool"

    def spread(self, options: dict[str, str]) -> list[dict[str, str]]:
        """Both phases where none is asked for."""
        return [options] if "phase" in options else [{**options, "phase": phase} for phase in PHASES]

    def refuse(self, case: Case) -> Refusal | None:
        """It must say which phase; nothing is carried; a pool is made of semaphores."""
        return (
            refusals.variants(case, self.variants)
            or self._phase(case)
            or refusals.payload(case)
            or refusals.starts(case, METHODS, "a pool's processes are started by multiprocessing")
            or refusals.places(case, ("free",))
            or refusals.needs(case, "semaphore")
        )

    def _phase(self, case: Case) -> Refusal | None:
        known = case.option("phase") in PHASES
        return None if known else Refusal("variant", f"{self.name} is measured by phase: {', '.join(PHASES)}")

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """Nothing is kept from one pool to the next but the fork server, where there is one."""
        guard = Guard()
        try:
            guard.start({})
            yield {case: Timed(partial(_timed, case, guard)) for case in cases}
        finally:
            guard.stop()


def _timed(case: Case, guard: Guard, loops: int) -> Measured:
    phase = PHASES.index(case.option("phase"))
    lives = [_life(case, guard)[phase] for _ in range(loops)]
    used = [each.usage for each in lives if each.usage is not None]
    return Measured(sum(each.seconds for each in lives), sum(used, Usage()) if len(used) == loops else None)


def _life(case: Case, guard: Guard) -> tuple[Measured, Measured]:
    """Make, meet, take down: what the first two and the last took."""
    meeting = Meeting(case.mechanism, multiprocessing.get_context(case.start_method), case.processes)
    others = set(multiprocessing.active_children())
    with (
        keeper() as kept,
        guard.limit(TIMING, f"the life of {case.mechanism}"),
    ):  # which must not break into what is kept and ended

        def create() -> None:
            made = meeting.make(kept)
            watch_children(guard, others, case.mechanism)  # an executor has none yet, and tells of their death
            meeting.call(made)

        _, seconds, used = clocked(create)
        pids = [each.pid for each in set(multiprocessing.active_children()) - others if each.pid]
        created = Measured(seconds, sum((of_process(pid) for pid in pids), used))
        meeting.dismiss()
        guard.forget()
        before = sum((of_process(pid) for pid in pids), Usage())
        _, seconds, used = clocked(lambda: kept[0].__exit__(None, None, None))
    told = case.start_method != "forkserver"
    return created, Measured(seconds, used - before if told else None)


WORKLOAD = PoolLife()
