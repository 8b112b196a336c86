"""Request there and echo back, one at a time: seconds per round trip.

What the clock sees for n operations: n × (send, the peer's receive and consumption, its send, receive and
consumption here). The payload rotates. Variants: `consume=none` hands the message over without reading it; `produce=in-place`
writes only a message's first bytes, where the mechanism lends its memory; `rate=10000` begins that many a second and counts each
from the time at which it was meant to begin (`recording.py`): there a value is the mean latency.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import cycle, islice
from time import perf_counter
from typing import Any

from ipcbench.bench import payloads
from ipcbench.bench.case import Case
from ipcbench.bench.delivery import Arrivals, numbered
from ipcbench.bench.flow import TRIES, finish
from ipcbench.bench.messaging import Loops, MessagingWorkload, lossy
from ipcbench.bench.recording import Span, Stream, closed, paced
from ipcbench.bench.workload import Timed
from ipcbench.ipc import registry
from ipcbench.ipc.contract import Endpoint
from ipcbench.ipc.errors import DamagedMessage, DeadlinePassed

PACED = 0.1
"""Seconds that a value at a fixed rate takes at least: a stall must find messages to delay."""
PROBE = 32
"""Operations that show whether a mechanism keeps a rate."""


class RoundTrip(MessagingWorkload):
    """One near and one far process."""

    name = "round-trip"
    quantity = "round trip"
    variants = ("wait", "transfer", "consume", "produce", "rate")

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - always one to one
        """One to one."""
        return 1, 1

    def floor(self, case: Case) -> Case | None:
        """The same primitive in C, as far as it is the same work."""
        from ipcbench.bench.workloads.floor import comparable

        return comparable(case, registry.load(case.mechanism))

    def recorded(self, case: Case) -> bool:  # noqa: ARG002 - every one
        """One by one, in a pass of their own."""
        return True

    def loops(self, case: Case, seconds: float, timed: Timed) -> int | None:
        """At a rate: what is due in a value's time, or as much as the mechanism does in it where it can't keep the rate."""
        rate = float(case.option("rate", "0"))
        if not rate:
            return None
        due = max(PROBE, round(rate * max(seconds, PACED)))
        achieved = timed(PROBE).achieved or rate
        return max(PROBE, round(due * min(1.0, achieved / rate)))

    def near(self, ends: list[Endpoint], case: Case) -> Loops:
        """Sends and awaits the echo."""
        (end,) = ends
        rotation = payloads.rotation(case.payload, case.size)
        buffer = payloads.target(case.payload, case.size)
        receive, rate = _receive(end, case, buffer), float(case.option("rate", "0"))
        stream = _stream(end, case, rotation, receive)
        record = paced(stream, rate) if rate else closed(stream)
        ping = _ping_losing if lossy(case) else _ping
        return Loops(
            _check(end, case, rotation, receive, buffer),
            record if rate else ping(end, case, cycle(rotation), receive, buffer),
            finish=(lambda: finish(ends, 1, case.payload)) if lossy(case) else None,
            record=record,
            number=_number(end, rotation[0]) if self.numbered(case) else None,
        )

    def ended(self, case: Case) -> bool:
        """A lossy echo can't count: what it misses never comes."""
        return lossy(case)

    def far(self, ends: list[Endpoint], case: Case) -> Loops:
        """Echoes each message."""
        (end,) = ends
        recv, send = end.recv, end.send

        def echo_unread(loops: int) -> None:
            for _ in range(loops):
                send(recv())

        if lossy(case):

            def echo_until_end(_: int) -> None:
                _echo_until_end(end, case)

            return Loops(echo_until_end, echo_until_end)

        if case.option("consume") == "none":
            return Loops(echo_unread, echo_unread)
        echo = _echo(end, case)
        return Loops(echo, _echo_in_place(end, case) if case.option("produce") == "in-place" else echo)


def _check(
    end: Endpoint, case: Case, rotation: list[Any], receive: Callable[[], Any], buffer: Any
) -> Callable[[int], Span]:
    """By what the timed loop sends and receives by: what was copied is looked at where it was copied to."""
    send = _whole_in_place(end, case) if case.option("produce") == "in-place" else end.send
    copied = buffer is not None and case.option("consume") != "none"

    def check(count: int) -> Span:
        for index, payload in enumerate(islice(cycle(rotation), count)):
            send(payload)
            echo = receive()
            if not payloads.equal(case.payload, payload, buffer if copied else echo):
                raise DamagedMessage(f"echo {index} of {case.id} isn't what was sent")
        return Span(0.0, 0.0)

    return check


def _ping(
    end: Endpoint, case: Case, messages: cycle[Any], receive: Callable[[], Any], buffer: Any
) -> Callable[[int], Span]:
    send = end.send

    def ping(loops: int) -> Span:
        batch = islice(messages, loops)
        begin = perf_counter()
        for payload in batch:
            send(payload)
            receive()
        return Span(begin, perf_counter())

    def ping_in_place(loops: int) -> Span:
        reserve, commit, length, count = _in_place(end, case)
        stamps = islice(cycle([payload[:count] for payload in islice(messages, 8)]), loops)
        begin = perf_counter()
        for stamp in stamps:
            reserve()[:count] = stamp
            commit(length)
            receive()
        return Span(begin, perf_counter())

    def ping_copying(loops: int) -> Span:
        recv, view = end.recv, memoryview(buffer)
        batch = islice(messages, loops)
        begin = perf_counter()
        for payload in batch:
            send(payload)
            view[:] = recv()
        return Span(begin, perf_counter())

    if case.option("produce") == "in-place":
        return ping_in_place
    return ping_copying if _copies(end, case, buffer) else ping


def _ping_losing(
    end: Endpoint, case: Case, messages: cycle[Any], receive: Callable[[], Any], _buffer: Any
) -> Callable[[int], Span]:
    """An echo that doesn't come within the channel's deadline is lost: its wait isn't part of the round trips' time."""
    send, recover = end.send, _recovery(end, case)

    def ping(loops: int) -> Span:
        lost, waited = 0, 0.0
        batch = islice(messages, loops)
        begin = perf_counter()
        for payload in batch:
            sent = perf_counter()
            send(payload)
            try:
                receive()
            except DeadlinePassed:
                recover()
                lost, waited = lost + 1, waited + perf_counter() - sent
        return Span(begin + waited, perf_counter(), lost)

    return ping


def _recovery(end: Endpoint, case: Case) -> Callable[[], None]:
    """What brings both sides into step after a loss: an echo given up may only be late, and would be taken for the next one.

    They come in their turn (what a loopback doesn't lose it doesn't overtake): once a message unlike all others is back, those before it
    are back, too, or lost.
    """

    def recover() -> None:
        for mark in payloads.marks(case.payload, case.size, TRIES):
            end.send(mark)
            with suppress(DeadlinePassed):
                while not payloads.equal(case.payload, mark, end.recv()):
                    pass
                return
        raise DeadlinePassed(f"{TRIES} messages after a lost one were not echoed")

    return recover


def _stream(end: Endpoint, case: Case, rotation: list[Any], receive: Callable[[], Any]) -> Stream:
    """What a pass repeats that times each round trip by itself."""
    recover = _recovery(end, case) if lossy(case) else None
    if case.option("produce") != "in-place":
        return Stream(end.send, receive, cycle(rotation), recover)
    reserve, commit, length, count = _in_place(end, case)

    def send_in_place(stamp: Any) -> None:
        reserve()[:count] = stamp
        commit(length)

    return Stream(send_in_place, receive, cycle([payload[:count] for payload in rotation]), recover)


def _in_place(end: Endpoint, case: Case) -> tuple[Callable[[], Any], Callable[[int], None], int, int]:
    """The end's reserve and commit, a message's length, and how much of it is written: eight bytes, in its own items."""
    assert end.reserve is not None and end.commit is not None
    item = 8 if case.payload == "array" else 1
    length = case.size // item
    return end.reserve, end.commit, length, min(8 // item, length)


def _whole_in_place(end: Endpoint, case: Case) -> Callable[[Any], None]:
    """A send that writes the whole payload where it will lie."""
    reserve, commit, length, _ = _in_place(end, case)

    def send(payload: Any) -> None:
        reserve()[:length] = payload
        commit(length)

    return send


def _number(end: Endpoint, body: bytes) -> Callable[[int], Span]:
    """Numbered messages, one in flight; an echo that was given up and comes after all is told from the one awaited."""
    send, recv = end.send, end.recv

    def number(loops: int) -> Span:
        arrivals, begin = Arrivals(), perf_counter()
        for index, message in enumerate(islice(numbered(body), loops)):
            send(message)
            with suppress(DeadlinePassed):
                while arrivals.take(recv()) != index:
                    pass
        return Span(begin, perf_counter(), delivery=arrivals.delivery(loops))

    return number


def _echo_until_end(end: Endpoint, case: Case) -> None:
    buffer = payloads.target(case.payload, case.size)
    recv, send = end.recv, end.send
    receive = recv if buffer is None else payloads.copying(recv, case.payload, buffer)
    while True:
        try:
            while len(message := receive()):
                send(message)
            send(payloads.end(case.payload))
            return
        except DeadlinePassed:
            continue


def _copies(end: Endpoint, case: Case, buffer: Any) -> bool:
    """Whether consuming is a copy in the loop itself: a call for it would be a hundredth of a round trip on one core."""
    return case.payload == "bytes" and case.option("consume") != "none" and end.into(buffer) is None


def _receive(end: Endpoint, case: Case, buffer: Any) -> Callable[[], Any]:
    if case.option("consume") == "none":
        return end.recv
    into = end.into(buffer) if buffer is not None else None
    return into or payloads.receiver(end.recv, case.payload, buffer)


def _echo(end: Endpoint, case: Case) -> Callable[[int], None]:
    """Echo after consuming: from the own buffer where the message was received there, else the message itself."""
    buffer = payloads.target(case.payload, case.size)
    send, into = end.send, end.into(buffer) if buffer is not None else None
    receive = into or payloads.receiver(end.recv, case.payload, buffer)

    def echo_buffer(loops: int) -> None:
        for _ in range(loops):
            receive()
            send(buffer)

    def echo_message(loops: int) -> None:
        for _ in range(loops):
            send(receive())

    def echo_copying(loops: int) -> None:
        recv, view = end.recv, memoryview(buffer)
        for _ in range(loops):
            view[:] = message = recv()
            send(message)

    if into:
        return echo_buffer
    return echo_copying if case.payload == "bytes" else echo_message


def _echo_in_place(end: Endpoint, case: Case) -> Callable[[int], None]:
    reserve, commit, length, count = _in_place(end, case)
    buffer = payloads.target(case.payload, case.size)
    receive, stamp = _receive(end, case, buffer), buffer[:count]

    def echo(loops: int) -> None:
        for _ in range(loops):
            receive()
            reserve()[:count] = stamp
            commit(length)

    return echo


WORKLOAD = RoundTrip()
