"""One process wakes N that wait: seconds until the last of them goes on.

What the clock sees of each broadcast: from before `set()` of an Event, before a Condition is acquired for `notify_all()`, or from the last
arrival at a Barrier for N + 1, to the latest of the stamps that the waiters take when they go on (time.perf_counter is one clock for all
processes of a machine). Beforehand all have said that they are about to wait, and get 0.5 ms for each process to do so. There are
two Events, taken in turn: while all wait for one, the other is cleared. With the Condition goes a shared number that each
waits for, as one that comes late would else wait for ever.

Checked all the while: none goes on before it is told to. CPU time is that of the whole cycle, the saying and the pause included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from time import perf_counter, sleep
from typing import Any

from ipcbench.bench import peers, placement, primitives
from ipcbench.bench.case import Case
from ipcbench.bench.crew import Crew, spread_over
from ipcbench.bench.profiles import Block
from ipcbench.bench.workload import Measured, Timed

SETTLE = 0.5e-3
POLL = 0.1e-3
"""Seconds: for each process to begin its wait, and between looks at who is about to."""


class Broadcast(primitives.Synchronising):
    """The worker and N waiters."""

    name = "broadcast"
    quantity = "broadcast"
    kinds = ("event", "condition", "barrier")
    counts = (4,)
    fixed_loops = 20
    together = ("processes",)
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (primitives.block("broadcast", ("event", "barrier"), counts),),
        "rigorous": (primitives.block("broadcast", processes=(1, 2, 4, 8)),),
    }

    def sides(self, processes: int) -> tuple[int, int]:
        """One to N."""
        return 1, processes

    def placement(self, case: Case) -> str:  # noqa: ARG002 - the same for any number of them
        """Wherever the scheduler likes."""
        return "free"

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """As many waiters as the largest case has: the others take the first of them, each what suits its number."""
        first, most = cases[0], max(case.processes for case in cases)
        own, *others = spread_over(first.placement, most + 1)
        with ExitStack() as stack:
            maker = stack.enter_context(primitives.maker(first))
            halls = {case.processes: HALLS[primitives.kind(case.mechanism)](maker, case) for case in cases}
            roles = [_Waiter(index, halls) for index in range(most)]
            crew = Crew(stack, first.start_method, roles, others, servers=maker.servers)
            placement.pin(own)
            yield {case: Timed(partial(_timed, crew, halls[case.processes], case)) for case in cases}
            crew.finish()


class Hall:
    """Where a number of processes wait; `arrived` has for each the turn that it is about to wait for."""

    def __init__(self, maker: primitives.Maker, case: Case) -> None:
        self.count, self.turn = case.processes, 0
        self.arrived = maker.words(case.processes)

    def prepare(self, turn: int) -> None:
        """All are about to wait."""

    def tell(self, turn: int) -> None:
        """Let all go on."""
        raise NotImplementedError

    def wait(self, turn: int) -> None:
        """Wait for that."""
        raise NotImplementedError


class EventHall(Hall):
    """Two Events."""

    def __init__(self, maker: primitives.Maker, case: Case) -> None:
        super().__init__(maker, case)
        self.events = maker.make(case.mechanism), maker.make(case.mechanism)

    def prepare(self, turn: int) -> None:
        """Nobody looks at the other one now."""
        self.events[(turn + 1) % 2].clear()

    def tell(self, turn: int) -> None:
        """Set the one."""
        self.events[turn % 2].set()

    def wait(self, turn: int) -> None:
        """Until it is set."""
        self.events[turn % 2].wait()


class ConditionHall(Hall):
    """A Condition and the number of the turn."""

    def __init__(self, maker: primitives.Maker, case: Case) -> None:
        super().__init__(maker, case)
        self.condition, self.told = maker.make(case.mechanism), maker.word()

    def tell(self, turn: int) -> None:
        """Say which turn it is, and notify."""
        with self.condition:
            self.told.value = turn
            self.condition.notify_all()

    def wait(self, turn: int) -> None:
        """Until it is that turn."""
        with self.condition:
            while self.told.value < turn:
                self.condition.wait()


class BarrierHall(Hall):
    """A Barrier that lacks one process."""

    def __init__(self, maker: primitives.Maker, case: Case) -> None:
        super().__init__(maker, case)
        self.barrier = maker.make(case.mechanism, case.processes + 1)

    def tell(self, turn: int) -> None:  # noqa: ARG002 - it counts them itself
        """Arrive."""
        self.barrier.wait()

    wait = tell


HALLS: dict[str, type[Hall]] = {"event": EventHall, "condition": ConditionHall, "barrier": BarrierHall}


class _Waiter(peers.Role):
    """One that waits, in any of the halls with room for it."""

    def __init__(self, index: int, halls: dict[int, Hall]) -> None:
        self.index = index
        self.halls = {count: hall for count, hall in halls.items() if index < count}

    def setup(self) -> dict[str, Callable[[Any], Any]]:
        """A function for each hall."""
        return {f"wait {count}": partial(_wait, hall, self.index) for count, hall in self.halls.items()}


def _wait(hall: Hall, index: int, loops: int) -> list[float]:
    """When it went on, each time."""
    first, stamps = hall.arrived[index] + 1, []
    for turn in range(first, first + loops):
        hall.arrived[index] = turn
        hall.wait(turn)
        stamps.append(perf_counter())
    return stamps


def _tell(hall: Hall, loops: int) -> list[float]:
    """When each broadcast began."""
    begun = []
    for turn in range(hall.turn + 1, hall.turn + 1 + loops):
        while any(each != turn for each in hall.arrived):
            sleep(POLL)
        hall.prepare(turn)
        sleep(SETTLE * (hall.count + 1))
        begun.append(perf_counter())
        hall.tell(turn)
    hall.turn += loops
    return begun


def _timed(crew: Crew, hall: Hall, case: Case, loops: int) -> Measured:
    """Raises `NotSynchronised`."""
    doing = f"waking {case.processes} by {case.mechanism}"
    ran = crew.run(f"wait {hall.count}", loops, doing, partial(_tell, hall, loops), count=case.processes)
    if any(stamp < begin for stamps in ran.theirs for stamp, begin in zip(stamps, ran.mine, strict=True)):
        raise primitives.NotSynchronised(f"a process that waited for {case.mechanism} went on before it was told to")
    latest = [max(stamps) for stamps in zip(*ran.theirs, strict=True)]
    return Measured(sum(latest) - sum(ran.mine), ran.usage)


WORKLOAD = Broadcast()
