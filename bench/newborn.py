"""What a newly started process runs: its first line takes the time, the others write it down where the parent looks.

A spawned child imports this module before that line: it imports nothing itself that such a child doesn't have anyway.
"""

from __future__ import annotations

import os
import sys
from multiprocessing.context import ForkProcess, ForkServerProcess, SpawnProcess
from multiprocessing.process import BaseProcess
from struct import Struct
from time import perf_counter

__all__ = ["NOTE", "PLACE", "SUBCLASSES", "born"]

PLACE = "IPCBENCH_NEWBORN"
"""The variable that names the file for the note."""
NOTE = Struct("=dqqI?")
"""The time of the first line, by a clock that is one for all processes; pid, length of the argument, its checksum, numpy imported."""


def born(argument: bytes = b"", check: bool = False) -> None:
    """A child's whole life."""
    stamp = perf_counter()
    _write(stamp, argument, check)


def _write(stamp: float, argument: bytes, check: bool) -> None:
    """The note: some 10 µs, which are part of the time until the child is reaped. Checksum and numpy only where it is checked."""
    checksum, numpy = 0, False
    if check:
        from zlib import crc32

        checksum, numpy = crc32(argument), "numpy" in sys.modules
    file = os.open(os.environ[PLACE], os.O_WRONLY)
    os.write(file, NOTE.pack(stamp, os.getpid(), len(argument), checksum, numpy))
    os.close(file)


class _Newborn(BaseProcess):
    """A `Process` with a `run` of its own, which keeps its argument in attributes, as such classes do."""

    def __init__(self, argument: bytes = b"", check: bool = False) -> None:
        super().__init__()
        self.argument = argument
        self.check = check

    def run(self) -> None:
        """A child's whole life."""
        stamp = perf_counter()
        _write(stamp, self.argument, self.check)


class _Forked(_Newborn, ForkProcess):
    pass


class _Served(_Newborn, ForkServerProcess):
    pass


class _Spawned(_Newborn, SpawnProcess):
    pass


SUBCLASSES = {"fork": _Forked, "forkserver": _Served, "spawn": _Spawned}
