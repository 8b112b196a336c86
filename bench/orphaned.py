"""A worker's tie to its runner: the runner holds the other end of its standard input, whose end of file means that the runner is gone.

Linux signals it (O_ASYNC in fcntl(2)); elsewhere a thread waits for it, which costs a timed loop something.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

__all__ = ["watch"]


def watch(gone: Callable[[], None]) -> None:
    """Have `gone` called when the runner is: in the main thread on Linux, in another one elsewhere. A terminal is no runner."""
    if sys.stdin.isatty():
        return

    def look(_number: int = 0, _frame: FrameType | None = None) -> None:
        if select.select([0], [], [], 0)[0] and not os.read(0, 1024):
            gone()

    def wait() -> None:
        while os.read(0, 1024):
            pass
        gone()

    if sys.platform == "linux":
        import fcntl

        signal.signal(signal.SIGIO, look)
        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
        look()
    else:
        threading.Thread(target=wait, name="orphaned", daemon=True).start()
