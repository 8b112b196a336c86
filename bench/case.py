"""A case: one point of the matrix, a frozen record of scalars with an id derived from it."""

from __future__ import annotations

from dataclasses import dataclass

from ipcbench.bench import sizes

__all__ = ["METHODS", "NONE", "PAYLOADS", "PLACEMENTS", "START_METHODS", "Case"]

NONE = "none"
"""Stands on an axis that a case doesn't have: the payload of a lock, the start method of a foreign program."""
METHODS = ("fork", "forkserver", "spawn")
START_METHODS = (*METHODS, NONE)
PLACEMENTS = ("cross-core", "same-core", "free")
PAYLOADS = ("bytes", "array", "object", "scalar", NONE)


@dataclass(frozen=True, order=True)
class Case:
    """Workload × mechanism × payload × size in bytes × N processes × start method × placement, and what is unusual.

    `variant` holds (key, value) pairs, sorted, of what differs from the default, such as ("wait", "spin").
    """

    workload: str
    mechanism: str
    payload: str
    size: int
    processes: int
    start_method: str
    placement: str
    variant: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        """The pyperf benchmark name: `round-trip/pipe/bytes/64B/1/fork/cross-core[/wait=spin,...]`."""
        axes = [self.workload, self.mechanism, self.payload, sizes.label(self.size), str(self.processes)]
        axes += [self.start_method, self.placement]
        if self.variant:
            axes.append(self.variant_text)
        return "/".join(axes)

    @property
    def variant_text(self) -> str:
        """`key=value,key=value`, empty without a variant."""
        return ",".join(f"{key}={value}" for key, value in self.variant)

    def option(self, key: str, default: str = "") -> str:
        """The variant's value of that key."""
        return dict(self.variant).get(key, default)

    @classmethod
    def parse(cls, text: str) -> Case:
        """The case with that id. Raises ValueError."""
        parts = text.split("/")
        if len(parts) not in (7, 8):
            raise ValueError(f"{text!r} is no case id: it has {len(parts)} parts, not 7 or 8")
        workload, mechanism, payload, size, processes, start_method, placement = parts[:7]
        pairs = [pair.partition("=") for pair in parts[7].split(",")] if len(parts) == 8 else []
        variant = tuple((key, value) for key, _, value in pairs)
        return cls(workload, mechanism, payload, sizes.parse(size), int(processes), start_method, placement, variant)
