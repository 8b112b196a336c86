"""The run's own temporary folder, the workers' TMPDIR: it goes on every way out, and those of runs that were killed go with the next."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ipcbench.bench.orderly import uninterrupted
from ipcbench.ipc.marks import sweep

__all__ = ["clear", "is_scratch", "noted", "temporary"]

PREFIX = "ipcbench-"
LABEL = ".temporary"
"""A file in it which says that it is one: a user's folder may be called `ipcbench-2026-10-04`."""
NOTE = ".session-"
"""Before the number of a process that the run has started: where all was killed at once, its semaphores and segments are found by it."""
LONGEST = 40
"""Characters of a temporary folder's path that leave room for a Unix socket's (107 bytes, unix(7))."""


@contextmanager
def temporary() -> Iterator[Path]:
    """A new one; also removes those of runs that were killed."""
    base = Path(tempfile.gettempdir()).absolute()
    if len(str(base)) > LONGEST and os.access("/tmp", os.W_OK):  # noqa: S108 - only its path is short enough for sockets
        base = Path("/tmp")  # noqa: S108
    for old in base.glob(f"{PREFIX}*"):
        if _is_left(old):
            clear(old)
    with ExitStack() as stack:
        with uninterrupted():
            folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
            stack.callback(_remove, folder)
            stack.callback(os.close, _locked(folder))
            (folder / LABEL).touch()
        yield folder


def is_scratch(folder: Path) -> bool:
    """Whether it is the temporary folder of a run: another user's isn't seen into."""
    with suppress(PermissionError):
        return folder.name.startswith(PREFIX) and (folder / LABEL).is_file()
    return False


def noted(folder: Path, pid: int) -> Path:
    """Write down in the run's folder that it has started a process; the note goes when its session has ended."""
    note = folder / f"{NOTE}{pid}"
    with suppress(OSError):  # a full disk ends the run by what it writes next
        note.touch()
    return note


def clear(left: Path) -> None:
    """Remove what a killed run had, and what its killed processes had in shared memory. Raises nothing."""
    with suppress(OSError):  # another process may remove it at the same time
        for note in left.glob(f"{NOTE}*"):
            pid = note.name.removeprefix(NOTE)
            if pid.isdecimal() and _is_gone(int(pid)):
                sweep(int(pid))
    shutil.rmtree(left, ignore_errors=True)


def _is_gone(pid: int) -> bool:
    """Whether it has ended, also where nobody has reaped it yet."""
    import psutil  # most workers never come here

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, OSError, ValueError, OverflowError):  # another user's now, or no number of a process
        return False


def _locked(folder: Path) -> int:
    """A descriptor that holds the folder's lock (flock(2)). Raises BlockingIOError where another process holds it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _is_left(folder: Path) -> bool:
    """Whether nobody holds its lock any more. Its run may have been in another container, so the number of a process says nothing."""
    if not is_scratch(folder):
        return False
    try:
        os.close(_locked(folder))
    except OSError:
        return False
    return True


def _remove(folder: Path) -> None:
    with uninterrupted():
        shutil.rmtree(folder, ignore_errors=True)
