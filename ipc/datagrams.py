"""Endpoints over sockets that keep boundaries: a message is one datagram or packet, sent and received by one system call.

A message that exceeds the receiver's buffer is cut by the kernel: recv(2) with MSG_TRUNC tells its real length (Linux only).
"""

from __future__ import annotations

import errno
import pickle
import socket
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from ipcbench.ipc.contract import Endpoint, Refusal, Spec
from ipcbench.ipc.errors import DamagedMessage, DeadlinePassed, MessageTooLarge, PeerGone, unexpected
from ipcbench.ipc.framing import CLOSED

__all__ = ["PICKLED", "datagrams", "largest_unix", "no_room_for_a_pickle", "packets", "receive_buffer"]

PICKLED = 1024
"""Bytes that a pickle may take beyond its payload."""


@cache
def largest_unix() -> int:
    """The largest Unix datagram: the send buffer less 32 bytes, as net/unix/af_unix.c has it; 212,960 by default."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        return probe.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) - 32


@cache
def receive_buffer(family: int) -> int:
    """The bytes of memory, bookkeeping included, that a datagram socket keeps unread."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        return probe.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def no_room_for_a_pickle(name: str, largest: int, spec: Spec) -> Refusal | None:
    """A refusal of payloads that are too large once they are pickled."""
    if spec.kind == "bytes" or spec.size <= largest - PICKLED:
        return None
    limit = f"{largest - PICKLED:,} bytes before pickling ({largest:,} pickled)"
    return Refusal("size", f"a message of {name} has at most {limit}, not {spec.size:,}")


def datagrams(sock: socket.socket, spec: Spec, largest: int) -> Endpoint:
    """An endpoint whose peer may be gone unseen."""
    return _endpoint(sock, spec, largest, ends=False)


def packets(sock: socket.socket, spec: Spec, largest: int) -> Endpoint:
    """An endpoint on a connection: nothing received means that the peer is gone."""
    return _endpoint(sock, spec, largest, ends=True)


def _endpoint(sock: socket.socket, spec: Spec, largest: int, *, ends: bool) -> Endpoint:
    send = _sender(sock, largest)
    if spec.kind == "bytes":
        return Endpoint(
            send,
            _receiver(sock, spec.size, ends=ends),
            sock.close,
            partial(_into, sock, ends=ends),
            drain=partial(_drain, sock, ends=ends),
        )
    recv, dumps, loads = _receiver(sock, largest, ends=ends), pickle.dumps, pickle.loads

    def send_pickled(payload: Any) -> None:
        send(dumps(payload, 5))

    def recv_pickled() -> Any:
        return loads(recv())

    return Endpoint(send_pickled, recv_pickled, sock.close, drain=partial(_drain, sock, ends=ends))


def _sender(sock: socket.socket, largest: int) -> Callable[[Any], None]:
    push = sock.send

    def send(payload: Any) -> None:
        try:
            push(payload)
        except OSError as error:
            raise _translated(error, f"a message has at most {largest:,} bytes, not {len(payload):,}") from error

    return send


def _receiver(sock: socket.socket, size: int, *, ends: bool) -> Callable[[], bytes]:
    pull, room = sock.recv, size + 1  # one byte more than can come, so that a cut message is seen

    def recv() -> bytes:
        try:
            message = pull(room)
        except OSError as error:
            raise _translated(error) from error
        if len(message) == room:
            raise DamagedMessage(f"a message of more than {size:,} bytes came")
        if ends and not message:
            raise PeerGone(CLOSED)
        return message

    return recv


def _into(sock: socket.socket, buffer: Any, *, ends: bool) -> Callable[[], None]:
    pull, expected, whole = sock.recv_into, len(buffer), socket.MSG_TRUNC

    def receive() -> None:
        try:
            length = pull(buffer, expected, whole)
        except OSError as error:
            raise _translated(error) from error
        if length != expected:
            if ends and not length:
                raise PeerGone(CLOSED)
            raise unexpected(length, expected)

    return receive


def _drain(sock: socket.socket, *, ends: bool) -> int:
    """Discard all that waits; how many messages that was."""
    count = 0
    while True:
        try:
            if not sock.recv(1, socket.MSG_DONTWAIT) and ends:
                return count
        except BlockingIOError:
            return count
        count += 1


def _translated(error: OSError, size: str = "") -> Exception:
    if isinstance(error, BlockingIOError):
        return DeadlinePassed("the other side sent or took nothing within the deadline")
    if isinstance(error, ConnectionError) or error.errno in {errno.ENOENT, errno.ENOTCONN}:
        return PeerGone(CLOSED)
    if error.errno == errno.EMSGSIZE:
        return MessageTooLarge(size)
    return error
