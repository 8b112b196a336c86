"""`socket.socketpair()`: two connected Unix stream sockets without a name, with length framing.

See socketpair(2) and unix(7). Its ends must be inherited. Both sides sending more than the socket buffers hold (some 200 KiB) at once
deadlock until the deadline.
"""

from __future__ import annotations

import socket

from ipcbench.ipc.contract import Pair, PairMechanism, Spec, Traits
from ipcbench.ipc.owner import Owner
from ipcbench.ipc.sockets import Connected, stream


class SocketPair(PairMechanism):
    """One socket pair."""

    name = "socketpair"
    family = "socket"
    floor = "unix-stream"
    traits = Traits(kinds=("bytes", "object", "array"), transfers=("pickle", "buffers"), noticed=True)

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """The two sockets."""
        near, far = socket.socketpair()
        owner.keep(near.close)
        owner.keep(far.close)
        return Connected(near, stream, spec), Connected(far, stream, spec)


MECHANISM = SocketPair()
