"""Streams with a window: many messages one way, credits back, the last credit acknowledges the last message.

The receiver gives a credit back for each half window consumed (for each message when the window is one), and for what is left at the end.
Both sides count, so nothing in band stops a stream.

Two kinds of channel can't count. On one that several processes share, no receiver knows its share. On a lossy one
(UDP) messages may be missing. There a stream is *ended*: when all near processes have sent, the first of them sends an empty message to
each far process, which answers with one; whatever credits are still under way come before that answer. On a lossy channel
a credit that doesn't come within `LOSS` seconds gives the window up, and the END is repeated; what the far side
counted says what was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from time import perf_counter
from typing import Any

from ipcbench.bench import payloads
from ipcbench.bench.case import Case
from ipcbench.bench.delivery import Arrivals, numbered
from ipcbench.bench.messaging import Loops, MessagingWorkload, lossy
from ipcbench.bench.recording import Span
from ipcbench.bench.workload import Delivery
from ipcbench.ipc import registry
from ipcbench.ipc.contract import Endpoint, Refusal
from ipcbench.ipc.errors import DamagedMessage, DeadlinePassed

__all__ = ["FlowWorkload", "finish"]

IN_FLIGHT = 64 << 20
WINDOW = 64
TRIES = 20
"""Messages sent until one is answered, where they may be lost."""
Receive = Callable[[], Any]


class FlowWorkload(MessagingWorkload):
    """A workload of windowed streams; what differs is how many processes each side has."""

    quantity = "message"
    revision = 2  # 1 gave small messages that were measured beside large ones a queue as short as those need
    longer = 4  # the last acknowledgement is awaited once a value: it must be a small part of that
    variants = ("wait", "transfer", "consume", "window")

    def window(self, case: Case) -> int:
        """64 messages or what the variant says, but no more than fit 64 MiB, or the capacity of a lossy mechanism."""
        window = min(int(case.option("window", str(WINDOW))), max(1, IN_FLIGHT // max(1, case.size)))
        capacity = registry.load(case.mechanism).traits.capacity
        return max(1, min(window, capacity(case.size))) if capacity else window

    def near(self, ends: list[Endpoint], case: Case) -> Loops:
        """Sends its share of the messages, over one channel or over several in turn."""
        nears, fars = self.sides(case.processes)
        window, rotation = self.window(case), payloads.rotation(case.payload, case.size)
        channels = max(nears, len(ends))
        if self.ended(case):
            move = _ended_sender(ends, window, self._batch(case), lossy(case))
        elif len(ends) == 1:
            move = _one_sender(ends[0], window, case.payload)
        else:
            move = _several_sender(ends, window, case.payload)
        messages = cycle(rotation)
        return Loops(
            check=lambda count: move(count // channels, cycle(rotation)),
            timed=lambda count: move(count // channels, messages),
            finish=(lambda: finish(ends, fars, case.payload)) if self.ended(case) else None,
            number=(lambda count: move(count, numbered(rotation[0]))) if self.numbered(case) else None,
        )

    def far(self, ends: list[Endpoint], case: Case) -> Loops:
        """Consumes each message and gives credits back."""
        channels, batch = max(self.sides(case.processes)), self._batch(case)
        rotation = payloads.rotation(case.payload, case.size)
        consumers, buffer = _consumers(ends, case, self.ended(case))
        if self.ended(case):
            return Loops(
                lambda _: _take_until_end(
                    ends, batch, case.payload, [_unordered(consumers[0], case, rotation, buffer)]
                ),
                lambda _: _take_until_end(ends, batch, case.payload, consumers),
                number=(lambda count: _numbers_until_end(ends, batch, count)) if self.numbered(case) else None,
            )
        return Loops(
            lambda count: _take(
                *(ends, batch, case.payload, count // channels),
                [_ordered(consume, case, rotation, buffer) for consume in consumers],
            ),
            lambda count: _take(ends, batch, case.payload, count // channels, consumers),
        )

    def refuse(self, case: Case) -> Refusal | None:
        """Beyond the common reasons: loss on several channels at once can't be told apart."""
        if lossy(case) and max(self.sides(case.processes)) > 1:
            return Refusal("shape", f"{case.mechanism} may lose messages, which is counted between two processes only")
        return super().refuse(case)

    def ended(self, case: Case) -> bool:
        """Where no receiver knows its share, or messages may be missing."""
        shared = max(self.sides(case.processes)) > 1 and not self.separate(case)
        return shared or lossy(case)

    def _batch(self, case: Case) -> int:
        """Messages a credit stands for. Shared: small enough that parts of a batch at each peer never hold a whole window."""
        fars = self.sides(case.processes)[1] if self.ended(case) else 1
        return max(1, self.window(case) // (2 * fars))


def _credits(end: Endpoint, kind: str) -> Receive:
    """Takes one credit, into a buffer where that can be.

    A view, kept until the next one, would hold a one-slot mailbox's only place: the peer would wait for that, and never
    take the message that this side is sending.
    """
    credit = payloads.credit(kind)
    buffer = payloads.target(kind, credit.nbytes if kind == "array" else 1)
    return (None if buffer is None else end.into(buffer)) or end.recv


def _one_sender(end: Endpoint, window: int, kind: str) -> Callable[[int, Iterator[Any]], Span]:
    """One channel: the first window at once, then half a window for each credit."""
    send, recv, batch = end.send, _credits(end, kind), max(1, window // 2)

    def move(count: int, messages: Iterator[Any]) -> Span:
        first = min(window, count)
        credits, left = -(-count // batch), count - first
        begin = perf_counter()
        for payload in islice(messages, first):
            send(payload)
        while left > 0:
            recv()
            credits -= 1
            for payload in islice(messages, min(batch, left)):
                send(payload)
            left -= batch
        for _ in range(credits):
            recv()
        return Span(begin, perf_counter())

    return move


def _several_sender(ends: Sequence[Endpoint], window: int, kind: str) -> Callable[[int, Iterator[Any]], Span]:
    """N channels from one process, message by message in turn; each channel has its own window."""
    sends, recvs = [end.send for end in ends], [_credits(end, kind) for end in ends]
    batch = max(1, window // 2)

    def move(count: int, messages: Iterator[Any]) -> Span:
        first = min(window, count)
        credits, left = -(-count // batch), count - first
        begin = perf_counter()
        for payload in islice(messages, first):
            for send in sends:
                send(payload)
        while left > 0:
            for recv in recvs:
                recv()
            credits -= 1
            for payload in islice(messages, min(batch, left)):
                for send in sends:
                    send(payload)
            left -= batch
        for _ in range(credits):
            for recv in recvs:
                recv()
        return Span(begin, perf_counter())

    return move


def _ended_sender(
    ends: Sequence[Endpoint], window: int, batch: int, losing: bool
) -> Callable[[int, Iterator[Any]], Span]:
    """A stream that is ended: after the first window, a credit (whichever peer it comes from) for each batch."""
    (end,) = ends
    send, recv = end.send, _patient(end.recv) if losing else end.recv

    def move(count: int, messages: Iterator[Any]) -> Span:
        first = min(window, count)
        left = count - first
        begin = perf_counter()
        for payload in islice(messages, first):
            send(payload)
        while left > 0:
            recv()
            for payload in islice(messages, min(batch, left)):
                send(payload)
            left -= batch
        return Span(begin, perf_counter())

    return move


def _patient(recv: Receive) -> Receive:
    def receive() -> Any:
        try:
            return recv()
        except DeadlinePassed:
            return None  # the credit, or what it stood for, is lost: the window is free again

    return receive


def finish(ends: Sequence[Endpoint], fars: int, kind: str) -> float:
    """End a stream at all far processes and await their answers; gives the time when the last one was there."""
    last = payloads.end(kind)
    (end,) = ends
    answers = 0
    for _ in range(TRIES):
        for _ in range(fars - answers):
            end.send(last)
        try:
            while answers < fars:
                answers += acknowledged(end.recv())
            return perf_counter()
        except DeadlinePassed:
            continue
    raise DeadlinePassed(f"{TRIES} END messages were not answered")


def acknowledged(message: Any) -> bool:
    """Whether it is the empty message that answers an END, rather than a late credit."""
    return not len(message)


def _take(ends: Sequence[Endpoint], batch: int, kind: str, count: int, consumers: Sequence[Receive]) -> int:
    """Consume `count` messages of each end, in turn, and give its credits back."""
    credit = payloads.credit(kind)
    sends = [end.send for end in ends]
    left = count
    consume = consumers[0]
    while left > 0:
        if len(sends) == 1:
            for _ in range(min(batch, left)):
                consume()
        else:
            for _ in range(min(batch, left)):
                for consume in consumers:
                    consume()
        for send in sends:
            send(credit)
        left -= batch
    return count * len(ends)


def _take_until_end(ends: Sequence[Endpoint], batch: int, kind: str, consumers: Sequence[Receive]) -> int:
    """Consume until an END comes, answer it, and give this process's share."""
    (end,), (consume,) = ends, consumers
    send, credit = end.send, payloads.credit(kind)
    share = 0
    while True:
        try:
            while len(consume()):
                share += 1
                if not share % batch:
                    send(credit)
            send(payloads.end(kind))
            return share
        except DeadlinePassed:
            continue  # only a lossy channel has one that short; the worker's guard ends what goes on too long


def _numbers_until_end(ends: Sequence[Endpoint], batch: int, sent: int) -> Delivery:
    """Take the numbers down until an END comes."""
    (end,), arrivals = ends, Arrivals()

    def take() -> bytes:
        message: bytes = end.recv()
        if message:
            arrivals.take(message)
        return message

    _take_until_end(ends, batch, "bytes", [take])
    return arrivals.delivery(sent)


def _consumers(ends: Sequence[Endpoint], case: Case, ended: bool) -> tuple[list[Receive], Any]:
    """One call an end that receives a message, consumes it and gives something with the message's length; the buffer they copy to.

    Where an END may come `into` would take it for a damaged message.
    """
    buffer = payloads.target(case.payload, case.size)
    if case.option("consume") == "none" or buffer is None:
        return [end.recv for end in ends], None
    narrow = [None if ended else end.into(buffer) for end in ends]
    copying = [payloads.copying(end.recv, case.payload, buffer) for end in ends]
    return [into or copies for into, copies in zip(narrow, copying, strict=True)], buffer


def _ordered(consume: Receive, case: Case, rotation: list[Any], buffer: Any) -> Receive:
    """Consumes, and compares what that gave, or left in the buffer, with what must come next on this channel."""
    expected = cycle(rotation)

    def receive() -> Any:
        message = consume()
        if not payloads.equal(case.payload, next(expected), message if buffer is None else buffer):
            raise DamagedMessage(f"a message of {case.id} isn't the one sent at its place")
        return message

    return receive


def _unordered(consume: Receive, case: Case, rotation: list[Any], buffer: Any) -> Receive:
    """Consumes, and compares with any of what was sent: a shared channel deals messages out as it likes."""
    kind = case.payload

    def receive() -> Any:
        message = consume()
        if len(message):
            if not any(payloads.equal(kind, each, message) for each in rotation):
                raise DamagedMessage(f"a message of {case.id} is none of those sent")
            if buffer is not None and not payloads.equal(kind, message, buffer):
                raise DamagedMessage(f"a message of {case.id} was consumed as another one")
        return message

    return receive
