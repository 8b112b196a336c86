"""A bare pair of pipe(2)s with length framing: the Python floor for kernel pipes.

See pipe(7): a byte stream without boundaries, 64 KiB in flight by default. Both ends sending more than that at once deadlock.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from ipcbench.ipc.contract import Endpoint, Pair, PairMechanism, Spec, Traits
from ipcbench.ipc.descriptors import Descriptor, duplex
from ipcbench.ipc.errors import DROPPED, EndClosed
from ipcbench.ipc.owner import Owner


@dataclass
class OsPipeTicket:
    """The reading end of one pipe and the writing end of the other."""

    reading: Descriptor
    writing: Descriptor
    spec: Spec

    def attach(self) -> Endpoint:
        """Nothing waits: the pipes are open."""
        if self.reading.fd < 0:
            raise EndClosed(DROPPED)
        return duplex(self.reading, self.writing, self.spec)

    def drop(self) -> None:
        """Close both descriptors."""
        self.reading.close()
        self.writing.close()


class OsPipe(PairMechanism):
    """Two os.pipe()s."""

    name = "os-pipe"
    family = "pipe"
    floor = "pipe"
    traits = Traits(
        kinds=("bytes", "object", "array"),
        transfers=("pickle", "buffers"),
        noticed=True,
    )

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """Each end reads from one pipe and writes to the other."""
        reading, far_writing = map(Descriptor, os.pipe())
        owner.keep(reading.close)
        owner.keep(far_writing.close)
        far_reading, writing = map(Descriptor, os.pipe())
        owner.keep(far_reading.close)
        owner.keep(writing.close)
        return OsPipeTicket(reading, writing, spec), OsPipeTicket(far_reading, far_writing, spec)


MECHANISM = OsPipe()
