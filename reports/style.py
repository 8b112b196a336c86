"""Colours and names: the same for the same mechanism in every figure, readable for colour-blind eyes.

The hues are Okabe and Ito's (Color Universal Design, 2008), one a family; within a family the line style and marker tell.
"""

from __future__ import annotations

from typing import Any

__all__ = ["FAMILIES", "family_colour", "look"]

FAMILIES = {
    "pipe": "#0072B2",
    "queue": "#D55E00",
    "shared-memory": "#009E73",
    "synchronised": "#CC79A7",
    "socket": "#56B4E9",
    "datagram": "#E69F00",
    "manager": "#7A5195",
    "floor": "#444444",
}
OTHER = "#888888"
MEMBERS = {
    "pipe": ("pipe", "pipe-simplex", "os-pipe", "fifo"),
    "queue": ("queue", "simple-queue", "joinable-queue"),
    "shared-memory": (
        *("shared-memory", "shared-memory-numpy", "shared-memory-ring"),
        *("shared-memory-ring spin", "shared-memory-ring adaptive"),
    ),
    "synchronised": ("value", "array", "raw-array"),
    "socket": ("unix-stream", "tcp", "socketpair"),
    "datagram": ("udp", "unix-datagram", "unix-seqpacket"),
    "manager": ("manager-queue", "manager-list", "manager-dict", "manager-value", "manager-namespace"),
    "floor": ("c-pipe", "c-fifo", "c-unix-stream", "c-tcp", "c-semaphore", "c-shared-memory", "c-spin"),
}
MARKERS = "os^Dv<>P"
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1, 1, 1, 1, 1)))


def family_colour(family: str) -> str:
    """The family's hue."""
    return FAMILIES.get(family, OTHER)


def look(family: str, name: str) -> dict[str, Any]:
    """Keyword arguments of a line for that mechanism: by its name alone, whatever else is drawn."""
    members = MEMBERS.get(family, ())
    index = members.index(name) if name in members else sum(map(ord, name))
    return {
        "color": family_colour(family),
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": DASHES[index % len(DASHES)],
        "markersize": 4.5,
        "linewidth": 1.5,
    }
