"""What the calls of a Pool promise (section 5.1)."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from ipcbench.bench.claim import Claim, Finding, Observed
from ipcbench.bench.trying import always, ask, method, need, verdict

TRIES = 3
WORKERS = 2
DELAY = 0.1
"""Seconds that a call is kept waiting, to see whether it waits."""
ITEMS, ITEM = 1000, 32 << 10
"""A large input: so many items of so many bytes."""
PATIENCE = 5.0


@contextmanager
def _pool(*initial: Any) -> Iterator[Any]:
    """A pool whose workers are given what is to be shared by inheritance."""
    need("semaphore")
    context: Any = method()
    with context.Pool(WORKERS, _keep, initial) as pool:
        yield pool


def _keep(*shared: Any) -> None:
    global kept
    kept = shared


kept: tuple[Any, ...] = ()


def _await(item: int) -> int:
    """Waits for the event, where the item isn't negative."""
    if item >= 0:
        kept[0].wait(PATIENCE)
    return item


def _backwards(item: int) -> tuple[int, float]:
    """Those that begin first end last."""
    time.sleep(0.02 * (WORKERS - item % WORKERS))
    return item, time.monotonic()


def map_order() -> Finding:
    """Tasks that end in another order than that of the input."""
    items = list(range(3 * WORKERS))

    def check() -> bool:
        with _pool() as pool:
            results = pool.map(_backwards, items, chunksize=1)
        ends = [end for _, end in results]
        return [item for item, _ in results] == items and ends != sorted(ends)

    return always(
        TRIES, check, f"{len(items)} results in the order of the input, though the tasks ended in another one,"
    )


def map_blocks() -> Finding:
    """The tasks are let go by another thread, later."""

    def check() -> bool:
        event = _event()
        with _pool(event) as pool:
            begun = time.monotonic()
            letting = threading.Timer(DELAY, event.set)
            letting.start()
            pool.map(_await, range(WORKERS))
            return time.monotonic() - begun >= DELAY

    return always(TRIES, check, f"map() came back when its tasks had ended, which were kept for {DELAY} s,")


def async_returns() -> Finding:
    """The tasks are let go after the call has returned: if it blocked, it would for ever."""

    def check() -> bool:
        event = _event()
        with _pool(event) as pool:
            pending = pool.map_async(_await, range(WORKERS))
            early = not pending.ready()
            event.set()
            return early and bool(pending.get(PATIENCE) == list(range(WORKERS)))

    return always(TRIES, check, "map_async() came back while its tasks still waited to be let go")


def imap_yields() -> Finding:
    """All but the first two tasks are let go after those two results have come."""

    def check() -> bool:
        event = _event()
        with _pool(event) as pool:
            results = pool.imap(_await, [-1, -2, 3, 4])
            first = [results.next(PATIENCE), results.next(PATIENCE)]
            event.set()
            return [*first, *results] == [-1, -2, 3, 4]

    return always(TRIES, check, "two results came, in order, while the later tasks still waited to be let go")


def apply_single() -> Finding:
    """Spans of tasks by apply; and by apply_async, which must overlap for a barrier to let them go."""
    need("semaphore")
    context: Any = method()
    with _pool(context.Barrier(WORKERS)) as pool:
        spans = sorted(pool.apply(_span) for _ in range(4))
        together = [pool.apply_async(_meet) for _ in range(WORKERS)]
        met = all(each.get(PATIENCE) for each in together)
    alone = all(before[1] <= after[0] for before, after in pairwise(spans))
    evidence = (
        f"of 4 tasks by apply() {'none overlapped' if alone else 'some overlapped'} in a pool of {WORKERS}; "
        f"by apply_async() {WORKERS} {'ran' if met else 'did not run'} at once"
    )
    return verdict(alone, evidence)


def _span() -> tuple[float, float]:
    begun = time.monotonic()
    time.sleep(0.01)
    return begun, time.monotonic()


def _meet() -> bool:
    kept[0].wait(PATIENCE)
    return True


def _event() -> Any:
    need("semaphore")
    context: Any = method()
    return context.Event()


# ---- memory ----


def imap_memory() -> Finding:
    """Peak resident size of fresh processes that put a large input through a pool (ru_maxrss of getrusage(2))."""
    need("semaphore")
    peaks: dict[str, list[float]] = {"map": [], "imap": []}
    for _ in range(TRIES):
        for call, found in peaks.items():
            found.append(ask(method(), _peak, call))
    lower = max(peaks["imap"]) < min(peaks["map"])
    said = [f"{call} {min(found):.0f} to {max(found):.0f} MiB" for call, found in peaks.items()]
    return verdict(
        lower, f"peak resident size for an input of {ITEMS * ITEM >> 20} MiB: {', '.join(said)}, {TRIES} tries of each"
    )


def _peak(call: str) -> float:
    with _pool() as pool:
        items = (bytes([index % 256]) * ITEM for index in range(ITEMS))
        total = sum(map(len, getattr(pool, call)(_itself, items)))
    assert total == ITEMS * ITEM
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / (1 << 20)


def _itself(item: bytes) -> bytes:
    return item


CLAIMS = [
    Claim("map-keeps-order", "5.1", "Pool.map keeps the order of the input.", Observed(map_order)),
    Claim("map-blocks", "5.1", "Pool.map blocks until all is done.", Observed(map_blocks)),
    Claim("map-async-returns", "5.1", "Pool.map_async returns at once.", Observed(async_returns)),
    Claim("imap-yields", "5.1", "Pool.imap yields in order while later tasks still run.", Observed(imap_yields)),
    Claim("imap-memory", "5.1", "Pool.imap holds less memory than map on a large input.", Observed(imap_memory)),
    Claim("apply-single", "5.1", "Pool.apply runs one task at a time.", Observed(apply_single)),
]
