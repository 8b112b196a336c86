"""Locks, semaphores, events, conditions and barriers, multiprocessing's own and a Manager's (sections 4.5 and 4.8)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

from ipcbench.bench.claim import HOLDS, Claim, Finding, Observed
from ipcbench.bench.trying import End, always, child, method, need, sometimes, started, verdict

TRIES = 3
WORKERS = 3
INCREMENTS = 20_000
MANAGED = 100
"""Increments of each process: of a Value, and of a Manager's dict, which takes some hundred times as long."""
AWHILE = 0.15
"""Seconds in which what is going to happen would have."""


def _several(
    context: Any, target: Callable[..., object], *args: Any, count: int = WORKERS
) -> list[tuple[End, BaseProcess]]:
    """Processes that are given an end to tell by, and the other ends of those."""
    made = []
    for _ in range(count):
        ours, theirs = context.Pipe(duplex=False)
        made.append((ours, child(context, target, theirs, *args)))
    return made


# ---- semaphores ----


def over_release() -> Finding:
    """One release more than there were permits."""
    need("semaphore")
    bounded: Any = method().BoundedSemaphore(2)
    plain: Any = method().Semaphore(2)
    plain.release()
    try:
        bounded.release()
    except ValueError as error:
        return verdict(True, f"ValueError: {error}; a plain Semaphore takes it and has a permit more")
    return verdict(False, "it takes it")


def permits() -> Finding:
    """Four processes ask for two permits, and count how many are inside."""
    need("semaphore")
    context: Any = method()
    entries = 100
    semaphore, inside, most = context.Semaphore(2), context.Value("i", 0), context.Value("i", 0)
    crew = [child(context, _enter, semaphore, inside, most, entries) for _ in range(4)]
    with started(*crew):
        for each in crew:
            each.join()
    seen = most.value
    return verdict(
        seen <= 2, f"at most {seen} of 4 processes were inside at once; more were not seen in {4 * entries} tries"
    )


def _enter(semaphore: Any, inside: Any, most: Any, entries: int) -> None:
    for _ in range(entries):
        with semaphore:
            with inside.get_lock():
                inside.value += 1
                most.value = max(most.value, inside.value)
            time.sleep(0)
            with inside.get_lock():
                inside.value -= 1


# ---- a shared counter ----


def unlocked() -> Finding:
    """Two processes increment a Value."""
    need("semaphore")
    shares = []

    def check() -> bool:
        shares.append(1 - _counted(_increment) / (2 * INCREMENTS))
        return shares[-1] > 0

    found = sometimes(TRIES, check, f"of {2 * INCREMENTS:,} increments by two processes some were lost")
    return Finding(found.verdict, f"{found.evidence} ({min(shares):.0%} to {max(shares):.0%} of them)")


def locked() -> Finding:
    """The same with the Value's own lock."""
    need("semaphore")

    def check() -> bool:
        return _counted(_increment_locked) == 2 * INCREMENTS

    found = always(TRIES, check, f"all of {2 * INCREMENTS:,} increments by two processes were kept")
    return Finding(found.verdict, f"{found.evidence}; a lost one was not seen")


def _counted(increment: Callable[[Any, Any], None]) -> int:
    context: Any = method()
    value, barrier = context.Value("i", 0), context.Barrier(2)
    crew = [child(context, increment, value, barrier) for _ in range(2)]
    with started(*crew):
        for each in crew:
            each.join()
    return int(value.value)


def _increment(value: Any, barrier: Any) -> None:
    barrier.wait(5)
    for _ in range(INCREMENTS):
        value.value += 1


def _increment_locked(value: Any, barrier: Any) -> None:
    barrier.wait(5)
    for _ in range(INCREMENTS):
        with value.get_lock():
            value.value += 1


# ---- locks ----


def taken_twice(kind: str) -> Callable[[], Finding]:
    """The holder takes it again: in this process with a deadline, in another one without."""

    def check() -> Finding:
        need("semaphore")
        context: Any = method()
        deadlocks = 0
        for _ in range(TRIES):
            lock, other = getattr(context, kind)(), getattr(context, kind)()
            lock.acquire()
            again = lock.acquire(timeout=AWHILE)
            ours, theirs = context.Pipe(duplex=False)
            with started(child(context, _take_twice, other, theirs)):
                ours.recv()
                passed = ours.poll(AWHILE if kind == "Lock" else 3)
            deadlocks += not again and not passed
        if kind == "Lock":
            evidence = (
                f"the second acquire() of its holder was still waiting after {AWHILE} s in {deadlocks} of {TRIES} tries"
            )
            return verdict(deadlocks == TRIES, evidence)
        return verdict(
            deadlocks == 0, f"the second acquire() of its holder passed in {TRIES - deadlocks} of {TRIES} tries"
        )

    return check


def _take_twice(lock: Any, end: End) -> None:
    lock.acquire()
    end.send("once")
    lock.acquire()
    end.send("twice")


# ---- with a Manager's objects ----


def lock_with_manager() -> Finding:
    """Two processes increment an entry of a Manager's dict, with a plain Lock and without one."""
    need("semaphore")
    context: Any = method()
    with context.Manager() as manager:
        with_lock = [_entries(context, manager, context.Lock()) for _ in range(TRIES)]
        without = _entries(context, manager, None)
    wanted = 2 * MANAGED
    kept = sum(each == wanted for each in with_lock)
    evidence = (
        f"under a plain Lock all of {wanted} increments by two processes were kept in {kept} of {TRIES} tries; "
        f"without it {wanted - without} were lost"
    )
    return verdict(kept < TRIES, evidence)


def _entries(context: Any, manager: Any, lock: Any) -> int:
    shared = manager.dict(count=0)
    crew = [child(context, _increment_entry, shared, lock) for _ in range(2)]
    with started(*crew):
        for each in crew:
            each.join()
    return int(shared["count"])


def _increment_entry(shared: Any, lock: Any) -> None:
    for _ in range(MANAGED):
        with lock or ExitStack():
            shared["count"] += 1


def condition_with_manager() -> Finding:
    """A plain Condition tells that there is something in a Manager's list."""
    need("semaphore")
    context: Any = method()
    with context.Manager() as manager:

        def check() -> bool:
            condition, shared = context.Condition(), manager.list()
            ((ours, process),) = _several(context, _await_item, condition, shared, count=1)
            with started(process):
                ours.recv()  # it holds the lock, and gives it back when it waits
                with condition:
                    shared.append("item")
                    condition.notify()
                return bool(ours.poll(3) and ours.recv() == "item")

        found = always(TRIES, check, "with a plain Condition a process waited for a Manager's list, and got the item,")
    return verdict(found.verdict != HOLDS, found.evidence)


def _await_item(end: End, condition: Any, shared: Any) -> None:
    with condition:
        end.send("waiting")
        condition.wait_for(lambda: len(shared) > 0, 3)
        end.send(shared[0] if len(shared) else "")


# ---- waking others ----


def broadcast() -> Finding:
    """Several processes wait for one Event."""
    need("semaphore")

    def check() -> bool:
        context: Any = method()
        event = context.Event()
        crew = _several(context, _await_event, event)
        with started(*(process for _, process in crew)):
            for ours, _ in crew:
                ours.recv()
            event.set()
            return all(ours.poll(3) and ours.recv() for ours, _ in crew)

    return always(TRIES, check, f"one set() woke all {WORKERS} waiters")


def _await_event(end: End, event: Any) -> None:
    end.send("here")
    end.send(event.wait(3))


def notify_one() -> Finding:
    """Several processes wait for one Condition, which is notified once."""
    need("semaphore")

    def check() -> bool:
        context: Any = method()
        condition = context.Condition()
        crew = _several(context, _await_condition, condition)
        with started(*(process for _, process in crew)):
            for ours, _ in crew:
                ours.recv()
            with condition:  # free only when all of them wait
                condition.notify()
            wait([ours for ours, _ in crew], 3)
            time.sleep(AWHILE)
            return sum(ours.poll() for ours, _ in crew) == 1

    return always(TRIES, check, f"one notify() woke one of {WORKERS} waiters")


def _await_condition(end: End, condition: Any) -> None:
    with condition:
        end.send("here")
        end.send(condition.wait(5))


def together() -> Finding:
    """All but one come to a Barrier; then the last does."""
    need("semaphore")

    def check() -> bool:
        context: Any = method()
        barrier = context.Barrier(WORKERS)
        crew = _several(context, _come, barrier, count=WORKERS - 1)
        with started(*(process for _, process in crew)):
            for ours, _ in crew:
                ours.recv()
            early = bool(wait([ours for ours, _ in crew], AWHILE))
            barrier.wait(3)
            return not early and all(ours.poll(3) for ours, _ in crew)

    return always(TRIES, check, f"{WORKERS - 1} of {WORKERS} waited until the last had come, then all went on,")


def _come(end: End, barrier: Any) -> None:
    end.send("here")
    barrier.wait(5)
    end.send("through")


CLAIMS = [
    Claim(
        "bounded-semaphore",
        "4.5",
        "A BoundedSemaphore refuses to be released more often than acquired.",
        Observed(over_release),
    ),
    Claim("unlocked-counter", "4.8.1", "An unlocked shared counter loses updates.", Observed(unlocked)),
    Claim("locked-counter", "4.8.1", "A locked shared counter loses none.", Observed(locked)),
    Claim("lock-with-manager", "4.8.1", "A plain Lock can't protect a Manager's dict.", Observed(lock_with_manager)),
    Claim("rlock-twice", "4.8.2", "An RLock may be taken twice by its holder.", Observed(taken_twice("RLock"))),
    Claim("lock-twice", "4.8.2", "A plain Lock taken twice by its holder deadlocks.", Observed(taken_twice("Lock"))),
    Claim("semaphore-permits", "4.8.3", "A Semaphore lets no more in than it has permits.", Observed(permits)),
    Claim("event-broadcast", "4.8.4", "An Event wakes all its waiters.", Observed(broadcast)),
    Claim("notify-one", "4.8.5", "notify() of a Condition wakes one waiter.", Observed(notify_one)),
    Claim(
        "condition-with-manager",
        "4.8.5",
        "A Condition for a Manager's objects must come from the Manager.",
        Observed(condition_with_manager),
    ),
    Claim("barrier-together", "4.8.6", "A Barrier lets nobody through before the last one came.", Observed(together)),
]
