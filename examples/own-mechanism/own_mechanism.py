"""A Unix datagram socket pair: message boundaries for free; unix(7)."""

import socket

from ipcbench.ipc.contract import Endpoint, PairMechanism, Traits


class Ticket:
    """One end, on its way to the process that uses it."""

    def __init__(self, sock):
        self.sock = sock

    def attach(self):
        """Plain functions, bound once."""
        return Endpoint(send=self.sock.send, recv=lambda: self.sock.recv(65536), close=self.drop)

    def drop(self):
        """Close this end; twice is fine."""
        self.sock.close()


class DatagramPair(PairMechanism):
    """Two ends of one socket pair."""

    name, family = "datagram-pair", "datagram"
    traits = Traits(largest=65536)

    def pair(self, spec, owner):  # noqa: ARG002 - the contract's signature
        """A near and a far end."""
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for end in ends:
            owner.keep(end.close)
        return tuple(map(Ticket, ends))


MECHANISM = DatagramPair()
