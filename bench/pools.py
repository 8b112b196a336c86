"""Pools and executors of a case: made with all their processes up, their usage counted, ended on every way out.

What can hang: a `Pool` waits for ever for a task whose process died, and `terminate()` where a process is stopped or died with a lock. So
their processes are watched while they work, and they are ended by a thread: what isn't gone soon is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.context import BaseContext
from multiprocessing.pool import Pool
from multiprocessing.process import BaseProcess
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from ipcbench.bench import computing
from ipcbench.bench.allocator import settle_allocator
from ipcbench.bench.guard import SETTING_UP, TIMING, Guard
from ipcbench.bench.usage import Usage, between, of_children, of_process, of_self
from ipcbench.ipc.lifeline import begin_child, holding_sigterm

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

__all__ = ["Meeting", "Ready", "clocked", "keeper", "make", "watch_children"]

PATIENCE = 0.5
"""Seconds for a pool to end by itself, and then for its killed processes to be gone."""

Result = TypeVar("Result")


def make(
    kept: list[Pool | ProcessPoolExecutor],
    kind: str,
    context: BaseContext,
    count: int,
    initializer: Callable[..., None] = begin_child,
    arguments: tuple[Any, ...] = (),
) -> Pool | ProcessPoolExecutor:
    """A `pool`, or an `executor` (which starts its processes when it gets tasks), that is `kept` (`keeper`) from its first moment on."""
    with holding_sigterm():
        if kind == "pool":
            kept.append(context.Pool(count, initializer, arguments))
        else:
            from concurrent.futures import ProcessPoolExecutor

            kept.append(ProcessPoolExecutor(count, context, initializer, arguments))
    return kept[-1]


class Meeting:
    """Where all processes of a pool meet once: each of them has come up and taken a task."""

    def __init__(self, kind: str, context: BaseContext, count: int) -> None:
        self.kind, self.context, self.count = kind, context, count
        self._arrived, self._gate = context.Semaphore(0), context.Semaphore(0)
        self._pending: list[Callable[[], object]] = []

    def make(self, kept: list[Pool | ProcessPoolExecutor]) -> Pool | ProcessPoolExecutor:
        """What will meet there."""
        return make(kept, self.kind, self.context, self.count, computing.meet_at, (self._arrived, self._gate))

    def call(self, made: Pool | ProcessPoolExecutor) -> None:
        """Wait until all are there."""
        with holding_sigterm():
            for _ in range(self.count):
                if isinstance(made, Pool):
                    self._pending.append(made.apply_async(computing.meet).get)
                else:
                    self._pending.append(made.submit(computing.meet).result)
        for _ in range(self.count):
            self._arrived.acquire()

    def dismiss(self) -> None:
        """Let them go on, and wait until they have said so."""
        for _ in range(self.count):
            self._gate.release()
        for result in self._pending:
            result()
        self._pending.clear()


class Ready:
    """A pool or executor with all its processes up and watched, until the end of `stack`."""

    def __init__(self, stack: ExitStack, kind: str, start_method: str, count: int) -> None:
        settle_allocator()
        meeting = Meeting(kind, multiprocessing.get_context(start_method), count)
        others = set(multiprocessing.active_children())
        kept = stack.enter_context(keeper())
        self.guard = Guard()
        stack.callback(self.guard.stop)
        self.guard.start({})
        with self.guard.limit(SETTING_UP, f"making {_called(kind)}"):
            self.made = meeting.make(kept)
            meeting.call(self.made)
            meeting.dismiss()
        self.pids = watch_children(self.guard, others, kind)

    def run(self, work: Callable[[], Result], doing: str) -> tuple[Result, float, Usage]:
        """What it gave, its seconds, and what all processes used. Raises `PeerGone`, `DeadlinePassed`."""
        with self.guard.limit(TIMING, doing):
            return clocked(work, self.pids)


def watch_children(guard: Guard, others: set[BaseProcess], kind: str) -> list[int]:
    """Have the processes watched that were started since there were only `others`; gives their pids."""
    pids = [each.pid for each in _children(others) if each.pid]
    guard.watch({pid: f"process {pid} of {_called(kind)}" for pid in pids})
    return pids


def _called(kind: str) -> str:
    return {"pool": "the pool", "executor": "the executor"}[kind]


def clocked(work: Callable[[], Result], pids: Sequence[int] = ()) -> tuple[Result, float, Usage]:
    """What it gave, its seconds, and what this process, those, and children that came and went meanwhile used."""
    others = [of_process(pid) for pid in pids]
    before = of_self() + of_children()
    begin = perf_counter()
    found = work()
    seconds = perf_counter() - begin
    used = of_self() + of_children() - before
    for was, pid in zip(others, pids, strict=True):
        used += between(was, of_process(pid))
    return found, seconds, used


@contextmanager
def keeper() -> Iterator[list[Pool | ProcessPoolExecutor]]:
    """What is put into the list is ended, and no child that was started inside outlives it."""
    others, threads = set(multiprocessing.active_children()), set(threading.enumerate())
    made: list[Pool | ProcessPoolExecutor] = []
    try:
        yield made
    finally:
        for each in _children(others):
            _signal(each, signal.SIGCONT)
        ending = [threading.Thread(target=_end, args=(each,), name="end-pool", daemon=True) for each in made]
        for thread in ending:
            thread.start()
        _join(ending)
        _kill(others)
        _join([each for each in threading.enumerate() if each not in threads])
        _kill(
            others
        )  # whom a pool's thread was starting, in place of one that was killed just before it knew that it ends


def _end(made: Pool | ProcessPoolExecutor) -> None:
    if isinstance(made, Pool):
        made.terminate()
        made.join()
    else:
        made.shutdown(cancel_futures=True)


def _join(threads: Sequence[threading.Thread]) -> None:
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _children(others: set[BaseProcess]) -> set[BaseProcess]:
    return set(multiprocessing.active_children()) - others


def _kill(others: set[BaseProcess]) -> None:
    """Whoever is left; again, as a pool starts another process in place of one that died."""
    deadline = time.monotonic() + PATIENCE
    while (left := _children(others)) and time.monotonic() < deadline:
        for each in left:
            _signal(each, signal.SIGKILL)
        for each in left:
            each.join(0.1)


def _signal(child: BaseProcess, number: int) -> None:
    with suppress(ProcessLookupError):
        if child.pid and child.is_alive():
            os.kill(child.pid, number)
