"""How much memory this process may still take, before it tries: a heap that is too large would end in the kernel's killer of processes.

The machine has something available (MemAvailable in proc(5)), and each control group leaves its limit less what its processes hold;
file pages that nobody used lately count as held there, but are given up first (inactive_file in memory.stat).
"""

from __future__ import annotations

from pathlib import Path

from ipcbench.bench import machine

__all__ = ["free", "lacking"]

AIR = 1.25
"""Times what is asked for must be free: others live here too."""
GIB = 1 << 30


def lacking(size: int, root: Path = Path("/")) -> str:
    """Why that many bytes shouldn't be taken here, in a sentence; empty where they may."""
    left = free(root)
    if left is None:
        return "this system doesn't tell how much memory is free"
    if left < AIR * size:
        return f"a heap of {size / GIB:.3g} GiB takes {AIR * size / GIB:.3g} GiB of free memory, {left / GIB:.3g} GiB is free"
    return ""


def free(root: Path = Path("/")) -> int | None:
    """Bytes that are still to be had; None where nothing tells."""
    available = machine.memory(root)["memory_available"]
    if available is None and root == Path("/"):
        import psutil

        available = psutil.virtual_memory().available
    groups = [left for folder in machine.control_groups(root, "memory") if (left := _left_in(folder)) is not None]
    assert available is None or isinstance(available, int)
    return None if available is None else max(0, min([available, *groups]))


def _left_in(folder: Path) -> int | None:
    """Bytes that a control group still grants, of version 2 or 1; None without a limit."""
    for most, held in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        limit, used = machine.number(folder / most), machine.number(folder / held)
        if limit is not None and used is not None and limit < machine.UNLIMITED:
            return limit - used + _given_up(folder)
    return None


def _given_up(folder: Path) -> int:
    lines = [line.split() for line in (machine.text(folder / "memory.stat") or "").splitlines()]
    figures = {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdecimal()}
    return figures.get("total_inactive_file", figures.get("inactive_file", 0))
