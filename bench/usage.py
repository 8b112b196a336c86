"""What a process has used so far: CPU seconds and context switches, its own or, by /proc, another's."""

from __future__ import annotations

import resource
import time
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

__all__ = ["Usage", "between", "of_children", "of_process", "of_self"]


@dataclass(frozen=True)
class Usage:
    """CPU seconds and context switches; differences and sums are taken field by field."""

    user: float = 0.0
    system: float = 0.0
    voluntary: float = 0.0
    involuntary: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Usage) -> Usage:
        return Usage(*(mine - theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def cpu(self) -> float:
        """User and system seconds."""
        return self.user + self.system

    def __truediv__(self, count: float) -> Usage:
        return Usage(*(mine / count for mine in astuple(self)))


def of_self() -> Usage:
    """The calling process, all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(used.ru_utime, used.ru_stime, used.ru_nvcsw, used.ru_nivcsw)


def of_children() -> Usage:
    """All children that ended and were waited for, with their own such children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Usage(used.ru_utime, used.ru_stime, used.ru_nvcsw, used.ru_nivcsw)


def of_process(pid: int) -> Usage:
    """Another process of this user, all its threads; nothing where the system doesn't tell.

    The total comes from the process's CPU clock (clock_getcpuclockid(3)) in nanoseconds; /proc/PID/stat, which counts
    ticks of 10 ms, only says how to split it.
    """
    with suppress(OSError, ValueError):
        total = time.clock_gettime((~pid << 3) | 2)
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        user, system = int(fields[11]) + 1, int(fields[12]) + 1
        switches = [0, 0]
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread may end while we look
                lines = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
                switches[0] += int(lines["voluntary_ctxt_switches"])
                switches[1] += int(lines["nonvoluntary_ctxt_switches"])
        return Usage(total * user / (user + system), total * system / (user + system), *switches)
    return Usage()


def between(before: Usage, after: Usage) -> Usage:
    """What another process used between two looks by `of_process`.

    The CPU clock gives the sum to the nanosecond. How it splits is known of the process's whole life only: that share is
    taken, as the difference of two such splits may be less than nothing.
    """
    spent = after - before
    share = after.user / after.cpu if after.cpu else 0.0
    return Usage(spent.cpu * share, spent.cpu * (1 - share), spent.voluntary, spent.involuntary)
