"""One process wakes another and is woken by it: seconds per round trip, with no payload.

What the clock sees for n operations: n × (wake the peer, its waking up, its waking this process, this one's waking up). How one
wakes the other: it releases a lock or a semaphore that the other waits to acquire, one for each direction (any process may release a
Lock; an RLock only its holder, so there is none here); it sets an Event, which the other clears when it went on; with a Condition
held it writes a shared number, for which the other waits, and notifies; or it arrives at a Barrier for two, twice a round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from time import perf_counter, sleep
from typing import Any

from ipcbench.bench import peers, placement, primitives
from ipcbench.bench.case import Case
from ipcbench.bench.crew import Crew
from ipcbench.bench.profiles import Block
from ipcbench.bench.recording import Span, Stream, closed
from ipcbench.bench.workload import Measured, Timed

CHECKED = 20
"""Round trips."""
PAUSE = 0.002
"""Seconds that a side which doesn't wait gets to show it."""
Call = Callable[[], Any]


class Handoff(primitives.Synchronising):
    """The worker and one peer."""

    name = "handoff"
    quantity = "round trip"
    kinds = tuple(name for name in primitives.CLASSES if name != "rlock")
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (primitives.block("handoff", ("semaphore", "event", "condition", "manager-event")),),
        "rigorous": (primitives.block("handoff", placements=("cross-core", "same-core")),),
    }

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - always a pair
        """One to one."""
        return 1, 1

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """Both sides, checked in step before they are timed."""
        (case,) = cases
        cores = placement.allowed()
        with ExitStack() as stack:
            maker = stack.enter_context(primitives.maker(case))
            near, far = _hands(maker, case.mechanism)
            place = placement.cpus(case.placement, "far", cores)
            crew = Crew(stack, case.start_method, [_Other(far)], [place], servers=maker.servers)
            placement.pin(placement.cpus(case.placement, "near", cores))
            wake, wait = near.bind()
            crew.run("count", CHECKED, "checking the order of turns", partial(_check, wake, wait, near.word))

            def run(work: Callable[[int], Span], loops: int) -> Measured:
                span = crew.run("echo", loops, f"handing over {loops:,} times", partial(work, loops))
                return Measured(span.mine.end - span.mine.begin, span.usage, latencies=span.mine.latencies)

            record = closed(Stream(lambda _: wake(), wait, repeat(None)))
            yield {case: Timed(partial(run, partial(_ping, wake, wait)), record=partial(run, record))}
            crew.finish()


@dataclass
class Hand:
    """One side: what wakes the other, what it waits for itself, and a number that both see."""

    kind: str
    there: Any
    here: Any
    word: Any
    mine: int
    turn: Any

    def bind(self) -> tuple[Call, Call]:
        """The calls that wake the other and that wait to be woken."""
        if self.kind == "event":
            return self.there.set, partial(_await, self.here)
        if self.kind == "condition":
            return partial(_pass, self.there, self.turn, 1 - self.mine), partial(
                _expect, self.here, self.turn, self.mine
            )
        if self.kind == "barrier":
            return self.there.wait, self.here.wait
        return self.there.release, self.here.acquire


def _hands(maker: primitives.Maker, subject: str) -> tuple[Hand, Hand]:
    """Both sides, neither of them woken."""
    kind, word, turn = primitives.kind(subject), maker.word(), maker.word()
    if kind in ("condition", "barrier"):
        there = here = maker.make(subject, *((2,) if kind == "barrier" else ()))
    else:
        there, here = maker.make(subject), maker.make(subject)
    if kind in primitives.LOCKS and kind != "condition":
        there.acquire()
        here.acquire()
    return Hand(kind, there, here, word, 0, turn), Hand(kind, here, there, word, 1, turn)


def _await(event: Any) -> None:
    event.wait()
    event.clear()


def _pass(condition: Any, turn: Any, other: int) -> None:
    with condition:
        turn.value = other
        condition.notify()


def _expect(condition: Any, turn: Any, mine: int) -> None:
    with condition:
        while turn.value != mine:
            condition.wait()


@dataclass
class _Other(peers.Role):
    """The far side."""

    hand: Hand

    def setup(self) -> dict[str, Callable[[Any], Any]]:
        """Bind."""
        wake, wait = self.hand.bind()
        return {"echo": partial(_echo, wake, wait), "count": partial(_count, wake, wait, self.hand.word)}


def _echo(wake: Call, wait: Call, loops: int) -> None:
    for _ in repeat(None, loops):
        wait()
        wake()


def _ping(wake: Call, wait: Call, loops: int) -> Span:
    batch = repeat(None, loops)
    begin = perf_counter()
    for _ in batch:
        wake()
        wait()
    return Span(begin, perf_counter())


def _count(wake: Call, wait: Call, word: Any, loops: int) -> None:
    for _ in repeat(None, loops):
        wait()
        word.value += 1
        wake()


def _check(wake: Call, wait: Call, word: Any) -> None:
    """The other side waits to be woken, and has just one turn for each of this one's. Raises `NotSynchronised`."""
    sleep(PAUSE)
    for turn in range(CHECKED + 1):
        if word.value != turn:
            raise primitives.NotSynchronised(
                f"the other side had {word.value} turns when it had been woken {turn} times"
            )
        if turn < CHECKED:
            wake()
            wait()


WORKLOAD = Handoff()
