"""Tickets of sockets: connected ones, and those that a listener and a path or port bring together.

A socket blocks; its deadline is the kernel's (SO_RCVTIMEO, SO_SNDTIMEO: socket(7)), so that it costs a message nothing.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipcbench.ipc.codec import dress, limit
from ipcbench.ipc.contract import Endpoint, Spec
from ipcbench.ipc.errors import DROPPED, DeadlinePassed, EndClosed, PeerGone
from ipcbench.ipc.framing import socket_into, socket_recv, socket_send

__all__ = ["ConnectTicket", "Connected", "ListenTicket", "bounded", "reachable", "stream"]

PATH = 104
"""Bytes of a Unix address that every system takes, the final zero included (Linux takes 108)."""

Make = Callable[[socket.socket, Spec], Endpoint]


@dataclass
class Connected:
    """An end that is connected already."""

    sock: socket.socket
    make: Make
    spec: Spec

    def attach(self) -> Endpoint:
        """Nothing waits."""
        if self.sock.fileno() < 0:
            raise EndClosed(DROPPED)
        return self.make(bounded(self.sock, self.spec.deadline), self.spec)

    def drop(self) -> None:
        """Close it."""
        self.sock.close()


@dataclass
class ListenTicket:
    """The end that accepts one connection."""

    listener: socket.socket
    make: Make
    spec: Spec

    def attach(self) -> Endpoint:
        """Waits for the peer to connect."""
        if self.listener.fileno() < 0:
            raise EndClosed(DROPPED)
        self.listener.settimeout(self.spec.deadline)
        try:
            sock, _ = self.listener.accept()
        except TimeoutError as error:
            raise DeadlinePassed(f"nobody connected within {self.spec.deadline:g} s") from error
        finally:
            self.listener.close()
        return self.make(bounded(sock, self.spec.deadline), self.spec)

    def drop(self) -> None:
        """Close the listener."""
        self.listener.close()


@dataclass
class ConnectTicket:
    """The end that connects to an address."""

    family: int
    type: int
    address: Any
    make: Make
    spec: Spec

    def attach(self) -> Endpoint:
        """Connects; the listener is there from the start."""
        if self.address is None:
            raise EndClosed(DROPPED)
        sock = socket.socket(self.family, self.type)
        try:
            sock.settimeout(self.spec.deadline)
            with reachable(self.address) as address:
                sock.connect(address)
            return self.make(bounded(sock, self.spec.deadline), self.spec)
        except TimeoutError as error:
            sock.close()
            raise DeadlinePassed(f"nobody answered within {self.spec.deadline:g} s") from error
        except (ConnectionError, FileNotFoundError) as error:
            sock.close()
            raise PeerGone("the other side closed its listener") from error
        except BaseException:
            sock.close()
            raise

    def drop(self) -> None:
        """Forget the address."""
        self.address = None


def bounded(sock: socket.socket, deadline: float) -> socket.socket:
    """The socket, blocking in Python's eyes, with the deadline left to the kernel."""
    sock.settimeout(None)
    seconds = struct.pack("@ll", int(deadline), max(int(deadline % 1 * 1e6), int(deadline < 1e-6)))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)
    return sock


@contextmanager
def reachable(address: Any) -> Iterator[Any]:
    """An address to bind or connect to: a Unix path that is too long goes through its folder's descriptor on Linux."""
    if not isinstance(address, str) or len(os.fsencode(address)) < PATH or not sys.platform.startswith("linux"):
        yield address
        return
    path = Path(address)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def stream(sock: socket.socket, spec: Spec) -> Endpoint:
    """An endpoint that frames messages on a stream socket."""
    if sock.family != getattr(socket, "AF_UNIX", None):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    recv = socket_recv(sock, limit(spec))
    return dress(Endpoint(socket_send(sock), recv, sock.close, lambda buffer: socket_into(sock, buffer)), spec)
