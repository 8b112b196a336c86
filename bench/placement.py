"""Which core each process of a case runs on. Affinity is set in each process itself, so that none leaks into another."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["allowed", "cpus", "pin", "pin_server"]


def allowed() -> tuple[int, ...]:
    """The cores that this process may use, as they were when it was first asked."""
    return _ALLOWED


_ALLOWED = (
    tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else tuple(range(os.cpu_count() or 1))
)


def cpus(placement: str, side: str, cores: tuple[int, ...]) -> tuple[int, ...]:
    """The cores of a process on that side, `near` or `far`; a server runs beside the far side.

    The last two cores: the first one serves most interrupts on common machines.
    """
    if placement == "same-core":
        return cores[-1:]
    if placement == "cross-core" and len(cores) > 1:
        return cores[-1:] if side == "near" else cores[-2:-1]
    return cores


def pin(cores: tuple[int, ...]) -> None:
    """Let the calling process run on these cores only."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def pin_server(pid: int, cores: tuple[int, ...]) -> None:
    """Let all threads of another process run on these cores only; later ones inherit it from them."""
    if hasattr(os, "sched_setaffinity"):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), cores)
