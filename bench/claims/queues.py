"""Queues and memory that is shared (sections 4.3 and 4.4)."""

from __future__ import annotations

import queue
import struct
from collections import Counter
from contextlib import ExitStack
from typing import Any

from ipcbench.bench.claim import Claim, Finding, Observed
from ipcbench.bench.trying import End, always, ask, child, method, need, started, verdict

TRIES = 3
WRITERS, READERS, ITEMS = 2, 3, 300
"""Processes at either end, and items of each writer."""
SIZE = 1 << 20


def back_pressure() -> Finding:
    """A queue of two places gets a third item."""
    need("semaphore")

    def check() -> bool:
        narrow: Any = method().Queue(maxsize=2)
        narrow.put(1)
        narrow.put(2)
        try:
            narrow.put(3, timeout=0.05)
        except queue.Full:
            narrow.get(timeout=2)
            narrow.put(3, timeout=2)
            return True
        return False

    return always(TRIES, check, "with maxsize=2 the third put() waited until an item was taken")


def many_to_many() -> Finding:
    """Each item has a number; readers tell which ones they got."""
    need("semaphore")
    what = f"{WRITERS * ITEMS} items of {WRITERS} writers each reached exactly one of {READERS} readers"
    return always(TRIES, _each_once, what)


def _each_once() -> bool:
    context = method()
    shared: Any = context.Queue()
    with ExitStack() as stack:
        results = []
        for _ in range(READERS):
            ours, theirs = context.Pipe(duplex=False)
            stack.enter_context(started(child(context, _take, shared, theirs)))
            results.append(ours)
        writers = [child(context, _put, shared, index * ITEMS) for index in range(WRITERS)]
        stack.enter_context(started(*writers))
        for each in writers:
            each.join()
        for _ in results:
            shared.put(None)
        found = Counter(item for ours in results for item in ours.recv())
    return found == Counter(range(WRITERS * ITEMS))


def _put(shared: Any, first: int) -> None:
    for item in range(first, first + ITEMS):
        shared.put(item)


def _take(shared: Any, result: End) -> None:
    result.send(list(iter(shared.get, None)))


def zero_copy() -> Finding:
    """A view that the parent made before the child wrote."""
    need("shared-memory")
    from multiprocessing.shared_memory import SharedMemory

    context = method()

    def check() -> bool:
        segment = SharedMemory(create=True, size=SIZE)
        view: Any = segment.buf
        try:
            writer = child(context, _fill, segment)
            writer.start()
            writer.join()
            return view[0] == 1 and bytes(view[SIZE - 4 : SIZE]) == b"done"
        finally:
            segment.close()
            segment.unlink()

    return always(
        TRIES, check, f"a view made before shows what a child wrote into {SIZE >> 20} MiB, without any message or copy,"
    )


def _fill(segment: Any) -> None:
    segment.buf[0] = 1
    segment.buf[SIZE - 4 : SIZE] = b"done"


def layout() -> Finding:
    """Two processes take the same bytes for different things."""
    need("shared-memory")
    context: Any = method()
    raw = context.RawArray("B", 8)
    struct.pack_into("i", raw, 0, 1)
    read = ask(context, _as_double, raw)
    return verdict(read != 1, f"the int 1 that one process wrote is {read:.3g} to one that takes it for a double")


def _as_double(raw: Any) -> float:
    return float(struct.unpack_from("d", raw)[0])


CLAIMS = [
    Claim(
        "queue-maxsize",
        "4.3",
        "A Queue's maxsize is back-pressure: put() waits while it is full.",
        Observed(back_pressure),
    ),
    Claim(
        "queue-shared", "4.3", "A Queue can be shared by several readers and writers safely.", Observed(many_to_many)
    ),
    Claim("shared-memory-zero-copy", "4.4", "Shared memory is zero copy.", Observed(zero_copy)),
    Claim("shared-memory-layout", "4.4", "Shared memory needs a layout that all agree on.", Observed(layout)),
]
