"""A Unix seqpacket socket at a path in a private folder: a connection, like a stream, that keeps boundaries, like a datagram.

See unix(7); Linux has it, macOS doesn't. How large a message may be follows from the send buffer (net.core.wmem_default). An empty
message can't be told from the end of the connection, so none must be sent.
"""

from __future__ import annotations

import socket

from ipcbench.ipc.contract import Endpoint, Pair, PairMechanism, Refusal, Spec, Traits
from ipcbench.ipc.datagrams import largest_unix, no_room_for_a_pickle, packets
from ipcbench.ipc.owner import Owner
from ipcbench.ipc.sockets import ConnectTicket, ListenTicket, reachable

LARGEST = largest_unix()
SEQPACKET = getattr(socket, "SOCK_SEQPACKET", 5)


def endpoint(sock: socket.socket, spec: Spec) -> Endpoint:
    """One message is one packet."""
    return packets(sock, spec, LARGEST)


class UnixSeqpacket(PairMechanism):
    """The near end listens, the far end connects."""

    name = "unix-seqpacket"
    family = "datagram"
    traits = Traits(
        kinds=("bytes", "object", "array"),
        transfers=("pickle",),
        largest=LARGEST,
        noticed=True,
        platforms=("linux",),
    )

    def unsupported(self, spec: Spec) -> Refusal | None:
        """Objects without room for their pickle."""
        return no_room_for_a_pickle(self.name, LARGEST, spec)

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """A listener and its path."""
        path = owner.path()
        listener = socket.socket(socket.AF_UNIX, SEQPACKET)
        owner.keep(listener.close)
        with reachable(path) as address:
            listener.bind(address)
        listener.listen(1)
        connect = ConnectTicket(socket.AF_UNIX, SEQPACKET, path, endpoint, spec)
        return ListenTicket(listener, endpoint, spec), connect


MECHANISM = UnixSeqpacket()
