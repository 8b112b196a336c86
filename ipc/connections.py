"""Endpoints over `multiprocessing.connection.Connection`: bytes by send_bytes, everything else by send, which pickles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing import BufferTooShort
from multiprocessing.connection import Connection
from typing import Any

from ipcbench.ipc.codec import dress, limit
from ipcbench.ipc.contract import Endpoint, Spec
from ipcbench.ipc.errors import DROPPED, DamagedMessage, EndClosed, PeerGone, unexpected

__all__ = ["ConnectionTicket"]

GONE = "the other side closed its end"


@dataclass
class ConnectionTicket:
    """What one side reads from and writes to: the same connection, or one a direction."""

    reading: Connection[Any, Any]
    writing: Connection[Any, Any]
    spec: Spec

    def attach(self) -> Endpoint:
        """Nothing waits: the pipes are open."""
        if self.reading.closed:
            raise EndClosed(DROPPED)
        if self.spec.kind == "bytes":
            return _bytes_endpoint(self)
        if self.spec.transfer == "buffers":
            return dress(_bytes_endpoint(self), self.spec)
        return Endpoint(_sending(self.writing.send), _receiving(self.reading.recv), self.drop)

    def drop(self) -> None:
        """Close both connections; closing twice is fine."""
        self.reading.close()
        self.writing.close()


def _sending(send: Callable[[Any], None]) -> Callable[[Any], None]:
    def checked(payload: Any) -> None:
        try:
            send(payload)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise PeerGone(GONE) from error

    return checked


def _receiving(recv: Callable[[], Any]) -> Callable[[], Any]:
    def checked() -> Any:
        try:
            return recv()
        except (EOFError, ConnectionResetError) as error:
            raise PeerGone(GONE) from error
        except OSError as error:
            raise _translated(error) from error

    return checked


def _translated(error: OSError) -> Exception:
    """A message cut by its sender's end and one beyond the limit are both a bare OSError there, without errno."""
    if error.errno is None and "end of file" in str(error):
        return PeerGone("the other side closed its end in the middle of a message")
    if error.errno is None:
        return DamagedMessage(str(error))
    return error


def _bytes_endpoint(ticket: ConnectionTicket) -> Endpoint:
    reading, size = ticket.reading, limit(ticket.spec)

    def into(buffer: Any) -> Callable[[], None]:
        recv_into, expected = reading.recv_bytes_into, len(buffer)

        def receive() -> None:
            try:
                length = recv_into(buffer)
            except BufferTooShort as error:
                raise unexpected(len(error.args[0]), expected) from error
            except (EOFError, ConnectionResetError) as error:
                raise PeerGone(GONE) from error
            except OSError as error:
                raise _translated(error) from error
            if length != expected:
                raise unexpected(length, expected)

        return receive

    recv = _receiving(partial(reading.recv_bytes, size))
    return Endpoint(_sending(ticket.writing.send_bytes), recv, ticket.drop, into)
