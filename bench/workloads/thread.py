"""The floor within one process: the same echo between two threads, and a plain function call.

Between two threads, `queue.Queue` and `queue.SimpleQueue` hand over a reference; what differs from a round trip between processes is
the border that the message doesn't cross. Both sides consume as everywhere: one copy into a buffer of their own. On two
cores the threads still take turns, as the interpreter's lock demands.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from time import perf_counter
from typing import Any

from ipcbench.bench import memory, payloads, placement, refusals
from ipcbench.bench.case import Case
from ipcbench.bench.guard import TIMING, Guard
from ipcbench.bench.recording import Stream, closed
from ipcbench.bench.usage import of_self
from ipcbench.bench.workload import Measured, Timed, Workload
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import DamagedMessage

CALL = "direct-call"
QUEUES: dict[str, Callable[[], Any]] = {"thread-queue": queue.Queue, "thread-simple-queue": queue.SimpleQueue}
STOP = None
"""What ends the echo."""


class Thread(Workload):
    """One process; the far side is a thread of it, or a function."""

    name = "thread"
    quantity = "round trip"

    def subjects(self) -> tuple[str, ...]:
        """The queues for threads, and a call."""
        return (*QUEUES, CALL)

    def sides(self, processes: int) -> tuple[int, int]:  # noqa: ARG002 - nobody else
        """One process alone."""
        return 1, 0

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """The floor."""
        return "floor"

    def refuse(self, case: Case) -> Refusal | None:
        """Bytes, without variants; a call stays on its core."""
        if case.payload != "bytes" or case.variant or case.start_method != "fork":
            return Refusal("kind", "the thread twin moves bytes within one process, which starts no other")
        if case.mechanism == CALL and case.placement != "same-core":
            return Refusal("cores", "a direct call stays on its core")
        return refusals.cores(case)

    @contextmanager
    def session(self, cases: Sequence[Case]) -> Iterator[dict[Case, Timed]]:
        """One echo after the other, as they take turns anyway."""
        placement.pin(placement.cpus(cases[0].placement, "near", placement.allowed()))
        guard = Guard()
        try:
            guard.start({})
            yield {case: _timed(case, guard) for case in cases}
        finally:
            guard.stop()


def _timed(case: Case, guard: Guard) -> Timed:
    base = memory.resident([os.getpid()])
    rotation = payloads.rotation("bytes", case.size)
    messages = cycle(rotation)

    def limited(work: Callable[[Any, Any], Measured]) -> Measured:
        with guard.limit(TIMING, f"timing {case.mechanism}"), _echo(case) as (send, receive):
            return work(send, receive)

    def run(loops: int) -> Measured:
        if case.mechanism == CALL:
            return _calls(case.size, islice(messages, loops))
        return limited(lambda send, receive: _ping(send, receive, islice(messages, loops)))

    def record(loops: int) -> Measured:
        return limited(lambda send, receive: _record(Stream(send, receive, messages), loops))

    limited(partial(_check, rotation))
    return Timed(run, record, memory=memory.watching_self(run, base))


def _ping(send: Callable[[Any], Any], receive: Callable[[], Any], batch: Iterator[Any]) -> Measured:
    before = of_self()
    begin = perf_counter()
    for payload in batch:
        send(payload)
        receive()
    end = perf_counter()
    return Measured(end - begin, of_self() - before)


def _record(stream: Stream, loops: int) -> Measured:
    before = of_self()
    span = closed(stream)(loops)
    return Measured(span.end - span.begin, of_self() - before, latencies=span.latencies)


def _check(rotation: list[bytes], send: Callable[[Any], Any], receive: Callable[[], Any]) -> Measured:
    for payload in rotation:
        send(payload)
        if receive() != payload:
            raise DamagedMessage("an echo isn't what was sent")
    return Measured(0.0)


@contextmanager
def _echo(case: Case) -> Iterator[tuple[Callable[[Any], Any], Callable[[], Any]]]:
    """The calls that send a message and take its echo in, with the other side alive meanwhile."""
    if case.mechanism == CALL:
        yield _call(case.size)
        return
    there, back = QUEUES[case.mechanism](), QUEUES[case.mechanism]()
    cores = placement.cpus(case.placement, "far", placement.allowed())
    thread = threading.Thread(target=_live, args=(there.get, back.put, case.size, cores), name="echo", daemon=True)
    thread.start()
    try:
        back.get(timeout=TIMING)  # it is up, and its buffer touched
        yield there.put, payloads.receiver(back.get, "bytes", payloads.target("bytes", case.size))
    finally:
        there.put(STOP)
        thread.join(TIMING)


def _live(get: Callable[[], Any], put: Callable[[Any], None], size: int, cores: tuple[int, ...]) -> None:
    """The echo: consume and send back, until told to stop."""
    placement.pin(cores)
    view = memoryview(payloads.target("bytes", size))
    put(STOP)
    while (message := get()) is not STOP:
        view[:] = message
        put(message)


def _call(size: int) -> tuple[Callable[[Any], Any], Callable[[], Any]]:
    """A call cut in two for the passes that need a send and a receive: they cost a call more each."""
    far, here = _consuming(size), memoryview(payloads.target("bytes", size))
    echoed: Any = None

    def send(message: Any) -> None:
        nonlocal echoed
        echoed = far(message)

    def receive() -> Any:
        here[:] = echoed
        return echoed

    return send, receive


def _consuming(size: int) -> Callable[[Any], Any]:
    """A function that consumes its argument and gives it back."""
    there = memoryview(payloads.target("bytes", size))

    def far(message: Any) -> Any:
        there[:] = message
        return message

    return far


def _calls(size: int, batch: Iterator[Any]) -> Measured:
    """One call a round trip."""
    far, here = _consuming(size), memoryview(payloads.target("bytes", size))
    before = of_self()
    begin = perf_counter()
    for payload in batch:
        here[:] = far(payload)
    end = perf_counter()
    return Measured(end - begin, of_self() - before)


WORKLOAD = Thread()
