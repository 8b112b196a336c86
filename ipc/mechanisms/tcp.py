"""TCP over the loopback interface, on a port that the kernel chose, with length framing and TCP_NODELAY on both sides.

See tcp(7). Without TCP_NODELAY, Nagle's algorithm (RFC 896) and delayed acknowledgements (RFC 1122, 4.2.3.2) may hold a small message
back for 40 ms. Any process of the machine may connect to the port; a peer's death shows as an end of file, a reset,
or only at the second send.
"""

from __future__ import annotations

import socket

from ipcbench.ipc.contract import Pair, PairMechanism, Spec, Traits
from ipcbench.ipc.owner import Owner
from ipcbench.ipc.sockets import ConnectTicket, ListenTicket, stream


class Tcp(PairMechanism):
    """The near end listens, the far end connects."""

    name = "tcp"
    family = "socket"
    floor = "tcp"
    traits = Traits(
        kinds=("bytes", "object", "array"),
        transfers=("pickle", "buffers"),
        noticed=True,
    )

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """A listener and its port."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        owner.keep(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        connect = ConnectTicket(socket.AF_INET, socket.SOCK_STREAM, listener.getsockname(), stream, spec)
        return ListenTicket(listener, stream, spec), connect


MECHANISM = Tcp()
