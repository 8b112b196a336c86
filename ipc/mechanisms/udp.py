"""A pair of UDP sockets connected to each other over the loopback interface: boundaries, but no promise of arrival.

See udp(7). A message has at most 65,507 bytes (65,535 less the headers of IPv4 and UDP). What finds the receive buffer full is
dropped without a word: how much fits is the trait `capacity`, and a receiver that waits for a lost message ends
with `DeadlinePassed`.
"""

from __future__ import annotations

import socket

from ipcbench.ipc.contract import Endpoint, Pair, PairMechanism, Refusal, Spec, Traits
from ipcbench.ipc.datagrams import datagrams, no_room_for_a_pickle, receive_buffer
from ipcbench.ipc.owner import Owner
from ipcbench.ipc.sockets import Connected

LARGEST = 65507


def capacity(size: int) -> int:
    """Messages that surely fit in the receive buffer: the kernel counts up to twice their bytes and its bookkeeping."""
    return max(1, receive_buffer(socket.AF_INET) // (2 * size + 1024))


def endpoint(sock: socket.socket, spec: Spec) -> Endpoint:
    """One message is one datagram."""
    return datagrams(sock, spec, LARGEST)


class Udp(PairMechanism):
    """Two sockets, each bound to a port of its own."""

    name = "udp"
    family = "datagram"
    traits = Traits(
        kinds=("bytes", "object", "array"),
        transfers=("pickle",),
        largest=LARGEST,
        lossy=True,
        platforms=("linux",),
        capacity=capacity,
    )

    def unsupported(self, spec: Spec) -> Refusal | None:
        """Objects without room for their pickle."""
        return no_room_for_a_pickle(self.name, LARGEST, spec)

    def pair(self, spec: Spec, owner: Owner) -> Pair:
        """Both sockets, connected to each other."""
        near, far = _bound(owner), _bound(owner)
        near.connect(far.getsockname())
        far.connect(near.getsockname())
        return Connected(near, endpoint, spec), Connected(far, endpoint, spec)


def _bound(owner: Owner) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    owner.keep(sock.close)
    sock.bind(("127.0.0.1", 0))
    return sock


MECHANISM = Udp()
