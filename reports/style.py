"""Colours, markers and dashes: the same for the same mechanism in every figure, readable for colour-blind eyes.

The hues are Okabe and Ito's (Color Universal Design, 2008), one a family; within a family the shade, the marker and the
dashes tell. All of it follows from the name alone, never from what else is drawn.
"""

from __future__ import annotations

import zlib
from typing import Any

__all__ = ["FAMILIES", "colour", "family_colour", "floor", "look", "text_colour"]

FAMILIES = {
    "pipe": "#0072B2",
    "queue": "#D55E00",
    "shared-memory": "#009E73",
    "synchronisation": "#1B7F79",
    "shared-state": "#B07D12",
    "socket": "#56B4E9",
    "datagram": "#E69F00",
    "manager": "#7A5195",
    "signal": "#A23B4A",
    "scheduling": "#4C6A92",
    "process": "#7F5539",
    "pool": "#2E59D9",
    "executor": "#C2407E",
    "subprocess": "#5F7A2E",
    "floor": "#444444",
}
OTHER = "#888888"
MEMBERS = {
    name: index
    for family in (
        ("pipe", "pipe-simplex", "os-pipe", "fifo"),
        ("queue", "simple-queue", "joinable-queue"),
        (
            *("shared-memory", "shared-memory-numpy", "shared-memory-ring", "shared-memory-ring spin"),
            *("shared-memory-ring adaptive", "value", "array", "raw-array"),
            *("shared-memory spin", "shared-memory adaptive"),
        ),
        ("lock", "rlock", "semaphore", "bounded-semaphore", "condition", "event", "barrier"),
        (
            *("manager-lock", "manager-rlock", "manager-semaphore", "manager-bounded-semaphore"),
            *("manager-condition", "manager-event", "manager-barrier"),
        ),
        ("raw-value", "numpy"),
        ("unix-stream", "tcp", "socketpair"),
        ("udp", "unix-datagram", "unix-seqpacket"),
        ("manager-queue", "manager-list", "manager-dict", "manager-value", "manager-namespace"),
        ("handler", "sigwait", "sigwaitinfo", "wakeup-fd", "real-time"),
        ("SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_IDLE", "SCHED_OTHER, nice 19"),
        ("0 B each", "16 KiB each", "64 KiB each"),
        (
            *("process", "os-fork", "run-python", "run-native", "process-subclass", "process-daemon"),
            *("popen-python", "popen-native"),
        ),
        ("pool-once", "pool-each", "process-each", "executor", "serial"),
        ("c-pipe", "c-fifo", "c-unix-stream", "c-tcp", "c-semaphore", "c-shared-memory", "c-spin"),
    )
    for index, name in enumerate(family)
}
"""Places within a family; a mechanism that isn't here gets one by its name's checksum."""
SHADES = (1.0, 0.62, 1.3, 0.78, 0.45, 1.15, 0.7, 0.55)
"""By member: below 1 darker (times that), above 1 lighter."""
MARKERS = "os^Dv<>PXd"
THIN = ("x", "+", "1", "2", "3", (6, 2, 0), "4")
"""Markers of strokes only; none looks like an interval or its end."""
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1, 1, 1, 1, 1)))


def family_colour(family: str) -> str:
    """The family's hue."""
    return FAMILIES.get(family, OTHER)


def colour(family: str, name: str) -> str:
    """The mechanism's shade of its family's hue."""
    return _shaded(family_colour(family), SHADES[_index(name) % len(SHADES)])


def text_colour(family: str) -> str:
    """The family's hue, dark enough to read on white."""
    return _shaded(family_colour(family), 0.72)


def look(family: str, name: str) -> dict[str, Any]:
    """Keyword arguments of a line for that mechanism."""
    index = _index(name)
    return {
        "color": colour(family, name),
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": DASHES[index % len(DASHES)],
        "markersize": 4.5,
        "linewidth": 1.5,
    }


def floor(name: str) -> dict[str, Any]:
    """Keyword arguments of the line of a primitive in C: thin and grey, so that it stays behind what is compared with it."""
    marker = THIN[_index(name) % len(THIN)]
    dashes = (0, (4, 2.5))
    return {"color": "#6b747c", "marker": marker, "markersize": 6, "linestyle": dashes, "linewidth": 1.0}


def _index(name: str) -> int:
    return MEMBERS.get(name, zlib.crc32(name.encode()))


def _shaded(hue: str, factor: float) -> str:
    parts = [float(int(hue[place : place + 2], 16)) for place in (1, 3, 5)]
    parts = [p * factor if factor <= 1 else 255 - (255 - p) * (2 - factor) for p in parts]
    return "#" + "".join(f"{round(part):02x}" for part in parts)
