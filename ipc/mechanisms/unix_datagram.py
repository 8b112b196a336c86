"""A pair of Unix datagram sockets at paths in a private folder: boundaries, in order, nothing lost; a sender blocks when full.

See unix(7). How many messages wait unread is net.unix.max_dgram_qlen (10 by default); how large one may be follows from the
send buffer (net.core.wmem_default). A peer's death shows at the next send alone, never to a receiver.
"""

from __future__ import annotations

import socket

from ipcbench.ipc.contract import Endpoint, Pair, PairMechanism, Refusal, Spec, Traits
from ipcbench.ipc.datagrams import datagrams, largest_unix, no_room_for_a_pickle
from ipcbench.ipc.owner import Owner
from ipcbench.ipc.sockets import Connected, reachable

LARGEST = largest_unix()


def endpoint(sock: socket.socket, spec: Spec) -> Endpoint:
    """One message is one datagram."""
    return datagrams(sock, spec, LARGEST)


class UnixDatagram(PairMechanism):
    """Two sockets, each bound to a path of its own."""

    name = "unix-datagram"
    family = "datagram"
    traits = Traits(
        kinds=("bytes", "object", "array"),
        transfers=("pickle",),
        largest=LARGEST,
        platforms=("linux",),
    )

    def unsupported(self, spec: Spec) -> Refusal | None:
        """Objects without room for their pickle."""
        return no_room_for_a_pickle(self.name, LARGEST, spec)

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """Both sockets, connected to each other."""
        (near, near_path), (far, far_path) = _bound(owner), _bound(owner)
        for sock, path in ((near, far_path), (far, near_path)):
            with reachable(path) as address:
                sock.connect(address)
        return Connected(near, endpoint, spec), Connected(far, endpoint, spec)


def _bound(owner: Owner) -> tuple[socket.socket, str]:
    path = owner.path()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    owner.keep(sock.close)
    with reachable(path) as address:
        sock.bind(address)
    return sock, path


MECHANISM = UnixDatagram()
