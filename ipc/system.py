"""What this system has of what `multiprocessing` builds on: ways to start a process, semaphores, shared memory.

Each is tried once, for real: `multiprocessing.get_all_start_methods()` names fork where `os.fork` is missing, and a semaphore
can't be made where /dev/shm is missing or full (sem_open(3) keeps them there), which takes Lock, Queue, Value and Pool along.
"""

from __future__ import annotations

import multiprocessing
import os
from functools import cache

__all__ = ["NEEDS", "lacking", "no_semaphores", "no_shared_memory", "start_methods"]


@cache
def start_methods() -> tuple[str, ...]:
    """Those that work here. A fork server forks, so it needs `os.fork` too."""
    known = multiprocessing.get_all_start_methods()
    return tuple(name for name in known if name == "spawn" or hasattr(os, "fork"))


@cache
def no_semaphores() -> str:
    """Why multiprocessing's semaphores don't work here, in a sentence; empty where they do."""
    known = multiprocessing.get_all_start_methods()
    try:  # one of the context fork is unlinked at once: no resource tracker is started for it
        multiprocessing.get_context("fork" if "fork" in known else "spawn").Semaphore(1)
    except (ImportError, OSError) as error:
        return (
            f"this system gives no semaphores: {_said(error)}; look at /dev/shm (Lock, Queue, Value and Pool need it)"
        )
    return ""


@cache
def no_shared_memory() -> str:
    """Why shared memory doesn't work here, in a sentence; empty where it does."""
    try:  # as `SharedMemory` does it, but without starting a resource tracker
        from _posixshmem import shm_open, shm_unlink

        name = f"/ipcbench-{os.getpid()}"
        os.close(shm_open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600))
        shm_unlink(name)
    except (ImportError, OSError) as error:
        return f"this system gives no shared memory: {_said(error)}; look at /dev/shm"
    return ""


NEEDS = {"semaphore": no_semaphores, "shared-memory": no_shared_memory}
"""What a mechanism may need, and what says why it isn't there."""


def lacking(needs: tuple[str, ...]) -> str:
    """Why the first of these that is missing is missing; empty where all are there."""
    return next((why for each in needs if (why := NEEDS[each]())), "")


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
