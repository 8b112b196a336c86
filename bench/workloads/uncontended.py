"""Acquire and release by one process, with nobody in the way: what a lock costs when it isn't needed.

What the clock sees for n operations: n × (`acquire()`, `release()`). Of an Event it is `set()` and `clear()`, of a Barrier for one party
one `wait()`, which passes at once; a Condition is taken as the lock that it is. sem_wait(3) and sem_post(3) don't enter the kernel
here. A Manager's take two requests to the server and their answers (a Barrier one), on the same core unless placed elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import repeat
from time import perf_counter
from typing import Any

from ipcbench.bench import placement, primitives
from ipcbench.bench.case import Case
from ipcbench.bench.crew import Crew
from ipcbench.bench.profiles import Block
from ipcbench.bench.workload import Measured, Timed
from ipcbench.ipc.contract import Refusal

Call = Callable[[], Any]


class Uncontended(primitives.Synchronising):
    """The worker alone, and a Manager's server."""

    name = "uncontended"
    quantity = "acquire and release"
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (primitives.block("uncontended", ("lock", "event", "manager-lock")),),
        "rigorous": (primitives.block("uncontended"),),
    }

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - nobody else
        """One process alone."""
        return 1, 0

    def refuse(self, case: Case) -> Refusal | None:
        """Across cores only where there is a server."""
        if case.placement == "cross-core" and not primitives.managed(case.mechanism):
            return Refusal("cores", "one process alone stays on its core")
        return super().refuse(case)

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """No peers; the server is watched and counted."""
        (case,) = cases
        with ExitStack() as stack:
            maker = stack.enter_context(primitives.maker(case))
            crew = Crew(stack, case.start_method, (), (), servers=maker.servers)
            placement.pin(placement.cpus(case.placement, "near", placement.allowed()))
            one = (1,) if primitives.kind(case.mechanism) == "barrier" else ()
            made = maker.make(case.mechanism, *one)
            calls = _calls(case.mechanism, made)

            def run(loops: int) -> Measured:
                ran = crew.run("", loops, f"timing {loops:,} operations", partial(_time, calls, loops))
                return Measured(ran.mine, ran.usage)

            crew.run("", 0, f"checking {case.mechanism}", partial(_check, case.mechanism, made))
            yield {case: Timed(run)}
            crew.finish()


def _calls(subject: str, made: Any) -> tuple[Call, ...]:
    """What makes up an operation."""
    if primitives.kind(subject) == "event":
        return made.set, made.clear
    if primitives.kind(subject) == "barrier":
        return (made.wait,)
    return made.acquire, made.release


def _time(calls: tuple[Call, ...], loops: int) -> float:
    """Seconds of all of it: two calls, or one."""
    (first, *others), batch = calls, repeat(None, loops)
    if not others:
        begin = perf_counter()
        for _ in batch:
            first()
        return perf_counter() - begin
    (second,) = others
    begin = perf_counter()
    for _ in batch:
        first()
        second()
    return perf_counter() - begin


def _check(subject: str, made: Any) -> None:
    """What is taken can't be had again, but by the holder of an RLock. Raises `NotSynchronised`."""
    kind = primitives.kind(subject)
    if kind == "event":
        made.set()
        right = made.is_set()
        made.clear()
        right = right and not made.is_set()
    elif kind == "barrier":
        right = made.wait() == 0
    else:
        made.acquire()
        again = made.acquire(False)
        for _ in range(1 + again):
            made.release()
        right = again == (kind in ("rlock", "condition"))
    if not right:
        raise primitives.NotSynchronised(f"{subject} doesn't do what it is for: {primitives.CLASSES[kind]}")


WORKLOAD = Uncontended()
