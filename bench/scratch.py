"""The run's own temporary folder, the workers' TMPDIR: it goes on every way out, and those of runs that were killed go with the next."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ipcbench.bench.orderly import uninterrupted

__all__ = ["is_scratch", "temporary"]

PREFIX = "ipcbench-"
LABEL = ".temporary"
"""A file in it which says that it is one: a user's folder may be called `ipcbench-2026-10-04`."""
LONGEST = 40
"""Characters of a temporary folder's path that leave room for a Unix socket's (107 bytes, unix(7))."""


@contextmanager
def temporary() -> Iterator[Path]:
    """A new one; also removes those of runs that were killed."""
    base = Path(tempfile.gettempdir())
    if len(str(base)) > LONGEST and os.access("/tmp", os.W_OK):  # noqa: S108 - only its path is short enough for sockets
        base = Path("/tmp")  # noqa: S108
    for old in base.glob(f"{PREFIX}*"):
        if _is_left(old):
            shutil.rmtree(old, ignore_errors=True)
    with ExitStack() as stack:
        with uninterrupted():
            folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
            stack.callback(_remove, folder)
            (folder / LABEL).touch()
            stack.callback(os.close, _locked(folder))
        yield folder


def is_scratch(folder: Path) -> bool:
    """Whether it is the temporary folder of a run."""
    return folder.name.startswith(PREFIX) and (folder / LABEL).is_file()


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
    """Whether its run is gone: no such process, and no lock, by which one in another container is known.

    Not by when the process began: that is told by a clock that may be set.
    """
    import psutil  # a worker asks only whether its folder is one

    pid = folder.name.removeprefix(PREFIX).partition("-")[0]
    if not pid.isdecimal() or not is_scratch(folder) or psutil.pid_exists(int(pid)):
        return False
    try:
        os.close(_locked(folder))
    except OSError:
        return False
    return True


def _remove(folder: Path) -> None:
    with uninterrupted():
        shutil.rmtree(folder, ignore_errors=True)
