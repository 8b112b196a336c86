"""Ends a wait that can't end by itself: a peer died, or the deadline passed.

A thread sleeps on the peers' pidfds (pidfd_open(2)) and on the clock, which costs the timed loop nothing. When something happens it
signals the main thread every 20 ms, until the guarded block has unwound: a blocked system call returns, and
the handler raises the cause. (One signal isn't enough: unwinding itself can block, on a lock that the dead peer holds.)
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ipcbench.ipc.errors import DeadlinePassed, IpcError, PeerGone

__all__ = ["Guard"]

SIGNAL = signal.SIGUSR2
REPEAT = 0.02
POLL = 0.1  # seconds between looks at a peer where there is no pidfd


class Guard:
    """Watches processes and a deadline for the main thread of a worker. Start it after the peers were forked."""

    def __init__(self) -> None:
        self.peers: dict[int, str] = {}
        self.cause: IpcError | None = None
        self._doing = ""
        self._deadline = float("inf")
        self._armed = False
        self._wake_read, self._wake_write = os.pipe()
        self._thread: threading.Thread | None = None
        self._main = threading.main_thread().ident

    def start(self, peers: dict[int, str]) -> None:
        """Watch these processes, pid to what it is called in the error."""
        self.peers = peers
        signal.signal(SIGNAL, self._raise)
        self._thread = threading.Thread(target=self._watch, name="guard", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        if self._thread is not None:
            os.write(self._wake_write, b"q")
            self._thread.join(5)
        for fd in (self._wake_read, self._wake_write):
            os.close(fd)

    @contextmanager
    def limit(self, seconds: float, doing: str) -> Iterator[None]:
        """Raise `PeerGone` or `DeadlinePassed` from whatever blocks inside, however deep."""
        if self.cause is not None:
            raise self.cause
        self._doing, self._deadline, self._armed = doing, time.monotonic() + seconds, True
        os.write(self._wake_write, b"d")
        try:
            yield
        except (IpcError, OSError, EOFError):
            # Whatever surfaced first, a dead peer is the reason for it: give the thread time to see it.
            deadline = time.monotonic() + 0.2
            while self.cause is None and time.monotonic() < deadline:
                time.sleep(0.005)
            self._armed = False
            if self.cause is not None:
                raise self.cause from None
            raise
        finally:
            self._armed, self._deadline = False, float("inf")

    def _raise(self, _number: int, _frame: FrameType | None) -> None:
        if self._armed and self.cause is not None:
            raise self.cause

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        fds = {}
        for pid, name in self.peers.items():
            try:
                fd = os.pidfd_open(pid)
            except (AttributeError, OSError):
                continue
            fds[fd] = name
            poll.register(fd, select.POLLIN)
        try:
            self._loop(poll, fds)
        finally:
            for fd in fds:
                os.close(fd)

    def _loop(self, poll: select.poll, fds: dict[int, str]) -> None:
        while self.cause is None:
            left = max(0.0, self._deadline - time.monotonic())
            for fd, _ in poll.poll(None if left == float("inf") else int(left * 1000) + 1):
                if fd != self._wake_read:
                    self.cause = PeerGone(f"{fds[fd]} died while {self._doing or 'idle'}")
                elif b"q" in os.read(fd, 4096):
                    return
            if self.cause is None and time.monotonic() > self._deadline:
                self.cause = DeadlinePassed(f"nothing more happened within the deadline while {self._doing}")
        assert self._main is not None
        quitting = select.poll()
        quitting.register(self._wake_read, select.POLLIN)
        while True:
            signal.pthread_kill(self._main, SIGNAL)
            if quitting.poll(REPEAT * 1000) and b"q" in os.read(self._wake_read, 4096):
                return
