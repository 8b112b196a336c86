"""Has a child end: with its parent, and by SIGTERM from its first moment on. A module of its own, light, as every child imports it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection, parent_process

if sys.platform == "linux":
    import fcntl

__all__ = ["begin_child", "holding_sigterm"]


def begin_child() -> None:
    """A child's first call: signals do what they do by default, as it may have been forked, and it ends with its parent."""
    default_signals()
    end_with_parent()


@contextmanager
def holding_sigterm() -> Iterator[None]:
    """Start children in here that others end by SIGTERM, as a pool does: to each of them it comes after its `default_signals`.

    A forked child has this process's handler until then. Worse, Python forgets in the child what had come by the end of fork(2):
    `Pool.terminate()` waited for ever for a process that was ended before it had run a line (under load, one in some hundred pools).
    What keeps account of the children belongs in here too: this process's own SIGTERM comes when they are known.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def default_signals() -> None:
    """Away with the worker's handlers, which a forked child has: SIGTERM ends it, and the timer of a guard isn't its own."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner decides when a Ctrl-C ends the run
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def end_with_parent() -> None:
    """Have this process end as soon as the parent is gone, however that came about.

    The parent's sentinel is a pipe whose other end closes with it, and Linux can signal that (F_SETOWN and O_ASYNC in fcntl(2)): SIGIO ends
    the process by default. A thread that waits for the sentinel made a 64 B round trip on one core 2 % slower.
    """
    parent = parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, fcntl.fcntl(parent.sentinel, fcntl.F_GETFL) | os.O_ASYNC)
        if connection.wait([parent.sentinel], 0):  # gone before anybody could be told
            os._exit(1)
    else:
        threading.Thread(target=_wait_for_parent, args=(parent.sentinel,), name="end-with-parent", daemon=True).start()


def _wait_for_parent(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
