"""Round trips timed one by one, in passes of their own, so that the timed values hold nothing but round trips.

`closed` sends when the last echo is there, and takes one stamp a round trip. What it can't see: while one round trip stalls, the
others that should have begun meanwhile don't, and the stall counts once (coordinated omission).

`paced` sends at a fixed rate and counts from the time at which a message was *meant* to be sent. There is one message in flight: one
that is due while an earlier one is under way waits at the near side, and that wait counts, as it would in a line before a single
server. So it works on every mechanism, mailboxes included, needs no third process beside the two that are pinned, and
leaves the other end's core alone while nothing is under way. It sleeps until shortly before a message is due, then polls the clock.

Formulas, with tᵢ the stamp after the i-th echo: closed takes tᵢ − tᵢ₋₁, paced tᵢ − (t₀ + i ÷ rate).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, repeat
from statistics import fmean, median
from time import perf_counter, sleep
from typing import Any

from ipcbench.bench.workload import Delivery
from ipcbench.ipc.errors import DeadlinePassed

__all__ = ["RATES", "Span", "Stream", "closed", "counted", "paced", "recorder_cost", "tail"]

RATES = (10, 1_000_000)
"""The rates that may be asked for, in operations per second."""
EARLY = 200e-6
"""Seconds before a message is due at which sleeping ends: timer slack (prctl(2), 50 µs) and waking up take less."""
DIGITS = 11
"""Bits that are kept of a latency in nanoseconds: the resolution of an HDR histogram of three decimal digits, below 0.1 %."""

Call = Callable[..., Any]


@dataclass(frozen=True)
class Span:
    """What the loop of a near process gives: when it began and ended, messages lost, and what its pass took down.

    `latencies` are seconds of each round trip; where they count from the intended time, `achieved` is the rate that was kept.
    """

    begin: float
    end: float
    lost: int = 0
    latencies: Sequence[float] = ()
    achieved: float | None = None
    delivery: Delivery | None = None


@dataclass(frozen=True)
class Stream:
    """What a near process repeats: send the next of `messages`, then receive.

    `recover` is called where an echo may never come, when one didn't: after it no earlier one is under way.
    """

    send: Call
    receive: Call
    messages: Iterator[Any]
    recover: Callable[[], object] | None = None


def closed(stream: Stream) -> Callable[[int], Span]:
    """One after the other, with a stamp after each."""
    send, receive, messages, recover = stream.send, stream.receive, stream.messages, stream.recover
    now = perf_counter

    def record(loops: int) -> Span:
        stamps, lost = array("d", bytes(8 * (loops + 1))), set()
        batch = islice(messages, loops)
        stamps[0] = now()
        for index, payload in enumerate(batch, 1):
            send(payload)
            try:
                receive()
            except DeadlinePassed:
                if recover is None:
                    raise
                lost.add(index)
                recover()
            stamps[index] = now()
        taken = [after - before for index, (before, after) in enumerate(pairwise(stamps), 1) if index not in lost]
        return Span(stamps[0], stamps[-1], len(lost), taken)

    return record


def paced(stream: Stream, rate: float) -> Callable[[int], Span]:
    """At that many a second, counted from the intended time."""
    send, receive, messages, recover = stream.send, stream.receive, stream.messages, stream.recover
    now, interval = perf_counter, 1 / rate

    def record(loops: int) -> Span:
        stamps, lost = array("d", bytes(8 * loops)), set()
        batch = islice(messages, loops)
        begin = now() + EARLY
        for index, payload in enumerate(batch):
            _wait_until(begin + index * interval)
            send(payload)
            try:
                receive()
            except DeadlinePassed:
                if recover is None:
                    raise
                lost.add(index)
                recover()
            stamps[index] = now()
        taken = [stamp - (begin + i * interval) for i, stamp in enumerate(stamps) if i not in lost]
        if not taken:
            raise DeadlinePassed(f"none of {loops:,} echoes came")
        planned = loops * interval  # the last one's interval included
        return Span(begin, stamps[-1], len(lost), taken, loops / max(planned, stamps[-1] - begin))

    return record


def _wait_until(due: float) -> None:
    left = due - perf_counter()
    if left > EARLY:
        sleep(left - EARLY)
    while perf_counter() < due:
        pass


def counted(latencies: Sequence[float]) -> dict[int, int]:
    """How often each latency came, in nanoseconds, to the resolution of the histogram: few numbers instead of many."""
    return Counter(_rounded(max(1, round(each * 1e9))) for each in latencies)


def tail(latencies: Sequence[float]) -> dict[str, float]:
    """This worker's own p99 (nearest rank), where at least one operation lies beyond it: over workers these have an interval."""
    count = len(latencies)
    return {"p99_s": sorted(latencies)[count * 99 // 100 - 1]} if count >= 100 else {}


def _rounded(value: int) -> int:
    drop = max(0, value.bit_length() - DIGITS)
    return value >> drop << drop


def recorder_cost(rounds: int = 7, loops: int = 1000) -> float:
    """Seconds that a recorded round trip takes beyond a plain one: both loops round calls that do nothing, median of several."""

    def plain() -> float:
        batch = islice(repeat(None), loops)
        begin = perf_counter()
        for payload in batch:
            nothing(payload)
            nothing()
        return perf_counter() - begin

    record = closed(Stream(nothing, nothing, repeat(None)))
    costs = [fmean(record(loops).latencies) - plain() / loops for _ in range(rounds)]
    return max(0.0, median(costs))


def nothing(*_: object) -> None:
    """Stands for a send or a receive."""
