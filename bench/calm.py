"""The kernel's after-work of starting and ending processes, which a measurement must not fall into.

For some 20 ms after a fork or an exit (longer with a slower timer tick) a core has callbacks to run (RCU) and keeps its tick while it
idles. Falling asleep and waking up is cheaper then: a round trip across cores took 32 µs at first and 45 µs from then on, in the same
pair of processes. What goes on for longer than a moment pays the latter.
"""

from __future__ import annotations

from pathlib import Path
from time import sleep

__all__ = ["Calm"]

RESTING = 0.03
"""Seconds after which a pair of processes has its lasting speed from the first value on."""
STAT = Path("/proc/stat")


class Calm:
    """Rests where processes were started since it last did."""

    def __init__(self) -> None:
        self._known: str | None = ""

    def await_it(self) -> None:
        """Return when what came before is over. At once where the system doesn't tell how often it has forked (proc(5))."""
        if self._known is not None and _forks() != self._known:
            sleep(RESTING)
            self._known = _forks()


def _forks() -> str | None:
    """How often the machine has forked since it was booted; None where that isn't told."""
    try:
        return next(line for line in STAT.read_text().splitlines() if line.startswith("processes "))
    except (OSError, StopIteration):
        return None
