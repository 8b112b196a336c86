"""A ring of slots in shared memory a direction, for one sender and one receiver: no kernel where it spins.

A slot is a 64-byte line whose first word says what it holds, then the payload. Each side walks round the ring by an
index of its own, so that several messages are in flight, up to the number of slots.

Waiting by `spin`: a slot's word is twice the length of its message plus the parity of the lap, so a new one always
differs. The sender copies the payload and then stores the word; the receiver waits for the word, reads, and then
stores the index of what it took, for which the sender waits when the ring is full. Python has no memory fence, and none
is needed on x86-64 (Intel SDM volume 3, "Memory Ordering"): stores become visible in program order, so whoever sees the
word sees the payload; a load isn't moved behind a later store, so the receiver's reads are done before its index is
seen; a store isn't moved before an earlier load, so the sender writes only after it saw that index. Words and
indices are aligned, each stored by one 8-byte move. Fast string stores of memcpy are ordered before later stores, and
where it uses non-temporal ones the C library ends with a fence. On every other machine `spin` is refused.

Waiting by `block` and `adaptive`: two counting semaphores a direction, of full and of free slots, publish the slots;
POSIX has them synchronise memory (IEEE 1003.1, 4.12), whatever the machine. `adaptive` polls the semaphore for some
50 µs before it sleeps.

`recv` gives a view of the slot, which stays taken until the next `recv`. `reserve` gives the memory of the next free slot
and `commit(n)` sends its first n items. Arrays are float64 and have one dimension. Spinning isn't ended by a peer's death.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from ipcbench.ipc.contract import Endpoint, Pair, PairMechanism, Refusal, Spec, Traits
from ipcbench.ipc.errors import DROPPED, EndClosed
from ipcbench.ipc.mailbox import waiter
from ipcbench.ipc.memory import Segment, create, no_whole_array
from ipcbench.ipc.owner import Owner
from ipcbench.ipc.ring import Ring, room, slots_for, spinning, waking


@dataclass
class Lane:
    """One way: its segment, and the semaphores of full and free slots unless it spins."""

    segment: Segment
    full: Any = None
    free: Any = None


@dataclass
class RingTicket:
    """One end: the lane it sends on and the one it receives from."""

    out: Lane | None
    back: Lane | None
    slots: int
    spec: Spec

    def attach(self) -> Endpoint:
        """Nothing waits for the peer."""
        if self.out is None or self.back is None:
            raise EndClosed(DROPPED)
        out, back = self.out, self.back
        sending = self._ring(out)
        try:
            receiving = self._ring(back)
        except BaseException:
            sending.close()
            raise
        wait = self.spec.wait
        if wait == "spin":
            return spinning(sending, receiving)
        free, full = waiter(out.free, wait), waiter(back.full, wait)
        return waking(sending, receiving, free, out.full.release, full, back.free.release)

    def _ring(self, lane: Lane) -> Ring:
        memory, close = lane.segment.map()
        return Ring(memory, self.slots, self.spec.size, self.spec.kind, close)

    def drop(self) -> None:
        """Forget the lanes: what a process holds of them is freed with the last reference."""
        self.out = self.back = None


class SharedMemoryRing(PairMechanism):
    """A ring a direction."""

    name = "shared-memory-ring"
    family = "shared-memory"
    floor = "shared-memory"
    traits = Traits(
        needs=("semaphore", "shared-memory"),
        kinds=("bytes", "array"),
        transfers=("copy",),
        waits=("block", "spin", "adaptive"),
        received="view",
        sized=True,
        in_place=True,
    )

    def floor_for(self, wait: str) -> str | None:
        """Spinning does without a semaphore."""
        return "spin" if wait == "spin" else self.floor

    def unsupported(self, spec: Spec) -> Refusal | None:
        """Spinning without a strong memory order, and arrays that aren't a whole number of float64."""
        machine = os.uname().machine
        if spec.wait == "spin" and machine not in {"x86_64", "amd64"}:
            reason = f"{self.name} spins on x86-64 only: {machine} may reorder stores, and Python has no fence"
            return Refusal("memory-order", reason)
        return no_whole_array(spec)

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """Two rings of as many slots as are in flight, or some more (`slots_for`)."""
        slots = slots_for(spec.size, spec.window)

        def lane() -> Lane:
            segment = create(room(slots, spec.size), owner)
            if spec.wait == "spin":
                return Lane(segment)
            return Lane(segment, spec.context.Semaphore(0), spec.context.Semaphore(slots))

        there, back = lane(), lane()
        return RingTicket(there, back, slots, spec), RingTicket(back, there, slots, spec)


MECHANISM = SharedMemoryRing()
