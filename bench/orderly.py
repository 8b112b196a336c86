"""An orderly end of a run: signals that unwind it once, and a temporary folder that goes on every way out."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import psutil

__all__ = ["Interrupted", "interruptible", "temporary", "uninterrupted"]

PREFIX = "ipcbench-"
LONGEST = 40
"""Characters of a temporary folder's path that leave room for a Unix socket's (107 bytes, unix(7))."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM came; not an Exception, so that nothing on the way takes it for a failed case."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM end the measuring once; what follows is the orderly end, which a second one doesn't break."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in old:
            signal.signal(each, signal.SIG_IGN)
        _deliver(number)

    old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in old:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


_held: list[list[int]] = []
"""For each `uninterrupted` block that is entered, the signals that came inside."""


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A signal that comes inside counts at the end: a process half started, or half ended, would be nobody's."""
    came: list[int] = []
    _held.append(came)
    try:
        yield
    finally:
        _held.remove(came)
        for number in came:
            _deliver(number)


def _deliver(number: int) -> None:
    if not _held:
        raise Interrupted(number)
    _held[-1].append(number)


@contextmanager
def temporary() -> Iterator[Path]:
    """The run's own folder, the workers' TMPDIR; also removes those of runs that were killed."""
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
            stack.callback(os.close, _locked(folder))
        yield folder


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
    pid = folder.name.removeprefix(PREFIX).partition("-")[0]
    if not pid.isdigit() or psutil.pid_exists(int(pid)):
        return False
    try:
        os.close(_locked(folder))
    except OSError:
        return False
    return True


def _remove(folder: Path) -> None:
    with uninterrupted():
        shutil.rmtree(folder, ignore_errors=True)
