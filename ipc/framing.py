"""Messages on a byte stream: an 8-byte little-endian length, then the payload, each way in one system call where it can be.

For file descriptors that is writev(2) and readv(2), for sockets sendmsg(2) and recvmsg(2), with MSG_WAITALL once the length is
known to be right. A length is checked against the channel's limit before anything is allocated; short reads and writes are completed.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from typing import Any

from ipcbench.ipc.errors import DamagedMessage, DeadlinePassed, PeerGone, unexpected

__all__ = ["fd_into", "fd_recv", "fd_send", "socket_into", "socket_recv", "socket_send"]

HEADER = struct.Struct("<Q")
CLOSED = "the other side closed its end"
CUT = "the other side closed its end in the middle of a message"


def fd_send(fd: int) -> Callable[[Any], None]:
    """`send(payload)` on a descriptor that blocks. The header is packed anew only when the length changes."""
    writev, pack = os.writev, HEADER.pack
    length, header, total = -1, b"", 0

    def send(payload: Any) -> None:
        nonlocal length, header, total
        if len(payload) != length:
            length = len(payload)
            header, total = pack(length), length + 8
        try:
            done = writev(fd, (header, payload))
            if done != total:
                rest = memoryview(header + payload)[done:]
                while rest:
                    rest = rest[os.write(fd, rest) :]
        except (BrokenPipeError, ConnectionResetError) as error:
            raise PeerGone(CLOSED) from error

    return send


def fd_recv(fd: int, limit: int) -> Callable[[], bytes]:
    """`recv()` on a descriptor that blocks: the length first, then just that many bytes."""

    def recv() -> bytes:
        length = checked(read_exactly(fd, 8, CLOSED), limit)
        return read_exactly(fd, length, CUT)

    return recv


def fd_into(fd: int, buffer: Any) -> Callable[[], None]:
    """`receive()` of one message of exactly `len(buffer)` bytes, straight into the buffer."""
    readv = os.readv
    view, head = memoryview(buffer), bytearray(8)
    expected, total, parts = HEADER.pack(len(view)), len(view) + 8, (head, view)
    word, right = memoryview(head).cast("Q"), memoryview(expected).cast("Q")[0]  # cheaper to compare than bytes

    def receive() -> None:
        done = readv(fd, parts)
        if done != total:
            if done < 8:
                head[done:] = read_exactly(fd, 8 - done, CUT if done else CLOSED)
                done = 8
            while head == expected and done < total:
                more = readv(fd, (view[done - 8 :],))
                if not more:
                    raise PeerGone(CUT)
                done += more
        if word[0] != right:
            raise unexpected(HEADER.unpack(head)[0], len(view))

    return receive


def socket_send(sock: socket.socket) -> Callable[[Any], None]:
    """`send(payload)` on a stream socket that blocks."""
    sendmsg, pack = sock.sendmsg, HEADER.pack
    length, header, total = -1, b"", 0

    def send(payload: Any) -> None:
        nonlocal length, header, total
        if len(payload) != length:
            length = len(payload)
            header, total = pack(length), length + 8
        try:
            done = sendmsg((header, payload))
            if done != total:
                sock.sendall(memoryview(header + payload)[done:])
        except (BrokenPipeError, ConnectionResetError) as error:
            raise PeerGone(CLOSED) from error
        except BlockingIOError as error:
            raise DeadlinePassed("the other side took nothing within the deadline") from error

    return send


def socket_recv(sock: socket.socket, limit: int) -> Callable[[], bytearray]:
    """`recv()` on a stream socket that blocks: the length first, then the payload into a buffer of that length."""
    head = bytearray(8)

    def recv() -> bytearray:
        fill(sock, memoryview(head), CLOSED)
        payload = bytearray(checked(head, limit))
        fill(sock, memoryview(payload), CUT)
        return payload

    return recv


def socket_into(sock: socket.socket, buffer: Any) -> Callable[[], None]:
    """`receive()` of one message of exactly `len(buffer)` bytes, straight into the buffer."""
    recvmsg_into = sock.recvmsg_into
    view, head = memoryview(buffer), bytearray(8)
    expected, total, parts = HEADER.pack(len(view)), len(view) + 8, (head, view)
    word, right = memoryview(head).cast("Q"), memoryview(expected).cast("Q")[0]  # cheaper to compare than bytes

    def receive() -> None:
        try:
            done = recvmsg_into(parts)[0]  # not MSG_WAITALL: a message too short would be waited for
        except (BlockingIOError, ConnectionResetError) as error:
            raise translated(error) from error
        if done != total:
            if done < 8:
                fill(sock, memoryview(head)[done:], CUT if done else CLOSED)
                done = 8
            if head == expected:
                fill(sock, view[done - 8 :], CUT)
        if word[0] != right:
            raise unexpected(HEADER.unpack(head)[0], len(view))

    return receive


def checked(head: bytes | bytearray, limit: int) -> int:
    """The length in a header. Raises `DamagedMessage` if it is beyond the limit."""
    length: int = HEADER.unpack(head)[0]
    if length > limit:
        raise DamagedMessage(f"a header announces {length:,} bytes where at most {limit:,} can come")
    return length


def translated(error: OSError) -> DeadlinePassed | PeerGone:
    """The contract's error for one of the kernel's."""
    if isinstance(error, BlockingIOError):
        return DeadlinePassed("nothing came within the deadline")
    return PeerGone(CLOSED)


def read_exactly(fd: int, size: int, closed: str) -> bytes:
    """Just `size` bytes of a descriptor. Raises `PeerGone` with the text `closed` at its end."""
    first = os.read(fd, size)
    if len(first) == size:
        return first
    whole, done = bytearray(size), len(first)
    whole[:done] = first
    view = memoryview(whole)
    while done < size:
        more = os.readv(fd, (view[done:],)) if first else 0
        if not more:
            raise PeerGone(CUT if done else closed)
        done += more
    return bytes(whole)


def fill(sock: socket.socket, view: memoryview, closed: str) -> None:
    """Fill a buffer from a stream socket. Raises `PeerGone` with the text `closed` at its end."""
    done = 0
    while done < len(view):
        try:
            more = sock.recv_into(view[done:], 0, socket.MSG_WAITALL)
        except (BlockingIOError, ConnectionResetError) as error:
            raise translated(error) from error
        if not more:
            raise PeerGone(CUT if done else closed)
        done += more
