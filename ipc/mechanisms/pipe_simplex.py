"""Two `multiprocessing.Pipe(duplex=False)`: a pipe(2) each way, where a duplex Pipe is a socket pair.

Documented under "Pipes and Queues" of `multiprocessing`; see pipe(7) for the 64 KiB that fit in flight. Both ends sending more than
that at once deadlock.
"""

from __future__ import annotations

from ipcbench.ipc.connections import ConnectionTicket
from ipcbench.ipc.contract import Pair, PairMechanism, Spec, Traits
from ipcbench.ipc.owner import Owner


class PipeSimplex(PairMechanism):
    """A Pipe a direction."""

    name = "pipe-simplex"
    family = "pipe"
    floor = "pipe"
    traits = Traits(kinds=("bytes", "object", "array"), transfers=("pickle", "buffers"), noticed=True)

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """Each end reads from one Pipe and writes to the other."""
        reading, far_writing = spec.context.Pipe(duplex=False)
        owner.keep(reading.close)
        owner.keep(far_writing.close)
        far_reading, writing = spec.context.Pipe(duplex=False)
        owner.keep(far_reading.close)
        owner.keep(writing.close)
        return ConnectionTicket(reading, writing, spec), ConnectionTicket(far_reading, far_writing, spec)


MECHANISM = PipeSimplex()
