"""`multiprocessing.Array` as a one-slot mailbox each way: shared memory behind a recursive lock, taken for each copy.

The copy goes through a memoryview of get_obj(), whole: indexing the synchronised array costs a Python call an element. What
is received is a copy, since a view would be read without the lock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ipcbench.ipc.contract import Pair, PairMechanism, Refusal, Spec, Traits
from ipcbench.ipc.mailbox import Mailbox, Slot
from ipcbench.ipc.memory import no_whole_array, room, slot, touch
from ipcbench.ipc.owner import Owner


class LockedSlot:
    """A slot of which each access takes the lock."""

    view = False

    def __init__(self, inner: Slot, lock: Any, copy: Callable[[Any], Any]) -> None:
        self.inner, self.lock, self.copy, self.close = inner, lock, copy, inner.close

    def store(self, payload: Any) -> None:
        """Store under the lock."""
        with self.lock:
            self.inner.store(payload)

    def load(self) -> Any:
        """A copy made under the lock."""
        with self.lock:
            return self.copy(self.inner.load())

    def into(self, buffer: Any) -> Callable[[], Any] | None:
        """Copies into the buffer under the lock."""
        lock, take = self.lock, self.inner.into(buffer)
        assert take is not None

        def take_locked() -> None:
            with lock:
                take()

        return take_locked


@dataclass
class ArrayPlace:
    """Shared bytes and their lock on their way to a process."""

    shared: Any
    kind: str

    def attach(self) -> LockedSlot:
        """The slot in this process."""
        memory = memoryview(self.shared.get_obj()).cast("B")
        touch(memory)
        copy: Callable[[Any], Any] = bytes
        if self.kind == "array":
            from numpy import array as copy
        return LockedSlot(slot(self.kind, memory, memory.release), self.shared.get_lock(), copy)


class Array(PairMechanism):
    """An Array a direction."""

    name = "array"
    family = "shared-memory"
    floor = "shared-memory"
    traits = Traits(
        needs=("semaphore",),
        kinds=("bytes", "array"),
        transfers=("copy",),
        waits=("block", "spin", "adaptive"),
        sized=True,
    )

    def unsupported(self, spec: Spec) -> Refusal | None:
        """Arrays whose size isn't a whole number of float64."""
        return no_whole_array(spec)

    def pair(self, spec: Spec, owner: Owner) -> Pair:  # noqa: ARG002 - the memory is the tickets' own
        """Two lanes of one slot each."""
        return Mailbox(spec, lambda: ArrayPlace(spec.context.Array("B", room(spec)), spec.kind)).ends


MECHANISM = Array()
