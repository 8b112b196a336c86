"""A worker's turn to measure: what it says to the runner, and hears from it (`workers` is the other end)."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from time import monotonic, sleep

__all__ = ["GO", "READY", "Turn", "settle"]

READY, GO = b"r", b"g"
SETTLING = 1.0
LOOK = 0.001
"""Seconds that the processes of a worker get to fall asleep, and between looks at them."""


class Turn:
    """It begins when all workers have set up, and ends before any of them closes. Without a descriptor there are no others."""

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor
        if descriptor is not None:
            os.set_inheritable(descriptor, False)

    def take(self) -> None:
        """Sleep until nobody else does anything. Raises SystemExit when the runner is gone."""
        if self.descriptor is not None:
            settle()
            self._wait(self.descriptor)

    def give(self) -> None:
        """Sleep until all others had their turns, too. Raises SystemExit when the runner is gone."""
        if self.descriptor is not None:
            self._wait(self.descriptor)

    def _wait(self, descriptor: int) -> None:
        timer = signal.setitimer(signal.ITIMER_REAL, 0)  # a guard would look at its peers ten times a second
        try:
            os.write(descriptor, READY)
            told = os.read(descriptor, 1)
        except OSError:
            told = b""
        finally:
            signal.setitimer(signal.ITIMER_REAL, *timer)
        if told != GO:
            raise SystemExit(1)


def settle() -> None:
    """Wait until this process's children sleep: a resource tracker says nothing when it is up, which takes it 10 ms of a core."""
    deadline = monotonic() + SETTLING
    while sys.platform == "linux" and not all(map(_sleeps, _children())) and monotonic() < deadline:
        sleep(LOOK)


def _children() -> list[str]:
    try:
        return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return []


def _sleeps(pid: str) -> bool:
    """By the state in /proc/PID/stat (proc(5)); one that is gone does nothing either."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("R", "D")
    except OSError:
        return True
