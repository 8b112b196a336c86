"""What a workload is, and where workloads are found: one file each in `workloads/`, holding a `WORKLOAD`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ipcbench.bench import placement
from ipcbench.bench.case import Case
from ipcbench.bench.memory import Memory
from ipcbench.bench.profiles import Block
from ipcbench.bench.usage import Usage
from ipcbench.ipc.contract import Refusal

__all__ = ["Delivery", "Measured", "Timed", "Workload", "load", "names"]

FOLDER = Path(__file__).parent / "workloads"
LARGE = 32 << 20
"""Bytes of a message, of which each process of a case holds several."""
SLOWEST = 2 << 20
"""Bytes a second that even the slowest way moves: large objects, pickled, through a manager, on a machine that is busy. For deadlines."""


@dataclass(frozen=True)
class Measured:
    """One timed call: seconds for all its operations, what all processes used meanwhile, messages lost.

    `usage` is None where it wasn't told, `lost` where nothing may be lost. `latencies` holds the seconds of each round trip where
    they were taken one by one; `achieved` the operations per second of a call that kept to a rate; `shares` of all operations those of
    the busiest and of the idlest process, where they compete.
    """

    seconds: float
    usage: Usage | None = field(default_factory=Usage)
    lost: int | None = None
    latencies: Sequence[float] = ()
    achieved: float | None = None
    delivery: Delivery | None = None
    shares: tuple[float, float] | None = None


@dataclass(frozen=True)
class Delivery:
    """What became of numbered messages: those sent, those that arrived at least once, and what arrived out of turn."""

    sent: int
    arrived: int
    duplicated: int
    reordered: int


@dataclass(frozen=True)
class Timed:
    """Called, it does that many operations and says what they took; nothing but the work is inside the seconds.

    The others are passes of their own, None where they make no sense: `record` also times each operation, `number` counts what
    arrived, `memory` gives the peak of all processes while that many operations are done.
    """

    run: Callable[[int], Measured]
    record: Callable[[int], Measured] | None = None
    number: Callable[[int], Delivery] | None = None
    memory: Callable[[int], Memory | None] | None = None

    def __call__(self, loops: int) -> Measured:
        """What those operations took."""
        return self.run(loops)


class Workload(ABC):
    """One thing to measure: what an operation is, which cases make sense, and how a bundle of them is run."""

    name: str
    quantity: str
    """What one operation is, in the words of the report."""
    revision = 1
    """Raised when the figures stop being comparable with earlier ones."""
    fixed_loops: int | None = None
    """Operations a value where calibrating by time makes no sense."""
    longer = 1
    """A value takes so many times what the profile says, where a short one would be something else: begun cold, or ended by waiting."""
    variants: tuple[str, ...] = ()
    """The keys of a variant that mean something to it."""
    blocks: Mapping[str, tuple[Block, ...]] = {}
    """By profile, what it adds to it: a workload that isn't about messages brings its cases in its own file."""
    together: tuple[str, ...] = ("size",)
    """What may differ between the cases of one bundle, which one worker measures: axes and keys of the variant. Never rivals."""

    @abstractmethod
    def subjects(self) -> tuple[str, ...]:
        """The mechanisms it can be measured on."""

    @abstractmethod
    def sides(self, processes: int) -> tuple[int, int]:
        """Processes on the near and the far side."""

    @abstractmethod
    def refuse(self, case: Case) -> Refusal | None:
        """Why the case makes no sense, or None."""

    @abstractmethod
    def session(self, cases: Sequence[Case]) -> AbstractContextManager[dict[Case, Timed]]:
        """Everything set up for a bundle of cases that differ in what `together` names; run in a fresh worker process."""

    def plain(self) -> tuple[Block, ...]:
        """What is measured where it is asked for by name and the profile has none of it."""
        return self.blocks.get("standard") or self.blocks.get("rigorous") or (Block((self.name,)),)

    def bundle(self, case: Case) -> Case:
        """What the cases of its bundle share."""
        axes: dict[str, Any] = {name: 0 for name in ("size", "processes") if name in self.together}
        kept = tuple((key, value) for key, value in case.variant if key not in self.together)
        return replace(case, variant=kept, **axes)

    def alone(self, case: Case) -> bool:
        """Whether no other worker may be there: it takes much memory, or is at work between its timed calls, too."""
        return case.size > LARGE

    def placement(self, case: Case) -> str:
        """Where its processes run by default: one on one core, two on a core each if there are two, more wherever the scheduler likes."""
        running = sum(self.sides(case.processes))
        if running > 2:
            return "free"
        return "cross-core" if running == 2 and len(placement.allowed()) > 1 else "same-core"

    def family(self, case: Case) -> str:
        """The family of the case's mechanism."""
        from ipcbench.ipc import registry

        return registry.load(case.mechanism).family

    def floor(self, case: Case) -> Case | None:  # noqa: ARG002 - a hook
        """The floor case that this one is compared with."""
        return None

    def channels(self, case: Case) -> str | None:  # noqa: ARG002 - a hook
        """`native` or `separate` where several peers take part."""
        return None

    def spread(self, options: dict[str, str]) -> list[dict[str, str]]:
        """The variants that a block's variant stands for here."""
        return [options]

    def loops(self, case: Case, seconds: float, timed: Timed) -> int | None:  # noqa: ARG002 - a hook
        """Operations of a value that should take about `seconds`, where that isn't to be calibrated by its time."""
        return self.fixed_loops

    def loops_multiple(self, case: Case) -> int:  # noqa: ARG002 - a hook
        """Operations come in multiples of this: one for each channel."""
        return 1


@cache
def names() -> tuple[str, ...]:
    """The names of all workloads, sorted."""
    return tuple(sorted(file.stem.replace("_", "-") for file in FOLDER.glob("[a-z]*.py")))


@cache
def load(name: str) -> Workload:
    """The workload of that name. Raises KeyError."""
    if name not in names():
        raise KeyError(name)
    found: Workload = import_module(f"ipcbench.bench.workloads.{name.replace('-', '_')}").WORKLOAD
    assert found.name == name, f"{name} calls itself {found.name}"
    return found
