"""Names that say whose a semaphore or a segment is, so that what a killed process left is found.

On Linux both are files of /dev/shm (sem_overview(7), shm_overview(7)). A resource tracker unlinks what a killed process had told it of,
but a semaphore has its name before that: SIGKILL between the two would leave it for good.
"""

from __future__ import annotations

import os
from contextlib import suppress
from multiprocessing import process
from pathlib import Path

__all__ = ["mark", "mark_semaphores", "sweep"]

FOLDER = Path("/dev/shm")  # noqa: S108 - where the system keeps them, and nothing of ours that a stranger could have put there


def mark(pid: int) -> str:
    """What the names of a process's segments and semaphores begin with; macOS takes 31 bytes of a name."""
    return f"ipcbench-{pid}"


def mark_semaphores() -> None:
    """From here on the semaphores of multiprocessing in this process and in its children are named after this one."""
    config = process.current_process()._config  # type: ignore[attr-defined] # noqa: SLF001 - children inherit it; no public way
    config["semprefix"] = f"/{mark(os.getpid())}"


def sweep(pid: int) -> None:
    """Remove the segments and semaphores that a process has left, and its children. They must all have ended."""
    for kind in ("", "sem."):
        for each in FOLDER.glob(f"{kind}{mark(pid)}-*"):
            with suppress(OSError):
                each.unlink()
