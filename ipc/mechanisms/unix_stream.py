"""A Unix stream socket at a path in a private folder, with length framing: what unrelated processes of one machine use.

See unix(7). A path has at most 107 bytes there; longer ones are reached through their folder's descriptor. Both sides
sending more than the socket buffers hold (some 200 KiB) at once deadlock until the deadline.
"""

from __future__ import annotations

import socket

from ipcbench.ipc.contract import Pair, PairMechanism, Spec, Traits
from ipcbench.ipc.owner import Owner
from ipcbench.ipc.sockets import ConnectTicket, ListenTicket, reachable, stream


class UnixStream(PairMechanism):
    """The near end listens, the far end connects."""

    name = "unix-stream"
    family = "socket"
    floor = "unix-stream"
    traits = Traits(
        kinds=("bytes", "object", "array"),
        transfers=("pickle", "buffers"),
        noticed=True,
    )

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """A listener and its path."""
        path = owner.path()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        owner.keep(listener.close)
        with reachable(path) as address:
            listener.bind(address)
        listener.listen(1)
        connect = ConnectTicket(socket.AF_UNIX, socket.SOCK_STREAM, path, stream, spec)
        return ListenTicket(listener, stream, spec), connect


MECHANISM = UnixStream()
