"""Ends a wait that can't end by itself: a peer died, or the deadline passed.

A timer's signal looks at the peers' pidfds (pidfd_open(2)) and at the clock, a few times a second. When something happened its handler
raises the cause, again every 20 ms until the guarded block has unwound: a blocked system call returns for it. (Once isn't
enough: unwinding itself can block, on a lock that the dead peer holds.) A thread that slept on the pidfds did the same, but a process
with a second thread pays for it in each allocation and system call: 1–2 % of a 64 B round trip on one core.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ipcbench.ipc.errors import DeadlinePassed, IpcError, PeerGone

__all__ = ["SETTING_UP", "TIMING", "Guard"]

SETTING_UP, TIMING = 20.0, 60.0
"""Deadlines in seconds: for the processes of a case to be there, and for one call to be timed, where messages are small."""
EVERY = 0.1
REPEAT = 0.02
PATIENCE = 0.2
"""Seconds: between looks, between raising the same cause again, and for a peer's death to show after the error it made."""

NO_PIDFDS = (errno.ENOSYS, errno.EPERM)
"""What a kernel before 5.3 says, and a container's filter of system calls (seccomp(2))."""


class Guard:
    """Watches processes and a deadline for the main thread of a worker, from `start` to `stop`, by the timer ITIMER_REAL.

    It looks `every` so many seconds. Each look begins a wait anew whose deadline is the kernel's (SO_RCVTIMEO): Python calls again after a
    signal (PEP 475), so looks come less often than such a deadline passes where that is to be seen.
    """

    def __init__(self, every: float = EVERY) -> None:
        self.every = every
        self.cause: IpcError | None = None
        self._watched: dict[int, str] = {}
        self._doing = ""
        self._deadline = float("inf")
        self._armed = False
        self._before: tuple[Any, tuple[float, float]] | None = None

    def start(self, peers: dict[int, str]) -> None:
        """Watch these processes, pid to what it is called in the error, and the clock."""
        self.watch(peers)
        handler: Callable[[int, FrameType | None], Any] | int | None = signal.signal(signal.SIGALRM, self._look)
        self._before = handler, signal.setitimer(signal.ITIMER_REAL, self.every, self.every)

    def watch(self, peers: dict[int, str]) -> None:
        """These processes too. Where there are no pidfds, or none are allowed, only the clock is watched."""
        for pid, name in peers.items():
            try:
                fd = os.pidfd_open(pid)
            except AttributeError:
                break
            except ProcessLookupError:
                self.cause = PeerGone(f"{name} died at once")
                break
            except OSError as error:
                if error.errno not in NO_PIDFDS:
                    raise
                break
            self._watched[fd] = name

    def forget(self) -> None:
        """Watch no process any more: they are about to end. A look that comes in between takes a closed descriptor for a death."""
        forgotten, self._watched = self._watched, {}
        for fd in forgotten:
            os.close(fd)

    def dead(self, milliseconds: int = 0, but: Collection[str] = ()) -> list[str]:
        """Whoever of them is dead, if need be after waiting that long for one, by their names; some may be left out."""
        poll = select.poll()  # one of its own each time: the timer may interrupt another look
        watched = {fd: name for fd, name in self._watched.items() if name not in but}
        for fd in watched:
            poll.register(fd, select.POLLIN)
        return [watched[fd] for fd, _ in poll.poll(milliseconds)] if watched else []

    def stop(self) -> None:
        """End it, and give the timer back to whoever had it."""
        self._armed = False
        if self._before is not None:
            handler, timer = self._before
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, *timer)
            self._before = None
        self.forget()

    @contextmanager
    def limit(self, seconds: float, doing: str) -> Iterator[None]:
        """Raise `PeerGone` or `DeadlinePassed` from whatever blocks inside, however deep."""
        if self.cause is not None:
            raise self.cause
        self._doing, self._deadline, self._armed = doing, time.monotonic() + seconds, True
        try:
            yield
        except Exception as error:
            self._armed = False
            if isinstance(error, (IpcError, OSError, EOFError)):
                self._await_cause()
            _forget_locals(error)
            # it may have surfaced as something else: unwinding from a lock that is half taken fails an assertion
            if self.cause is not None:
                raise self.cause from None
            raise
        finally:
            self._armed, self._deadline = False, float("inf")

    def _await_cause(self) -> None:
        """Whatever surfaced first, a dead peer is the reason for it: give its death time to show."""
        deadline = time.monotonic() + PATIENCE
        while self.cause is None and time.monotonic() < deadline:
            self._find_cause(5)

    def _find_cause(self, milliseconds: int) -> bool:
        for name in self.dead(milliseconds):
            self.cause = PeerGone(f"{name} died while {self._doing or 'idle'}")
            return True
        if self._armed and time.monotonic() > self._deadline:
            self.cause = DeadlinePassed(f"nothing more happened within the deadline while {self._doing}")
            return True
        return False

    def _look(self, _number: int, _frame: FrameType | None) -> None:
        if self.cause is None and self._find_cause(0):
            signal.setitimer(signal.ITIMER_REAL, REPEAT, REPEAT)
        if self._armed and self.cause is not None:
            raise self.cause


def _forget_locals(error: BaseException | None) -> None:
    """Clear the frames that an error left, and those of what it came from.

    One that broke into `Connection.send` holds the view of what is being sent, and itself by way of the guard: Python 3.12.1 crashes
    when it collects such a cycle, others complain (gh-111049, gh-111331).
    """
    import traceback  # 2 ms that only a failure takes

    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__
