"""A signal there and one back, one at a time: seconds per round trip.

What the clock sees for n operations: n × (send, the other's taking it and sending one, taking that). Both take it in the same way,
told by the subject; SIGUSR1 but for `real-time`:

| subject | takes a signal by |
| --- | --- |
| `handler` | a Python function that counts; the program sleeps in pause(2) |
| `sigwait` | sigwait(3), the signal blocked |
| `sigwaitinfo` | sigwaitinfo(2), likewise: it also tells who sent it |
| `wakeup-fd` | reading its number from a pipe (`signal.set_wakeup_fd`), as event loops do |
| `real-time` | sigwaitinfo(2) of SIGRTMIN, which is queued (signal(7)) |

pause(2) misses a signal whose flag was set just before it: each side's timer looks every 0.1 s, which then is what that round trip took.
sigwait(3) doesn't return for a handler, so the guard's SIGALRM is among what is waited for, on both sides alike.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from time import perf_counter
from types import FrameType
from typing import Any

from ipcbench.bench import placement, refusals
from ipcbench.bench.case import METHODS, NONE, Case
from ipcbench.bench.crew import Crew
from ipcbench.bench.guard import EVERY
from ipcbench.bench.peers import Role
from ipcbench.bench.profiles import Block
from ipcbench.bench.recording import Span, Stream, closed
from ipcbench.bench.signalling import lacking, masked, quiet, sender, single_threaded
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import DamagedMessage

CHECK = 4
"""Round trips before the first timed one."""
Take = Callable[[], object]


def _handled(number: int, stack: ExitStack) -> Take:
    arrived = taken = 0
    pause = signal.pause

    def count(_number: int, _frame: FrameType | None) -> None:
        nonlocal arrived
        arrived += 1

    def take() -> None:
        nonlocal taken
        while arrived == taken:
            pause()
        taken += 1

    signal.signal(number, count)
    if signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0):  # no guard here
        signal.signal(signal.SIGALRM, _nothing)
        signal.setitimer(signal.ITIMER_REAL, EVERY, EVERY)
        stack.callback(signal.setitimer, signal.ITIMER_REAL, 0)
    return take


def _awaited(number: int, _stack: ExitStack) -> Take:
    wait, numbers = signal.sigwait, {number, signal.SIGALRM}
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})

    def take() -> None:
        while wait(numbers) != number:
            guard = signal.getsignal(signal.SIGALRM)
            if callable(guard):
                guard(signal.SIGALRM, None)

    return take


def _queued(number: int, _stack: ExitStack) -> Take:
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    return partial(signal.sigwaitinfo, {number})


def _written(number: int, stack: ExitStack) -> Take:
    reading, writing = os.pipe()
    stack.callback(os.close, reading)
    stack.callback(os.close, writing)
    os.set_blocking(writing, False)
    signal.signal(number, _nothing)
    stack.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writing))
    read, arrived, taken = os.read, 0, 0

    def take() -> None:
        nonlocal arrived, taken
        while arrived == taken:
            arrived += read(reading, 64).count(number)  # the guard's come this way too
        taken += 1

    return take


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """A handler: the signal is seen elsewhere."""


@dataclass(frozen=True)
class Way:
    """How a signal is taken: which, what of `signal` that needs, and what makes the call that takes one."""

    signal: str
    needs: tuple[str, ...]
    taking: Callable[[int, ExitStack], Take]
    asleep: tuple[str, ...] = ()
    """What else waits while it does."""

    @property
    def number(self) -> int:
        """Of the signal."""
        return int(getattr(signal, self.signal))


WAYS = {
    "handler": Way("SIGUSR1", ("pause", "setitimer"), _handled),
    "sigwait": Way("SIGUSR1", ("sigwait",), _awaited, ("SIGALRM",)),
    "sigwaitinfo": Way("SIGUSR1", ("sigwaitinfo",), _queued),
    "wakeup-fd": Way("SIGUSR1", ("set_wakeup_fd",), _written),
    "real-time": Way("SIGRTMIN", ("sigwaitinfo",), _queued),
}


class Signal(Workload):
    """One near and one far process, no payload."""

    name = "signal"
    quantity = "round trip"
    blocks: Mapping[str, tuple[Block, ...]] = {
        "standard": (Block(("signal",), ("handler", "sigwait", "wakeup-fd"), (NONE,), (0,)),),
        "rigorous": (Block(("signal",), payloads=(NONE,), sizes=(0,), placements=("cross-core", "same-core")),),
    }

    def plain(self) -> tuple[Block, ...]:
        """Every way, where it is asked for."""
        return (Block((self.name,), payloads=(NONE,), sizes=(0,)),)

    def subjects(self) -> tuple[str, ...]:
        """The ways to take a signal."""
        return tuple(WAYS)

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - always one to one
        """One to one."""
        return 1, 1

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """Their own."""
        return "signal"

    def refuse(self, case: Case) -> Refusal | None:
        """By what the system's signals lack."""
        way = WAYS[case.mechanism]
        return (
            refusals.variants(case, ())
            or refusals.payload(case)
            or refusals.starts(case, METHODS, "signals go between processes that are started by a method")
            or refusals.cores(case)
            or lacking(case.mechanism, way.signal, *way.needs, "pthread_sigmask")
        )

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """The far side is ready to take a signal before the first is sent to it."""
        (case,) = cases
        way, cores = WAYS[case.mechanism], placement.allowed()
        with ExitStack() as stack:
            stack.enter_context(quiet(way.number))
            echo = _Echo(case.mechanism, os.getpid())
            crew = Crew(stack, case.start_method, [echo], [placement.cpus(case.placement, "far", cores)])
            placement.pin(placement.cpus(case.placement, "near", cores))
            single_threaded()
            take = way.taking(way.number, stack)
            passes = _Passes(way, crew, Stream(sender(crew.pids[0], stack), take, repeat(way.number)))
            passes.run(_ping, CHECK)
            yield {case: Timed(partial(passes.run, _ping), partial(passes.run, closed))}
            crew.finish()


class _Echo(Role):
    """The far side."""

    def __init__(self, subject: str, near: int) -> None:
        self.subject, self.near = subject, near
        self.stack: ExitStack | None = None

    def setup(self) -> dict[str, Callable[[int], Any]]:
        """From now on a signal does no harm."""
        stack, way = ExitStack(), WAYS[self.subject]
        self.stack, number = stack, way.number
        take, send = way.taking(number, stack), sender(self.near, stack)

        def echo(loops: int) -> None:
            with masked(_asleep(way)):
                for _ in repeat(None, loops):
                    take()
                    send(number)
            _none_left(number)

        return {"echo": echo}

    def close(self) -> None:
        """Give back what taking signals took."""
        if self.stack is not None:
            self.stack.close()


@dataclass(frozen=True)
class _Passes:
    """The near side's calls. The first round trip of each isn't timed: the far side may still be on its way into its loop."""

    way: Way
    crew: Crew
    stream: Stream

    def run(self, kind: Callable[[Stream], Callable[[int], Span]], loops: int) -> Measured:
        loop = kind(self.stream)

        def near() -> Span:
            with masked(_asleep(self.way)):
                self.stream.send(self.way.number)
                self.stream.receive()
                return loop(loops)

        ran = self.crew.run("echo", loops + 1, f"sending {loops + 1:,} signals there and back", near)
        _none_left(self.way.number)
        return Measured(ran.mine.end - ran.mine.begin, ran.usage, latencies=ran.mine.latencies)


def _ping(stream: Stream) -> Callable[[int], Span]:
    send, receive = stream.send, stream.receive

    def ping(loops: int) -> Span:
        batch = repeat(next(stream.messages), loops)
        begin = perf_counter()
        for number in batch:
            send(number)
            receive()
        return Span(begin, perf_counter())

    return ping


def _asleep(way: Way) -> set[int]:
    return {int(getattr(signal, name)) for name in way.asleep}


def _none_left(number: int) -> None:
    """As many came as were sent."""
    if number in signal.sigpending():
        raise DamagedMessage(f"signal {number} came once more than it was sent")


WORKLOAD = Signal()
