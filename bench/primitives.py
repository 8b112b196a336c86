"""Locks and what is built of them, by the names of the cases: multiprocessing's own, and those of a Manager.

Its own are POSIX semaphores in memory that the processes share (sem_overview(7)): the kernel is asked only where one must wait. Those
of a Manager are the ones of `threading`, in its server: each call is a request through a Unix socket, and the answer of a thread there.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from multiprocessing.managers import SyncManager
from typing import Any

from ipcbench.bench import placement, refusals
from ipcbench.bench.case import METHODS, NONE, Case
from ipcbench.bench.profiles import Block
from ipcbench.bench.workload import Workload
from ipcbench.ipc import managers
from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import IpcError
from ipcbench.ipc.owner import Owner

__all__ = ["CLASSES", "LOCKS", "Maker", "NotSynchronised", "Synchronising", "block", "kind", "maker", "managed"]

CLASSES = {
    "lock": "Lock",
    "rlock": "RLock",
    "semaphore": "Semaphore",
    "bounded-semaphore": "BoundedSemaphore",
    "event": "Event",
    "condition": "Condition",
    "barrier": "Barrier",
}
LOCKS = ("lock", "rlock", "semaphore", "bounded-semaphore", "condition")
"""Those that one process at a time takes and gives back."""
MANAGER = "manager-"


class NotSynchronised(IpcError):
    """Processes weren't kept in step by what is there to do it; the text says how it showed."""


def managed(subject: str) -> bool:
    """Whether it lives in the server of a Manager."""
    return subject.startswith(MANAGER)


def kind(subject: str) -> str:
    """Its name, wherever it lives."""
    return subject.removeprefix(MANAGER)


def block(
    workload: str, subjects: tuple[str, ...] = ("*",), processes: tuple[int, ...] = (1,), **others: tuple[Any, ...]
) -> Block:
    """Cases of a workload that carries nothing."""
    return Block((workload,), subjects, (NONE,), (0,), processes, **others)


@dataclass(frozen=True)
class Maker:
    """Makes what a bundle needs: from a context of multiprocessing, or from a manager, which has the same methods."""

    source: Any
    context: BaseContext
    servers: tuple[int, ...] = ()

    def make(self, subject: str, *arguments: int) -> Any:
        """A lock, a semaphore of one permit or of so many, a barrier for so many processes."""
        return getattr(self.source, CLASSES[kind(subject)])(*arguments)

    def word(self) -> Any:
        """A number that the processes share, 0, without a lock."""
        return self.context.RawValue("q", 0)

    def words(self, count: int) -> Any:
        """So many of them."""
        return self.context.RawArray("q", count)


@contextmanager
def maker(case: Case) -> Iterator[Maker]:
    """What makes the case's objects. A server lives as long as the context, and no longer than this process."""
    context = multiprocessing.get_context(case.start_method)
    if not managed(case.mechanism):
        yield Maker(context, context)
        return
    with Owner("ipcbench-manager") as owner:
        manager = SyncManager(owner.path(), ctx=context)
        managers.start(manager, owner)
        (server,) = owner.servers
        placement.pin_server(server, placement.cpus(case.placement, "far", placement.allowed()))
        yield Maker(manager, context, (server,))


class Synchronising(Workload):
    """A workload over those objects. A subclass says of which `kinds`, for how many processes, and what one operation is."""

    kinds: tuple[str, ...] = tuple(CLASSES)
    counts: tuple[int, ...] = (1,)

    def subjects(self) -> tuple[str, ...]:
        """Those of multiprocessing, then a Manager's."""
        return (*self.kinds, *(MANAGER + name for name in self.kinds))

    def plain(self) -> tuple[Block, ...]:
        """Every subject, by as many processes as in the standard profile."""
        return (block(self.name, processes=self.counts),)

    def family(self, case: Case) -> str:  # noqa: ARG002 - all alike
        """One for all."""
        return "synchronisation"

    def refuse(self, case: Case) -> Refusal | None:
        """By variant, payload, start method, cores, and what the system lacks. A server's objects need no semaphore."""
        return (
            refusals.variants(case, self.variants)
            or refusals.payload(case)
            or refusals.starts(case, METHODS, f"{self.name} takes processes of Python, started by a method")
            or refusals.cores(case)
            or (None if managed(case.mechanism) else refusals.needs(case, "semaphore"))
        )
