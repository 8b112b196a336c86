"""An orderly end of a run: signals that unwind it once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupted", "heed", "interruptible", "uninterrupted"]


class Interrupted(BaseException):
    """SIGINT or SIGTERM came; not an Exception, so that nothing on the way takes it for a failed case."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """SIGINT and SIGTERM end the measuring once; what follows is the orderly end, which a second one doesn't break.

    Gives the list of the signal that broke in: a library may make another error of it (one that imports a module, `ImportError`).
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in old:
            signal.signal(each, signal.SIG_IGN)
        _deliver(number)

    old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in old:
        signal.signal(number, stop)
    _broke_in.clear()
    try:
        yield _broke_in
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def heed() -> None:
    """Break in again if a signal has done so and somebody swallowed it, as in a destructor. Raises `Interrupted`."""
    if _broke_in:
        raise Interrupted(_broke_in[0])


_broke_in: list[int] = []
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
        _held.pop()
        for number in came:
            _deliver(number)


def _deliver(number: int) -> None:
    if not _held:
        _broke_in.append(number)
        raise Interrupted(number)
    _held[-1].append(number)
