"""`multiprocessing.Pipe(duplex=True)`: a Unix socket pair, both ways on one connection.

Documented under "Pipes and Queues" of `multiprocessing`. Its own frame is a 4-byte length (12 bytes from 2 GiB on); a receiver collects
chunks in a BytesIO: a copy more than a bare socket makes. Sending more than the socket's buffer in both directions at once deadlocks.
"""

from __future__ import annotations

from ipcbench.ipc.connections import ConnectionTicket
from ipcbench.ipc.contract import Pair, PairMechanism, Spec, Traits
from ipcbench.ipc.owner import Owner


class Pipe(PairMechanism):
    """One duplex Pipe."""

    name = "pipe"
    family = "pipe"
    floor = "unix-stream"
    traits = Traits(kinds=("bytes", "object", "array"), transfers=("pickle", "buffers"), noticed=True)

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """The two ends of one connection."""
        near, far = spec.context.Pipe(duplex=True)
        owner.keep(near.close)
        owner.keep(far.close)
        return ConnectionTicket(near, near, spec), ConnectionTicket(far, far, spec)


MECHANISM = Pipe()
