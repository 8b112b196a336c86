"""`multiprocessing.RawArray` as a one-slot mailbox each way: shared memory without a lock, of an anonymous file that peers inherit.

Nothing in it has a name, so only processes started from its maker can use it. The semaphores order the accesses, as for
`shared-memory`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ipcbench.ipc.contract import Pair, PairMechanism, Refusal, Spec, Traits
from ipcbench.ipc.mailbox import Mailbox, Slot
from ipcbench.ipc.memory import no_whole_array, room, slot, touch
from ipcbench.ipc.owner import Owner


@dataclass
class RawArrayPlace:
    """Shared bytes on their way to a process."""

    shared: Any
    kind: str

    def attach(self) -> Slot:
        """The slot in this process."""
        memory = memoryview(self.shared).cast("B")
        touch(memory)
        return slot(self.kind, memory, memory.release)


class RawArray(PairMechanism):
    """A RawArray a direction."""

    name = "raw-array"
    family = "shared-memory"
    floor = "shared-memory"
    traits = Traits(
        needs=("semaphore",),
        kinds=("bytes", "array"),
        transfers=("copy",),
        waits=("block", "spin", "adaptive"),
        received="view",
        sized=True,
    )

    def unsupported(self, spec: Spec) -> Refusal | None:
        """Arrays whose size isn't a whole number of float64."""
        return no_whole_array(spec)

    def pair(self, spec: Spec, owner: Owner) -> Pair:  # noqa: ARG002 - the memory is the tickets' own
        """Two lanes of one slot each."""
        return Mailbox(spec, lambda: RawArrayPlace(spec.context.RawArray("B", room(spec)), spec.kind)).ends


MECHANISM = RawArray()
