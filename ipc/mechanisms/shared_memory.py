"""`SharedMemory` as a one-slot mailbox each way: bytes copied in and out, a semaphore wakes the other side.

The semaphores order the accesses: POSIX lists sem_post and sem_wait among the functions that synchronise memory
(IEEE 1003.1, 4.12), so a payload stored before `full` is posted is seen whole by whoever then takes `full`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ipcbench.ipc.contract import Pair, PairMechanism, Spec, Traits
from ipcbench.ipc.mailbox import Mailbox
from ipcbench.ipc.memory import BytesSlot, Segment, create, room
from ipcbench.ipc.owner import Owner


@dataclass
class SharedMemoryPlace:
    """One segment that holds a length and a payload."""

    segment: Segment

    def attach(self) -> BytesSlot:
        """The slot in this process."""
        memory, close = self.segment.map()
        return BytesSlot(memory, close)


class SharedMemory(PairMechanism):
    """A segment a direction."""

    name = "shared-memory"
    family = "shared-memory"
    floor = "shared-memory"
    traits = Traits(
        needs=("semaphore", "shared-memory"),
        kinds=("bytes",),
        waits=("block", "spin", "adaptive"),
        received="view",
        sized=True,
    )

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """Two lanes of one slot each."""
        return Mailbox(spec, lambda: SharedMemoryPlace(create(room(spec), owner))).ends


MECHANISM = SharedMemory()
