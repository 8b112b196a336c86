"""Sending signals to one process, and leaving them behind as they were found: what the workloads of signals share.

Only the main thread of a process gets Python's signals. SIGALRM is the guard's, SIGIO tells that a parent is gone: here are others.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic, sleep

from ipcbench.ipc.contract import Refusal
from ipcbench.ipc.errors import IpcError

__all__ = ["lacking", "masked", "no_room", "quiet", "sender", "single_threaded"]

ENDING = 1.0
LOOK = 0.001
"""Seconds that a thread gets to end which was joined already, and between looks at it."""


def single_threaded() -> None:
    """Wait until this process has one thread. Raises `IpcError` if it keeps others.

    What is sent to a process goes to any thread that doesn't block it (signal(7)): while the one that will wait for it is still on its way,
    to another, where it ends the process. A library's threads count, too.
    """
    deadline = monotonic() + ENDING
    with suppress(FileNotFoundError):  # another system than Linux
        while len(threads := list(Path("/proc/self/task").iterdir())) > 1:
            if monotonic() > deadline:
                raise IpcError(
                    f"signals can't be awaited here: the process has {len(threads)} threads, and any could get them"
                )
            sleep(LOOK)


def sender(pid: int, stack: ExitStack) -> Callable[[int], object]:
    """What sends a signal to that process: by a pidfd, which never means a later process of the same number (pidfd_send_signal(2)).

    By kill(2) where the system has none, or a sandbox forbids it.
    """
    if hasattr(signal, "pidfd_send_signal"):
        with suppress(OSError):
            fd = os.pidfd_open(pid)
            stack.callback(os.close, fd)
            signal.pidfd_send_signal(fd, 0)  # nothing is sent: tried out
            return partial(signal.pidfd_send_signal, fd)
    return partial(os.kill, pid)


@contextmanager
def quiet(number: int) -> Iterator[None]:
    """What is done to that signal inside is undone, and one that comes late does no harm: ignoring a signal also discards it."""
    before, mask = signal.getsignal(number), signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(number, signal.SIG_DFL if before is None else before)


@contextmanager
def masked(numbers: set[int]) -> Iterator[None]:
    """Inside, these signals wait until somebody takes them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def no_room(burst: int) -> Refusal | None:
    """So many real-time signals don't fit the queue (RLIMIT_SIGPENDING): a full one takes a signal without its place, and says nothing."""
    import resource

    if not hasattr(resource, "RLIMIT_SIGPENDING"):
        return None
    room = resource.getrlimit(resource.RLIMIT_SIGPENDING)[0]
    if room == resource.RLIM_INFINITY or room > burst:
        return None
    return Refusal(
        "limit", f"a burst of {burst:,} doesn't fit the queue of signals, which has room for {room:,}: raise ulimit -i"
    )


def lacking(subject: str, *names: str) -> Refusal | None:
    """The system's `signal` lacks one of these names."""
    missing = next((name for name in names if not hasattr(signal, name)), None)
    return Refusal("platform", f"{subject} can't work here: this system has no signal.{missing}") if missing else None
