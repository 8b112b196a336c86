"""Worker processes from outside: started in a session of their own, and ended with everything they started.

The resource tracker of a worker is spared at first: it unlinks the semaphores and segments that a killed worker left, as
soon as the last process of the family is gone. What it wasn't told of is found by its name.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from ipcbench.bench.orderly import uninterrupted
from ipcbench.bench.scratch import noted
from ipcbench.ipc.marks import sweep

__all__ = ["WorkerFailed", "end_session", "is_stopped", "is_tracker", "session", "stirs"]

POLITE = 1.2
TRACKER = 2.0
POLL = 0.005
LOOK = 0.05
"""Seconds: before SIGKILL, for a resource tracker to clean up, between looks at what is left, and at a process that nothing tells of."""


class WorkerFailed(Exception):
    """The worker ended without an answer; the text is the end of what it wrote to standard error."""


def stirs(process: subprocess.Popen[bytes], seconds: float, words: socket.socket | None = None) -> bool:
    """Wait until the process has ended, or said something on its socket: whether either came in that time.

    `Popen.wait` with a timeout looks every 50 ms only; a pidfd tells at once.
    """
    poll = select.poll()
    if words is not None:
        poll.register(words, select.POLLIN)
    try:
        fd = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # another system than Linux, or it was reaped
        return _looks(process, seconds, poll)
    try:
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(fd)


def _looks(process: subprocess.Popen[bytes], seconds: float, poll: select.poll) -> bool:
    deadline = time.monotonic() + seconds
    while process.poll() is None and not poll.poll(LOOK * 1000):
        if time.monotonic() > deadline:
            return False
    return True


@contextmanager
def session(
    command: Sequence[str],
    folder: Path,
    *,
    stderr: int,
    stdout: int = subprocess.DEVNULL,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, ended with all that it started. It runs in `cwd`, or in its temporary `folder`."""
    with ExitStack() as stack:
        with uninterrupted():
            process = subprocess.Popen(  # noqa: S603 - the callers' commands: an interpreter and our own module, git, pip
                command,
                stdin=subprocess.PIPE,  # its end of file tells the worker that this process is gone
                stdout=stdout,
                stderr=stderr,
                cwd=cwd or folder,
                env={**os.environ, "TMPDIR": str(folder)},
                start_new_session=True,
                pass_fds=pass_fds,
            )
            stack.callback(_end, process, noted(folder, process.pid))
        yield process


def _end(process: subprocess.Popen[bytes], note: Path) -> None:
    """End a process with all that it started, politely at first."""
    with uninterrupted():
        if process.poll() is None:
            process.terminate()
            stirs(process, POLITE)
        if process.poll() is None:
            process.kill()
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        end_session(process.pid)
        note.unlink(missing_ok=True)


def end_session(session: int) -> None:
    """End all other processes of a session, also those started meanwhile: its resource trackers after they had time to clean up."""
    deadline = time.monotonic() + TRACKER
    while left := list(_members(session)):
        late = time.monotonic() > deadline
        for process in left:
            if late or not is_tracker(process):
                with suppress(psutil.Error):
                    process.resume()
                    process.kill()
        if late:
            break
        time.sleep(POLL)
    sweep(session)


def _members(session: int) -> Iterator[psutil.Process]:
    """The living processes of a session. Zombies are left to whoever adopted them, which may take its time to reap."""
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            if pid == os.getpid() or os.getsid(pid) != session:
                continue
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process


def is_stopped(pid: int) -> bool:
    """Whether somebody has stopped it (SIGSTOP): it does nothing until it is told to go on."""
    with suppress(psutil.Error):
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    return False


def is_tracker(process: psutil.Process) -> bool:
    """Whether it is a resource tracker of multiprocessing."""
    with suppress(psutil.Error):
        return any("resource_tracker" in word for word in process.cmdline())
    return False
