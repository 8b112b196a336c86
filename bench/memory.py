"""How much memory the processes of a case take at their peak, pages that they share counted once.

A process's proportional share (Pss in /proc/PID/smaps_rollup, proc(5)) divides each shared page among those that map it, so
the sum over all processes counts it once. What a call took and gave back meanwhile shows in the high-water mark of
the resident size alone: it is set to the present size beforehand (5 to /proc/PID/clear_refs), and what it exceeds that size by afterwards
is added. The peaks of several processes are added as if they came at once.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Memory", "grown", "peak", "resident", "tidy", "watching_self"]

KIB = 1024
RESET_PEAK = "5"


@dataclass(frozen=True)
class Memory:
    """Bytes of all processes of a case: at their peak, and before they attached a channel or made a payload."""

    peak: int
    base: int | None = None


def resident(pids: Sequence[int]) -> int | None:
    """Bytes that these processes hold now, shared pages counted once; None where the system doesn't tell."""
    with suppress(OSError, KeyError, ValueError):
        return sum(_figures(pid, "smaps_rollup")["Pss"] for pid in pids)
    return None


def grown(before: int | None, after: int | None) -> int:
    """By how much one process grew. What a child shares with it counts less of it: then it has grown by nothing."""
    return max(0, (after or 0) - (before or 0))


def peak(pids: Sequence[int], work: Callable[[], object]) -> int | None:
    """Do the work and give the bytes that these processes held at their peak meanwhile; None where the system doesn't tell."""
    told = all(_reset(pid) for pid in pids)
    work()
    held = resident(pids)
    if not told or held is None:
        return None
    with suppress(OSError, KeyError, ValueError):
        return held + sum(_given_back(pid) for pid in pids)
    return None


def watching_self(work: Callable[[int], object], base: int | None) -> Callable[[int], Memory | None]:
    """For a case of one process: the peak of this one while it does that many operations."""

    def watch(loops: int) -> Memory | None:
        found = peak([os.getpid()], lambda: work(loops))
        if found is None:
            return None
        return Memory(max(found, base or 0), base)  # a page that more processes map by then counts less of this one

    return watch


def tidy() -> None:
    """Give back to the system what this process freed, so that it isn't taken for the next case's."""
    import ctypes  # 3 ms, where a worker weighs nothing for nothing

    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl and macOS don't
    if trim is not None:
        trim(0)


def _reset(pid: int) -> bool:
    try:
        Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK)
    except OSError:
        return False
    return True


def _given_back(pid: int) -> int:
    figures = _figures(pid, "status")
    return max(0, figures["VmHWM"] - figures["VmRSS"])


def _figures(pid: int, file: str) -> dict[str, int]:
    """Bytes by name, of the lines that count kB."""
    lines = [line.split() for line in Path(f"/proc/{pid}/{file}").read_text().splitlines() if line.endswith(" kB")]
    return {words[0].rstrip(":"): int(words[1]) * KIB for words in lines}
