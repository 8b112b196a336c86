"""A pair of Unix datagram sockets without a name: message boundaries for free; unix(7).

A message has at most 64 KiB; a peer's death shows at the next send alone.
"""

import socket

from ipcbench.ipc.contract import Endpoint, PairMechanism, Traits
from ipcbench.ipc.errors import EndClosed, MessageTooLarge

LARGEST = 65536


class Ticket:
    """One end, on its way to the process that uses it."""

    def __init__(self, sock):
        self.sock = sock

    def attach(self):
        """Plain functions, bound once. Raises `EndClosed` for an end that was dropped."""
        if self.sock.fileno() < 0:
            raise EndClosed("a dropped ticket can't be attached")
        return Endpoint(send=self.send, recv=lambda: self.sock.recv(LARGEST), close=self.drop)

    def send(self, message):
        """Raises `MessageTooLarge`: what the receiver has no room for would be cut."""
        if len(message) > LARGEST:
            raise MessageTooLarge(f"a message has at most {LARGEST:,} bytes, not {len(message):,}")
        self.sock.send(message)

    def drop(self):
        """Close this end; twice is fine."""
        self.sock.close()


class DatagramPair(PairMechanism):
    """Two ends of one socket pair."""

    name, family = "datagram-pair", "datagram"
    traits = Traits(largest=LARGEST)

    def pair(self, spec, owner):  # noqa: ARG002 - the contract's signature
        """A near and a far end."""
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for end in ends:
            owner.keep(end.close)
        return tuple(map(Ticket, ends))


MECHANISM = DatagramPair()
