"""`multiprocessing.Value('d')` as a one-slot mailbox each way: one float in shared memory, behind its own lock.

The value alone says nothing about its arrival: a semaphore wakes the other side. It holds 8 bytes, no more and no less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ipcbench.ipc.contract import Pair, PairMechanism, Spec, Traits
from ipcbench.ipc.mailbox import Mailbox
from ipcbench.ipc.owner import Owner


class ValueSlot:
    """The shared float, read and written through its `value`, which takes the lock."""

    view = False

    def __init__(self, shared: Any) -> None:
        self.shared = shared

    def store(self, payload: float) -> None:
        """Set it."""
        self.shared.value = payload

    def load(self) -> float:
        """Get it."""
        value: float = self.shared.value
        return value

    def into(self, buffer: Any) -> Callable[[], Any] | None:  # noqa: ARG002 - a float goes into no buffer
        """Nothing narrower than `load`."""
        return None

    def close(self) -> None:
        """Nothing was taken."""


@dataclass
class ValuePlace:
    """A shared float on its way to a process."""

    shared: Any

    def attach(self) -> ValueSlot:
        """The slot in this process."""
        return ValueSlot(self.shared)


class Value(PairMechanism):
    """A Value a direction."""

    name = "value"
    family = "shared-memory"
    floor = "shared-memory"
    traits = Traits(needs=("semaphore",), kinds=("scalar",), waits=("block", "spin", "adaptive"), exact=(8,))

    def pair(self, spec: Spec, owner: Owner) -> Pair:  # noqa: ARG002 - the memory is the tickets' own
        """Two lanes of one float each."""
        return Mailbox(spec, lambda: ValuePlace(spec.context.Value("d"))).ends


MECHANISM = Value()
