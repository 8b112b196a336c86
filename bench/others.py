"""What other programs took of this machine's cores while it measured: the load at the beginning says nothing of that."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Others"]

STAT = Path("/proc/stat")
SHARE = 0.15
"""Of the cores' time, from which on it is worth a note. Below that it may be the run's own: what a fork server's children use is
counted where somebody waits for them."""
STOLEN = 0.02


@dataclass(frozen=True)
class _Look:
    """Seconds of all cores together since the start of the machine: all time, busy, stolen by the host, and used by this run."""

    time: float
    busy: float
    stolen: float
    own: float


class Others:
    """From its making on, what ran beside this process and its children on these cores."""

    def __init__(self, cores: Iterable[int], stat: Path = STAT, own: Callable[[], float] | None = None) -> None:
        self.names = {f"cpu{core}" for core in cores}
        self.stat, self.own = stat, own or _own
        self.begun = self._look()

    def note(self) -> str:
        """What the reader of the figures must know; empty where there is nothing, or the system doesn't tell."""
        before, now = self.begun, self._look()
        if before is None or now is None or now.time <= before.time:
            return ""
        time = now.time - before.time
        foreign, stolen = (now.busy - before.busy - (now.own - before.own)) / time, (now.stolen - before.stolen) / time
        said = [f"other programs took {foreign:.0%} of these cores"] if foreign >= SHARE else []
        said += [f"the host gave {stolen:.0%} of their time to others"] if stolen >= STOLEN else []
        return f"while it measured: {' and '.join(said)}; times are longer and intervals wider for it" if said else ""

    def _look(self) -> _Look | None:
        """As proc(5) has it: user, nice, system, idle, iowait, irq, softirq, steal, in ticks."""
        tick = os.sysconf("SC_CLK_TCK")
        with suppress(OSError, ValueError):
            lines = [line.split() for line in self.stat.read_text().splitlines()]
            cores = [[int(word) / tick for word in words[1:9]] for words in lines if words and words[0] in self.names]
            if cores and all(len(each) == 8 for each in cores):
                user, nice, system, idle, waiting, hard, soft, stolen = (sum(each) for each in zip(*cores, strict=True))
                busy = user + nice + system + hard + soft
                return _Look(busy + idle + waiting + stolen, busy, stolen, self.own())
        return None


def _own() -> float:
    """CPU seconds of this process and of all children that were waited for, theirs included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
