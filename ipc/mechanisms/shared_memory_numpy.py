"""`SharedMemory` as a one-slot mailbox each way for numpy arrays: copied into shared memory, received as a view, never pickled.

The slot carries float64 arrays of any shape up to eight dimensions: a changed shape is announced beside the data, an unchanged one
costs a comparison. An array that the receiver keeps beyond `close` keeps the memory mapped, since numpy has no way to
release a view; its content isn't promised.
"""

from __future__ import annotations

from dataclasses import dataclass

from ipcbench.ipc.contract import Pair, PairMechanism, Refusal, Spec, Traits
from ipcbench.ipc.mailbox import Mailbox
from ipcbench.ipc.memory import ArraySlot, Segment, create, no_whole_array, room
from ipcbench.ipc.owner import Owner


@dataclass
class ArrayPlace:
    """One segment that holds a shape and an array."""

    segment: Segment

    def attach(self) -> ArraySlot:
        """The slot in this process."""
        memory, close = self.segment.map()
        return ArraySlot(memory, close)


class SharedMemoryNumpy(PairMechanism):
    """A segment a direction."""

    name = "shared-memory-numpy"
    family = "shared-memory"
    floor = "shared-memory"
    traits = Traits(
        needs=("semaphore", "shared-memory"),
        kinds=("array",),
        transfers=("copy",),
        waits=("block", "spin", "adaptive"),
        received="view",
        sized=True,
    )

    def unsupported(self, spec: Spec) -> Refusal | None:
        """Sizes that aren't a whole number of float64."""
        return no_whole_array(spec)

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """Two lanes of one slot each."""
        return Mailbox(spec, lambda: ArrayPlace(create(room(spec), owner))).ends


MECHANISM = SharedMemoryNumpy()
